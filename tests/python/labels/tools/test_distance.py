"""Distances are SciPy's exact Euclidean ones, in mm, on any grid."""

import numpy as np
import pytest
from scipy import ndimage

from medlab.errors import MedlabError
from medlab.labels.tools import hollow, margin, smooth
from medlab.labels.tools._distance import distance_mm
from tests.support.shapes import drawn_on, far_mm

SPACING = (0.7, 1.3, 2.5)


@pytest.mark.parametrize("shape", [(20, 13, 9), (1, 9, 7), (6, 1, 1), (5, 6)])
@pytest.mark.parametrize("share", [0.03, 0.5, 0.97])
def test_distances_are_those_of_scipy(shape, share):
    mask = np.random.default_rng(1).random(shape) < share
    mask.ravel()[0] = True
    spacing = SPACING[: len(shape)]

    expected = ndimage.distance_transform_edt(~mask, sampling=spacing)

    np.testing.assert_allclose(distance_mm(mask, spacing), expected, atol=1e-4)


def test_nothing_is_infinitely_far():
    assert np.isinf(distance_mm(np.zeros((3, 4, 5), bool), SPACING)).all()


@pytest.mark.parametrize("mm", [0.5, 3.0, 6.3])
def test_a_point_grows_to_a_ball_on_a_grid_of_any_spacing(mm):
    labels = np.zeros((31, 21, 13), np.uint8)
    labels[15, 10, 6] = 4

    proposal = margin(labels, segment=4, mm=mm, spacing_mm=SPACING)

    ball = far_mm(labels.shape, (15, 10, 6), SPACING) <= mm
    drawn = drawn_on(labels, proposal)
    np.testing.assert_array_equal(drawn == 4, ball)


@pytest.mark.parametrize("mm", [1.0, 2.6, 5.0])
def test_a_ball_shrinks_by_the_distance_to_its_outside(mm):
    labels = (far_mm((31, 21, 13), (15, 10, 6), SPACING) <= 9).astype(np.uint8)

    drawn = drawn_on(labels, margin(labels, segment=1, mm=-mm, spacing_mm=SPACING))

    depth = ndimage.distance_transform_edt(labels, sampling=SPACING)
    np.testing.assert_array_equal(drawn == 1, depth > mm)


def test_the_edge_of_the_scan_is_no_border():
    labels = np.ones((6, 6, 6), np.uint8)
    labels[3:] = 0

    drawn = drawn_on(labels, margin(labels, segment=1, mm=-1, spacing_mm=(1, 1, 1)))

    assert (drawn[:2] == 1).all()
    assert (drawn[2:] == 0).all()


@pytest.mark.parametrize(
    ("side", "inwards", "outwards"),
    [("inside", 3, 0), ("outside", 0, 3), ("middle", 1.5, 1.5)],
)
def test_a_ball_becomes_a_shell_of_that_thickness(side, inwards, outwards):
    spacing = (0.5, 0.5, 0.8)
    ball = far_mm((61, 61, 41), (30, 30, 20), spacing) <= 9
    labels = ball.astype(np.uint8)

    drawn = drawn_on(
        labels, hollow(labels, segment=1, mm=3, side=side, spacing_mm=spacing)
    )

    depth = ndimage.distance_transform_edt(ball, sampling=spacing)
    beyond = ndimage.distance_transform_edt(~ball, sampling=spacing)
    shell = (ball & (depth <= inwards)) | (~ball & (beyond <= outwards))
    np.testing.assert_array_equal(drawn == 1, shell)
    volume_mm3 = 4 / 3 * np.pi * ((9 + outwards) ** 3 - (9 - inwards) ** 3)
    # Between voxel centres, so up to half a voxel thinner outside.
    assert shell.sum() * 0.2 == pytest.approx(volume_mm3, rel=0.13)


def test_a_length_of_nothing_is_refused_in_words_that_hold_for_pixels_too():
    labels = np.ones((5, 6, 7), np.uint8)
    of = {"mm": 0, "spacing_mm": (1, 1, 1)}

    with pytest.raises(MedlabError) as shell:
        hollow(labels, segment=1, side="inside", **of)
    with pytest.raises(MedlabError) as reach:
        smooth(labels, segments=[1], method="median", **of)

    assert str(shell.value) == (
        "A shell must be thicker than 0, got 0. Give its thickness."
    )
    assert str(reach.value) == (
        "Smoothing must reach further than 0, got 0. Try twice the spacing."
    )
