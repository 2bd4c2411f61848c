"""A checkpoint is whole or not there, and the one before is the reserve."""

import hashlib
import json
import os
import struct

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.train._checkpoint import (
    MANIFEST,
    Snapshot,
    copy_state,
    load_checkpoint,
    load_model,
    model_of,
    write_checkpoint,
)
from medlab.train._weights import read_arrays


def a_model(units=2, seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(units)]
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def save_checkpoint(folder, model, step, best=None, **position):
    snapshot = Snapshot(copy_state(model), {"step": step, **position}, best)
    return write_checkpoint(folder, snapshot)


def train_one_step(model):
    model.train_on_batch(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"))
    return [np.asarray(v) for v in [*model.variables, *model.optimizer.variables]]


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_comes_next_is_the_same_after_loading(tmp_path):
    model, other = a_model(), a_model(seed=5)
    train_one_step(model)
    save_checkpoint(tmp_path, model, 1, epochs=2)

    position = load_checkpoint(tmp_path, other)

    assert (position["step"], position["epochs"]) == (1, 2)
    for ours, theirs in zip(train_one_step(model), train_one_step(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_snapshot_stays_what_it_was_while_training_goes_on(tmp_path):
    model = a_model()
    before = [np.array(weights) for weights in model.get_weights()]
    snapshot = Snapshot(copy_state(model), {"step": 0})
    train_one_step(model)
    write_checkpoint(tmp_path, snapshot)

    load_checkpoint(tmp_path, model)

    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_two_generations_are_kept(tmp_path):
    model = a_model()
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, model, step)
    steps = ["step-00000002.safetensors", "step-00000003.safetensors"]
    assert files(tmp_path) == [MANIFEST, *steps]


def test_the_manifest_has_the_sums_of_the_files(tmp_path):
    save_checkpoint(tmp_path, a_model(), 1)

    entry = json.loads((tmp_path / MANIFEST).read_text())["checkpoints"][0]

    data = (tmp_path / entry["file"]).read_bytes()
    assert entry["sha256"] == hashlib.sha256(data).hexdigest()
    assert entry["bytes"] == len(data)


def test_the_file_is_one_of_safetensors(tmp_path):
    """Read as the format's description says, without our reader."""
    model = a_model()
    data = save_checkpoint(tmp_path, model, 7).read_bytes()

    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    about = header.pop("__metadata__")
    body = data[8 + length :]

    assert json.loads(about["position"])["step"] == 7
    assert max(entry["data_offsets"][1] for entry in header.values()) == len(body)
    for number, variable in enumerate(model.variables):
        entry = header[f"model/{number:04d}"]
        begin, end = entry["data_offsets"]
        dtype = {"F32": "<f4", "U32": "<u4", "I32": "<i4"}[entry["dtype"]]
        array = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
        np.testing.assert_array_equal(array, np.asarray(variable.value))


@pytest.mark.parametrize("kept", [0, 7, 100, 900])
def test_a_file_cut_short_gives_way_to_the_one_before(tmp_path, kept):
    model = a_model()
    save_checkpoint(tmp_path, model, 1)
    newest = save_checkpoint(tmp_path, model, 2)
    newest.write_bytes(newest.read_bytes()[:kept])

    assert load_checkpoint(tmp_path, model)["step"] == 1


def test_a_bit_that_flipped_gives_way_to_the_one_before(tmp_path):
    model = a_model()
    save_checkpoint(tmp_path, model, 1)
    newest = save_checkpoint(tmp_path, model, 2)
    data = bytearray(newest.read_bytes())
    data[-3] ^= 1
    newest.write_bytes(data)

    assert load_checkpoint(tmp_path, model)["step"] == 1


def test_the_best_weights_lie_apart_and_outlive_newer_ones(tmp_path):
    model = a_model()
    good = copy_state(model, optimizer=False, metrics=False)
    for step in (1, 2, 3):
        train_one_step(model)
        save_checkpoint(tmp_path, model, step, best=(1, good))

    load_checkpoint(tmp_path, model, optimizer=False, best=True)

    assert [n for n in files(tmp_path) if "best" in n] == ["best-00000001.safetensors"]
    for variable, value in zip(model.variables, good.values(), strict=True):
        np.testing.assert_array_equal(variable, value)


def test_going_on_from_an_earlier_step_leaves_no_later_one(tmp_path):
    model = a_model()
    for step in (5, 9, 6):
        save_checkpoint(tmp_path, model, step)
    assert load_checkpoint(tmp_path, model)["step"] == 6


def test_an_empty_folder_holds_no_checkpoint(tmp_path):
    assert load_checkpoint(tmp_path, a_model()) is None


def test_the_checkpoint_of_another_model_is_refused(tmp_path):
    save_checkpoint(tmp_path, a_model(), 1)
    with pytest.raises(MedlabError, match=r"that of another model.*Start a new run"):
        load_checkpoint(tmp_path, a_model(units=4))


def test_halves_and_whole_numbers_come_back_as_they_were(tmp_path):
    arrays = {
        "half": np.array([1.5, -2], keras.src.backend.jax.core.jnp.bfloat16),
        "count": np.array(7, np.int64),
        "nothing": np.zeros((0, 3), np.float32),
        "flags": np.array([True, False]),
    }
    path = write_checkpoint(tmp_path, Snapshot(arrays, {"step": 0}))

    found, _ = read_arrays(path)

    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def a_lambda(folder):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Lambda(lambda x: os.getpid() * x)]
    )
    (folder / "model.json").write_text(model.to_json())


def a_class_from_elsewhere(folder):
    text = a_model().to_json()
    text = text.replace('"module": "keras.layers"', '"module": "antigravity"')
    (folder / "model.json").write_text(text)


@pytest.mark.parametrize("foreign", [a_lambda, a_class_from_elsewhere])
def test_a_description_with_code_of_others_is_refused(tmp_path, foreign):
    foreign(tmp_path)
    with pytest.raises(MedlabError, match=r"Keras' or medlab's own.*load_weights_into"):
        model_of((tmp_path / "model.json").read_text())


def test_a_keras_file_is_never_opened(tmp_path):
    """Whatever lies there: only our own description and arrays are read."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 anything at all")
    with pytest.raises(MedlabError, match=r"has no checkpoint yet"):
        load_model(tmp_path)
    save_checkpoint(tmp_path / "checkpoints", a_model(), 1)
    with pytest.raises(MedlabError, match=r"cannot be built from a description"):
        load_model(tmp_path)
