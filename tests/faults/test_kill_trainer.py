"""kill -9 of the trainer at random moments: nothing unreadable, and the run goes on.

Three kills by default, a hundred with MEDLAB_LONG=1.
"""

import json
import os
import random
import shutil
import time

import nibabel as nib
import numpy as np
import pytest

from medlab.scans import find_home
from medlab.train import Recipe, launch, resume, runs
from medlab.train._checkpoint import _newest_first, _read

KILLS = 100 if os.environ.get("MEDLAB_LONG") == "1" else 3
EPOCHS = 40


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    voxels = np.random.default_rng(0).normal(0, 20, (16, 16, 6))
    labels = np.zeros(voxels.shape, np.uint8)
    labels[3:8, 5:11] = 1
    labels[9:14, 5:11] = 2
    voxels[labels > 0] += 300
    for name, data in (("scan", voxels.astype(np.int16)), ("labels", labels)):
        image = nib.Nifti1Image(data, np.diag([-2.0, -2.0, 5.0, 1.0]))
        nib.save(image, tmp_path / f"{name}.nii")
    return find_home()


def a_recipe():
    return Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=2,
        steps_per_epoch=20,
        epochs=EPOCHS,
    )


def check_readable(folder):
    """Whatever lies in the folder of a killed run can be read."""
    json.loads((folder / "run.json").read_text())
    json.loads((folder / "status.json").read_text())
    for line in (folder / "metrics.jsonl").read_bytes().split(b"\n")[:-1]:
        json.loads(line)
    for checkpoint in _newest_first(folder / "checkpoints"):
        _read(checkpoint)
    for picture in (folder / "preview").glob("*.png"):
        assert picture.read_bytes().endswith(b"IEND\xaeB`\x82")


def beating_as_if_ten_seconds_later(folder):
    """Age the heartbeat, instead of waiting 10 s after each kill."""
    status = json.loads((folder / "status.json").read_text())
    status["heartbeat"] -= 11
    runs.replace_json(folder / "status.json", status)


@pytest.mark.timeout(300 + KILLS * 60)
def test_a_killed_trainer_is_lost_and_resumes_to_the_end(workplace):
    chance = random.Random(KILLS)
    first = launch(a_recipe(), workplace)
    first.wait(timeout_s=300)  # compiled once, so that the kills hit training too
    assert first.state == "finished", runs.tail_log(first.folder)[1]
    lines = first.metrics()
    began = next(m["t"] for m in lines if m["kind"] == "batch")
    whole_s = lines[-1]["t"] - lines[0]["t"]
    assert lines[-1]["t"] > began

    run = launch(a_recipe(), workplace)
    for _ in range(KILLS):
        if run.state == "finished":
            shutil.rmtree(run.folder)
            run = launch(a_recipe(), workplace)
        time.sleep(chance.uniform(0.2, whole_s + 3))
        if run.state == "finished":
            continue
        run._process.kill()
        run._process.wait()
        check_readable(run.folder)
        beating_as_if_ten_seconds_later(run.folder)
        assert run.state in ("lost", "finished")
        if run.state == "lost":
            run = resume(run.id, workplace)
    run.wait(timeout_s=300)

    assert run.state == "finished", runs.tail_log(run.folder)[1]
    check_readable(run.folder)
    # The last checkpoint of both holds the same weights: going on was exact.
    ends = [_read(_newest_first(r.folder / "checkpoints")[0]) for r in (first, run)]
    for name in ends[0]:
        if name.startswith("model-"):
            np.testing.assert_array_equal(ends[0][name], ends[1][name])
