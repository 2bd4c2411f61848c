"""A DICOM series is put together by geometry, whatever its files are called."""

import os
import shutil

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medlab.errors import MedlabError
from medlab.samples import fetch
from medlab.scans import Volume, list_scans, open_scan
from tests.support.scans import (
    AXIS_CODES,
    PATIENT,
    make_volume,
    write_colour_dicom,
    write_dicom_series,
    write_truncated_dicom,
)

LONG = bool(os.environ.get("MEDLAB_LONG"))


@pytest.mark.parametrize("axes", AXIS_CODES)
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
def test_a_shuffled_series_comes_back_voxel_for_voxel(tmp_path, axes, descending):
    volume = _right_handed(make_volume(axes=axes, oblique=True))
    write_dicom_series(tmp_path, volume, descending=descending)

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    np.testing.assert_allclose(found.affine, volume.affine, rtol=0, atol=1e-4)
    assert (found.modality, found.unit, found.warnings) == ("CT", "HU", ())


def _right_handed(volume: Volume) -> Volume:
    """Slices along the normal that the rows and columns of a picture define."""
    if np.linalg.det(volume.affine[:3, :3]) > 0:
        return volume
    flipped = volume.affine.copy()
    flipped[:3, 3] += flipped[:3, 2] * (volume.shape[2] - 1)
    flipped[:3, 2] *= -1
    return Volume(volume.voxels[:, :, ::-1], flipped, volume.modality)


def test_a_tilted_gantry_keeps_its_shear(tmp_path):
    volume = make_volume(axes="LPS", skewed=True)
    write_dicom_series(tmp_path, volume)

    found = open_scan(tmp_path)

    np.testing.assert_allclose(found.affine, volume.affine, rtol=0, atol=1e-4)


def test_a_series_made_of_a_real_ct_equals_its_nifti(tmp_path):
    whole = open_scan(fetch("ct-chest") / "cxr.nii.gz")
    # LAS is left-handed; DICOM slices run along the normal, so the volume is turned to LPS.
    voxels, affine = whole.voxels[:, ::-1], whole.affine.copy()
    affine[:3, 3] += affine[:3, 1] * (whole.shape[1] - 1)
    affine[:3, 1] *= -1
    if not LONG:
        voxels, affine = voxels[200:264, 200:232, 40:60], affine.copy()
        affine[:3, 3] = (affine @ [0, 0, 0, 1])[:3]
    write_dicom_series(
        tmp_path, Volume(voxels, affine, "CT"), descending=True, intercept=-2048
    )

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, voxels)
    np.testing.assert_allclose(found.affine, affine, rtol=0, atol=1e-4)


def test_one_file_stands_for_its_series(tmp_path):
    volume = make_volume()
    write_dicom_series(tmp_path, volume)

    found = open_scan(tmp_path / "IM00003")

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    assert found.source == open_scan(tmp_path).source


def test_a_folder_with_several_series_says_how_to_choose(tmp_path):
    first = write_dicom_series(tmp_path, make_volume(), number=1, seed=1)
    for path in tmp_path.iterdir():
        path.rename(path.with_name(f"a-{path.name}"))
    second = write_dicom_series(tmp_path, make_volume(seed=5), number=2)

    with pytest.raises(
        MedlabError, match=r"one DICOM series, got 2.*series=UID"
    ) as caught:
        open_scan(tmp_path)

    assert first in str(caught.value)
    found = open_scan(tmp_path, series=second)
    np.testing.assert_array_equal(found.voxels, make_volume(seed=5).voxels)
    assert len(list_scans(tmp_path)) == 2


def test_a_missing_slice_is_told(tmp_path):
    write_dicom_series(tmp_path, make_volume(), skip=[4])

    assert open_scan(tmp_path).warnings == (
        "1 slice is missing between slices 3 and 4: they lie 5 mm apart, the others "
        "2.5 mm. Distances across slices are not exact.",
    )


def test_a_series_of_one_slice_is_told(tmp_path):
    write_dicom_series(tmp_path, make_volume((7, 8, 1)))

    found = open_scan(tmp_path)

    assert found.shape == (7, 8, 1)
    assert found.warnings == ("The scan has only one slice.",)
    assert found.spacing_mm[2] == pytest.approx(2.5)


def test_a_localizer_in_the_series_is_a_volume_of_its_own(tmp_path):
    volume = make_volume()
    series = write_dicom_series(tmp_path, volume)
    scout = pydicom.dcmread(tmp_path / "IM00000")
    scout.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    scout.SOPInstanceUID = "1.2.3"
    scout.save_as(tmp_path / "scout")

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    assert found.warnings == (
        "1 image of this series lies elsewhere or in another size or direction: listed as "
        "a scan apart.",
    )
    assert found.source.series == series
    apart = next(s for s in list_scans(tmp_path) if s.series != series)
    assert apart.series.startswith(f"{series}#")
    alone = open_scan(tmp_path, series=apart.series)
    np.testing.assert_array_equal(alone.voxels[:, :, 0].T, scout.pixel_array - 1024.0)


def test_directions_that_differ_in_the_last_digits_are_one_volume(tmp_path):
    volume = make_volume()
    write_dicom_series(tmp_path, volume, shuffled=False)
    for n, path in enumerate(sorted(tmp_path.iterdir())):
        slice_ = pydicom.dcmread(path)
        # On both sides of what any rounding to thousandths would cut at.
        slice_.ImageOrientationPatient = [1, 0.0005 + (-1) ** n * 1e-6, 0, 0, 1, 0]
        slice_.save_as(path)

    assert open_scan(tmp_path).shape == volume.shape


def test_a_series_with_two_volumes_asks_which(tmp_path):
    early, late = make_volume(seed=1), make_volume(seed=2)
    write_dicom_series(tmp_path / "late", late, shuffled=False)
    for path in (tmp_path / "late").iterdir():
        slice_ = pydicom.dcmread(path)
        slice_.InstanceNumber += 9
        slice_.save_as(path)
    write_dicom_series(tmp_path / "all", early, shuffled=False)
    for path in (tmp_path / "late").iterdir():
        shutil.copy(path, tmp_path / "all" / f"late-{path.name}")

    with pytest.raises(
        MedlabError, match=r"series of 2 \(4D\).*frame=0\) up to frame=1"
    ):
        open_scan(tmp_path / "all")

    found = open_scan(tmp_path / "all", frame=1)
    np.testing.assert_array_equal(found.voxels, late.voxels)


def test_a_missing_pixel_spacing_is_pixels_and_never_mm(tmp_path):
    volume = make_volume()
    write_dicom_series(tmp_path, volume, without=["PixelSpacing"])

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    assert found.spacing_unit == "pixels"
    assert found.spacing_mm == (1, 1, 1)
    assert found.warnings == (
        "The file gives no distance between its pixels: lengths are in pixels, not mm.",
    )
    assert "pixels" in repr(found)


def test_a_slice_that_is_there_twice_is_used_once_and_told(tmp_path):
    volume = make_volume()
    write_dicom_series(tmp_path, volume, shuffled=False)
    shutil.copy(tmp_path / "IM00002", tmp_path / "copy-of-IM00002")

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    assert found.warnings == (
        "Slice 2 is there more than once, byte for byte: one is used.",
    )


def test_two_different_images_at_one_place_are_told_apart_by_number(tmp_path):
    volume = make_volume()
    write_dicom_series(tmp_path, volume, shuffled=False)
    other = pydicom.dcmread(tmp_path / "IM00002")
    other.SOPInstanceUID, other.InstanceNumber = "1.2.3", 40
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(tmp_path / "a-stray")

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    assert found.warnings == (
        "Slice 2 has 2 different images: number 3 is shown, number 40 left out.",
    )


def test_a_cut_file_is_named_by_its_series_and_not_by_its_patient(tmp_path):
    folder = tmp_path / "series"
    write_truncated_dicom(folder)

    with pytest.raises(MedlabError) as caught:
        open_scan(folder)

    assert str(caught.value) == (
        "series is not a whole DICOM file: it ends before its voxels do. "
        "Copy it again from its source."
    )
    assert PATIENT not in str(caught.value)


def test_a_colour_picture_has_three_channels(tmp_path):
    picture = write_colour_dicom(tmp_path / "a.dcm", (7, 8))

    found = open_scan(tmp_path / "a.dcm")

    assert found.voxels.shape == (8, 7, 1, 3)
    np.testing.assert_array_equal(found.voxels[:, :, 0].transpose(1, 0, 2), picture)


@pytest.mark.parametrize(
    "name",
    [
        "MR_small.dcm", "CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm", "emri_small.dcm", "US1_J2KR.dcm",
        "MR_small_bigendian.dcm", "image_dfl.dcm", "rtdose.dcm", "JPEG-LL.dcm",
        "693_J2KI.dcm", "color-pl.dcm", "examples_palette.dcm",
    ],
)  # fmt: skip
def test_pydicoms_own_files_are_read_as_pydicom_reads_them(tmp_path, name):
    source = get_testdata_file(name, download=False)
    if source is None:
        pytest.skip("not shipped with this pydicom")
    shutil.copy(source, tmp_path / "a.dcm")
    header = pydicom.dcmread(source)
    theirs = header.pixel_array

    found = open_scan(tmp_path / "a.dcm", frame=0)

    if found.channels == 1:
        slope = float(header.get("RescaleSlope", header.get("DoseGridScaling", 1)))
        theirs = theirs * slope + float(header.get("RescaleIntercept", 0) or 0)
        first = theirs.reshape(-1, *theirs.shape[-2:])[0]
        np.testing.assert_allclose(found.voxels[:, :, 0].T, first, atol=1e-4)
    assert np.isfinite(found.affine).all()
