"""predict with several models, regions, heads, a first stage, and what the recipe keeps."""

import json

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.infer import predict
from medlab.models import unet
from medlab.scans import Volume
from medlab.train import Recipe
from medlab.train._checkpoint import Snapshot, copy_state, write_checkpoint
from tests.support.scans import make_affine, make_volume


def pointwise_model(kernel, bias, rank=2):
    """Logits `x @ kernel + bias`, voxel by voxel."""
    kernel = np.atleast_2d(np.array(kernel, np.float32))
    image = keras.Input((*(None,) * rank, kernel.shape[0]))
    convolution = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    model = keras.Model(image, convolution(kernel.shape[1], 1)(image))
    model.set_weights([kernel.reshape(*(1,) * rank, *kernel.shape), np.array(bias)])
    return model


def threshold(above, rank=2):
    return pointwise_model([[0, 20]], [0, -20 * above], rank)


def write_run(folder, model, recipe):
    """A run as a trainer leaves it."""
    folder.mkdir()
    about = {"id": folder.name, "name": folder.name, "recipe": recipe.to_dict()}
    (folder / "run.json").write_text(json.dumps(about))
    (folder / "model.json").write_text(model.to_json())
    state = copy_state(model, optimizer=False, metrics=False)
    (folder / "checkpoints").mkdir()
    write_checkpoint(folder / "checkpoints", Snapshot(state, {"step": 1}))
    return folder


@pytest.fixture
def volume():
    return make_volume((12, 10, 9), axes="PIL")


def brightness(volume):
    return np.clip(volume.voxels / 1000, -1, 1)


def test_members_of_an_ensemble_vote_by_their_probabilities(volume):
    recipe = Recipe(normalise="ct")
    found = predict([threshold(0.2), threshold(0.6)], volume, recipe=recipe)
    # Two equal curves, one 0.4 further on: their mean is above a half from the middle.
    np.testing.assert_array_equal(found.voxels == 1, brightness(volume) > 0.4)


def test_mirroring_and_overlap_leave_a_pointwise_model_alone(volume):
    recipe = Recipe(normalise="ct", plane=None, patch=[8, 8, 8])
    for more in ({"mirror": True}, {"overlap": 0.2}, {"mirror": [0], "memory_mb": 1}):
        found = predict(threshold(0.1, 3), volume, recipe=recipe, **more)
        np.testing.assert_array_equal(found.voxels == 1, brightness(volume) > 0.1)


def test_slices_are_mirrored_within_their_plane():
    # Sums what lies before a voxel along each in-plane axis: mirrored, all of it.
    image = keras.Input((32, 32, 1))
    model = keras.Model(image, keras.layers.Conv2D(2, 32, padding="same")(image))
    kernel = np.zeros((32, 32, 1, 2), np.float32)
    kernel[:15, :, 0, 1], kernel[16:, :, 0, 1] = 1, -1
    model.set_weights([kernel, np.zeros(2, np.float32)])
    scan = Volume(np.ones((32, 30, 5), np.int16), make_affine("RAS"), "MR")
    recipe = Recipe(normalise="none")

    plain = predict(model, scan, recipe=recipe)
    up_down = predict(model, scan, recipe=recipe, mirror=[2])
    sideways = predict(model, scan, recipe=recipe, mirror=[0])

    np.testing.assert_array_equal(up_down.voxels, plain.voxels)
    assert plain.voxels[20:].all()
    assert not plain.voxels[:12].any()
    # Right of the middle it is sure, mirrored it is as sure of the opposite.
    assert (sideways.voxels[20:] == 1).mean() < 1 or (sideways.voxels[:12] == 1).any()


def test_regions_become_the_labels_they_are_made_of(volume):
    regions = {"whole": ["rim", "core"], "inner": ["core"]}
    recipe = Recipe(normalise="ct", segments=["rim", "core"], regions=regions)
    model = pointwise_model([[20, 20]], [0, -10])

    found = predict(model, volume, recipe=recipe)

    light = brightness(volume)
    expected = np.where(light > 0.5, 2, np.where(light > 0, 1, 0))
    np.testing.assert_array_equal(found.voxels, expected)
    assert [segment.name for segment in found.segments] == ["rim", "core"]


def test_of_several_heads_the_finest_predicts(volume):
    keras.utils.set_random_seed(0)
    model = unet((None, None, 1), classes=2, widths=(2, 3, 4), deep_supervision=True)
    finest = keras.Model(model.inputs[0], model.outputs[0])
    recipe = Recipe(normalise="ct", patch=[12, 12])
    found = predict(model, volume, recipe=recipe)
    np.testing.assert_array_equal(
        found.voxels, predict(finest, volume, recipe=recipe).voxels
    )


def test_the_recipe_names_the_segments_that_are_in_one_part():
    voxels = np.full((12, 10, 3), -1000, np.int16)
    voxels[:4, :4], voxels[8, 8] = 300, 300
    voxels[6:8, :2], voxels[11, 9] = 800, 800
    scan = Volume(voxels, make_affine("RAS"), "CT")
    model = pointwise_model([[0, 10, 30]], [0, 0, -11])
    recipe = Recipe(normalise="ct", segments=["liver", "bone"], largest_only=["bone"])

    def sizes(**more):
        found = predict(model, scan, recipe=recipe, **more).voxels
        return [int((found == label).sum()) for label in (1, 2)]

    assert sizes() == [51, 12]
    assert sizes(largest_only=True) == [48, 12]
    assert sizes(largest_only=False) == [51, 15]


def test_what_the_first_stage_sees_is_a_further_channel(volume, tmp_path):
    recipe = Recipe(normalise="ct", segments=["bright"])
    rough = write_run(tmp_path / "rough", threshold(0.3), recipe)
    # Looks at the first stage's channel alone.
    second = pointwise_model([[0, 0], [0, 20]], [0, -10])
    recipe = recipe.replace(first_stage=str(rough))

    found = predict(second, volume, recipe=recipe)

    np.testing.assert_array_equal(found.voxels == 1, brightness(volume) > 0.3)


def test_what_is_no_ensemble_is_said(volume):
    with pytest.raises(MedlabError) as refusal:
        predict([threshold(0), threshold(0, 3)], volume)
    assert str(refusal.value) == (
        "The members of an ensemble must take and tell apart the same, got models from "
        "(None, None, None, 1) and from (None, None, None, None, 1), to 2 and 2 "
        "channels. Leave out those that differ."
    )
    with pytest.raises(MedlabError, match="got an empty list. Name at least one"):
        predict([], volume)


def test_members_whose_recipes_differ_are_refused(volume, tmp_path):
    plain = Recipe(normalise="ct", segments=["x"])
    coarse = plain.replace(spacing_mm=[1.0, 1.0, 1.0])
    folders = [
        write_run(tmp_path / f"run-{number}", threshold(0.3), recipe)
        for number, recipe in enumerate([plain, coarse])
    ]
    with pytest.raises(MedlabError) as refusal:
        predict(folders, volume)
    assert str(refusal.value) == (
        "The members of an ensemble must look at scans alike, but their recipes differ "
        "in spacing_mm. Predict with each group by itself."
    )


def test_a_model_of_other_regions_is_refused(volume):
    recipe = Recipe(segments=["rim"], regions={"whole": ["rim"]})
    with pytest.raises(MedlabError) as refusal:
        predict(threshold(0), volume, recipe=recipe)
    assert str(refusal.value) == (
        "This model tells 2 regions apart, but the recipe names 1 of 1 segments. Pass "
        "the recipe it was trained by."
    )
