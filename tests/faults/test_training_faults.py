"""What goes wrong while a training runs: numbers, memory, disk."""

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.scans import find_home
from medlab.train import Recipe, Run, fit, runs, train
from medlab.train import _checkpoint as checkpoint
from medlab.train import _log as log
from medlab.train import _samples as samples
from medlab.train._run import queue
from medlab.train._trainer import resume_here, work
from tests.support.training import end_of, write_case


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.setenv("MEDLAB_CONVOLUTIONS", "stock")
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path)


def a_recipe(**changes):
    return Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=2,
        steps_per_epoch=7,
        epochs=3,
        checkpoint_every_s=0.0,
    ).replace(**changes)


def last_run():
    return Run(find_home().runs / runs.list_runs(find_home())[0].id)


def lines(run, kind):
    return [line for line in run.metrics() if line["kind"] == kind]


def status(run):
    return json.loads((run.folder / "status.json").read_text())


def poison(monkeypatch, step):
    """Put one voxel that is no number into the batch of a step, from 1."""
    raw = samples.TrainingBatches.raw

    def poisoned(self, epoch, within):
        images, labels, places = raw(self, epoch, within)
        if epoch * self.steps + within + 1 == step:
            images = images.copy()
            images[0, 3, 3, 0] = np.nan
        return images, labels, places

    monkeypatch.setattr(samples.TrainingBatches, "raw", poisoned)


@pytest.mark.parametrize("step", [1, 10, 14])
def test_a_number_that_is_none_stops_with_the_weights_of_the_step_before(
    monkeypatch, step
):
    run = Run(queue(a_recipe(), find_home(), where="inline"))
    if step > 1:
        run.control("stop", at_step=step - 1)
        work(run.folder, find_home())
    poison(monkeypatch, step)

    with pytest.raises(MedlabError) as error:
        train(a_recipe(), find_home())

    # Both may have begun in the same second, so neither is told to be the later one.
    home = find_home()
    (bad,) = (Run(home.runs / r.id) for r in runs.list_runs(home) if r.id != run.id)
    epoch = (step - 1) // 7 + 1
    assert error.value.code == "not-finite"
    assert f"got nan in epoch {epoch}, step {step} (case 1 of the recipe" in str(
        error.value
    )
    assert bad.state == "failed"
    assert status(bad)["alert"] == {"code": "not-finite", "message": str(error.value)}
    assert [line["step"] for line in lines(bad, "alert")] == [step]
    if step > 1:  # nothing is there to keep before the first step
        good, kept = end_of(run.folder), end_of(bad.folder)
        assert kept["position"]["step"] == step - 1
        assert kept["sha256"] == good["sha256"]


def test_a_gradient_without_end_is_found_though_the_loss_is_a_number():
    @keras.saving.register_keras_serializable("medlab-test")
    def steep(x):
        return keras.ops.sqrt(keras.ops.abs(x))  # at 0 of endless slope

    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(1, use_bias=False),
            keras.layers.Activation(steep),
        ]
    )
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2), "float32"), np.ones((4, 1), "float32")
    x[2:] = 0
    before = model.get_weights()

    with pytest.raises(MedlabError, match=r"The gradient must be a finite number"):
        fit(model, x, y, batch_size=2, shuffle=False, epochs=2, checkpoint_every_s=0)

    assert last_run().state == "failed"
    assert np.isfinite(model.get_weights()[0]).all()
    assert not np.array_equal(model.get_weights()[0], before[0]), "one step was good"


def test_training_goes_on_while_the_disk_is_full_and_says_so(monkeypatch):
    write, told = checkpoint.write_arrays, []

    def full(file, arrays, about):
        step = json.loads(about["position"]).get("step", 0)
        if 0 < step < 12:
            told.append(step)
            write(file, dict(list(arrays.items())[:2]), about)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, arrays, about)

    monkeypatch.setattr(checkpoint, "write_arrays", full)
    alerts = []
    alert = log.RunLog.alert

    def noted(self, *args, **options):
        alert(self, *args, **options)
        alerts.append(status(Run(self.folder))["alert"])

    monkeypatch.setattr(log.RunLog, "alert", noted)

    run = train(a_recipe(), find_home())

    assert told, "no checkpoint was tried in time"
    assert run.state == "finished"
    assert alerts[0]["code"] == "disk-full"
    assert "The disk is full: the checkpoint of step" in alerts[0]["message"]
    assert len(lines(run, "alert")) == 1
    assert status(run)["alert"] is None, "a later save succeeded"
    assert sorted(p.suffix for p in (run.folder / "checkpoints").iterdir()) == [
        ".json",
        ".safetensors",
        ".safetensors",
    ]


def test_a_log_without_room_waits_and_loses_no_line(monkeypatch):
    append, refused = log._append, []

    def full(file, line):
        if len(refused) < 10:
            refused.append(line)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(file, line)

    monkeypatch.setattr(log, "_append", full)
    run = train(a_recipe(), find_home())

    assert len(refused) == 10
    assert [line["step"] for line in lines(run, "epoch")] == [7, 14, 21]
    assert lines(run, "state")[0]["state"] == "compiling"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_real_disk_that_is_full_ends_no_training(tmp_path, monkeypatch):
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        monkeypatch.setenv("MEDLAB_HOME", str(disk / ".medlab"))
        (disk / "ballast").write_bytes(bytes(560 << 10))
        with pytest.raises(MedlabError, match=r"disk is full.*go on with medlab train"):
            train(a_recipe(), find_home())
        run = last_run()
        assert status(run)["alert"]["code"] == "disk-full"
        assert status(run)["state"] == "failed"
        (disk / "ballast").unlink()

        resume_here(run, find_home())

        assert run.state == "finished"
        assert status(run)["alert"] is None
        assert [line["step"] for line in lines(run, "epoch")] == [7, 14, 21]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


LIMITED = """
    import resource, sys
    from medlab.scans import find_home
    from medlab.train import Recipe, train
    from medlab.errors import MedlabError
    recipe = Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]}, patch=[16, 16], batch=2,
        steps_per_epoch=7, epochs=3, checkpoint_every_s=0.0)
    # No file may grow beyond this: as a full disk, for the larger files only.
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, resource.RLIM_INFINITY))
    try:
        train(recipe, find_home())
    except MedlabError as error:
        print(error.code)
"""


def test_files_that_may_not_grow_end_no_training(tmp_path):
    """The kernel refuses the writes here, not a stand-in."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED)],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    run = last_run()
    assert done.stdout.split()[-1] == "disk-full", done.stderr
    assert [line["step"] for line in lines(run, "epoch")] == [7, 14, 21]
    assert [line["code"] for line in lines(run, "alert")] == ["disk-full"]
    assert status(run)["alert"]["code"] == "disk-full"


def test_a_step_too_large_for_the_memory_is_refused_with_smaller_settings(monkeypatch):
    monkeypatch.setattr("medlab.train._step.free_memory", lambda device: 1000)

    with pytest.raises(MedlabError) as error:
        train(a_recipe(), find_home())

    text = str(error.value)
    assert error.value.code == "out-of-memory"
    assert "One training step takes about" in text
    for setting in (
        "batch: 1 (about",
        "patch: [8, 16] (about",
        "precision: mixed_bfloat16",
    ):
        assert setting in text
    assert status(last_run())["alert"]["code"] == "out-of-memory"


HUNGRY = """
    import numpy as np, sys
    from medlab.backend import keras, jax
    from medlab.errors import MedlabError
    from medlab.scans import find_home
    from medlab.train import fit
    import medlab.train._step as step
    step.free_memory = lambda device: None  # as on a device that does not tell
    import resource
    def model(units):
        wide = keras.layers.Dense(units, activation="tanh")
        m = keras.Sequential([keras.Input((8,)), wide, keras.layers.Dense(1)])
        m.compile("sgd", "mse")
        return m
    x, y = np.ones((4096, 8), "float32"), np.ones((4096, 1), "float32")
    fit(model(4), x, y, batch_size=4096, home=find_home())
    used = int(open("/proc/self/statm").read().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), resource.RLIM_INFINITY))
    try:
        fit(model(400_000), x, y, batch_size=4096, home=find_home())
    except MedlabError as error:
        print(error.code)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    print(fit(model(4), x, y, batch_size=4096, home=find_home()).state)
"""


def test_a_process_outlives_memory_that_ran_out(tmp_path):
    """The system refuses the memory here; the same process trains on afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HUNGRY)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    told = [line for line in done.stdout.splitlines() if " " not in line]
    assert told == ["out-of-memory", "finished"], done.stderr[-3000:]
    codes = sorted(
        str((status(Run(f))["alert"] or {}).get("code"))
        for f in find_home().runs.iterdir()
    )
    assert codes == ["None", "None", "out-of-memory"]
