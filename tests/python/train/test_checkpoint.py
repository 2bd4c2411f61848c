"""A checkpoint is whole or not there, and the one before is the reserve."""

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.train._checkpoint import load_checkpoint, pack, write_checkpoint


def a_model(units=2, seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(units)]
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def save_checkpoint(folder, model, position):
    return write_checkpoint(folder, position["step"], pack(model, position))


def train_one_step(model):
    model.train_on_batch(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"))
    return [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]


def test_what_comes_next_is_the_same_after_loading(tmp_path):
    model, other = a_model(), a_model(seed=5)
    train_one_step(model)
    save_checkpoint(tmp_path, model, {"step": 1, "epochs": 2})

    assert load_checkpoint(tmp_path, other) == {"step": 1, "epochs": 2}

    for ours, theirs in zip(train_one_step(model), train_one_step(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_two_generations_are_kept(tmp_path):
    model = a_model()
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, model, {"step": step})
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step-00000002.npz", "step-00000003.npz"]


@pytest.mark.parametrize("kept", [0, 100, 1500])
def test_a_file_cut_short_gives_way_to_the_one_before(tmp_path, kept):
    model = a_model()
    save_checkpoint(tmp_path, model, {"step": 1})
    newest = save_checkpoint(tmp_path, model, {"step": 2})
    newest.write_bytes(newest.read_bytes()[:kept])

    assert load_checkpoint(tmp_path, model) == {"step": 1}


def test_an_empty_folder_holds_no_checkpoint(tmp_path):
    assert load_checkpoint(tmp_path, a_model()) is None


def test_the_checkpoint_of_another_model_is_refused(tmp_path):
    save_checkpoint(tmp_path, a_model(), {"step": 1})
    with pytest.raises(MedlabError, match=r"that of another model.*Start a new run"):
        load_checkpoint(tmp_path, a_model(units=4))
