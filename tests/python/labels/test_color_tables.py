"""Names and colours in tables of ITK-SNAP and 3D Slicer, and beside NIfTI files."""

import csv
import json

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.labels import (
    Labels,
    as_segments,
    open_labels,
    read_color_table,
    save_labels,
    write_color_table,
)
from medlab.samples import open_sample
from tests.support.scans import (
    AXIS_CODES,
    make_affine,
    make_labels,
    write_nifti_by_nibabel,
)

# As ITK-SNAP writes them.
SNAP = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "left lung"
    7     0  128   64     0.25  0  1    "Rippe (links), 7."
"""
# As the developer guide of 3D Slicer shows them.
SLICER = """\
# Color table file C:/Users/somebody/Segmentation-label_ColorTable.ctbl
# 4 values
0 Background 0 0 0 0
1 artery 216 101 79 255
2 bone 241 214 145 255
3 connective_tissue 111 184 210 255
"""
SLICER_CSV = """\
LabelValue,Name,Color_R,Color_G,Color_B,Color_A,Type_CodingScheme,Type_CodeValue,Type_CodeMeaning
1,"lung, left",216,101,79,255,SCT,39607008,Lung
2,bone,241,214,145,128,,,
"""


def told(segments):
    return [(s.id, s.name, s.color) for s in segments]


def test_itk_snaps_table_opens(tmp_path):
    (tmp_path / "labels.txt").write_text(SNAP)

    lung, rib = read_color_table(tmp_path / "labels.txt")

    assert told([lung, rib]) == [
        (1, "left lung", "#ff0000"),
        (7, "Rippe (links), 7.", "#008040"),
    ]
    assert (lung.opacity, lung.visible) == (100, True)
    assert (rib.opacity, rib.visible) == (25, False)


@pytest.mark.parametrize("ending", [".ctbl", ".txt"])
def test_slicers_table_opens(tmp_path, ending):
    path = tmp_path / f"labels{ending}"
    path.write_text(SLICER)

    assert told(read_color_table(path)) == [
        (1, "artery", "#d8654f"),
        (2, "bone", "#f1d691"),
        (3, "connective tissue", "#6fb8d2"),
    ]


def test_slicers_newer_table_opens_with_codes(tmp_path):
    (tmp_path / "labels.csv").write_text(SLICER_CSV)

    lung, bone = read_color_table(tmp_path / "labels.csv")

    assert told([lung, bone]) == [(1, "lung, left", "#d8654f"), (2, "bone", "#f1d691")]
    assert (lung.code.scheme, lung.code.value, lung.code.meaning) == (
        *("SCT", "39607008", "Lung"),
    )
    assert (bone.code, bone.opacity) == (None, 50)


NAMES = st.text(
    st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=20
).map(str.strip)
SEGMENTS = st.lists(
    st.builds(
        lambda number, name, color, opacity, shown: {
            "id": number,
            "name": name,
            "color": f"#{color:06x}",
            "opacity": opacity,
            "visible": shown,
        },
        st.integers(1, 65535),
        NAMES.filter(bool),
        st.integers(0, 0xFFFFFF),
        st.integers(0, 100),
        st.booleans(),
    ),
    unique_by=lambda item: item["id"],
    min_size=1,
    max_size=6,
).map(as_segments)


@pytest.mark.parametrize("ending", [".txt", ".ctbl", ".csv", ".json"])
@given(segments=SEGMENTS)
@settings(max_examples=60, deadline=None)
def test_any_segments_come_back(tmp_path_factory, ending, segments):
    path = tmp_path_factory.mktemp("table") / f"labels{ending}"

    found = read_color_table(write_color_table(path, segments))

    lost = {".txt": ('"', "'"), ".csv": ('"', "'"), ".ctbl": ("_", " ")}.get(ending)
    expected = [
        (
            s.id,
            s.name.replace(*lost).strip() or f"segment {s.id}" if lost else s.name,
            s.color,
        )
        for s in segments
    ]
    assert told(found) == expected
    assert [s.opacity for s in found] == [s.opacity for s in segments]
    if ending in (".txt", ".json"):
        assert [s.visible for s in found] == [s.visible for s in segments]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "'="])
def test_a_name_is_no_formula_for_a_spreadsheet(tmp_path, start):
    name = f"{start}cmd|' /C calc'!A0"
    segments = as_segments([{"id": 1, "name": name, "color": "#102030"}])
    path = write_color_table(tmp_path / "labels.csv", segments)

    (row,) = csv.DictReader(path.open(newline=""))

    assert row["Name"].startswith("'") or row["Name"][0] not in "=+-@\t"
    assert [s.name for s in read_color_table(path)] == [name.strip()]


@pytest.mark.parametrize(
    "content",
    [
        *("", "\n\n", "Dear colleague,\n", "1 2 3", "\x00\x01", "1 a 1 2"),
        *('  1  255  0  0  1  1  1  "unclosed\n', "0 Background 0 0 0 0\nx"),
        *("LabelValue,Name\n1,a\n", "1 a 0 0 0 1\n1 b 0 0 0 1\n", "70000 a 0 0 0 1\n"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "labels.txt"
    path.write_text(content)

    with pytest.raises(MedlabError) as refused:
        read_color_table(path)

    assert refused.value.code == "bad-table"
    assert "'labels.txt' must be a label description of ITK-SNAP" in str(refused.value)


# Beside NIfTI.


@pytest.mark.parametrize(
    ("ending", "content", "names"),
    [
        (".txt", SNAP, {1: "left lung", 7: "Rippe (links), 7."}),
        (".ctbl", SLICER, {1: "artery", 2: "bone", 3: "connective tissue"}),
        (".csv", SLICER_CSV, {1: "lung, left", 2: "bone"}),
        (".txt", "Notes of my own.\n1. nothing\n", {}),
    ],
)
def test_a_table_beside_a_nifti_names_its_segments(tmp_path, ending, content, names):
    write_nifti_by_nibabel(tmp_path / "seg.nii.gz", make_labels(), make_affine())
    (tmp_path / f"seg{ending}").write_text(content)

    labels = open_labels(tmp_path / "seg.nii.gz")

    unnamed = {n: f"segment {n}" for n in (1, 2, 3)}
    assert {s.id: s.name for s in labels.segments} == {**unnamed, **names}


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("axes", AXIS_CODES)
def test_nibabel_and_simpleitk_read_what_was_saved(tmp_path, axes, ending):
    affine = make_affine(axes, oblique=True)
    labels = Labels(make_labels(), affine, as_segments(["a", "b", "c"]))
    path = labels.save(tmp_path / f"labels{ending}")

    image = nibabel.load(path)
    other = SimpleITK.ReadImage(str(path))

    corners = np.array(np.meshgrid(*[(0, n - 1) for n in labels.shape])).reshape(3, -1)
    points = np.vstack([corners, np.ones(8)])
    np.testing.assert_array_equal(np.asarray(image.dataobj), labels.voxels)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(other).T, labels.voxels)
    assert np.abs(image.affine @ points - affine @ points).max() < 1e-4
    for corner in corners.T:
        lps = other.TransformIndexToPhysicalPoint([int(n) for n in corner])
        ras = affine @ [*corner, 1]
        assert np.abs(np.array(lps) * [-1, -1, 1] - ras[:3]).max() < 1e-4


def test_the_real_chest_is_saved_voxel_for_voxel(tmp_path):
    _, labels = open_sample("ct-chest-small")
    path = labels.save(tmp_path / "chest.nii.gz")

    found = open_labels(path)

    np.testing.assert_array_equal(np.asarray(nibabel.load(path).dataobj), labels.voxels)
    np.testing.assert_array_equal(found.voxels, labels.voxels)
    assert found.segments == labels.segments


def test_the_table_and_the_file_are_one(tmp_path, monkeypatch):
    # The disk fails after the voxels were written: both stay as they were.
    path = tmp_path / "lungs.nii.gz"
    save_labels(path, Labels(make_labels(), make_affine(), as_segments(["one"])))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def refuse(_):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        other = Labels(make_labels(seed=2), make_affine(), as_segments(["two"]))
        save_labels(path, other, confirm=refuse)

    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_layers_that_share_nothing_go_to_one_nifti(tmp_path):
    voxels = make_labels()
    layers = [
        Labels(
            np.where(voxels == n, n, 0).astype(np.uint8),
            make_affine(),
            as_segments([{"id": n, "name": f"s{n}"}]),
        )
        for n in (1, 2, 3)
    ]

    save_labels(tmp_path / "all.nii.gz", layers)

    found = open_labels(tmp_path / "all.nii.gz")
    np.testing.assert_array_equal(found.voxels, voxels)
    assert [s.name for s in found.segments] == ["s1", "s2", "s3"]


def test_what_reads_back_otherwise_never_appears(tmp_path, monkeypatch):
    path = tmp_path / "lungs.seg.nrrd"
    labels = Labels(make_labels(), make_affine(), as_segments(["one"]))
    labels.save(path)
    before = path.read_bytes()
    # A disk that loses what it was given.
    import medlab.labels._write as writer

    def forgets(temporary, stack):
        real(
            temporary,
            type(stack)(
                tuple(np.zeros_like(v) for v in stack.layers),
                stack.affine,
                stack.segments,
            ),
        )

    real = writer.write_seg_nrrd
    monkeypatch.setattr(writer, "write_seg_nrrd", forgets)

    with pytest.raises(MedlabError, match="got other voxels") as refused:
        labels.save(path)

    assert refused.value.code == "not-written"
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["lungs.seg.nrrd"]


def test_medlabs_own_table_keeps_everything(tmp_path):
    everything = as_segments(
        [
            {
                **{"id": 3, "name": "lung", "color": "#102030", "locked": True},
                **{"visible": False, "opacity": 40, "outlined": False},
                "state": "flagged",
                "code": {"scheme": "SCT", "value": "39607008", "meaning": "Lung"},
            }
        ]
    )
    path = Labels(make_labels(), make_affine(), everything).save(tmp_path / "a.nii")

    assert open_labels(path).segments[0] == everything[0]
    assert json.loads((tmp_path / "a.labels.json").read_text())["segments"][0]["locked"]
