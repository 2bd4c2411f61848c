"""Growing, filling, islands, smoothing, logic and thresholds on shapes that are known."""

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.labels import Segment
from medlab.labels.tools import (
    fill,
    grow,
    islands,
    logic,
    seeds,
    smooth,
    threshold,
)
from tests.support.shapes import dice, drawn_on, far_mm

SPACING = (0.8, 1.1, 2.0)
SHAPE = (50, 44, 26)


@pytest.fixture
def scene():
    """A ball of 12 mm at 300 in a noisy ground of 0, and a far one that looks alike."""
    ball = far_mm(SHAPE, (24, 20, 12), SPACING) <= 12
    other = far_mm(SHAPE, (46, 40, 3), SPACING) <= 3
    noise = np.random.default_rng(3).normal(0, 15, SHAPE)
    return (300 * (ball | other) + noise).astype(np.float32), ball, other


@pytest.mark.parametrize("tolerance", [None, 120.0])
def test_a_region_is_the_ball_that_was_clicked(scene, tolerance):
    voxels, ball, _ = scene
    labels = np.zeros(SHAPE, np.uint8)

    found = grow(
        voxels,
        labels,
        segment=3,
        seed=(22, 21, 12),
        spacing_mm=SPACING,
        tolerance=tolerance,
    )

    assert dice(drawn_on(labels, found) == 3, ball) > 0.97
    assert found.message.startswith("Tolerance ")


def test_a_region_in_one_slice_leaves_the_others(scene):
    voxels, ball, _ = scene
    labels = np.zeros(SHAPE, np.uint8)

    found = grow(
        voxels, labels, segment=1, seed=(24, 20, 12), spacing_mm=SPACING, axis=1
    )

    drawn = drawn_on(labels, found) == 1
    assert found.box[2:4] == (20, 21)
    assert dice(drawn[:, 20], ball[:, 20]) > 0.95


def test_a_region_stays_within_its_distance(scene):
    voxels, ball, _ = scene
    labels = np.zeros(SHAPE, np.uint8)

    found = grow(
        voxels,
        labels,
        **{"segment": 1, "seed": (24, 20, 12), "spacing_mm": SPACING},
        tolerance=150,
        max_mm=6,
    )

    near = far_mm(SHAPE, (24, 20, 12), SPACING) <= 6
    assert dice(drawn_on(labels, found) == 1, near & ball) > 0.98


def test_steps_of_expand_widen_and_narrow_the_region():
    ramp = np.arange(41, dtype=np.float32)[:, None, None]
    voxels = np.broadcast_to(ramp * 10, (41, 20, 20)).copy()
    labels = np.zeros(voxels.shape, np.uint8)

    def voxels_of(expand):
        found = grow(
            voxels,
            labels,
            **{"segment": 1, "seed": (20, 10, 10), "spacing_mm": (1, 1, 1)},
            tolerance=104,
            expand=expand,
        )
        return (found.labels == 1).sum() // 400

    # 104 / 1.15^5 = 52, 104 and 104 * 1.15^3 = 158: five, ten and fifteen steps of 10.
    assert [voxels_of(n) for n in (-5, 0, 3)] == [11, 21, 31]


def test_a_thread_to_something_alike_is_cut(scene):
    voxels, ball, other = scene
    bridge = np.zeros(SHAPE, bool)
    for t in np.linspace(0, 1, 200):
        i, j, k = np.round([24 + 22 * t, 20 + 20 * t, 12 - 9 * t]).astype(int)
        bridge[i, j, k] = True
    voxels = np.where(bridge, 300, voxels).astype(np.float32)
    labels = np.zeros(SHAPE, np.uint8)

    found = grow(
        voxels,
        labels,
        **{"segment": 1, "seed": (24, 20, 12), "spacing_mm": SPACING},
        tolerance=150,
    )

    drawn = drawn_on(labels, found) == 1
    assert dice(drawn, ball) > 0.95
    assert not (drawn & other).any()


def test_the_bucket_fills_what_is_enclosed_and_nothing_else():
    far = far_mm(SHAPE, (24, 20, 12), SPACING)
    labels = ((far > 9) & (far <= 12)).astype(np.uint8)
    nothing = np.zeros(SHAPE, np.float32)

    found = fill(nothing, labels, segment=2, seed=(24, 20, 12), spacing_mm=SPACING)

    np.testing.assert_array_equal(drawn_on(labels, found) == 2, far <= 9)


def test_the_bucket_with_a_tolerance_stops_at_other_intensities(scene):
    _voxels, ball, _ = scene
    smooth_ball = np.where(ball, 300.0, 0.0).astype(np.float32)
    labels = np.zeros(SHAPE, np.uint8)

    found = fill(
        smooth_ball,
        labels,
        **{"segment": 2, "seed": (24, 20, 12), "spacing_mm": SPACING},
        tolerance=10,
    )

    np.testing.assert_array_equal(drawn_on(labels, found) == 2, ball)


def test_two_balls_and_the_ground_grow_from_a_stroke_each(scene):
    voxels, ball, _other = scene
    labels = np.zeros(SHAPE, np.uint8)
    labels[22:27, 19:22, 12] = 1
    labels[46, 40, 3] = 2
    labels[2:48, 2, ::8], labels[2, 2:40, ::8], labels[40, 2:30, ::8] = 3, 3, 3

    found = seeds(voxels, labels, margin_mm=50, smoothness=0.2, spacing_mm=SPACING)

    drawn = drawn_on(labels, found)
    assert dice(drawn == 1, ball) > 0.95
    assert (drawn > 0).all()
    # What was drawn stays as it was drawn.
    np.testing.assert_array_equal(drawn[labels > 0], labels[labels > 0])


def test_one_segment_alone_cannot_grow_from_seeds(scene):
    labels = np.zeros(SHAPE, np.uint8)
    labels[24, 20, 12] = 1
    with pytest.raises(
        MedlabError, match=r"at least two segments with voxels, got 1\."
    ):
        seeds(scene[0], labels, spacing_mm=SPACING)


@pytest.fixture
def three_islands():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[1:9, 1:9, 1:9] = 5
    labels[12:15, 12:15, 12:15] = 5
    labels[17, 17, 17] = 5
    return labels


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ({"op": "keep-largest"}, 512),
        ({"op": "remove-small", "min_mm3": 20}, 512 + 27),
        ({"op": "keep-clicked", "seed": (13, 13, 13)}, 27),
        ({"op": "remove-clicked", "seed": (13, 13, 13)}, 513),
    ],
)
def test_islands_are_kept_and_removed(three_islands, told, left):
    found = islands(three_islands, segment=5, spacing_mm=(1, 1, 1), **told)
    assert (drawn_on(three_islands, found) == 5).sum() == left


def test_islands_become_segments_of_their_own_largest_first(three_islands):
    known = [Segment(1, "rib", "#112233"), Segment(5, "node", "#445566")]

    found = islands(
        three_islands, segment=5, op="split", spacing_mm=(1, 1, 1), segments=known
    )

    assert [(s.id, s.name) for s in found.new_segments] == [
        (2, "node 2"),
        (3, "node 3"),
    ]
    drawn = drawn_on(three_islands, found)
    assert [(drawn == n).sum() for n in (5, 2, 3)] == [512, 27, 1]


def test_what_was_clicked_joins_the_segment(three_islands):
    three_islands[1:9, 1:9, 9] = 7

    found = islands(
        three_islands, segment=5, op="add-clicked", seed=(4, 4, 9), spacing_mm=(1, 1, 1)
    )

    assert (drawn_on(three_islands, found) == 5).sum() == 512 + 64 + 27 + 1


def test_a_click_beside_the_segment_is_refused(three_islands):
    with pytest.raises(MedlabError, match=r"click must be on the segment"):
        islands(
            three_islands,
            segment=5,
            op="keep-clicked",
            seed=(0, 0, 0),
            spacing_mm=(1, 1, 1),
        )


def test_opening_removes_a_spike_and_closing_fills_a_slit():
    labels = (far_mm(SHAPE, (24, 20, 12), SPACING) <= 12).astype(np.uint8)
    spiked = labels.copy()
    spiked[24, 20, :] = 1
    slit = labels.copy()
    slit[24, :, :] = 0

    opened = drawn_on(
        spiked, smooth(spiked, segments=[1], method="open", mm=5, spacing_mm=SPACING)
    )
    closed = drawn_on(
        slit, smooth(slit, segments=[1], method="close", mm=5, spacing_mm=SPACING)
    )

    assert not opened[24, 20, 22:].any()
    assert dice(opened == 1, labels == 1) > 0.98
    assert dice(closed == 1, labels == 1) > 0.98


@pytest.mark.parametrize("method", ["median", "gaussian"])
def test_smoothing_takes_noise_from_a_surface_and_keeps_the_ball(method):
    ball = far_mm(SHAPE, (24, 20, 12), SPACING) <= 12
    noisy = ball ^ (np.random.default_rng(0).random(SHAPE) < 0.08)
    labels = noisy.astype(np.uint8)
    mm = {"median": 5, "gaussian": 1.6}[method]

    found = smooth(labels, segments=[1], method=method, mm=mm, spacing_mm=SPACING)

    assert dice(drawn_on(labels, found) == 1, ball) > 0.96 > dice(noisy, ball)


def test_joint_smoothing_leaves_no_gap_and_no_overlap_between_neighbours():
    rng = np.random.default_rng(5)
    edge = 25 + 3 * rng.standard_normal((44, 26))
    i = np.arange(50)[:, None, None]
    labels = np.where(i < edge, 1, 2).astype(np.uint8)
    labels[:4], labels[-4:] = 0, 0

    found = smooth(labels, method="joint", mm=3, spacing_mm=SPACING)

    drawn = drawn_on(labels, found)
    # No ground between the two, wherever there was none before.
    assert (drawn[8:-8] > 0).all()
    steps = np.abs(np.diff((drawn == 1).sum(axis=0), axis=0)).mean()
    assert steps < 0.4 * np.abs(np.diff((labels == 1).sum(axis=0), axis=0)).mean()


@pytest.mark.parametrize(
    ("op", "mine", "theirs"),
    [("copy", 8, 0), ("union", 16, 0), ("clear", 0, 8), ("invert", 48, 0)],
)
def test_logic_within_one_map(op, mine, theirs):
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[:2, :2, :2], labels[2:, 2:, 2:] = 1, 2
    expected = {"invert": 64 - 8}.get(op, mine)

    found = logic(labels, segment=1, op=op, other=2, spacing_mm=(1, 1, 1))

    drawn = drawn_on(labels, found)
    assert (drawn == 1).sum() == expected
    assert (drawn == 2).sum() == theirs


@pytest.mark.parametrize(("op", "left"), [("intersect", 4), ("subtract", 4)])
def test_logic_with_a_segment_of_another_layer(op, left):
    labels, others = np.zeros((2, 4, 4, 4), np.uint8)
    labels[:2, :2, :2], others[1:3, :2, :2] = 1, 9

    found = logic(
        labels, segment=1, op=op, other=9, others=others, spacing_mm=(1, 1, 1)
    )

    assert (drawn_on(labels, found) == 1).sum() == left


def test_holes_are_filled_and_bays_are_not():
    labels = np.zeros((9, 9, 9), np.uint8)
    labels[1:8, 1:8, 1:8] = 1
    labels[4, 4, 4] = 0
    labels[1:3, 4, 4] = 0

    drawn = drawn_on(
        labels, logic(labels, segment=1, op="fill-holes", spacing_mm=(1, 1, 1))
    )

    assert drawn[4, 4, 4] == 1
    assert not drawn[1:3, 4, 4].any()


def test_thresholds_include_both_ends_and_keep_to_slice_and_segment():
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    labels = np.zeros(voxels.shape, np.uint8)
    labels[2] = 1

    def drawn(**told):
        found = threshold(
            voxels, labels, segment=2, low=30, high=70, spacing_mm=(1, 1, 1), **told
        )
        return drawn_on(labels, found) == 2

    inside = (voxels >= 30) & (voxels <= 70)
    np.testing.assert_array_equal(drawn(), inside)
    np.testing.assert_array_equal(drawn(within=1), inside & (labels == 1))
    only = np.zeros_like(inside)
    only[:, 3] = inside[:, 3]
    np.testing.assert_array_equal(drawn(axis=1, index=3), only)
