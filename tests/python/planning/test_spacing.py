"""Voxel sizes as nnU-Net chooses them, held against figures it published."""

import pytest

from medlab.planning._spacing import low_resolution, median_shape, target_spacing_mm


def test_each_axis_gets_the_median_of_all_scans():
    spacings = [(0.8, 0.8, 1.0), (0.7, 0.9, 1.5), (0.9, 0.7, 2.0)]
    target, coarse = target_spacing_mm(spacings, [(500, 500, 400)] * 3)
    assert target == pytest.approx((0.8, 0.8, 1.5))
    assert coarse is None


def test_a_coarse_axis_gets_the_10th_percentile_but_is_never_finer_than_the_others():
    thick = [
        (0.7, 0.7, z) for z in (1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0)
    ]
    target, coarse = target_spacing_mm(thick, [(512, 512, 60)] * 11)
    assert coarse == 2
    assert target == pytest.approx((0.7, 0.7, 2.0))  # the second smallest of eleven

    thin = [(0.7, 0.7, z) for z in (0.3, 0.3, 5.0, 5.0, 5.0)]
    assert target_spacing_mm(thin, [(512, 512, 60)] * 5)[0][2] == pytest.approx(0.7)


def test_thick_voxels_alone_make_no_coarse_axis_if_there_are_as_many_of_them():
    target, coarse = target_spacing_mm([(1, 1, 4)] * 2, [(100, 100, 90)] * 2)
    assert target == (1.0, 1.0, 4.0)
    assert coarse is None


def test_the_middle_scan_covers_the_same_millimetres():
    assert median_shape([(1, 1, 5)] * 3, [(100, 90, 20)] * 3, (2, 1, 2.5)) == (
        50,
        90,
        40,
    )


def test_the_low_resolution_of_the_liver_data_is_the_published_one():
    # nnU-Net's plan for LiTS: github.com/MIC-DKFZ/nnUNet/issues/2227
    spacing, shape = low_resolution(
        (0.78125, 0.78125, 1.0), (512, 512, 417), (128, 128, 128), 0.25
    )
    assert spacing == pytest.approx((1.841067, 1.841067, 2.356566), abs=1e-3)
    assert shape == (217, 217, 177)


def test_the_low_resolution_makes_voxels_alike_first():
    spacing, _ = low_resolution((0.7, 0.7, 5.0), (512, 512, 100), (32, 192, 160), 0.25)
    assert spacing[2] == 5.0
    assert spacing[0] == pytest.approx(spacing[1])
    assert 0.7 < spacing[0] <= 2.6
