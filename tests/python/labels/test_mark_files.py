"""Marks in COCO-like JSON and CSV: every field comes back, with voxels and millimetres."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.labels import (
    Labels,
    Mark,
    as_segments,
    new_mark_id,
    open_labels,
    read_marks,
    save_labels,
    write_marks,
)
from medlab.scans import PLANES, Volume, plane_axes
from tests.support.scans import AXIS_CODES, make_affine, make_labels

AFFINE = make_affine("LPS", spacing_mm=(0.5, 0.8, 2.0), origin_mm=(10, 20, 30))
SHAPE = (7, 8, 9)
LUNG = as_segments([{"id": 4, "name": "lung", "color": "#102030"}])


def rectangle(low=(1, 2, 5), high=(4, 6, 5), **fields):
    fields = {"name": "nodule", "plane": "axial", **fields}
    return Mark("0123456789ab", "rectangle", points=(low, high), **fields)


@pytest.fixture(params=[".json", ".csv"])
def path(request, tmp_path):
    return tmp_path / f"marks{request.param}"


# Every mark there is.

WORDS = st.text(max_size=20)
NUMBERS = st.integers(-50, 50) | st.floats(-50, 50, width=32)
POINTS = st.tuples(NUMBERS, NUMBERS, NUMBERS)


@st.composite
def marks(draw):
    kind = draw(
        st.sampled_from(
            ["point", "line", "angle", "rectangle", "ellipse", "box", "class"]
        )
    )
    plane, scope, value = draw(st.sampled_from([None, *PLANES])), None, None
    count = {"point": 1, "line": 2, "angle": 3, "box": 2}.get(kind, 0)
    points = [draw(POINTS) for _ in range(count)]
    if kind in ("rectangle", "ellipse"):
        plane = draw(st.sampled_from(PLANES))
        across = plane_axes(AFFINE, plane).slices
        points = [draw(POINTS), list(draw(POINTS))]
        points[1][across] = points[0][across]
    if kind == "class":
        scope = draw(st.sampled_from(["study", "image", "slice"]))
        value = draw(WORDS.filter(bool))
        if scope == "slice":
            plane, points = draw(st.sampled_from(PLANES)), [draw(POINTS)]
    elif draw(st.booleans()):
        value = draw(WORDS)
    return Mark(
        f"{draw(st.integers(0, 16**12 - 1)):012x}",
        kind,
        draw(WORDS),
        draw(st.none() | st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")),
        draw(st.none() | st.integers(1, 65535)),
        plane,
        tuple(tuple(point) for point in points),
        scope,
        value,
        draw(WORDS),
    )


@pytest.mark.parametrize("ending", [".json", ".csv"])
@given(listed=st.lists(marks(), max_size=6, unique_by=lambda mark: mark.id))
@settings(max_examples=120, deadline=None)
def test_any_marks_come_back_equal(tmp_path_factory, ending, listed):
    path = tmp_path_factory.mktemp("marks") / f"marks{ending}"

    write_marks(path, listed, AFFINE, LUNG, SHAPE)

    assert read_marks(path) == tuple(listed)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "=1+1",
            "+1",
            "-1",
            "@a",
            "\t=1",
            "'=1",
            "''=1",
            "'",
            '""',
            '\\""',
            "\\n",
            "\n",
        ),
        *(
            "a\r\nb",
            "\\",
            "\\\\n",
            'say "hi", twice',
            "null\0byte",
            "\ud800",
            "\ufeffx",
        ),
    ],
)
def test_text_of_any_kind_comes_back(path, text):
    mark = rectangle(name=text, note=text, value=text)

    write_marks(path, [mark], AFFINE)

    assert read_marks(path) == (mark,)


# Units.


def test_a_row_tells_voxels_and_millimetres(tmp_path):
    line = Mark(new_mark_id(), "line", points=((0, 0, 0), (4, 0, 1.5)), segment=4)
    path = write_marks(tmp_path / "a.csv", [line], AFFINE, LUNG)

    (row,) = csv.DictReader(path.open(newline=""))

    # 4 voxels of 0.5 mm to the left, 1.5 of 2 mm upwards.
    assert row["points_ijk"] == "0 0 0; 4 0 1.5"
    assert row["points_ras_mm"] == "10.0000 20.0000 30.0000; 8.0000 20.0000 33.0000"
    assert float(row["length_mm"]) == pytest.approx(np.hypot(2, 3), abs=1e-4)
    assert (row["segment"], row["segment_name"]) == ("4", "lung")


@pytest.mark.parametrize(
    ("mark", "column", "expected"),
    [
        # Arms of 2 mm along i and 2.4 mm along j meet at a right angle.
        (("angle", ((4, 0, 0), (0, 0, 0), (0, 3, 0))), "angle_deg", 90),
        # 3 x 0.5 mm by 4 x 0.8 mm.
        (("rectangle", ((1, 2, 5), (4, 6, 5))), "area_mm2", 4.8),
        (("ellipse", ((1, 2, 5), (4, 6, 5))), "area_mm2", 4.8 * np.pi / 4),
        (("box", ((1, 2, 3), (4, 6, 5))), "volume_mm3", 4.8 * 4),
    ],
)
def test_measures_are_in_mm_and_degrees(tmp_path, mark, column, expected):
    kind, points = mark
    plane = "axial" if kind in ("rectangle", "ellipse") else None
    path = tmp_path / "a.csv"
    write_marks(path, [Mark(new_mark_id(), kind, points=points, plane=plane)], AFFINE)

    (row,) = csv.DictReader(path.open(newline=""))

    assert float(row[column]) == pytest.approx(expected, abs=1e-4)


def test_what_is_measured_in_pixels_is_not_called_mm(tmp_path):
    plain = Volume(np.zeros(SHAPE, np.int16), np.eye(4), spacing_unit="pixels")
    line = Mark(new_mark_id(), "line", points=((0, 0, 0), (3, 4, 0)))
    labels = Labels(make_labels(), np.eye(4), LUNG, marks=(line,))

    table = labels.save(tmp_path / "a.csv", plain)
    (row,) = csv.DictReader(table.open(newline=""))
    told = json.loads(labels.save(tmp_path / "a.json", plain).read_text())
    (annotation,) = told["annotations"]

    # 3 and 4 pixels are the sides of a right angle.
    assert (row["length_px"], annotation["length_px"]) == ("5.0", 5.0)
    assert row["points_ras_px"] == "0.0000 0.0000 0.0000; 3.0000 4.0000 0.0000"
    assert told["info"]["spacing_unit"] == "pixels"
    assert [name for name in (*row, *annotation) if "_mm" in name] == []
    assert read_marks(table) == read_marks(tmp_path / "a.json") == (line,)


def test_a_row_of_pixels_alone_is_a_place_in_the_scan(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("kind,points_ras_px\npoint,3 4 5\n")

    (found,) = read_marks(path, np.diag([1, 2, 5, 1]))

    assert found.points == ((3, 2, 1),)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("axes", AXIS_CODES[::5])
def test_cocos_box_is_in_pixels_of_the_slice(tmp_path, axes, plane):
    affine = make_affine(axes, oblique=True)
    across = plane_axes(affine, plane).slices
    x, y = (axis for axis in range(3) if axis != across)
    low, high = [0.0] * 3, [0.0] * 3
    low[across] = high[across] = 4
    # Pixels 1 to 3 and 2 to 5, whole: half a pixel beyond their centres.
    low[x], high[x], low[y], high[y] = 0.5, 3.5, 1.5, 5.5
    mark = rectangle(low, high, plane=plane)
    path = write_marks(tmp_path / "a.json", [mark], affine, (), SHAPE)

    content = json.loads(path.read_text())

    (annotation,), (image,) = content["annotations"], content["images"]
    assert annotation["bbox"] == [1, 2, 3, 4]
    assert annotation["area"] == 12
    assert (image["plane"], image["slice"]) == (plane, 4)
    assert (image["width"], image["height"]) == (SHAPE[x], SHAPE[y])
    assert annotation["image_id"] == image["id"]
    assert content["categories"][0]["name"] == "nodule"


def test_boxes_of_a_program_that_knows_coco_alone_open(tmp_path):
    path = write_marks(tmp_path / "a.json", [rectangle()], AFFINE, (), SHAPE)
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        del annotation["mark"]
    path.write_text(json.dumps(content))

    (found,) = read_marks(path)

    assert (found.kind, found.name, found.plane) == ("rectangle", "nodule", "axial")
    assert found.points == rectangle().points


def test_rows_that_give_millimetres_alone_open_with_the_scan(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('kind,name,points_ras_mm\npoint,iso,"9 18.4 34"\n')

    (found,) = read_marks(path, AFFINE)

    # 1 mm, 1.6 mm and 4 mm from the first voxel.
    assert (found.name, found.points) == ("iso", ((2, 2, 2),))


# With labels.


def test_the_marks_of_labels_are_saved_by_suffix(tmp_path):
    labels = Labels(make_labels(), AFFINE, LUNG, (), (rectangle(),))

    for name in ("a.json", "a.csv"):
        save_labels(tmp_path / name, labels)
        assert read_marks(tmp_path / name) == (rectangle(),)
    save_labels(tmp_path / "a.nii.gz", labels)
    assert open_labels(tmp_path / "a.nii.gz").marks == ()


# What is refused.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *(("a.json", text) for text in ("", "[]", "{}", "7", '{"annotations": 3}')),
        ("a.json", '{"annotations": [{"mark": {"kind": "point"}}]}'),
        ("a.json", '{"annotations": [{"bbox": [1, 2, 3, 4], "image_id": 1}]}'),
        ("a.json", "[" * 100_000),
        ("a.csv", "name,age\nlung,7\n"),
        ("a.csv", "kind,points_ijk\npoint,1 2\n"),
        ("a.csv", "kind,points_ijk\npoint,nan nan nan\n"),
        ("a.csv", "kind,points_ijk\nsquare,1 2 3\n"),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.csv", "kind,points_ijk\n" + '"' * 200_000),
    ],
)
def test_what_holds_no_marks_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(MedlabError) as refused:
        read_marks(path)

    assert refused.value.code == "bad-marks"
    assert str(refused.value).startswith(f"'{name}' must hold marks")


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(MedlabError, match=r"written as \.json or \.csv"):
        write_marks(tmp_path / "a.xml", [rectangle()], AFFINE)
