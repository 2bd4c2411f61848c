"""A recipe becomes a model; commands act between two batches; a stop can be undone."""

import hashlib
import json
import threading
import time

import numpy as np
import pytest

import medlab
from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.train import Recipe, Run, fit, launch, open_run, runs, train
from medlab.train._run import queue
from medlab.train._trainer import resume_here, work

_PROMPT_S = 1.0
"""The mark is a batch and 300 ms on a quiet machine; here others may be at work."""


def weights_hash(run):
    digest = hashlib.sha256()
    for array in run.model().get_weights():
        digest.update(array.tobytes())
    return digest.hexdigest()


def lines(run, kind):
    return [line for line in run.metrics() if line["kind"] == kind]


def status(run):
    return json.loads((run.folder / "status.json").read_text())


def wait_until(true, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def in_background(recipe, home):
    """Train in a thread, as a busy kernel would; the run and the thread."""
    before = {run.id for run in runs.list_runs(home)}
    thread = threading.Thread(target=train, args=(recipe, home), daemon=True)
    thread.start()
    wait_until(lambda: len(runs.list_runs(home)) > len(before))
    new = next(r.id for r in runs.list_runs(home) if r.id not in before)
    return open_run(new, home), thread


def queued_with(recipe, home, *planned):
    """A run that finds commands when it begins, each for a step of its own."""
    run = Run(queue(recipe, home, where="inline"))
    for cmd, at_step, *args in planned:
        run.control(cmd, at_step=at_step, **dict(*args))
    return run


def command(run, cmd, **args):
    """Send a command and wait for its acknowledgement: seconds that took."""
    began = time.monotonic()
    seq = run.control(cmd, **args)
    wait_until(lambda: status(run)["ack_seq"] >= seq)
    return time.monotonic() - began


def test_a_run_tells_its_whole_story(workplace, recipe):
    run = train(recipe.replace(validation=0.3), workplace)

    assert run.state == "finished"
    epochs = lines(run, "epoch")
    assert [line["step"] for line in epochs] == [3, 6]
    assert {"loss", "dice", "val_loss", "val_dice", "lr"} <= set(epochs[0])
    assert lines(run, "batch")[0]["step"] == 1
    for line in lines(run, "preview"):
        picture = runs.preview_path(run.folder, line["file"])
        assert picture.read_bytes().startswith(b"\x89PNG")
    states = [line["state"] for line in lines(run, "state")]
    assert states[0] == "compiling"
    assert "validating" in states
    assert states[-1] == "finished"
    assert "epoch 2/2" in runs.tail_log(run.folder)[1]


def test_the_same_seed_gives_the_same_weights(workplace, recipe):
    first, second = train(recipe, workplace), train(recipe, workplace)
    other = train(recipe.replace(seed=8), workplace)

    assert weights_hash(first) == weights_hash(second)
    assert weights_hash(first) != weights_hash(other)


def test_a_run_stopped_in_the_middle_of_an_epoch_resumes_exactly(workplace, recipe):
    recipe = recipe.replace(
        epochs=2,
        steps_per_epoch=40,
        template_args={"widths": [4, 8], "dropout": 0.2},
    )
    whole = train(recipe, workplace)
    run = queued_with(recipe, workplace, ("stop", 23))
    work(run.folder, workplace)
    assert (run.state, status(run)["step"]) == ("stopped", 23)

    resume_here(run, workplace)

    assert run.state == "finished"
    assert weights_hash(run) == weights_hash(whole)


def test_pause_set_checkpoint_resume_and_stop_act(workplace, recipe):
    run, thread = in_background(recipe.replace(epochs=5000), workplace)
    wait_until(lambda: run.state == "running")

    assert command(run, "pause") < _PROMPT_S
    assert run.state == "paused"
    step = status(run)["step"]
    command(run, "set", learning_rate=0.0125, epochs=4000)
    command(run, "checkpoint")
    time.sleep(0.2)
    assert status(run)["step"] == step
    assert (run.folder / "checkpoints" / f"step-{step:08d}.safetensors").is_file()
    command(run, "resume")
    wait_until(lambda: status(run)["step"] > step)
    stop_s = command(run, "stop")
    thread.join(timeout=60)

    assert stop_s < _PROMPT_S
    assert run.state == "stopped"
    assert run.summary.epochs == 4000
    assert any(abs(e["lr"] - 0.0125) < 1e-4 for e in lines(run, "epoch"))


def test_stop_ends_a_paused_run(workplace, recipe):
    run, thread = in_background(recipe.replace(epochs=5000), workplace)
    wait_until(lambda: run.state == "running")
    command(run, "pause")
    assert command(run, "stop") < _PROMPT_S
    thread.join(timeout=60)
    assert run.state == "stopped"


class SlowBatches(keras.utils.PyDataset):
    """Validation of 200 batches, each held up for 50 ms."""

    def __len__(self):
        return 200

    def __getitem__(self, index):
        time.sleep(0.05)
        return np.zeros((2, 3), "float32"), np.zeros((2, 1), "float32")


def small_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_stop_ends_a_validation(workplace):
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    arguments = {"epochs": 2, "validation_data": SlowBatches(), "home": workplace}
    thread = threading.Thread(target=fit, args=(small_model(), x, y), kwargs=arguments)
    thread.start()
    wait_until(lambda: runs.list_runs(workplace))
    run = open_run(runs.list_runs(workplace)[0].id, workplace)
    wait_until(lambda: run.state == "validating")

    assert command(run, "stop") < _PROMPT_S
    thread.join(timeout=5)

    assert run.state == "stopped"


def test_fit_takes_any_model(workplace):
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")

    run = fit(small_model(), x, y, epochs=3, batch_size=4, run="mine", home=workplace)

    assert (run.state, run.summary.name, run.summary.step) == ("finished", "mine", 6)
    losses = [line["loss"] for line in lines(run, "epoch")]
    assert losses[-1] < losses[0]
    assert run.model().predict_on_batch(x).shape == (8, 1)


def test_fit_refuses_a_model_without_a_loss(workplace):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(MedlabError, match=r"needs a compiled model.*model\.compile"):
        fit(model, np.ones((2, 3)), np.ones((2, 1)), home=workplace)


def test_an_interrupted_kernel_leaves_a_stopped_run(workplace):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    with pytest.raises(KeyboardInterrupt):
        fit(small_model(), x, y, epochs=3, callbacks=[Interrupt()], home=workplace)
    assert runs.list_runs(workplace)[0].state == "stopped"


def test_a_training_that_fails_says_why(workplace, recipe):
    with pytest.raises(MedlabError, match="slices of this scan are numbered 0 to 5"):
        train(
            recipe.replace(cases=[{**recipe.cases[0], "slices": [9]}]),
            workplace,
        )
    summary = runs.list_runs(workplace)[0]
    assert summary.state == "failed"
    assert "got 9. Choose slices inside the scan." in summary.message


def test_a_process_of_its_own_finishes_and_predicts(workplace, recipe):
    recipe = recipe.replace(epochs=10, steps_per_epoch=30, learning_rate=0.01)
    run = launch(recipe, workplace)
    run.wait(timeout_s=300)

    assert run.state == "finished", runs.tail_log(run.folder)[1]
    assert run.summary.where == "process"
    truth = medlab.open_labels("labels.nii")
    prediction = medlab.predict(run, "scan.nii", segments=None)
    scores = medlab.dice(prediction.voxels, truth.voxels, slices=[1, 3, 5])
    assert min(scores.values()) > 0.8


def test_a_process_that_still_starts_stops_at_once(workplace, recipe):
    run = launch(recipe.replace(epochs=5000), workplace)
    assert command(run, "stop") < 3  # an interpreter has to start first
    run.wait(timeout_s=10)
    assert run.state == "stopped"


def test_a_finished_run_is_not_resumed(workplace, recipe):
    run = train(recipe.replace(epochs=1), workplace)
    with pytest.raises(MedlabError, match=r"this one is finished\. Start a new run"):
        resume_here(run, workplace)


def test_a_recipe_without_cases_is_refused(workplace):
    with pytest.raises(MedlabError, match=r"names at least one case, got none"):
        train(Recipe(), workplace)


def test_volumes_train_and_predict_in_patches(workplace, recipe):
    recipe = recipe.replace(
        plane=None,
        cases=[{"scan": "scan.nii", "labels": "labels.nii"}],
        patch=[8, 8, 4],
        epochs=1,
    )
    run = train(recipe, workplace)
    assert isinstance(run, Run)
    assert medlab.predict(run, "scan.nii").shape == (16, 16, 6)


def test_a_second_stage_learns_from_what_the_first_one_sees(workplace, recipe):
    first = train(recipe.replace(epochs=1), workplace)

    second = train(recipe.replace(epochs=1, first_stage=first.id), workplace)

    assert second.model().input_shape[-1] == 1 + 2  # the scan, and two segments
    assert medlab.predict(second, "scan.nii").shape == (16, 16, 6)


def test_half_precision_trains_and_keeps_its_weights_whole(workplace, recipe):
    run = train(recipe.replace(precision="mixed_bfloat16"), workplace)
    model = run.model()
    assert {weights.dtype for weights in model.get_weights()} == {np.dtype("float32")}
    assert model.layers[1].compute_dtype == "bfloat16"
    assert all(np.isfinite(line["loss"]) for line in lines(run, "epoch"))


@pytest.mark.parametrize(
    ("schedule", "shares"), [("poly", [1, 0.536]), ("constant", [1, 1])]
)
def test_the_schedule_is_that_of_the_recipe(workplace, recipe, schedule, shares):
    run = train(recipe.replace(schedule=schedule, learning_rate=0.01), workplace)
    rates = [line["lr"] / 0.01 for line in lines(run, "epoch")]
    assert rates == pytest.approx(shares, abs=1e-3)


def test_the_status_tells_compilation_and_waiting(workplace, recipe):
    run = train(recipe, workplace)
    told = status(run)
    assert told["compile_s"] > 0
    assert 0 <= told["wait_share"] <= 1
    assert told["alert"] is None
    assert all(0 <= line["wait_share"] <= 1 for line in lines(run, "epoch"))


def test_a_step_that_waits_for_data_says_so(workplace, recipe, monkeypatch):
    from medlab.data import TrainingBatches

    raw = TrainingBatches.raw

    def slow(self, epoch, step):
        time.sleep(0.2)
        return raw(self, epoch, step)

    monkeypatch.setattr(TrainingBatches, "raw", slow)
    run = train(recipe.replace(steps_per_epoch=6, workers=1), workplace)
    assert lines(run, "epoch")[1]["wait_share"] > 0.5


def test_a_model_with_several_heads_trains_draws_and_predicts(workplace, recipe):
    heads = {"widths": [4, 8, 16], "deep_supervision": True}
    run = train(recipe.replace(template_args=heads, epochs=1), workplace)

    assert run.state == "finished"
    assert lines(run, "preview")
    assert run.model().output_shape == (None, None, None, 3)
    assert medlab.predict(run, "scan.nii").shape == (16, 16, 6)


def test_regions_are_learnt_and_predicted_as_the_segments_they_are_made_of(
    workplace, recipe
):
    left, right = (
        segment.name for segment in medlab.open_labels("labels.nii").segments
    )
    regions = {"both": [left, right], "right one": [right]}
    longer = {"steps_per_epoch": 20, "epochs": 4, "learning_rate": 0.02}
    run = train(recipe.replace(regions=regions, **longer), workplace)

    found = medlab.predict(run, "scan.nii")

    truth = medlab.open_labels("labels.nii")
    assert [segment.name for segment in found.segments] == [left, right]
    for number in (1, 2):
        ours, theirs = (np.asarray(x.voxels) == number for x in (found, truth))
        assert 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) > 0.8
