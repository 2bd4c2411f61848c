"""Slices between drawn ones: cones, oblique cylinders, branches, in every plane."""

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.labels.tools import between
from tests.support.shapes import dice, drawn_on

SPACING = (0.8, 1.1, 2.0)


def stack(radius_mm, middle_mm, *, axis, gaps=4, slices=25, spacing=SPACING):
    """A solid of discs along an axis: all of it, and what of it has been drawn."""
    shape = [60, 60, 60]
    shape[axis] = slices
    grid = np.indices(shape).astype(float)
    across = [n for n in range(3) if n != axis]
    along = grid[axis]
    center = middle_mm(along)
    apart = [
        grid[n] * spacing[n] - 24 - shift
        for n, shift in zip(across, center, strict=True)
    ]
    solid = np.hypot(*apart) <= radius_mm(along)
    drawn = np.zeros(shape, np.uint8)
    kept = [slice(None)] * 3
    kept[axis] = slice(0, None, gaps)
    drawn[tuple(kept)] = solid[tuple(kept)]
    return solid, drawn


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cone_comes_back_whole_in_every_plane(axis):
    solid, drawn = stack(lambda n: 16 - 0.5 * n, lambda n: (0, 0), axis=axis)

    filled = drawn_on(drawn, between(drawn, segment=1, axis=axis, spacing_mm=SPACING))

    assert dice(filled == 1, solid) > 0.96


def test_an_oblique_vessel_thinner_than_its_shift_stays_as_thick():
    solid, drawn = stack(
        lambda n: 3.2 + 0 * n, lambda n: (0.9 * (n - 12), 0 * n), axis=2, gaps=8
    )

    filled = drawn_on(drawn, between(drawn, segment=1, axis=2, spacing_mm=SPACING)) == 1

    assert dice(filled, solid) > 0.9
    areas = filled.sum(axis=(0, 1))
    assert areas.min() > 0.8 * solid.sum(axis=(0, 1)).mean()


def test_two_vessels_side_by_side_do_not_mix():
    first, drawn_first = stack(lambda n: 4 + 0 * n, lambda n: (-12, 0.2 * n), axis=2)
    second, drawn_second = stack(lambda n: 4 + 0 * n, lambda n: (12, -0.2 * n), axis=2)

    drawn = drawn_first | drawn_second
    filled = drawn_on(drawn, between(drawn, segment=1, axis=2, spacing_mm=SPACING))

    assert dice(filled == 1, first | second) > 0.97


def test_gaps_of_different_width_are_each_filled_in_proportion():
    drawn = np.zeros((40, 40, 21), np.uint8)
    i, j = np.ogrid[:40, :40]
    for k, radius in ((2, 5), (6, 9), (18, 15)):
        drawn[:, :, k][np.hypot(i - 20, j - 20) <= radius] = 1

    filled = drawn_on(drawn, between(drawn, segment=1, axis=2, spacing_mm=(1, 1, 3)))

    for k in range(2, 19):
        radius = np.interp(k, [2, 6, 18], [5, 9, 15])
        found = np.sqrt((filled[:, :, k] == 1).sum() / np.pi)
        assert found == pytest.approx(radius, abs=0.6)


def test_nothing_is_drawn_beyond_the_ends_nor_over_drawn_slices():
    _, drawn = stack(lambda n: 10 + 0 * n, lambda n: (0, 0), axis=2)
    drawn[:, :, :4], drawn[:, :, 21:] = 0, 0

    filled = drawn_on(drawn, between(drawn, segment=1, axis=2, spacing_mm=SPACING))

    assert not filled[:, :, :4].any()
    assert not filled[:, :, 21:].any()
    np.testing.assert_array_equal(filled[:, :, ::4], drawn[:, :, ::4])


def test_a_part_without_a_partner_ends_half_way():
    drawn = np.zeros((40, 40, 9), np.uint8)
    drawn[5:15, 5:15, [0, 8]] = 1
    drawn[25:35, 25:35, 0] = 1

    filled = drawn_on(drawn, between(drawn, segment=1, axis=2, spacing_mm=(1, 1, 1)))

    assert filled[30, 30, 1] == 1
    assert not filled[20:, 20:, 4:].any()


def test_without_a_gap_the_sentence_says_what_to_do():
    drawn = np.zeros((8, 8, 8), np.uint8)
    drawn[2:5, 2:5, 2:5] = 1
    with pytest.raises(MedlabError) as refusal:
        between(drawn, segment=1, axis=2, spacing_mm=(1, 1, 1))
    assert str(refusal.value) == (
        "The segment must be drawn in slices with empty ones between, got 3 drawn without "
        "a gap. Draw every few slices, or choose the plane they were drawn in."
    )
