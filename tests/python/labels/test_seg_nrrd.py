"""`.seg.nrrd`: written as 3D Slicer does, read by its library and by pynrrd, layers and all."""

import gzip

import nrrd
import numpy as np
import pytest
import slicerio
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.labels import (
    Labels,
    as_segments,
    open_label_layers,
    open_labels,
    save_labels,
)
from medlab.samples import fetch
from tests.support.scans import AXIS_CODES, make_affine, make_labels

LUNG = {"scheme": "SCT", "value": "39607008", "meaning": "Lung"}
STATES = {
    "not-started": "notstarted",
    "in-progress": "inprogress",
    "completed": "completed",
    "flagged": "flagged",
}


def ras_to_lps(affine):
    return np.diag([-1, -1, 1, 1]) @ affine


def make_layers():
    """Two layers that overlap, with everything that Slicer keeps of a segment."""
    affine = make_affine("PIR", oblique=True)
    first = as_segments(
        [
            {"id": 1, "name": "lung", "color": "#16c547", "code": LUNG},
            {"id": 2, "name": "rib: 1|2", "color": "#fde89e", "state": "completed"},
            {"id": 3, "name": r"a\n b := c", "color": "#000000", "state": "flagged"},
        ]
    )
    second = as_segments(
        [{"id": 1, "name": "tumour", "color": "#ffffff", "state": "in-progress"}]
    )
    sphere = np.zeros((7, 8, 9), np.uint8)
    sphere[2:5, 3:6, 1:7] = 1
    return Labels(make_labels(), affine, first), Labels(sphere, affine, second)


def told(labels):
    return [(s.id, s.name, s.color, s.state, s.code) for s in labels.segments]


# Written here, read by others.


def test_slicers_library_reads_layers_names_colours_states_and_codes(tmp_path):
    path, layers = tmp_path / "both.seg.nrrd", make_layers()
    save_labels(path, layers)

    theirs = slicerio.read_segmentation(str(path))

    np.testing.assert_allclose(
        theirs["ijkToLPS"], ras_to_lps(layers[0].affine), atol=1e-9
    )
    np.testing.assert_array_equal(theirs["voxels"][0], layers[0].voxels)
    np.testing.assert_array_equal(theirs["voxels"][1], layers[1].voxels)
    segments = [(n, s) for n, one in enumerate(layers) for s in one.segments]
    assert len(theirs["segments"]) == len(segments)
    for found, (layer, ours) in zip(theirs["segments"], segments, strict=True):
        assert (found["layer"], found["labelValue"]) == (layer, ours.id)
        assert found["name"].replace("\\\\", "\\") == ours.name
        channels = [round(255 * part) for part in found["color"]]
        assert "#{:02x}{:02x}{:02x}".format(*channels) == ours.color
        assert found["status"] == STATES[ours.state]
    lung = theirs["segments"][0]["terminology"]
    assert lung["type"] == ["SCT", "39607008", "Lung"]
    assert lung["category"] == ["SCT", "123037004", "Anatomical Structure"]


def test_slicers_library_takes_a_segment_out_of_a_written_file(tmp_path):
    path, layers = tmp_path / "both.seg.nrrd", make_layers()
    save_labels(path, layers)

    theirs = slicerio.extract_segments(
        slicerio.read_segmentation(str(path)), [("tumour", 5)]
    )

    np.testing.assert_array_equal(theirs["voxels"], 5 * (layers[1].voxels == 1))


def test_the_extent_of_a_segment_is_its_first_and_last_voxels(tmp_path):
    path, layers = tmp_path / "both.seg.nrrd", make_layers()
    save_labels(path, layers)

    _, header = nrrd.read(str(path))

    # i, j and k each from the first to the last.
    assert header["Segment3_Extent"] == "2 4 3 5 1 6"
    assert header["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    assert header["Segmentation_MasterRepresentation"] == "Binary labelmap"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("axes", AXIS_CODES)
def test_pynrrd_reads_voxels_and_place_in_every_orientation(tmp_path, axes, dtype):
    affine = make_affine(axes, oblique=True, skewed=True)
    voxels = make_labels().astype(dtype) * (1 if dtype == np.uint8 else 300)
    labels = Labels(voxels, affine, as_segments([]))
    path = labels.save(tmp_path / "labels.seg.nrrd")

    theirs, header = nrrd.read(str(path), index_order="F")

    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = header["space directions"].T, header["space origin"]
    assert header["space"] == "left-posterior-superior"
    np.testing.assert_array_equal(theirs, voxels)
    np.testing.assert_allclose(ras_to_lps(lps), affine, atol=1e-9)


# Slicer's own files.


@pytest.mark.parametrize(
    "name", ["Segmentation.seg.nrrd", "SegmentationOverlapping.seg.nrrd"]
)
def test_slicers_samples_come_back_as_slicers_library_reads_them(tmp_path, name):
    source = fetch("ct-chest-small") / name
    before = slicerio.read_segmentation(str(source))

    save_labels(tmp_path / name, open_label_layers(source))

    after = slicerio.read_segmentation(str(tmp_path / name))
    np.testing.assert_array_equal(after["voxels"], before["voxels"])
    np.testing.assert_allclose(after["ijkToLPS"], before["ijkToLPS"], atol=1e-4)
    for ours, theirs in zip(after["segments"], before["segments"], strict=True):
        for key in ("name", "labelValue", "layer", "status"):
            assert ours[key] == theirs[key]
        np.testing.assert_allclose(ours["color"], theirs["color"], atol=1e-6)
        if theirs["terminology"]["type"][1] != "85756007":
            assert ours["terminology"]["type"] == theirs["terminology"]["type"]


def test_the_overlapping_sample_opens_as_two_whole_layers():
    path = fetch("ct-chest-small") / "SegmentationOverlapping.seg.nrrd"
    theirs, _ = nrrd.read(str(path), index_order="F")

    first, second = open_label_layers(path)

    np.testing.assert_array_equal(first.voxels, theirs[0])
    np.testing.assert_array_equal(second.voxels, theirs[1])
    assert [s.name for s in second.segments] == ["overlapping sphere"]
    assert np.count_nonzero(first.voxels[second.voxels > 0]) > 0
    assert {s.state for s in first.segments} == {"in-progress"}
    codes = [s.code.meaning for s in first.segments if s.code]
    assert codes[:2] == ["Rib", "Cervical spine"]


def test_a_file_that_slicer_cropped_lies_on_the_scans_own_voxels(tmp_path):
    # Slicer stores what is drawn alone, and its axes in any order.
    whole, affine = np.zeros((7, 8, 9), np.uint8), make_affine("LPS", oblique=True)
    whole[2:5, 3:6, 1:7] = make_labels((3, 3, 6)) + 1
    box = np.eye(4)
    box[:3, 3] = 2, 3, 1
    mirror = np.array([[0, 0, 1, 0], [0, -1, 0, 2], [1, 0, 0, 0], [0, 0, 0, 1]])
    cropped = whole[2:5, 3:6, 1:7][:, ::-1].transpose(2, 1, 0)
    Labels(np.asfortranarray(cropped), affine @ box @ mirror, as_segments(["a"])).save(
        tmp_path / "cropped.seg.nrrd"
    )
    scan = Labels(np.zeros((7, 8, 9), np.uint8), affine, ())

    labels = open_labels(tmp_path / "cropped.seg.nrrd", scan)

    np.testing.assert_array_equal(labels.voxels, whole)
    np.testing.assert_allclose(labels.affine, affine)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (np.diag([2.0, 1, 1, 1]), "got some up to"),
        (
            np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
            "0.35 mm",
        ),
        (
            np.array([[1, 0, 0, 3.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
            "outside it",
        ),
        (np.array([[1, 0.02, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "away"),
    ],
    ids=["other spacing", "between voxels", "outside", "sheared"],
)
def test_labels_off_the_scans_voxels_are_refused(tmp_path, change, says):
    affine = make_affine()
    path = tmp_path / "moved.seg.nrrd"
    Labels(make_labels() + 1, affine @ change, ()).save(path)

    with pytest.raises(MedlabError, match=says) as refused:
        open_labels(path, Labels(make_labels(), affine, ()))

    assert refused.value.code == "another-grid"


# Any layers at all.

NAMES = st.text(min_size=1, max_size=12).filter(lambda text: text.strip())


@st.composite
def layers_of_anything(draw):
    affine = make_affine(draw(st.sampled_from(AXIS_CODES)), oblique=draw(st.booleans()))
    listed = []
    for _ in range(draw(st.integers(1, 3))):
        ids = draw(st.lists(st.integers(1, 400), unique=True, max_size=4))
        items = [
            {
                "id": number,
                "name": draw(NAMES),
                "color": f"#{draw(st.integers(0, 0xFFFFFF)):06x}",
                "state": draw(st.sampled_from(list(STATES))),
                "code": draw(st.sampled_from([None, LUNG])),
            }
            for number in ids
        ]
        chosen = np.array([0, *ids], np.uint16)
        places = draw(st.integers(0, 2**32 - 1))
        voxels = np.random.default_rng(places).choice(chosen, (4, 5, 6))
        listed.append(Labels(np.asfortranarray(voxels), affine, as_segments(items)))
    return listed


@given(layers_of_anything())
@settings(max_examples=60, deadline=None)
def test_any_layers_come_back_equal(tmp_path_factory, layers):
    path = tmp_path_factory.mktemp("any") / "any.seg.nrrd"
    save_labels(path, layers)

    found = open_label_layers(path)

    assert len(found) == len(layers)
    for ours, theirs in zip(found, layers, strict=True):
        np.testing.assert_array_equal(ours.voxels, theirs.voxels)
        np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-9)
        # A name is one line of printable text in a file; the rest is kept as it is.
        expected = [
            (s.id, printable(s.name) or f"segment {s.id}", s.color, s.state, s.code)
            for s in theirs.segments
        ]
        assert told(ours) == expected


def printable(text):
    return "".join(c if c.isprintable() else " " for c in text).strip()


def test_a_name_cannot_add_a_field_to_the_header(tmp_path):
    name = "lung\nSegment0_Color:=1 0 0\r\nencoding: raw\n\nrest"
    labels = Labels(
        make_labels(),
        make_affine(),
        as_segments([{"id": 1, "name": name, "color": "#102030"}]),
    )
    path = labels.save(tmp_path / "hostile.seg.nrrd")

    _, header = nrrd.read(str(path))

    assert header["encoding"] == "gzip"
    (segment, *_) = open_labels(path).segments
    assert segment.color == "#102030"
    assert segment.name == "lung Segment0_Color:=1 0 0  encoding: raw  rest"


@pytest.mark.parametrize(
    "field",
    [
        "Segment0_Layer:=1",
        "Segment0_Layer:=-1",
        "Segment0_LabelValue:=0",
        "Segment0_LabelValue:=99999999999999999999",
        "Segment0_LabelValue:=one",
        "Segment0_Color:=red green blue",
        "space directions: none none none",
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path, field):
    lines = [
        *("NRRD0005", "type: uint8", "dimension: 3", "sizes: 7 8 9"),
        *("space: left-posterior-superior", "kinds: domain domain domain"),
        *("encoding: gzip", "space origin: (0,0,0)", "Segment0_Name:=lung"),
    ]
    if not field.startswith("space"):
        lines.append("space directions: (1,0,0) (0,1,0) (0,0,1)")
    content = gzip.compress(make_labels().tobytes(order="F"))
    path = tmp_path / "odd.seg.nrrd"
    path.write_bytes("\n".join([*lines, field]).encode() + b"\n\n" + content)

    with pytest.raises(MedlabError) as refused:
        open_labels(path)

    assert refused.value.code == "not-a-scan"
