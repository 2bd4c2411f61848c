"""Every compressed picture equals its uncompressed twin, or another decoder's result."""

import base64
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medlab.errors import MedlabError
from medlab.scans import open_scan
from tests.support.scans import make_volume, write_dicom_series


def _copied(name, folder):
    source = get_testdata_file(name, download=False)
    if source is None:
        pytest.skip(f"{name} is not shipped with this pydicom")
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.copy(source, folder / "a.dcm")


TWINS = [
    ("MR_small_RLE.dcm", "MR_small.dcm"),
    ("MR_small_bigendian.dcm", "MR_small.dcm"),
    ("MR_small_expb.dcm", "MR_small.dcm"),
    ("MR_small_implicit.dcm", "MR_small.dcm"),
    ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
    ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
    ("MR_small_padded.dcm", "MR_small.dcm"),
    ("emri_small_RLE.dcm", "emri_small.dcm"),
    ("emri_small_big_endian.dcm", "emri_small.dcm"),
    ("emri_small_jpeg_2k_lossless.dcm", "emri_small.dcm"),
    ("emri_small_jpeg_ls_lossless.dcm", "emri_small.dcm"),
    ("rtdose_expb.dcm", "rtdose.dcm"),
    ("rtdose_rle.dcm", "rtdose.dcm"),
    ("rtdose_rle_1frame.dcm", "rtdose_1frame.dcm"),
    ("693_J2KR.dcm", "693_UNCR.dcm"),
    ("MR2_J2KR.dcm", "MR2_UNCR.dcm"),
    ("RG1_J2KR.dcm", "RG1_UNCR.dcm"),
    ("RG3_J2KR.dcm", "RG3_UNCR.dcm"),
    ("US1_J2KR.dcm", "US1_UNCR.dcm"),
    ("OBXXXX1A_rle.dcm", "OBXXXX1A.dcm"),
    ("OBXXXX1A_expb.dcm", "OBXXXX1A.dcm"),
    ("OBXXXX1A_rle_2frame.dcm", "OBXXXX1A_2frame.dcm"),
    ("OBXXXX1A_expb_2frame.dcm", "OBXXXX1A_2frame.dcm"),
    ("SC_rgb_rle.dcm", "SC_rgb.dcm"),
    ("SC_rgb_expb.dcm", "SC_rgb.dcm"),
    ("SC_rgb_rle_16bit.dcm", "SC_rgb_16bit.dcm"),
    ("SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_16bit_2frame.dcm"),
    ("SC_rgb_rle_32bit.dcm", "SC_rgb_32bit.dcm"),
    ("SC_rgb_expb_32bit_2frame.dcm", "SC_rgb_32bit_2frame.dcm"),
    ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb.dcm"),
    ("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_small_odd.dcm"),
    ("gdcm-US-ALOKA-16_big.dcm", "gdcm-US-ALOKA-16.dcm"),
    ("color-pl.dcm", "color-px.dcm"),
]


@pytest.mark.parametrize(("packed", "plain"), TWINS, ids=[one for one, _ in TWINS])
def test_a_lossless_file_equals_its_uncompressed_twin(tmp_path, packed, plain):
    one = open_scan(_copied(packed, tmp_path / "one"))
    other = open_scan(_copied(plain, tmp_path / "other"))

    assert one.voxels.dtype == other.voxels.dtype
    np.testing.assert_array_equal(one.voxels, other.voxels)
    np.testing.assert_allclose(one.affine, other.affine, atol=1e-4)


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_jpeg_of_12_bits_equals_what_dcmtk_decodes(tmp_path, name):
    packed = _copied(name, tmp_path / "one")
    plain = tmp_path / "plain.dcm"
    _dcmtk("dcmdjpeg", packed, plain)

    found = open_scan(packed)

    theirs = pydicom.dcmread(plain).pixel_array
    np.testing.assert_array_equal(found.voxels[:, :, 0].T, theirs)


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+n2.dcm",
    ],
)  # fmt: skip
def test_jpeg_colour_equals_what_dcmtk_decodes(tmp_path, name):
    packed = _copied(name, tmp_path / "one")
    twin = name.replace("_+eb+", "_eb").replace("+", "").replace(".dcm", "_dcmd.dcm")

    found = open_scan(packed)

    theirs = open_scan(_copied(twin, tmp_path / "other"))
    apart = np.abs(found.voxels.astype(int) - theirs.voxels)
    # Decoders may round and widen chroma differently; hues may not change.
    assert apart.mean() < 2
    assert np.median(apart) <= 1


def test_uncompressed_ybr_is_shown_in_rgb(tmp_path):
    path = _copied("SC_ybr_full_uncompressed.dcm", tmp_path / "full")
    stored = np.frombuffer(pydicom.dcmread(path).PixelData, np.uint8)
    y, cb, cr = np.moveaxis(stored.reshape(100, 100, 3).astype(float), -1, 0)
    # DICOM PS3.3, C.7.6.3.1.2, turned round.
    red, blue = y + 1.402 * (cr - 128), y + 1.772 * (cb - 128)
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    expected = np.stack([red, green, blue], axis=-1).clip(0, 255)

    found = open_scan(path)

    assert np.abs(found.voxels[:, :, 0].transpose(1, 0, 2) - expected).max() <= 1


def test_ybr_of_half_width_is_shown_in_rgb(tmp_path):
    half = open_scan(_copied("SC_ybr_full_422_uncompressed.dcm", tmp_path / "half"))
    rgb = open_scan(_copied("SC_rgb.dcm", tmp_path / "rgb"))

    assert half.channels == 3
    assert np.abs(half.voxels.astype(int) - rgb.voxels).mean() < 1


def test_a_palette_becomes_the_colours_it_names(tmp_path):
    path = _copied("OBXXXX1A.dcm", tmp_path)
    header = pydicom.dcmread(path)
    tables = [
        np.frombuffer(header[f"{name}PaletteColorLookupTableData"].value, "<u2")
        for name in ("Red", "Green", "Blue")
    ]

    found = open_scan(path)

    theirs = np.stack([t[header.pixel_array] >> 8 for t in tables], axis=-1)
    np.testing.assert_array_equal(found.voxels[:, :, 0].transpose(1, 0, 2), theirs)


def _dcmtk(*command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} of DCMTK is not installed")
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


@pytest.mark.parametrize(
    "command",
    [
        ("dcmcjpeg", "+e1"), ("dcmcjpeg", "+el"), ("dcmcjpls", "+el"), ("dcmcrle",),
        ("dcmconv", "+te"), ("dcmconv", "+ti"), ("dcmconv", "+tb"), ("dcmconv", "+td"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_series_packed_by_dcmtk_comes_back_voxel_for_voxel(tmp_path, command):
    volume = make_volume((7, 8, 4))
    write_dicom_series(tmp_path / "plain", volume)
    (tmp_path / "packed").mkdir()
    for path in (tmp_path / "plain").iterdir():
        _dcmtk(*command, path, tmp_path / "packed" / path.name)

    found = open_scan(tmp_path / "packed")

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    np.testing.assert_allclose(found.affine, volume.affine, rtol=0, atol=1e-4)


HT_ROWS, HT_COLUMNS = np.mgrid[:9, :11]
HT_PICTURE = (HT_ROWS * 300 + HT_COLUMNS * 70).astype(np.uint16)
HT_STREAM = base64.b64decode(
    "/0//UQApQAAAAAALAAAACQAAAAAAAAAAAAAACwAAAAkAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgAB"
    "AAUEBEAB/1wAEyCIkJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAEQA"
    "Af+TwAAmW/QFB3QAAMAAE0AAEwCk/AKHdAC+8gOHdADAABMAYfgAC3QAwAAVQBYtLP6Bj+GLdgAA/9k="
)
"""The picture above as OpenJPH 0.26.3 packs it, reversibly."""


@pytest.mark.parametrize("number", [201, 202, 203])
def test_fast_jpeg_2000_comes_back_voxel_for_voxel(tmp_path, number):
    path = tmp_path / "a.dcm"
    write_dicom_series(tmp_path, make_volume((11, 9, 1)), shuffled=False, intercept=0)
    header = pydicom.dcmread(tmp_path / "IM00000")
    header.PixelData = pydicom.encaps.encapsulate([HT_STREAM])
    header["PixelData"].is_undefined_length = True
    header["PixelData"].VR = "OB"
    header.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{number}"
    header.save_as(path)
    (tmp_path / "IM00000").unlink()

    found = open_scan(path)

    np.testing.assert_array_equal(found.voxels[:, :, 0].T, HT_PICTURE)


@pytest.mark.parametrize("number", [100, 103, 107])
def test_a_film_in_a_compression_for_films_says_what_to_do(tmp_path, number):
    write_dicom_series(tmp_path, make_volume((7, 8, 1)), shuffled=False)
    header = pydicom.dcmread(tmp_path / "IM00000")
    header.PixelData = pydicom.encaps.encapsulate([b"film"])
    header["PixelData"].is_undefined_length = True
    header["PixelData"].VR = "OB"
    header.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.4.{number}"
    header.save_as(tmp_path / "IM00000")

    with pytest.raises(
        MedlabError, match=r"in a compression that .* got .*dcmtk"
    ) as told:
        open_scan(tmp_path)

    assert told.value.code == "compression"


def test_bits_of_an_overlay_in_the_pixels_are_cleared(tmp_path):
    volume = make_volume((7, 8, 1))
    write_dicom_series(tmp_path, volume, shuffled=False)
    header = pydicom.dcmread(tmp_path / "IM00000")
    stored = header.pixel_array
    assert stored.max() < 1 << 12
    header.PixelData = (stored | (1 << 14)).tobytes()
    header.BitsStored, header.HighBit = 12, 11
    header.save_as(tmp_path / "IM00000")

    np.testing.assert_array_equal(open_scan(tmp_path).voxels, volume.voxels)


def test_pixels_of_12_signed_bits_keep_their_sign(tmp_path):
    write_dicom_series(tmp_path, make_volume((7, 8, 1)), shuffled=False, intercept=0)
    header = pydicom.dcmread(tmp_path / "IM00000")
    values = np.arange(-28, 28).reshape(8, 7)
    header.PixelData = (values & 0xFFF).astype("<u2").tobytes()
    header.BitsStored, header.HighBit, header.PixelRepresentation = 12, 11, 1
    header.save_as(tmp_path / "IM00000")

    np.testing.assert_array_equal(open_scan(tmp_path).voxels[:, :, 0].T, values)


def test_a_modality_table_gives_the_values_pydicom_gives(tmp_path):
    path = _copied("mlut_18.dcm", tmp_path)
    header = pydicom.dcmread(path)

    found = open_scan(path)

    theirs = pydicom.pixels.apply_modality_lut(header.pixel_array, header)
    np.testing.assert_array_equal(found.voxels[:, :, 0].T, theirs)


def test_a_picture_with_inverted_grey_keeps_its_values(tmp_path):
    path = _copied("RG3_UNCR.dcm", tmp_path)

    found = open_scan(path)

    assert found.is_inverted
    stored = pydicom.dcmread(path).pixel_array
    np.testing.assert_array_equal(found.voxels[:, :, 0].T, stored)


def test_colours_of_16_bits_keep_their_upper_eight(tmp_path):
    found = open_scan(_copied("SC_rgb_16bit.dcm", tmp_path / "wide"))
    narrow = open_scan(_copied("SC_rgb.dcm", tmp_path / "narrow"))

    np.testing.assert_array_equal(found.voxels, narrow.voxels)
