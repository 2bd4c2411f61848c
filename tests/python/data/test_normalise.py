"""normalise: the forms that a plan chooses among."""

import json

import numpy as np
import pytest
from scipy import stats

from medlab.data import normalise
from medlab.errors import MedlabError

CT = {"kind": "ct-percentiles", "low": -160.0, "high": 240.0, "mean": 40.0, "std": 80.0}


def test_ct_by_percentiles_saturates_then_scales_by_the_same_figures_everywhere():
    voxels = np.array([-1000.0, -160, 40, 120, 240, 3000, np.nan]).reshape(1, 1, 7)
    for modality in ("CT", "unknown"):
        scaled = normalise(voxels, kind=CT, modality=modality).ravel()
        np.testing.assert_allclose(scaled, [-2.5, -2.5, 0, 1, 2.5, 2.5, -2.5])
        assert scaled.dtype == np.float32


def test_each_channel_can_have_figures_of_its_own():
    kind = {**CT, "low": [-160, 0], "high": [240, 10], "mean": [40, 5], "std": [80, 5]}
    voxels = np.array([[[[120.0, 20.0]]]])
    np.testing.assert_allclose(normalise(voxels, kind=kind)[0, 0, 0], [1, 1])


def test_figures_survive_a_way_through_json():
    voxels = np.random.default_rng(0).normal(0, 300, (4, 5, 6))
    told = json.loads(json.dumps(CT))
    np.testing.assert_array_equal(
        normalise(voxels, kind=told), normalise(voxels, kind=CT)
    )


def test_a_stripped_brain_is_scaled_by_itself_and_its_surroundings_stay_0():
    random = np.random.default_rng(1)
    voxels = np.zeros((9, 10, 11), np.int16)
    brain = random.random(voxels.shape) < 0.3
    voxels[brain] = random.integers(50, 900, brain.sum())

    scaled = normalise(voxels, kind="zscore-nonzero", modality="MR")

    assert not scaled[~brain].any()
    np.testing.assert_allclose(scaled[brain], stats.zscore(voxels[brain]), atol=1e-5)


def test_the_brain_of_one_contrast_is_that_of_all():
    voxels = np.zeros((3, 3, 3, 2), np.float32)
    voxels[0, 0, 0] = 4, 0
    voxels[1, 1, 1] = 8, 6
    scaled = normalise(voxels, kind="zscore-nonzero")
    np.testing.assert_allclose(scaled[[0, 1], [0, 1], [0, 1]], [[-1, -1], [1, 1]])


def test_an_empty_or_even_scan_gives_0_and_no_nan():
    assert not normalise(np.zeros((2, 2, 2)), kind="zscore-nonzero").any()
    assert not normalise(np.full((2, 2, 2), 5.0), kind="zscore-nonzero").any()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("mri", r"one of auto, ct, zscore, zscore-nonzero, none, or a mapping.*'mri'"),
        (
            {"kind": "ct-percentiles", "low": 0},
            r"the numbers low, high, mean, std, got",
        ),
        ({**CT, "more": 1}, r"the numbers low, high, mean, std, got"),
        ({**CT, "low": 300}, r"low below high and std above 0, got low: 300"),
        ({**CT, "std": 0}, r"std above 0.*std: 0\. medlab\.plan\(cases\) finds them"),
        ({**CT, "mean": "x"}, r"needs numbers.*mean: 'x'"),
    ],
)
def test_what_makes_no_scale_is_refused(kind, says):
    with pytest.raises(MedlabError, match=says):
        normalise(np.zeros((1, 1, 1)), kind=kind)
