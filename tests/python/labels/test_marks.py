"""Marks say what they are, and the same mark has one text in every language."""

import json
from pathlib import Path

import pytest

from medlab.errors import MedlabError
from medlab.labels import Mark, as_marks, marks_to_json
from medlab.labels._marks import changed_marks, merge_marks, with_changes

FRAMES = Path(__file__).parents[2] / "contract" / "frames"
ID = "0123456789ab"


def at(i, j=0, k=0, name=ID):
    return Mark(name, "point", points=((i, j, k),))


def by_id(*marks):
    return {mark.id: mark for mark in marks}


def test_the_marks_of_the_contract_come_back_as_they_were():
    told = json.loads((FRAMES / "marks.json").read_text())["header"]["marks"]["after"]

    assert marks_to_json(as_marks(told)) == told
    assert json.dumps(marks_to_json(as_marks(told))) == json.dumps(told)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (2.0, "2"),
        (-0.0, "0"),
        (-0.0004, "0"),
        (1.0005, "1.001"),
        (-1.0005, "-1"),
        (0.0015, "0.002"),
        (0.1 + 0.2, "0.3"),
        (511.9996, "512"),
        (-12.3456, "-12.346"),
        (1e6, "1000000"),
    ],
)
def test_a_coordinate_has_one_text(given, written):
    # Expected: Math.floor(x * 1000 + 0.5) / 1000 in a browser, written by JSON.stringify.
    ((i, _, _),) = at(given).points

    assert json.dumps(i) == written


def test_a_mark_without_a_name_of_its_own_gets_one():
    first, second = as_marks([{"kind": "point", "points": [[1, 2, 3]]}] * 2)

    assert first.id != second.id
    assert first.points == second.points == ((1, 2, 3),)


def test_only_the_marks_that_differ_are_told():
    before = by_id(at(1), at(2, name="a" * 12), at(3, name="b" * 12))
    after = by_id(at(1), at(5, name="b" * 12), at(4, name="c" * 12))

    was, now = changed_marks(before, after)

    assert [mark.id[0] for mark in was] == ["a", "b"]
    assert [mark.id[0] for mark in now] == ["b", "c"]
    assert with_changes(before, was, now) == after
    assert with_changes(after, now, was) == before


def test_a_mark_that_somebody_else_moved_since_stays():
    mine, theirs = at(1), at(9)

    back = merge_marks(by_id(theirs), before=[mine], after=[])
    again = merge_marks(by_id(theirs), before=[], after=[mine])

    assert back == again == by_id(theirs)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"id": "x"}, "id must be 12 hex digits"),
        ({"kind": "dot"}, "kind must be one of point, line"),
        ({"name": None}, "name must be text"),
        ({"note": 3}, "note must be text"),
        ({"color": "red"}, "color must be #rrggbb or nothing, got 'red'"),
        ({"segment": 0}, "segment must be an id from 1 to 65535"),
        ({"segment": True}, "segment must be an id"),
        ({"plane": "oblique"}, "plane must be one of axial, sagittal, coronal"),
        ({"points": ()}, "kind 'point' must have 1 points, got 0. Draw it again"),
        ({"points": ((1, 2),)}, r"three numbers \(i, j, k\) each"),
        ({"points": ((1, 2, float("nan")),)}, "three numbers"),
        ({"points": ((1, 2, 2e6),)}, "three numbers"),
        ({"points": (("1", 2, 3),)}, "three numbers"),
        ({"scope": "image"}, "scope must be given for a class and for nothing else"),
        ({"kind": "class", "value": "x"}, "scope must be given for a class"),
        ({"kind": "class", "scope": "patient", "value": "x"}, "one of study, image"),
        ({"kind": "class", "scope": "image", "points": ()}, "value must be the class"),
        (
            {"kind": "class", "scope": "slice", "value": "x"},
            "plane must be one of axial, sagittal, coronal, got None",
        ),
        ({"kind": "rectangle", "points": ((1, 1, 1),) * 2}, "plane must be one of"),
        (
            {"kind": "ellipse", "plane": "axial", "points": ((0, 0, 0), (1, 1, 1))},
            'must lie in one slice.*Use a "box"',
        ),
        ({"value": 3}, "value must be text or nothing"),
    ],
)
def test_a_mark_that_cannot_be_is_refused_with_advice(fields, sentence):
    with pytest.raises(MedlabError, match=sentence):
        Mark(**{"id": ID, "kind": "point", "points": ((1, 2, 3),), **fields})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [([at(1), at(2)], "different ids"), (["nodule"], "must be a Mark or a dictionary")],
)
def test_a_list_that_holds_no_marks_is_refused(given, sentence):
    with pytest.raises(MedlabError, match=sentence):
        as_marks(given)
