"""Going on: the same end, one history, and a word where exactness is not promised."""

import json
import re

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.train import Run, fit, runs, train
from medlab.train._run import queue
from medlab.train._trainer import resume_here, work
from tests.support.training import end_of


def stopped_at(step, recipe, home, *others):
    """A run that was stopped after so many steps."""
    run = Run(queue(recipe, home, where="inline"))
    for cmd, at_step, args in others:
        run.control(cmd, at_step=at_step, **args)
    run.control("stop", at_step=step)
    work(run.folder, home)
    assert (run.state, run.summary.step) == ("stopped", step)
    return run


@pytest.fixture
def recipe(recipe):
    return recipe.replace(epochs=3, validation=0.3, checkpoint_every_s=0.0)


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_stop_anywhere_leaves_no_trace(workplace, recipe, step):
    """In the middle of an epoch, and after its last step, before validation."""
    whole = train(recipe, workplace)
    run = stopped_at(step, recipe, workplace)

    resume_here(run, workplace)

    assert end_of(run.folder) == end_of(whole.folder)


def test_a_setting_changed_after_the_checkpoint_is_changed_again(workplace, recipe):
    changed = ("set", 4, {"learning_rate": 0.02})
    whole = Run(queue(recipe, workplace, where="inline"))
    whole.control("set", at_step=4, learning_rate=0.02)
    work(whole.folder, workplace)
    run = stopped_at(2, recipe, workplace)
    # As a kill after step 5 would leave it: the log knows more than the checkpoint.
    with (run.folder / "metrics.jsonl").open("a") as log:
        for line in (
            {
                "kind": "control",
                "seq": 9,
                "cmd": changed[0],
                "args": changed[2],
                "step": 4,
            },
            {"kind": "epoch", "epoch": 1, "step": 3, "loss": 99.0},
        ):
            log.write(json.dumps(line) + "\n")

    resume_here(run, workplace)

    assert end_of(run.folder) == end_of(whole.folder)
    told = [line for line in run.metrics() if line["kind"] == "control"]
    assert [(line["cmd"], line["step"]) for line in told] == [("stop", 2), ("set", 4)]


def test_the_history_has_each_epoch_once_and_readers_are_told(workplace, recipe):
    run = stopped_at(4, recipe, workplace)
    with (run.folder / "metrics.jsonl").open("a") as log:
        log.write('{"kind": "epoch", "epoch": 2, "step": 6, "loss": 99.0}\n')

    resume_here(run, workplace)

    epochs = [line for line in run.metrics() if line["kind"] == "epoch"]
    assert [line["step"] for line in epochs] == [3, 6, 9]
    assert all(line["loss"] < 90 for line in epochs)
    rewinds = [r for r in runs.tail_metrics(run.folder)[1] if r["kind"] == "rewind"]
    assert [(line["step"], line["epoch"]) for line in rewinds] == [(4, 1)]


def test_without_a_checkpoint_it_begins_anew(workplace, recipe):
    whole = train(recipe, workplace)
    run = stopped_at(2, recipe, workplace)
    (run.folder / "checkpoints" / "manifest.json").unlink()

    resume_here(run, workplace)

    assert end_of(run.folder) == end_of(whole.folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"versions": {"jaxlib": "0.0.1", "convolutions": "elsewhere"}},
            r"not promised: (jaxlib was 0\.0\.1 and is|convolutions was elsewhere)",
        ),
        (
            {"data": [{"scan": "0", "labels": "0"}]},
            r"not promised: scan or labels changed in case 1\.",
        ),
    ],
)
def test_other_ground_is_told(workplace, recipe, change, says):
    run = stopped_at(2, recipe, workplace)
    path = run.folder / "run.json"
    about = json.loads(path.read_text())
    assert len(about["data"][0]["scan"]) == 64, "SHA-256 of the scan"
    path.write_text(json.dumps({**about, **change}))

    resume_here(run, workplace)

    assert run.state == "finished"
    said = [line["message"] for line in run.metrics() if line["kind"] == "state"]
    assert re.search(says, " ".join(said))


def test_the_number_of_workers_decides_nothing(workplace, recipe):
    ends = [
        end_of(train(recipe.replace(workers=n), workplace).folder) for n in (0, 1, 2, 4)
    ]
    assert ends[0] == ends[1] == ends[2] == ends[3]


def test_the_best_weights_are_those_of_the_best_epoch(workplace, recipe):
    run = train(recipe, workplace)
    epochs = [line for line in run.metrics() if line["kind"] == "epoch"]
    best = max(epochs, key=lambda line: line["val_dice"])
    at_best = stopped_at(best["step"], recipe, workplace)

    for ours, then in zip(
        run.model(best=True).get_weights(), at_best.model().get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, then)


class Crash(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()
        self._at, self._seen = at, 0

    def on_train_batch_end(self, batch, logs=None):
        self._seen += 1
        if self._seen == self._at:
            raise RuntimeError("the lights went out")


class Counter(keras.callbacks.Callback):
    """Remembers in its own words."""

    def __init__(self):
        super().__init__()
        self._epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self._epochs += 1

    def get_state(self):
        return {"epochs": self._epochs}

    def set_state(self, state):
        self._epochs = state["epochs"]


def fitted(home, *, crash=None, resume=None):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(20, 3)), random.normal(size=(20, 2))
    patient = {"monitor": "loss", "patience": 1}
    callbacks = [
        keras.callbacks.ReduceLROnPlateau(**patient, factor=0.5, min_delta=0.01),
        keras.callbacks.EarlyStopping(
            "loss", patience=4, min_delta=0.01, restore_best_weights=True
        ),
        Counter(),
    ]
    more = [Crash(crash)] if crash else []
    arguments = {"batch_size": 8, "epochs": 40, "checkpoint_every_s": 0, "home": home}
    run = fit(model, x, y, callbacks=[*callbacks, *more], resume=resume, **arguments)
    return run, model, callbacks


@pytest.mark.parametrize("crash", [7, 10, 12])
def test_callbacks_stop_as_early_as_if_nothing_had_happened(workplace, crash):
    whole, model, callbacks = fitted(workplace)
    assert whole.summary.epoch < 40, "nothing stopped it early"
    with pytest.raises(RuntimeError):
        fitted(workplace, crash=crash)
    broken = next(r.id for r in runs.list_runs(workplace) if r.state == "failed")

    run, again, others = fitted(workplace, resume=broken)

    assert run.state == "finished"
    assert end_of(run.folder)["epochs"] == end_of(whole.folder)["epochs"]
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert others[2].get_state() == callbacks[2].get_state()


def test_fit_on_a_generator_is_not_resumed(workplace):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(MedlabError, match=r"Only a training on arrays x and y"):
        fit(model, iter([]), resume="20261121T013000Z-0a1b2c", home=workplace)
