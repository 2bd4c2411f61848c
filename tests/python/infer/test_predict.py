"""Prediction lands on the scan's own grid, however the scan was stored."""

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.infer import predict, sliding_window
from medlab.infer._predict import keep_largest
from medlab.scans import Volume
from medlab.train import Recipe
from tests.support.scans import AXIS_CODES, make_affine, make_volume


def threshold_model(rank):
    """Label 1 where the intensity is above 0: its answer is known for every voxel."""
    image = keras.Input((*(None,) * rank, 1))
    convolution = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    layer = convolution(2, 1, kernel_initializer="zeros")
    model = keras.Model(image, layer(image))
    kernel = np.zeros(layer.kernel.shape, np.float32)
    kernel[..., 1] = 1
    layer.kernel.assign(kernel)
    return model


def position_model():
    """Label 1 on the patient's right half: tells whether planes are turned rightly."""
    image = keras.Input((32, 32, 1))
    model = keras.Model(image, keras.layers.Conv2D(2, 32, padding="same")(image))
    kernel = np.zeros((32, 32, 1, 2), np.float32)
    # More intensity on the left of a voxel than on its right: it lies on the right.
    kernel[:15, :, 0, 1], kernel[16:, :, 0, 1] = 1, -1
    model.layers[-1].set_weights([kernel, np.zeros(2, np.float32)])
    return model


@pytest.fixture(scope="module")
def slice_model():
    return threshold_model(2)


@pytest.mark.parametrize("axes", AXIS_CODES)
def test_every_voxel_is_in_its_place_in_all_48_orders(slice_model, axes):
    volume = make_volume(axes=axes, oblique=True)
    result = predict(slice_model, volume, recipe=Recipe(normalise="ct"))
    np.testing.assert_array_equal(result.voxels == 1, volume.voxels > 0)
    np.testing.assert_array_equal(result.affine, volume.affine)


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR"])
def test_the_model_sees_anatomy_not_file_order(axes):
    shape = tuple({"R": 32, "L": 32, "A": 30, "P": 30, "S": 3, "I": 3}[c] for c in axes)
    volume = Volume(np.ones(shape, np.int16), make_affine(axes), "MR")

    result = predict(position_model(), volume, recipe=Recipe(normalise="none"))

    across = next(i for i, code in enumerate(axes) if code in "RL")
    right = np.moveaxis(result.voxels, across, 0)
    right = right[::-1] if axes[across] == "L" else right
    assert right[20:].all()
    assert not right[:12].any()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_every_plane_gives_the_same_grid(slice_model, plane):
    volume = make_volume()
    result = predict(slice_model, volume, plane=plane, recipe=Recipe(normalise="ct"))
    np.testing.assert_array_equal(result.voxels == 1, volume.voxels > 0)


def test_volumes_larger_than_the_patch_are_walked():
    volume = make_volume((20, 17, 9))
    recipe = Recipe(normalise="ct", plane=None, patch=[8, 8, 8])
    result = predict(threshold_model(3), volume, recipe=recipe)
    np.testing.assert_array_equal(result.voxels == 1, volume.voxels > 0)


def test_slices_larger_than_the_patch_are_walked(slice_model):
    volume = make_volume((40, 37, 2))
    recipe = Recipe(normalise="ct", patch=[16, 16])
    result = predict(slice_model, volume, recipe=recipe)
    np.testing.assert_array_equal(result.voxels == 1, volume.voxels > 0)


def test_overlapping_windows_of_a_pointwise_model_change_nothing():
    model = threshold_model(2)
    image = np.random.default_rng(0).normal(size=(21, 30, 1)).astype(np.float32)
    expected = keras.ops.softmax(model(image[None]))[0]
    np.testing.assert_allclose(
        sliding_window(model, image, (8, 12)), expected, atol=1e-6
    )


def test_another_spacing_comes_back_to_the_scans_grid(slice_model):
    volume = make_volume((8, 8, 8))
    volume.voxels[:4], volume.voxels[4:] = -500, 500
    recipe = Recipe(normalise="ct", spacing_mm=[1.4, 2.6, 5.0])
    result = predict(slice_model, volume, recipe=recipe)
    np.testing.assert_array_equal(result.voxels == 1, volume.voxels > 0)


def test_only_the_largest_part_is_kept_when_asked_for():
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[:2, :2, :2], labels[4, 4, 4], labels[0, 5, 5] = 1, 1, 2
    kept = keep_largest(labels)
    assert (kept == 1).sum() == 8
    assert (kept == 2).sum() == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"segments": ["a", "b"]}, r"tells 1 segments apart, got 2 names"),
        ({"plane": "oblique"}, r"A plane is one of"),
    ],
)
def test_what_does_not_fit_is_said(slice_model, arguments, says):
    with pytest.raises(MedlabError, match=says):
        predict(slice_model, make_volume(), **arguments)


def test_a_scan_with_other_channels_is_refused(slice_model):
    volume = make_volume()
    colours = Volume(np.zeros((*volume.shape, 3), np.uint8), volume.affine, "unknown")
    with pytest.raises(MedlabError, match=r"scans of 1 channels, got 3"):
        predict(slice_model, colours)


def test_a_model_without_a_picture_is_refused():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(MedlabError, match=r"needs a model from slices \(B, H, W, C\)"):
        predict(model, make_volume())
