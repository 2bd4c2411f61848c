"""kill -9 of the trainer at any step: it goes on as if nothing had happened.

Twelve kills by default, two hundred a template with MEDLAB_LONG=1; twenty kills while a
checkpoint is being saved, or five hundred. MEDLAB_CONVOLUTIONS=onednn does it with the
fast convolutions.
"""

import json
import os
import random
import signal
import time

import numpy as np
import pytest

from medlab.scans import find_home
from medlab.train import Recipe, runs
from medlab.train._checkpoint import find_checkpoint
from medlab.train._run import queue
from tests.support.training import TrainerHost, end_of, write_case

LONG = os.environ.get("MEDLAB_LONG") == "1"
KILLS = 200 if LONG else 12
SAVE_KILLS = 500 if LONG else 20
KILLED = -signal.SIGKILL

TEMPLATES = {
    "unet": {"widths": [4, 8], "dropout": 0.2},
    "unet, 3D": {"widths": [4, 8]},
    "unet, residual": {"widths": [4, 8], "residual": [1, 1]},
    "unet, gates, heads, batch norm": {
        "widths": [4, 8, 8],
        "attention": True,
        "deep_supervision": True,
        "normalisation": "batch",
    },
}
CHOSEN = list(TEMPLATES) if LONG else ["unet"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A root with a case in it, and a host of trainers that work there."""
    folder = tmp_path_factory.mktemp("kills")
    write_case(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLAB_HOME", str(folder / ".medlab"))
        patch.chdir(folder)
        host = TrainerHost(folder, os.environ.get("MEDLAB_CONVOLUTIONS", "stock"))
        yield find_home(), host
        host.close()


def a_recipe(template, **changes):
    steps = 5 * max(1, KILLS // 12)
    recipe = Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args=TEMPLATES[template],
        patch=[16, 16],
        batch=2,
        steps_per_epoch=steps,
        epochs=8,
        validation=0.3,
        checkpoint_every_s=0.0,
    )
    if "3D" in template:
        whole = {"scan": "scan.nii", "labels": "labels.nii"}
        changes |= {"plane": None, "patch": [8, 8, 4], "cases": [whole, whole]}
    return recipe.replace(**changes)


def check_readable(folder):
    """Whatever lies in the folder of a killed run can be read."""
    json.loads((folder / "run.json").read_text())
    json.loads((folder / "status.json").read_text())
    for line in (folder / "metrics.jsonl").read_bytes().split(b"\n")[:-1]:
        json.loads(line)
    for picture in (folder / "preview").glob("*.png"):
        assert picture.read_bytes().endswith(b"IEND\xaeB`\x82")


def log_of(folder):
    return (
        (folder / "stdout.log").read_text() if (folder / "stdout.log").exists() else ""
    )


@pytest.mark.timeout(600 + KILLS * 30)
@pytest.mark.parametrize("template", CHOSEN)
def test_a_run_killed_at_any_step_ends_as_one_that_was_not(workplace, template):
    home, host = workplace
    recipe = a_recipe(template)
    whole = queue(recipe, home, where="process")
    assert host.do("train", run=whole.name) == 0, log_of(whole)
    expected = end_of(whole)
    assert expected["position"]["best"], "no best weights to compare"
    last = recipe.epochs * recipe.steps_per_epoch
    chance = random.Random(KILLS)

    folder, again = queue(recipe, home, where="process"), False
    # Before and after the callback counted the step; the last step of an epoch too.
    ends = [recipe.steps_per_epoch * n for n in (1, 3)]
    steps = sorted([*ends, *chance.sample(range(2, last), KILLS - len(ends))])
    for step in steps:
        how = {"kill_step": step, "kill_after": bool(chance.getrandbits(1))}
        ended = host.do("train", run=folder.name, again=again, **how)
        assert os.waitstatus_to_exitcode(ended) == KILLED, log_of(folder)
        check_readable(folder)
        again = True
    assert host.do("train", run=folder.name, again=True) == 0, log_of(folder)

    assert end_of(folder) == expected


@pytest.mark.timeout(600 + SAVE_KILLS * 5)
def test_a_kill_while_saving_leaves_a_whole_checkpoint(workplace, tmp_path):
    _, host = workplace
    chance = random.Random(SAVE_KILLS)
    step = 0
    for _ in range(SAVE_KILLS):
        pid = host.begin("save", folder=str(tmp_path), size=200_000, first=step + 1)
        began = step
        while step == began:  # it has begun
            found = find_checkpoint(tmp_path)
            step = found[1]["step"] if found else began
        time.sleep(chance.uniform(0.0, 0.02))
        os.kill(pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(host.end()) == KILLED

        arrays, position = find_checkpoint(tmp_path)
        step = position["step"]
        for name, array in arrays.items():
            assert (np.unique(array) == [step]).all(), name
        best = position["best_arrays"]["model/0000"]
        assert (np.unique(best) == [step - step % 3]).all()


def test_a_trainer_whose_heart_stopped_is_lost_and_can_be_resumed(workplace):
    home, host = workplace
    folder = queue(a_recipe("unet"), home, where="process")
    host.do("train", run=folder.name, kill_s=0.05)
    status = json.loads((folder / "status.json").read_text())
    status["heartbeat"] -= 11  # instead of waiting so long
    runs.replace_json(folder / "status.json", status)

    assert runs.read_folder(folder).summary.state == "lost"

    assert host.do("train", run=folder.name, again=True) == 0, log_of(folder)
    assert runs.read_folder(folder).summary.state == "finished"
