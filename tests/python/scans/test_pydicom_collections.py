"""Every file of pydicom's and pydicom-data's collections: its uncompressed twin, or a line.

The twins are written down here. What is refused is a segmentation, or pydicom cannot decode it
either.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medlab.errors import MedlabError
from medlab.scans import open_scan

TWINS = {
    # Lossless: bit for bit.
    "MR_small_RLE.dcm": "MR_small.dcm",
    "MR_small_bigendian.dcm": "MR_small.dcm",
    "MR_small_expb.dcm": "MR_small.dcm",
    "MR_small_implicit.dcm": "MR_small.dcm",
    "MR_small_jp2klossless.dcm": "MR_small.dcm",
    "MR_small_jpeg_ls_lossless.dcm": "MR_small.dcm",
    "MR_small_padded.dcm": "MR_small.dcm",
    "emri_small_RLE.dcm": "emri_small.dcm",
    "emri_small_big_endian.dcm": "emri_small.dcm",
    "emri_small_jpeg_2k_lossless.dcm": "emri_small.dcm",
    "emri_small_jpeg_ls_lossless.dcm": "emri_small.dcm",
    "rtdose_expb.dcm": "rtdose.dcm",
    "rtdose_rle.dcm": "rtdose.dcm",
    "rtdose_expb_1frame.dcm": "rtdose_1frame.dcm",
    "rtdose_rle_1frame.dcm": "rtdose_1frame.dcm",
    "693_J2KR.dcm": "693_UNCR.dcm",
    "MR2_J2KR.dcm": "MR2_UNCR.dcm",
    "RG1_J2KR.dcm": "RG1_UNCR.dcm",
    "RG3_J2KR.dcm": "RG3_UNCR.dcm",
    "US1_J2KR.dcm": "US1_UNCR.dcm",
    "OBXXXX1A_rle.dcm": "OBXXXX1A.dcm",
    "OBXXXX1A_expb.dcm": "OBXXXX1A.dcm",
    "OBXXXX1A_rle_2frame.dcm": "OBXXXX1A_2frame.dcm",
    "OBXXXX1A_expb_2frame.dcm": "OBXXXX1A_2frame.dcm",
    "SC_rgb_rle.dcm": "SC_rgb.dcm",
    "SC_rgb_expb.dcm": "SC_rgb.dcm",
    "SC_rgb_rle_2frame.dcm": "SC_rgb_2frame.dcm",
    "SC_rgb_expb_2frame.dcm": "SC_rgb_2frame.dcm",
    "SC_rgb_rle_16bit.dcm": "SC_rgb_16bit.dcm",
    "SC_rgb_expb_16bit.dcm": "SC_rgb_16bit.dcm",
    "SC_rgb_rle_16bit_2frame.dcm": "SC_rgb_16bit_2frame.dcm",
    "SC_rgb_expb_16bit_2frame.dcm": "SC_rgb_16bit_2frame.dcm",
    "SC_rgb_rle_32bit.dcm": "SC_rgb_32bit.dcm",
    "SC_rgb_expb_32bit.dcm": "SC_rgb_32bit.dcm",
    "SC_rgb_rle_32bit_2frame.dcm": "SC_rgb_32bit_2frame.dcm",
    "SC_rgb_expb_32bit_2frame.dcm": "SC_rgb_32bit_2frame.dcm",
    "SC_rgb_small_odd_big_endian.dcm": "SC_rgb_small_odd.dcm",
    "gdcm-US-ALOKA-16_big.dcm": "gdcm-US-ALOKA-16.dcm",
}
SEGMENTATIONS = {
    # pydicom decodes them; they hold labels of a scan and are opened as such.
    *("liver.dcm", "liver_expb.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm"),
}


def _collection() -> dict[str, Path]:
    import pydicom.data

    places = [
        Path(pydicom.data.__file__).parent / "test_files",
        *(Path(p) / "data_store" / "data" for p in sys.path),
    ]
    found: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob("*.dcm")):
            found.setdefault(path.name, path)
    return found


FILES = _collection()
# 120 frames of colour take seconds; others show the same.
LARGE = set() if os.environ.get("MEDLAB_LONG") == "1" else {"color3d_jpeg_baseline.dcm"}


def _tried(name, folder):
    try:
        return _opened(name, folder), None
    except MedlabError as error:
        return None, error


def _opened(name, folder):
    folder.mkdir(parents=True)
    copy = shutil.copy(FILES[name], folder / "a.dcm")
    try:
        return open_scan(copy)
    except MedlabError as error:
        if error.code != "several-frames":
            raise
    return open_scan(copy, frame=0)


@pytest.mark.parametrize("name", sorted(TWINS.keys() & FILES.keys()))
def test_a_packed_file_equals_its_uncompressed_twin(tmp_path, name):
    if TWINS[name] not in FILES:
        pytest.skip("the twin is in pydicom-data, which is not installed")

    packed, plain = _opened(name, tmp_path / "a"), _opened(TWINS[name], tmp_path / "b")

    np.testing.assert_array_equal(packed.voxels, plain.voxels)
    np.testing.assert_allclose(packed.affine, plain.affine)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(FILES.keys() - LARGE))
def test_every_file_is_decoded_or_refused_in_one_line(tmp_path, name):
    header = pydicom.dcmread(FILES[name], stop_before_pixels=True, force=True)
    shape = (header.get("Columns"), header.get("Rows"))

    scan, error = _tried(name, tmp_path / "a")

    if error is not None:
        told = str(error)
        assert "\n" not in told
        assert len(told) < 400
        assert error.hint
        assert error.title
        patient = str(header.get("PatientName", ""))
        assert not patient or patient not in told
        if name not in SEGMENTATIONS:
            # Nor can pydicom decode it.
            with pytest.raises(Exception):  # noqa: B017, PT011
                pydicom.dcmread(FILES[name]).pixel_array  # noqa: B018
    else:
        assert scan.shape[:2] == shape
