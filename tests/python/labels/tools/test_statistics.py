"""Volumes, surfaces and diameters of shapes whose formulas are known."""

import numpy as np
import pytest

from medlab.labels.tools import diameter_mm, statistics, surface_mm2
from tests.support.scans import make_affine
from tests.support.shapes import far_mm


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.7, 0.7, 1.0), (0.7, 0.7, 2.5)])
@pytest.mark.parametrize("radius", [12, 20])
def test_the_surface_of_a_ball(spacing, radius):
    shape = [2 * int(radius / s) + 5 for s in spacing]
    ball = far_mm(shape, [n // 2 for n in shape], spacing) <= radius

    assert surface_mm2(ball, spacing) == pytest.approx(4 * np.pi * radius**2, rel=0.05)


def test_the_surface_of_a_box():
    spacing = (0.7, 0.7, 1.5)
    box = np.ones((40, 50, 24), bool)
    a, b, c = 28, 35, 36

    expected = 2 * (a * b + b * c + a * c)
    assert surface_mm2(box, spacing) == pytest.approx(expected, rel=0.04)


def test_a_single_voxel_has_a_surface():
    assert surface_mm2(np.ones((1, 1, 1), bool), (1, 1, 1)) > 0


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.7, 1.3, 2.5)])
def test_the_diameter_of_a_box_is_its_diagonal(spacing):
    sides = np.array([11, 7, 5]) * spacing
    box = np.ones((11, 7, 5), bool)

    assert diameter_mm(box, spacing) == pytest.approx(np.linalg.norm(sides))


def test_the_diameter_of_a_ball_is_twice_its_radius_within_a_voxel():
    spacing = (0.5, 0.5, 0.8)
    ball = far_mm((91, 91, 61), (45, 45, 30), spacing) <= 20
    assert 40 <= diameter_mm(ball, spacing) <= 40 + np.linalg.norm(spacing)


def test_the_diameter_of_two_far_parts_spans_both():
    labels = np.zeros((50, 9, 9), bool)
    labels[0, 4, 4] = labels[49, 4, 4] = True
    assert diameter_mm(labels, (2, 1, 1)) == pytest.approx(np.sqrt(100**2 + 1 + 1))


def test_a_row_tells_counts_intensities_and_place():
    affine = make_affine("LPS", oblique=True)
    rng = np.random.default_rng(2)
    voxels = rng.integers(-500, 500, (9, 8, 7)).astype(np.int16)
    labels = np.zeros(voxels.shape, np.uint8)
    labels[2:5, 1:7, 3:6] = 4
    spacing = tuple(np.linalg.norm(affine[:3, :3], axis=0))

    (row,) = statistics(voxels, labels, spacing_mm=spacing, affine=affine)

    inside = voxels[2:5, 1:7, 3:6].astype(float)
    assert row["segment"] == 4
    assert row["voxels"] == 54
    assert row["volume_mm3"] == pytest.approx(54 * abs(np.linalg.det(affine[:3, :3])))
    expected = [np.mean(inside), np.std(inside), np.median(inside)]
    assert [row[n] for n in ("mean", "sd", "median")] == pytest.approx(expected)
    assert [row["min"], row["max"]] == [inside.min(), inside.max()]
    assert row["centroid_mm"] == pytest.approx((affine @ [3, 3.5, 4, 1])[:3])


def test_a_segment_without_voxels_has_a_row_of_nothing():
    nothing = np.zeros((4, 4, 4), np.uint8)

    (row,) = statistics(nothing, nothing, segments=[3], spacing_mm=(1, 1, 1))

    assert (row["segment"], row["voxels"], row["volume_mm3"]) == (3, 0, 0.0)
    assert row["mean"] is None
    assert row["diameter_mm"] is None
