"""RTSTRUCT: contours fill the voxels that another rasteriser fills, on any grid."""

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ImplicitVRLittleEndian,
)
from scipy.spatial.transform import Rotation
from skimage.draw import polygon2mask

from medlab.errors import MedlabError
from medlab.labels import Grid, Labels, open_label_layers, open_labels
from medlab.scans import Home, open_scan
from tests.support.scans import (
    AXIS_CODES,
    PATIENT,
    make_affine,
    make_volume,
    write_dicom_series,
)
from tests.support.structures import write_rtstruct

SHAPE = (30, 33, 12)


def ras(affine, points):
    return np.asarray(points, float) @ affine[:3, :3].T + affine[:3, 3]


def in_slice(affine, axis, index, points):
    """Points of a slice across `axis`, from its two other voxel coordinates, in RAS mm."""
    voxels = np.insert(np.asarray(points, float), axis, index, axis=1)
    return ras(affine, voxels)


def scan(affine, shape=SHAPE):
    return Labels(np.zeros(shape, np.uint8), affine, ())


def star(center, radii, count):
    """A closed line that goes in and out, with no corner on a voxel's centre."""
    angles = np.arange(count) * 2 * np.pi / count + 0.1
    lengths = np.resize(radii, count)[:, np.newaxis]
    return center + lengths * np.stack([np.cos(angles), np.sin(angles)], axis=1)


# Slices of the scan.


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("axes", AXIS_CODES)
def test_contours_fill_what_skimage_fills(tmp_path, axes, axis):
    affine = make_affine(axes, oblique=True, skewed=True)
    size = tuple(n for other, n in enumerate(SHAPE) if other != axis)
    middle = (np.array(size) - 1) / 2 + 0.123
    polygon = star(middle, [0.4 * min(size), 0.2 * min(size)], 14)
    path = write_rtstruct(
        tmp_path / "rt.dcm",
        [
            (
                "star",
                (200, 10, 30),
                [("CLOSED_PLANAR", in_slice(affine, axis, 5, polygon))],
            )
        ],
    )

    labels = open_labels(path, scan(affine))

    expected = np.zeros(SHAPE, bool)
    where = [slice(None)] * 3
    where[axis] = 5
    expected[tuple(where)] = polygon2mask(size, polygon)
    np.testing.assert_array_equal(labels.voxels == 1, expected)
    assert expected.sum() > 10
    assert [(s.name, s.color) for s in labels.segments] == [("star", "#c80a1e")]


def test_a_hole_stays_empty_and_an_island_in_it_is_filled(tmp_path):
    affine = make_affine(oblique=True)
    rings = [star((14.6, 16.2), [r], 40) for r in (11, 7, 3)]
    contours = [("CLOSED_PLANAR", in_slice(affine, 2, 4, ring)) for ring in rings]
    path = write_rtstruct(tmp_path / "rt.dcm", [("ring", (1, 2, 3), contours)])

    labels = open_labels(path, scan(affine))

    outer, hole, island = (polygon2mask(SHAPE[:2], ring) for ring in rings)
    np.testing.assert_array_equal(labels.voxels[:, :, 4] == 1, (outer & ~hole) | island)


def test_a_keyhole_is_a_hole(tmp_path):
    affine = make_affine()
    outer, inner = (star((14.6, 16.2), [r], 40) for r in (11, 6))
    line = np.concatenate([outer, outer[:1], inner[::-1], inner[-1:]])
    contours = [("CLOSED_PLANAR", in_slice(affine, 2, 4, line))]
    path = write_rtstruct(tmp_path / "rt.dcm", [("ring", None, contours)])

    labels = open_labels(path, scan(affine))

    expected = polygon2mask(SHAPE[:2], outer) & ~polygon2mask(SHAPE[:2], inner)
    np.testing.assert_array_equal(labels.voxels[:, :, 4] == 1, expected)


@pytest.mark.parametrize("oblique", [False, True])
def test_a_sphere_has_the_volume_of_a_sphere(tmp_path, oblique):
    affine = make_affine("PIR", spacing_mm=(1.1, 0.9, 1.0), oblique=oblique)
    shape, radius_mm = (60, 66, 60), 24.0
    center = ras(affine, [[29.3, 32.6, 29.4]])[0]
    contours = []
    for k in range(shape[2]):
        # Where the sphere cuts the slice, in the directions of its two other axes.
        foot = ras(affine, [[29.3, 32.6, k]])[0]
        squared = radius_mm**2 - float(((foot - center) ** 2).sum())
        if squared > 0:
            steps = affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)
            ring = star((0, 0), [np.sqrt(squared)], 90) @ steps.T
            contours.append(("CLOSED_PLANAR", foot + ring))
    path = write_rtstruct(tmp_path / "rt.dcm", [("sphere", None, contours)])

    labels = open_labels(path, scan(affine, shape))

    volume = np.count_nonzero(labels.voxels) * abs(np.linalg.det(affine[:3, :3]))
    assert volume == pytest.approx(4 / 3 * np.pi * radius_mm**3, rel=0.01)


def test_regions_that_overlap_get_layers_and_keep_all_their_voxels(tmp_path):
    affine = make_affine()
    circles = [
        star((12.6, 15.2), [8], 40),
        star((18.1, 16.3), [8], 40),
        star((4.2, 4.3), [3], 9),
    ]
    regions = [
        (name, color, [("CLOSED_PLANAR", in_slice(affine, 2, 4, circle))])
        for name, color, circle in zip(
            ("left", "right", "far"),
            ((255, 0, 0), (0, 255, 0), None),
            circles,
            strict=True,
        )
    ]
    path = write_rtstruct(tmp_path / "rt.dcm", regions)

    first, second = open_label_layers(path, scan(affine))

    assert [s.name for s in first.segments] == ["left", "far"]
    assert [(s.name, s.color) for s in second.segments] == [("right", "#00ff00")]
    for labels, name, circle in (
        (first, "left", circles[0]),
        (second, "right", circles[1]),
        (first, "far", circles[2]),
    ):
        found = labels.mask(name)[:, :, 4]
        np.testing.assert_array_equal(found, polygon2mask(SHAPE[:2], circle))
    assert (
        "voxels belong to several segments"
        in open_labels(path, scan(affine)).warnings[0]
    )


def test_slices_between_contours_are_not_made_up(tmp_path):
    affine, circle = make_affine(), star((14.6, 16.2), [8], 40)
    contours = [("CLOSED_PLANAR", in_slice(affine, 2, k, circle)) for k in (3, 7)]
    path = write_rtstruct(tmp_path / "rt.dcm", [("two", None, contours)])

    labels = open_labels(path, scan(affine))

    assert np.flatnonzero(labels.voxels.any(axis=(0, 1))).tolist() == [3, 7]


# Planes that lean against the grid.


@pytest.mark.parametrize("degrees", [8, 30, 45, 70])
def test_a_cylinder_in_leaning_planes_has_its_volume_and_place(tmp_path, degrees):
    affine = make_affine("RAS", spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    shape, radius_mm, count, gap_mm = (60, 60, 60), 12.0, 10, 2.0
    turn = Rotation.from_euler("xz", [degrees, 20], degrees=True).as_matrix()
    center, normal = np.array([29.7, 30.2, 29.4]), turn[:, 2]
    circle = np.insert(star((0, 0), [radius_mm], 120), 2, 0, axis=1) @ turn.T
    contours = [
        ("CLOSED_PLANAR", center + circle + (n - (count - 1) / 2) * gap_mm * normal)
        for n in range(count)
    ]
    path = write_rtstruct(tmp_path / "rt.dcm", [("cylinder", None, contours)])

    labels = open_labels(path, scan(affine, shape))

    points = np.argwhere(labels.voxels) - center
    height = count * gap_mm
    assert len(points) == pytest.approx(np.pi * radius_mm**2 * height, rel=0.02)
    along = points @ normal
    across = np.linalg.norm(points - np.outer(along, normal), axis=1)
    # The file tells eight digits.
    assert np.abs(along).max() <= height / 2 + 1e-4
    assert across.max() <= radius_mm + 1e-4
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=0.15)


# Points, and what is left out.


def test_points_become_marks(tmp_path):
    affine = make_affine("PIR", oblique=True)
    places = [[3, 4, 5], [10.25, 20.5, 7]]
    contours = [("POINT", ras(affine, [place])) for place in places]
    path = write_rtstruct(tmp_path / "rt.dcm", [("ISO", (9, 8, 7), contours)])

    labels = open_labels(path, scan(affine))

    assert not labels.voxels.any()
    assert labels.segments == ()
    found = [(mark.kind, mark.name, mark.color) for mark in labels.marks]
    assert found == [("point", "ISO", "#090807")] * 2
    np.testing.assert_allclose([m.points[0] for m in labels.marks], places, atol=2e-3)


def test_open_contours_and_those_outside_are_told(tmp_path):
    affine, circle = make_affine(), star((14.6, 16.2), [8], 40)
    contours = [
        ("OPEN_PLANAR", in_slice(affine, 2, 3, circle)),
        ("CLOSED_PLANAR", in_slice(affine, 2, 40, circle)),
        ("CLOSED_PLANAR", in_slice(affine, 2, 5, circle)),
    ]
    path = write_rtstruct(tmp_path / "rt.dcm", [("lung", None, contours)])

    labels = open_labels(path, scan(affine))

    assert np.flatnonzero(labels.voxels.any(axis=(0, 1))).tolist() == [5]
    assert labels.warnings == (
        "1 contours lie outside the scan and were left out.",
        "1 contours are not closed and were left out.",
    )


def test_the_structure_set_that_pydicom_ships_opens(tmp_path):
    path = tmp_path / "rt.dcm"
    stored = get_testdata_file("rtstruct.dcm", download=False)
    theirs = pydicom.dcmread(stored, force=True)
    # It is shipped without the file's head.
    theirs.file_meta = FileMetaDataset()
    theirs.file_meta.MediaStorageSOPClassUID = theirs.SOPClassUID
    theirs.file_meta.MediaStorageSOPInstanceUID = theirs.SOPInstanceUID
    theirs.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    theirs.save_as(path, enforce_file_format=True)
    names = {r.ROINumber: r.ROIName for r in theirs.StructureSetROISequence}
    points = np.concatenate(
        [
            np.array(contour.ContourData, float).reshape(-1, 3)
            for region in theirs.ROIContourSequence
            for contour in region.ContourSequence
        ]
    )
    low, high = points.min(axis=0), points.max(axis=0)
    affine = np.diag([-4.0, -4.0, 4.0, 1.0])
    affine[:3, 3] = (low - 8) * [-1, -1, 1]
    levels = {
        float(c.ContourData[2])
        for r in theirs.ROIContourSequence
        for c in r.ContourSequence
        if len(c.ContourData) > 6
    }
    affine[2, 2] = min(np.diff(sorted(levels)), default=4.0)
    affine[2, 3] = min(levels)
    shape = (*((high - low + 16) / 4).astype(int)[:2] + 1, 40)

    layers = open_label_layers(path, Grid(shape, affine))

    found = {s.name for one in layers for s in one.segments}
    marks = {mark.name for mark in layers[0].marks}
    told = {
        names[r.ReferencedROINumber]: {
            c.ContourGeometricType for c in r.ContourSequence
        }
        for r in theirs.ROIContourSequence
    }
    assert found == {name for name, kinds in told.items() if "CLOSED_PLANAR" in kinds}
    assert marks == {name for name, kinds in told.items() if "POINT" in kinds}
    for one in layers:
        for segment in one.segments:
            area = expected_mm2(theirs, names, segment.name)
            count = np.count_nonzero(one.mask(segment.name)) * 16
            assert count == pytest.approx(area, rel=0.05, abs=150)


def expected_mm2(dataset, names, name):
    """The area inside a region's contours, by the shoelace formula."""
    total = 0.0
    for region in dataset.ROIContourSequence:
        if names[region.ReferencedROINumber] != name:
            continue
        for contour in region.ContourSequence:
            x, y, _ = np.array(contour.ContourData, float).reshape(-1, 3).T
            total += abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return total


# What is refused.


def test_contours_alone_need_their_scan(tmp_path):
    path = write_rtstruct(tmp_path / "rt.dcm", [("lung", None, [])])

    with pytest.raises(MedlabError, match="needs the scan") as refused:
        open_labels(path)

    assert refused.value.code == "no-scan"


def test_another_frame_of_reference_is_refused(tmp_path):
    home = Home(tmp_path, tmp_path / ".medlab")
    write_dicom_series(tmp_path / "ct", make_volume())
    for file in (tmp_path / "ct").iterdir():
        image = pydicom.dcmread(file)
        image.FrameOfReferenceUID = "1.2.3"
        image.save_as(file)
    opened = open_scan(tmp_path / "ct", home=home)
    same = write_rtstruct(tmp_path / "a.dcm", [("lung", None, [])], "1.2.3")
    other = write_rtstruct(tmp_path / "b.dcm", [("lung", None, [])], "1.2.4")

    assert open_labels(same, opened, home=home).shape == (7, 8, 9)
    with pytest.raises(MedlabError, match="another one") as refused:
        open_labels(other, opened, home=home)

    assert refused.value.code == "another-grid"
    assert PATIENT not in str(refused.value)


@pytest.mark.parametrize("bad", ["a", "1\\2", "1\\2\\nan", ""])
def test_contours_that_make_no_sense_are_refused(tmp_path, bad):
    path = write_rtstruct(
        tmp_path / "rt.dcm", [("lung", None, [("CLOSED_PLANAR", np.zeros((3, 3)))])]
    )
    content = path.read_bytes()
    numbers = b"-0\\-0\\0\\" * 2 + b"-0\\-0\\0"
    assert numbers in content
    path.write_bytes(content.replace(numbers, bad.encode().ljust(len(numbers))))

    with pytest.raises(MedlabError) as refused:
        open_labels(path, scan(make_affine()))

    assert refused.value.code == "not-a-scan"
