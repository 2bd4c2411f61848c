"""Commands at random moments: each acts soon, and what comes out is a matter of steps.

Thirty commands by default, a thousand with MEDLAB_LONG=1.
"""

import itertools
import json
import os
import random
import threading
import time

import pytest

from medlab.scans import find_home
from medlab.train import Recipe, Run
from medlab.train._run import queue
from medlab.train._trainer import work
from tests.support.training import end_of, write_case

COMMANDS = 1000 if os.environ.get("MEDLAB_LONG") == "1" else 30
PROMPT_S = 0.5
"""Beside one step; here other programs may be at work, which the test allows for."""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.setenv("MEDLAB_CONVOLUTIONS", "stock")
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path)


def a_recipe():
    return Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=2,
        steps_per_epoch=7,
        epochs=100_000,
        checkpoint_every_s=0.5,
    )


def acknowledged(run, seq):
    try:
        status = json.loads((run.folder / "status.json").read_text())
    except ValueError:
        return False
    return status["ack_seq"] >= seq


def slowest_step_s(run):
    """The longest time between two batch lines that follow each other."""
    lines = [line for line in run.metrics() if line["kind"] == "batch"]
    gaps = [
        (b["t"] - a["t"]) / (b["step"] - a["step"])
        for a, b in itertools.pairwise(lines)
        if b["step"] > a["step"]
    ]
    return max(gaps, default=0.0)


def closed(end):
    """As if a stop between the last step of an epoch and its line had come after it."""
    position, closing = end["position"], end["position"]["closing"]
    if closing is None:
        return end
    values = {**closing["logs"], "lr": closing["lr"]}
    line = {"kind": "epoch", "epoch": position["epoch"] + 1, "step": position["step"]}
    line |= {name: float(f"{value:.6g}") for name, value in values.items()}
    position = {**position, "epoch": position["epoch"] + 1, "closing": None}
    return {**end, "position": position, "epochs": [*end["epochs"], line]}


@pytest.mark.timeout(120 + COMMANDS)
def test_commands_at_random_act_soon_and_can_be_replayed():
    home, chance = find_home(), random.Random(COMMANDS)
    run = Run(queue(a_recipe(), home, where="inline"))
    thread = threading.Thread(target=work, args=(run.folder, home))
    thread.start()
    while run.state != "running":
        time.sleep(0.05)

    waits = []
    for number in range(COMMANDS):
        cmd = chance.choice(["pause", "resume", "checkpoint", "set", "set"])
        args = {"learning_rate": chance.choice([0.001, 0.003, 0.01])}
        if chance.random() < 0.3:
            args = {"epochs": 100_000 + number}
        began = time.monotonic()
        seq = run.control(cmd, **(args if cmd == "set" else {}))
        while not acknowledged(run, seq):
            time.sleep(0.005)
        waits.append(time.monotonic() - began)
        time.sleep(chance.uniform(0, 0.03))
    run.control("resume")
    run.control("stop")
    thread.join()

    told = [line for line in run.metrics() if line["kind"] == "control"]
    assert [line["seq"] for line in told] == list(range(1, COMMANDS + 3))
    assert all({"step", "epoch"} <= set(line) for line in told)
    # Half of them tells of the trainer; the slowest may tell of the machine.
    assert sorted(waits)[len(waits) // 2] <= slowest_step_s(run) + PROMPT_S

    again = Run(queue(a_recipe(), home, where="inline"))
    for line in told:
        if line["cmd"] in ("set", "stop"):
            again.control(line["cmd"], at_step=line["step"], **line["args"])
    work(again.folder, home)

    assert closed(end_of(again.folder)) == closed(end_of(run.folder))
