"""Where a series lies agrees with ITK and GDCM; every doubt is told with slice and mm."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from medlab.scans import Volume, list_scans, open_scan, proposed_window
from medlab.scans.dicom._dicomdir import read_dicomdir
from tests.support.scans import AXIS_CODES, make_volume, write_dicom_series

MEDIA = Path(pydicom.__file__).parent / "data/test_files/dicomdirtests/DICOMDIR"


def _by_itk(folder):
    """Voxels `(I, J, K)` and the affine to RAS mm, as ITK's GDCM reader sees them."""
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(names)
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    voxels = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    return voxels, np.diag([-1, -1, 1, 1]) @ affine


@pytest.mark.parametrize("axes", AXIS_CODES[::5])
@pytest.mark.parametrize("oblique", [False, True], ids=["straight", "oblique"])
def test_a_made_series_lies_where_itk_says(tmp_path, axes, oblique):
    volume = make_volume(axes=axes, oblique=oblique)
    write_dicom_series(tmp_path, volume, descending=True)

    found = open_scan(tmp_path)

    voxels, affine = _by_itk(tmp_path)
    np.testing.assert_array_equal(found.voxels, voxels)
    np.testing.assert_allclose(found.affine, affine, rtol=0, atol=1e-4)


def _real_series():
    """Every series of several images in pydicom's media set, and its orientations."""
    for one in read_dicomdir(MEDIA):
        if len(one.files) > 1 and one.modality in ("CT", "MR"):
            headers = [
                pydicom.dcmread(file, stop_before_pixels=True) for file in one.files
            ]
            planes = {
                tuple(np.round(h.ImageOrientationPatient, 2) + 0.0) for h in headers
            }
            yield one, len(planes)


def _copied(series, folder):
    """The files under names that say nothing."""
    for n, file in enumerate(series.files):
        shutil.copy(file, folder / f"{(n * 7) % 11:02d}-{n}")


REAL = list(_real_series())


@pytest.mark.parametrize("series", [one for one, planes in REAL if planes == 1])
def test_a_real_series_lies_where_itk_says(tmp_path, series):
    _copied(series, tmp_path)

    found = open_scan(tmp_path)

    assert found.shape[2] == len(series.files)
    voxels, affine = _by_itk(tmp_path)
    np.testing.assert_array_equal(found.voxels, voxels)
    np.testing.assert_allclose(found.affine, affine, rtol=0, atol=1e-3)


@pytest.mark.parametrize(("series", "planes"), [one for one in REAL if one[1] > 1])
def test_real_localisers_and_turned_projections_are_volumes_apart(
    tmp_path, series, planes
):
    (tmp_path / ".medlab").mkdir()
    (tmp_path / "s").mkdir()
    _copied(series, tmp_path / "s")

    listed = list_scans(tmp_path / "s")

    assert len(listed) == planes == len(series.files)
    assert all(scan.error is None and scan.slices == 1 for scan in listed)


def _changed(folder, change):
    for path in sorted(folder.iterdir()):
        header = pydicom.dcmread(path)
        change(header, int(path.name[2:]))
        header.save_as(path)


def _moved(header, mm):
    x, y, z = (float(v) for v in header.ImagePositionPatient)
    header.ImagePositionPatient = [x, y, z + mm]


def _warnings(tmp_path, change, **options):
    write_dicom_series(tmp_path, make_volume(), shuffled=False, **options)
    _changed(tmp_path, change)
    return open_scan(tmp_path).warnings


def test_several_missing_slices_are_told_by_their_neighbours(tmp_path):
    told = _warnings(tmp_path, lambda header, k: None, skip=[2, 5, 6])

    assert told == (
        "1 slice is missing between slices 1 and 2: they lie 5 mm apart, the others "
        "2.5 mm. Distances across slices are not exact.",
        "2 slices are missing between slices 3 and 4: they lie 7.5 mm apart, the others "
        "2.5 mm. Distances across slices are not exact.",
    )


def test_uneven_distances_are_told_with_how_wrong_an_even_one_is(tmp_path):
    # Slice 4 lies 0.6 mm too far along: gaps of 2.5 mm, one of 3.1 and one of 1.9.
    told = _warnings(tmp_path, lambda header, k: _moved(header, 0.6 * (k == 4)))

    assert told == (
        "Slices lie 1.9 to 3.1 mm apart (widest between slices 3 and 4); an even distance "
        "of 2.5 mm is used, which is up to 0.6 mm wrong (slice 4).",
    )


def test_a_header_that_disagrees_with_positions_is_told(tmp_path):
    told = _warnings(
        tmp_path, lambda header, k: setattr(header, "SpacingBetweenSlices", "5")
    )

    assert told == (
        "The header says slices lie 5 mm apart, their positions say 2.5 mm: the positions "
        "are used.",
    )


def test_a_thick_slice_that_overlaps_is_no_doubt(tmp_path):
    assert _warnings(tmp_path, lambda h, k: setattr(h, "SliceThickness", "5")) == ()


def test_a_tilted_gantry_is_told_in_degrees(tmp_path):
    volume = make_volume(axes="LPS", skewed=True)
    write_dicom_series(tmp_path, volume)
    normal = np.cross(volume.affine[:3, 0], volume.affine[:3, 1])
    normal /= np.linalg.norm(normal)
    along = volume.affine[:3, 2] / np.linalg.norm(volume.affine[:3, 2])
    degrees = np.degrees(np.arccos(abs(along @ normal)))

    assert open_scan(tmp_path).warnings == (
        f"The gantry was tilted by {degrees:.1f} degrees: each slice is shifted against "
        "the one before. The affine keeps this shear.",
    )


def test_a_slice_beside_the_line_is_told(tmp_path):
    def change(header, k):
        if k == 4:
            x, y, z = (float(v) for v in header.ImagePositionPatient)
            header.ImagePositionPatient = [x + 3, y, z]

    assert _warnings(tmp_path, change) == (
        "Slices do not lie on one line (slice 4 is 3 mm off): the scan is not a regular "
        "grid.",
    )


def test_directions_that_are_no_unit_are_told_and_taken_as_1(tmp_path):
    volume = make_volume()
    write_dicom_series(tmp_path, volume)
    for path in tmp_path.iterdir():
        header = pydicom.dcmread(path)
        header.ImageOrientationPatient = [2 * v for v in header.ImageOrientationPatient]
        header.save_as(path)

    found = open_scan(tmp_path)

    np.testing.assert_allclose(found.affine, volume.affine, rtol=0, atol=1e-4)
    assert found.warnings == (
        "The directions of rows and columns have the lengths 2 and 2, not 1: taken as 1.",
    )


@pytest.mark.parametrize("spacing", [["0", "0"], ["-1", "1"], ["1", "0"]])
def test_a_spacing_that_is_none_is_pixels(tmp_path, spacing):
    write_dicom_series(tmp_path, make_volume(), shuffled=False)
    _changed(tmp_path, lambda header, k: setattr(header, "PixelSpacing", spacing))

    found = open_scan(tmp_path)

    assert found.spacing_unit == "pixels"
    assert found.spacing_mm == (1, 1, 1)


def test_spacing_at_the_detector_is_told(tmp_path):
    write_dicom_series(tmp_path, make_volume((7, 8, 1)), shuffled=False)

    def change(header, k):
        header.ImagerPixelSpacing = header.PixelSpacing
        del header.PixelSpacing

    _changed(tmp_path, change)

    found = open_scan(tmp_path)

    np.testing.assert_allclose(found.spacing_mm[:2], [0.7, 1.3])
    assert found.warnings[0] == (
        "The pixel spacing is that at the detector: lengths in the patient are smaller "
        "than measured."
    )


def test_a_series_of_three_planes_is_three_volumes_each_in_its_place(tmp_path):
    (tmp_path / ".medlab").mkdir()
    volumes = [
        make_volume((7, 8, count), axes=axes, seed=count)
        for axes, count in (("LPS", 5), ("PIR", 4), ("LIP", 3))
    ]
    for n, volume in enumerate(volumes):
        write_dicom_series(tmp_path / f"part{n}", volume, shuffled=False)
        for path in (tmp_path / f"part{n}").iterdir():
            header = pydicom.dcmread(path)
            header.SOPInstanceUID += f".{n}"
            (tmp_path / "all").mkdir(exist_ok=True)
            header.save_as(tmp_path / "all" / f"{path.name}-{n}")
        shutil.rmtree(tmp_path / f"part{n}")

    listed = list_scans(tmp_path / "all")

    assert sorted(scan.slices for scan in listed) == [3, 4, 5]
    assert len({scan.id for scan in listed}) == 3
    for scan in listed:
        found = open_scan(tmp_path / "all", series=scan.series)
        one = next(v for v in volumes if v.shape == found.shape)
        np.testing.assert_allclose(
            np.sort(found.voxels, axis=2), np.sort(one.voxels, axis=2)
        )
        assert any("listed as a scan apart" in sentence for sentence in found.warnings)


def test_the_name_of_a_volume_apart_does_not_change_with_its_neighbours(tmp_path):
    write_dicom_series(tmp_path, make_volume())
    for n in (1, 2):
        scout = pydicom.dcmread(tmp_path / "IM00000")
        scout.ImageOrientationPatient = [[0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]][
            n - 1
        ]
        scout.SOPInstanceUID = f"1.2.3.{n}"
        scout.save_as(tmp_path / f"scout{n}")
    both = {scan.series for scan in list_scans(tmp_path)}

    (tmp_path / "scout1").unlink()

    assert {scan.series for scan in list_scans(tmp_path)} < both


def test_padding_is_kept_out_of_the_window_and_told(tmp_path):
    volume = make_volume(modality="MR")
    voxels = volume.voxels.clip(0, 1000)
    voxels[:4] = 1999
    write_dicom_series(
        tmp_path, Volume(voxels, volume.affine, "MR"), intercept=0, shuffled=False
    )
    _changed(tmp_path, lambda header, k: header.add_new(0x00280120, "US", 1999))

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, voxels)
    assert found.padding == (1999, 1999)
    assert found.warnings == (
        "57 % of the voxels are padding (1999): nothing was measured there. They are left "
        "out of windows and statistics.",
    )
    center, width = proposed_window(found.voxels, "MR", None, found.padding)
    assert center + width / 2 <= 1000


def test_padding_is_told_in_rescaled_values_and_ranges(tmp_path):
    write_dicom_series(tmp_path, make_volume(), shuffled=False)

    def change(header, k):
        header.add_new(0x00280120, "US", 0)
        header.add_new(0x00280121, "US", 30)

    _changed(tmp_path, change)

    assert open_scan(tmp_path).padding == (-1024, -994)


def test_the_only_real_world_value_is_applied_where_there_is_no_rescale(tmp_path):
    volume = make_volume(modality="MR")
    write_dicom_series(tmp_path, volume, shuffled=False, intercept=-1024)

    def change(header, k):
        item = pydicom.Dataset()
        item.RealWorldValueSlope, item.RealWorldValueIntercept = 0.5, 3.0
        header.RealWorldValueMappingSequence = pydicom.Sequence([item])
        del header.RescaleSlope, header.RescaleIntercept

    _changed(tmp_path, change)

    found = open_scan(tmp_path)

    expected = (volume.voxels.astype(float) + 1024) * 0.5 + 3
    np.testing.assert_allclose(found.voxels, expected)


def test_several_real_world_values_are_told_and_none_is_applied(tmp_path):
    volume = make_volume(modality="MR")
    write_dicom_series(tmp_path, volume, shuffled=False, intercept=-1024)

    def change(header, k):
        item = pydicom.Dataset()
        item.RealWorldValueSlope, item.RealWorldValueIntercept = 0.5, 3.0
        header.RealWorldValueMappingSequence = pydicom.Sequence([item, item])
        del header.RescaleSlope, header.RescaleIntercept

    _changed(tmp_path, change)

    found = open_scan(tmp_path)

    np.testing.assert_array_equal(found.voxels, volume.voxels + 1024)
    assert found.warnings == (
        "The file gives 2 real-world meanings to its values; they are left as rescaled.",
    )
