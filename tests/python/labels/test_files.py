"""Label files of other programs open with all they hold, or say why they do not."""

import nrrd
import numpy as np
import pytest
import SimpleITK

from medlab.errors import MedlabError
from medlab.labels import Labels, Segment, open_labels
from medlab.samples import fetch, open_sample
from tests.support.scans import make_affine, make_labels, write_nifti_by_nibabel

# As 3D Slicer shows them: names and colours (red, green, blue from 0 to 1) of the sample.
SLICERS = {
    "ribs": "#fde89e",
    "cervical vertebral column": "#ffffcf",
    "thoracic vertebral column": "#e2ca86",
    "lumbar vertebral column": "#d4bc66",
    "right lung": "#16c547",
    "left lung": "#c51963",
    "tissue": "#80ae80",
}
NOT_LABELS = (
    "'labels.nii' must hold one whole number a voxel, got something else "
    "(intensities, probabilities or colours). Choose the label file."
)


def write_seg_nrrd(path, voxels, fields):
    """A `.seg.nrrd` written by pynrrd, with these fields of segments."""
    header = {
        "space": "left-posterior-superior",
        "space origin": [0.0, 0.0, 0.0],
        "kinds": ["list"] * (voxels.ndim - 3) + ["domain"] * 3,
        "space directions": [*([[np.nan] * 3] * (voxels.ndim - 3)), *np.eye(3)],
        **fields,
    }
    nrrd.write(str(path), voxels, header, index_order="F")


def segment_fields(*listed):
    """Fields that name `(name, value, layer)` each."""
    fields = {}
    for place, (name, value, layer) in enumerate(listed):
        fields[f"Segment{place}_Name"] = name
        fields[f"Segment{place}_LabelValue"] = str(value)
        fields[f"Segment{place}_Layer"] = str(layer)
    return fields


def refusal(path):
    with pytest.raises(MedlabError) as refused:
        open_labels(path)
    return str(refused.value), refused.value.code


# The real sample of 3D Slicer.


def test_slicers_sample_opens_with_its_names_and_colours():
    _, labels = open_sample("ct-chest-small")

    assert {s.name: s.color for s in labels.segments} == SLICERS
    assert labels.warnings == ()


@pytest.mark.parametrize("lung", ["right lung", "left lung"])
def test_the_lungs_have_as_many_voxels_as_simpleitk_and_pynrrd_count(lung):
    path = fetch("ct-chest-small") / "Segmentation.seg.nrrd"
    image = SimpleITK.ReadImage(str(path))
    theirs, header = nrrd.read(str(path))
    key = next(k for k, v in header.items() if k.endswith("_Name") and v == lung)
    value = int(header[key.replace("_Name", "_LabelValue")])

    count = np.count_nonzero(open_labels(path).mask(lung))

    assert count == np.count_nonzero(theirs == value)
    assert count == np.count_nonzero(SimpleITK.GetArrayFromImage(image) == value)
    assert count > 30_000


def test_overlapping_segments_open_with_a_warning():
    path = fetch("ct-chest-small") / "SegmentationOverlapping.seg.nrrd"
    layers, _ = nrrd.read(str(path), index_order="F")
    shared = np.count_nonzero(np.all(layers > 0, axis=0))

    labels = open_labels(path)

    assert [s.name for s in labels.segments] == [*SLICERS, "overlapping sphere"]
    assert labels.warnings == (
        f"{shared} voxels belong to several segments; the later one was kept.",
    )
    sphere = labels.mask("overlapping sphere")
    np.testing.assert_array_equal(sphere, layers[1] == 1)


# What is kept.


@pytest.mark.parametrize("name", ["labels.seg.nrrd", "labels.nii.gz", "labels.nii"])
def test_names_that_are_not_ascii_come_back(tmp_path, name):
    names = ["Lungenflügel – rechts", "左肺", "печень", "rein « gauche »"]
    segments = tuple(Segment(n, told, "#12ab9f") for n, told in enumerate(names, 1))
    saved = Labels(make_labels(), make_affine(), segments)

    saved.save(tmp_path / name)

    assert open_labels(tmp_path / name).segments == segments


def test_values_without_a_name_are_kept(tmp_path):
    path, voxels = tmp_path / "some.seg.nrrd", make_labels()
    write_seg_nrrd(path, voxels, {"Segment0_Name": "two", "Segment0_LabelValue": "2"})

    labels = open_labels(path)

    np.testing.assert_array_equal(labels.voxels, voxels)
    told = {s.id: s.name for s in labels.segments}
    assert told == {1: "segment 1", 2: "two", 3: "segment 3"}


def test_values_of_layers_that_nobody_names_are_told(tmp_path):
    path, layers = tmp_path / "some.seg.nrrd", np.zeros((2, 7, 8, 9), np.uint8)
    layers[0, 0, 0, :3], layers[1, 6, 7, :5] = 1, 2
    write_seg_nrrd(path, layers, segment_fields(("lung", 1, 0)))

    labels = open_labels(path)

    assert np.argwhere(labels.voxels).tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 2]]
    assert labels.warnings == (
        "5 voxels hold a value that no segment of the file names; they were left out.",
    )


def test_two_segments_of_one_value_are_not_mixed_up_with_a_third(tmp_path):
    # They overlap everywhere; the third must keep its own voxels.
    path, voxels = tmp_path / "some.seg.nrrd", np.zeros((7, 8, 9), np.uint8)
    voxels[0, 0, :4], voxels[6, 7, :3] = 1, 2
    told = segment_fields(("left", 1, 0), ("same", 1, 0), ("right", 2, 0))
    write_seg_nrrd(path, voxels, told)

    labels = open_labels(path)

    counts = {s.name: np.count_nonzero(labels.mask(s.name)) for s in labels.segments}
    assert counts == {"left": 0, "same": 4, "right": 3}
    assert labels.warnings == (
        "4 voxels belong to several segments; the later one was kept.",
    )


# What is refused, and what the message advises.


@pytest.mark.parametrize("bad", [0.5, 1e-3, np.nan, np.inf])
def test_a_file_of_fractions_or_nan_is_refused(tmp_path, bad):
    voxels = make_labels().astype(np.float32)
    write_nifti_by_nibabel(tmp_path / "labels.nii", voxels, make_affine())
    assert open_labels(tmp_path / "labels.nii").voxels.dtype == np.uint8
    voxels[3, 4, 5] = bad
    write_nifti_by_nibabel(tmp_path / "labels.nii", voxels, make_affine())

    assert refusal(tmp_path / "labels.nii") == (NOT_LABELS, "not-labels")


def test_colours_are_refused(tmp_path):
    dtype = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    voxels = np.zeros((7, 8, 9), dtype)
    write_nifti_by_nibabel(tmp_path / "labels.nii", voxels, make_affine())

    assert refusal(tmp_path / "labels.nii") == (NOT_LABELS, "not-labels")


@pytest.mark.parametrize(("low", "high"), [(-1024, 1999), (0, 70_000)])
def test_the_scan_itself_is_refused_as_labels(tmp_path, low, high):
    voxels = np.zeros((7, 8, 9), np.int32)
    voxels[0, 0, 0], voxels[6, 7, 8] = low, high
    write_nifti_by_nibabel(tmp_path / "ct.nii.gz", voxels, make_affine())

    assert refusal(tmp_path / "ct.nii.gz") == (
        f"'ct.nii.gz' must hold labels from 0 to 65535, got {low} to {high}. "
        "Is it the scan itself? Choose the label file.",
        "not-labels",
    )


@pytest.mark.parametrize(
    "table",
    [
        "",
        "{",
        "[]",
        '{"segments": 3}',
        '{"segments": [{"id": 0, "name": "a"}]}',
        "\xff",
    ],
)
def test_a_broken_table_beside_a_nifti_is_refused(tmp_path, table):
    path = tmp_path / "lungs.nii.gz"
    Labels(make_labels(), make_affine(), (Segment(1, "lung", "#ff0000"),)).save(path)
    (tmp_path / "lungs.labels.json").write_bytes(table.encode("latin-1"))

    assert refusal(path) == (
        "'lungs.labels.json' must be the JSON table of segments that medlab wrote, got "
        "something else. Mend it, or move it away to read the labels without names.",
        "bad-table",
    )
    (tmp_path / "lungs.labels.json").unlink()
    assert [s.name for s in open_labels(path).segments] == [
        *("segment 1", "segment 2", "segment 3")
    ]


@pytest.mark.parametrize("cut", [0, 3, 200, -30])
def test_a_broken_seg_nrrd_is_refused(tmp_path, cut):
    path = tmp_path / "lungs.seg.nrrd"
    Labels(make_labels(), make_affine(), (Segment(1, "lung", "#ff0000"),)).save(path)
    path.write_bytes(path.read_bytes()[:cut])

    assert refusal(path) == (
        "'lungs.seg.nrrd' must be a .seg.nrrd file, and could not be read as one. "
        "Save it again from the program that made it.",
        "not-a-scan",
    )


def test_a_seg_nrrd_that_is_not_there_is_named(tmp_path):
    assert refusal(tmp_path / "lungs.seg.nrrd") == (
        "There must be a label file 'lungs.seg.nrrd', got nothing there. "
        "Look for its name.",
        "not-a-scan",
    )
