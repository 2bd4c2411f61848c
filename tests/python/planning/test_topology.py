"""Steps down and patches as nnU-Net chooses them, held against plans it published."""

import math

import pytest

from medlab.models import unet
from medlab.planning._topology import first_patch, fitted_patch, topology

PUBLISHED = {
    # patch, voxel size, strides; finest axis order as published
    "hippocampus, github.com/MIC-DKFZ/nnUNet/issues/148": (
        (40, 56, 40),
        (1.0, 1.0, 1.0),
        [(2, 2, 2)] * 3,
    ),
    "liver, github.com/MIC-DKFZ/nnUNet/issues/856": (
        (128, 128, 128),
        (1.0, 0.76757812, 0.76757812),
        [(2, 2, 2)] * 5,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_steps_are_those_of_published_plans(name):
    patch, spacing_mm, strides = PUBLISHED[name]
    steps = topology(patch, spacing_mm)
    assert list(steps.strides) == strides
    assert set(steps.kernels) == {(3, 3, 3)}


def test_thick_slices_are_neither_shrunk_nor_mixed_until_voxels_are_alike():
    # The prostate data: 0.62 x 0.62 x 3.6 mm, in a patch of 20 slices.
    steps = topology((320, 256, 20), (0.625, 0.625, 3.6))
    assert steps.strides[:3] == ((2, 2, 1), (2, 2, 1), (2, 2, 2))
    assert steps.kernels[:3] == ((3, 3, 1), (3, 3, 1), (3, 3, 3))
    assert steps.multiples == (64, 64, 4)


def test_four_voxels_a_side_are_left_at_least():
    for side in range(8, 130):
        steps = topology((side, side, side), (1, 1, 1))
        rounded = [-(-side // m) * m for m in steps.multiples]
        assert min(r // m for r, m in zip(rounded, steps.multiples, strict=True)) >= 4


def test_a_given_patch_is_halved_only_where_that_leaves_no_rest():
    steps = topology((50, 64), (1, 1), exact=True)
    assert steps.multiples == (2, 8) or 50 % steps.multiples[0] == 0
    assert 64 % steps.multiples[1] == 0


def test_the_first_patch_is_as_wide_in_mm_along_each_axis_and_inside_the_scan():
    patch = first_patch((512, 512, 400), (1.0, 1.0, 4.0), 128)
    assert patch[0] / patch[2] == pytest.approx(4, rel=0.05)
    assert math.prod(patch) == pytest.approx(128**3, rel=0.05)
    assert first_patch((64, 512, 400), (1.0, 1.0, 1.0), 128) == [64, 128, 128]


def test_a_patch_shrinks_where_it_covers_most_and_stays_a_multiple():
    limit = 64**3

    def choose(patch):
        return topology(patch, (1.0, 1.0, 1.0))

    patch, steps = fitted_patch(
        (128, 128, 128), (128, 256, 512), choose, lambda p, _: math.prod(p) <= limit
    )

    assert limit / 2 < math.prod(patch) <= limit
    assert patch[0] < patch[1] < patch[2]
    assert not any(p % m for p, m in zip(patch, steps.multiples, strict=True))


def test_the_model_takes_the_steps_as_they_are():
    steps = topology((16, 64, 64), (4.0, 1.0, 1.0))
    model = unet(
        (16, 64, 64, 1),
        classes=2,
        widths=[2] * len(steps.kernels),
        strides=[list(s) for s in steps.strides],
        kernels=[list(k) for k in steps.kernels],
    )
    assert model.output_shape == (None, 16, 64, 64, 2)
