"""Several processes train as one would, and stop together when one of them dies.

Two processes that lose one and go on by default; two and four undisturbed, too, with
MEDLAB_LONG=1.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from medlab.scans import find_home
from medlab.train import Recipe, open_run, runs
from tests.support.training import write_case

LOSS_TOLERANCE = 1e-4
WEIGHT_TOLERANCE = 1e-3
"""Sums in another order; where a gradient is nearly 0, Adam makes a step of the rounding."""


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.setenv("MEDLAB_CONVOLUTIONS", "stock")
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path)
    Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 1, 2, 3, 4]}],
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=4,
        steps_per_epoch=4,
        epochs=3,
        validation=0.3,
        optimizer="sgd",
        learning_rate=0.01,
        augmentation={"turn_deg": 10.0, "noise": 0.05},
        checkpoint_every_s=0.0,
        seed=3,
    ).save("recipe.yaml")
    return find_home()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start_team(size, *arguments):
    address = f"127.0.0.1:{free_port()}"
    processes = []
    for number in range(size):
        command = [
            *(sys.executable, "-m", "medlab", "train", *arguments),
            *("--coordinator", address),
            *("--num-processes", str(size), "--process-id", str(number)),
        ]
        with Path(f"process-{size}-{number}.log").open("ab") as output:
            processes.append(subprocess.Popen(command, stdout=output, stderr=output))
    return processes


def ends(processes, timeout_s=240):
    end = time.monotonic() + timeout_s
    try:
        return [p.wait(max(0.1, end - time.monotonic())) for p in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def newest(home):
    return open_run(runs.list_runs(home)[0].id, home)


def alone(*arguments):
    subprocess.run(
        [sys.executable, "-m", "medlab", "train", *arguments], check=True, timeout=240
    )


def check_same(team, one):
    """The same losses at the same steps, and the same weights, up to rounding."""
    for ours, theirs in zip(
        [m for m in team.metrics() if m["kind"] == "epoch"],
        [m for m in one.metrics() if m["kind"] == "epoch"],
        strict=True,
    ):
        assert ours["step"] == theirs["step"]
        for name in ("loss", "val_loss"):
            assert ours[name] == pytest.approx(theirs[name], abs=LOSS_TOLERANCE)
    for a, b in zip(team.model().get_weights(), one.model().get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=WEIGHT_TOLERANCE)


@pytest.mark.skipif(os.environ.get("MEDLAB_LONG") != "1", reason="make test-long")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [2, 4])
def test_a_team_comes_to_what_one_process_comes_to(workplace, size):
    alone("recipe.yaml")
    one = newest(workplace)
    assert one.state == "finished"

    codes = ends(start_team(size, "recipe.yaml"))

    team = newest(workplace)
    assert (codes, team.state) == ([0] * size, "finished")
    assert team.id != one.id
    check_same(team, one)


@pytest.mark.timeout(900)
def test_when_one_process_is_killed_the_others_stop_and_all_go_on_later(workplace):
    recipe = Recipe.load("recipe.yaml").replace(epochs=8)
    recipe.save("long.yaml")
    alone("long.yaml")
    one = newest(workplace)

    leader, other = start_team(2, "long.yaml")
    team = one
    while team.id == one.id or not [m for m in team.metrics() if m.get("step", 0) > 5]:
        assert leader.poll() is None
        time.sleep(0.05)
        team = newest(workplace)
    other.kill()
    other.wait()

    assert ends([leader], timeout_s=60) == [1]
    assert team.state == "failed"
    assert "Another of the 2 processes ended" in team.summary.message
    assert f"--resume {team.id}" in team.summary.message
    assert ends(start_team(2, "--resume", team.id)) == [0, 0]
    assert team.state == "finished"
    check_same(team, one)
