"""Dice agrees with SciPy's, on the slices asked for; tables and pictures open."""

import csv
import math

import numpy as np
import pytest
from scipy.spatial.distance import dice as dice_distance

from medlab.errors import MedlabError
from medlab.evaluate import dice, picture, write_table
from medlab.labels import Labels, as_segments
from tests.support.scans import make_affine, make_labels, make_volume


def labels(axes="LPS", seed=0, names=("a", "b", "c")):
    return Labels(make_labels(seed=seed), make_affine(axes), as_segments(names))


def test_agrees_with_scipy():
    ours, theirs = labels(seed=0), labels(seed=1)
    scores = dice(ours, theirs)
    for number, name in enumerate("abc", start=1):
        distance = dice_distance(
            ours.voxels.ravel() == number, theirs.voxels.ravel() == number
        )
        assert scores[name] == pytest.approx(1 - distance)


def test_segments_are_matched_by_name_not_by_number():
    ours, theirs = labels(names=("a", "b", "c")), labels(names=("b", "a", "c"))
    scores = dice(ours, theirs)
    assert scores["c"] == 1
    assert scores["a"] == 0


@pytest.mark.parametrize(("axes", "axis"), [("LPS", 2), ("PIR", 1), ("SRA", 0)])
def test_slices_are_numbered_along_the_scans_own_axis(axes, axis):
    ours, theirs = labels(axes), labels(axes, seed=1)
    np.moveaxis(theirs.voxels, axis, 0)[[0, 3]] = np.moveaxis(ours.voxels, axis, 0)[
        [0, 3]
    ]
    assert set(dice(ours, theirs, slices=[0, 3]).values()) == {1.0}
    assert max(dice(ours, theirs, slices=[1, 2]).values()) < 1


def test_two_empty_sides_are_no_number():
    empty = Labels(np.zeros((7, 8, 9), np.uint8), make_affine(), as_segments(["a"]))
    assert math.isnan(dice(empty, empty)["a"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"segments": ["liver"]}, r"got liver\. The prediction has a, b, c"),
        ({"slices": [9]}, r"numbered 0 to 8, got 9"),
    ],
)
def test_what_does_not_fit_is_said(change, says):
    with pytest.raises(MedlabError, match=says):
        dice(labels(), labels(), **change)


def test_another_grid_is_refused():
    with pytest.raises(MedlabError, match=r"two places in space"):
        dice(labels("LPS"), labels("RAS"))
    with pytest.raises(MedlabError, match=r"shapes \(1, 1, 2\) and \(1, 1, 3\)"):
        dice(np.ones((1, 1, 2), int), np.ones((1, 1, 3), int))


def test_a_table_has_a_line_a_segment_and_an_empty_cell_for_no_number(tmp_path):
    path = write_table(tmp_path / "dice.csv", {"lung, left": 0.5, "b": math.nan})
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["segment", "dice"],
            ["lung, left", "0.5"],
            ["b", ""],
        ]


def test_a_table_compares_models(tmp_path):
    path = write_table(tmp_path / "t.csv", {"a": {"seed 1": 0.5, "seed 2": 1.0}})
    assert path.read_text() == "segment,seed 1,seed 2\na,0.5,1\n"


def test_the_patients_left_is_on_the_right_of_a_picture():
    volume = make_volume((20, 20, 4), "RAS", modality="MR")
    volume.voxels[:] = 0
    drawn = np.zeros((20, 20, 4), np.uint8)
    drawn[:3, 10:] = 1  # the patient's left, in front
    result = Labels(drawn, volume.affine, as_segments([("a", "#ff0000")]))

    image = np.asarray(picture(volume, result, slices=[1]))

    red = image[..., 0] > 100
    width = image.shape[1] // 2
    assert not red[:, :width].any(), "the scan alone comes first"
    rows, columns = np.nonzero(red[:, width:])
    assert columns.min() > width * 0.8
    assert rows.max() < image.shape[0] * 0.55
