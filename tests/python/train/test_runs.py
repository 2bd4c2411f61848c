"""A run folder is read, and steered, with files alone."""

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from medlab.errors import MedlabError
from medlab.train import runs
from medlab.train._log import RunLog, new_run_folder, queue_again

CONTRACT = Path(__file__).parents[2] / "contract"


@pytest.fixture
def home(tmp_path):
    return SimpleNamespace(runs=tmp_path / "runs")


@pytest.fixture
def folder(home):
    return new_run_folder(home.runs, {"name": "a run", "template": "unet"}, epochs=3)


def test_the_contract_file_has_the_fields_of_a_summary(home, folder):
    example = json.loads((CONTRACT / "run.json").read_text())

    summary = asdict(runs.read_run(home, folder.name).summary)

    assert list(summary) == list(example)
    assert runs.RunSummary(**example).state in runs.ACTIVE


def test_reading_runs_starts_neither_jax_nor_numpy():
    probe = (
        "import sys, medlab.train.runs;"
        "print({'jax', 'keras', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_line_still_being_written_waits_for_the_next_reading(folder):
    file = folder / "metrics.jsonl"
    file.write_bytes(b'{"kind":"batch","step":1}\n{"kind":"ba')

    end, first = runs.tail_metrics(folder)
    with file.open("ab") as more:
        more.write(b'tch","step":2}\n')
    _, second = runs.tail_metrics(folder, end)

    assert [line["step"] for line in first + second] == [1, 2]


def test_a_line_torn_by_a_kill_spoils_no_other(folder):
    (folder / "metrics.jsonl").write_bytes(b'{"kind":"batch","step":1}\n{"ki')

    log = RunLog(folder)
    log.batch(epoch=1, step=2, loss=0.5)
    log.close("stopped")

    lines = runs.tail_metrics(folder)[1]
    assert [line.get("step") for line in lines[:2]] == [1, 2]


def test_the_summary_follows_the_log(home, folder):
    log = RunLog(folder)
    log.enter("running")
    log.update(epoch=1, step=4, steps_per_epoch=4)
    log.epoch(epoch=1, step=4, loss=0.5, val_loss=0.75, val_dice=0.9, lr=0.001)

    summary = runs.list_runs(home)[0]
    log.close("finished")

    assert (summary.state, summary.epoch, summary.step) == ("running", 1, 4)
    assert (summary.loss, summary.val_loss) == (0.5, 0.75)
    assert summary.metrics == {"val_dice": 0.9}
    assert runs.list_runs(home)[0].state == "finished"


def test_a_loss_that_is_no_number_is_still_json(folder):
    log = RunLog(folder)
    log.batch(epoch=1, step=1, loss=float("nan"))
    log.close("failed")
    assert runs.tail_metrics(folder)[1][0]["loss"] is None


def test_commands_in_quick_succession_all_arrive(folder):
    log = RunLog(folder)
    sent = [
        runs.write_control(folder, "set", {"learning_rate": 0.01}),
        runs.write_control(folder, "pause"),
    ]

    got = log.commands()
    for command in got:
        log.acknowledge(command)

    assert sent == [1, 2]
    assert [c["cmd"] for c in got] == ["set", "pause"]
    assert log.commands() == []
    assert json.loads((folder / "status.json").read_text())["ack_seq"] == 2
    log.close("stopped")


@pytest.mark.parametrize(
    ("cmd", "args", "says"),
    [
        ("delete", {}, r"one of pause, resume.*got 'delete'"),
        ("set", {"seed": 3}, r"set takes learning_rate and epochs, got seed\. Other"),
        ("set", {}, r"got nothing"),
        (
            "set",
            {"learning_rate": -1},
            r"learning_rate must be a number above 0, got -1",
        ),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(folder, cmd, args, says):
    with pytest.raises(MedlabError, match=says):
        runs.write_control(folder, cmd, args)


def test_a_run_that_ended_takes_no_command(folder):
    RunLog(folder).close("stopped")
    with pytest.raises(
        MedlabError, match=r"this one is stopped.*medlab train --resume"
    ):
        runs.write_control(folder, "pause")


@pytest.mark.parametrize("name", ["../..", "20261121T013000Z-0a1b2c", "x"])
def test_only_runs_are_found(home, folder, name):
    with pytest.raises(LookupError):
        runs.read_run(home, name)


def test_a_preview_outside_its_folder_is_not_found(folder):
    with pytest.raises(LookupError):
        runs.preview_path(folder, "../run.json")


def test_a_run_taken_up_again_forgets_commands_nobody_saw(home, folder):
    log = RunLog(folder)
    log.enter("running")
    seq = runs.write_control(folder, "stop")
    log.close("failed")

    queue_again(folder)

    assert runs.read_run(home, folder.name).summary.state == "queued"
    again = RunLog(folder)
    assert again.ack_seq == seq
    assert again.commands() == []
    again.close("stopped")


def test_a_run_no_trainer_takes_up_is_lost_after_a_minute(folder):
    status = json.loads((folder / "status.json").read_text())
    assert runs.state_of(status) == "queued"
    assert runs.state_of(status, now=time.time() + 61) == "lost"


def _status(**changes):
    here = {"host": socket.gethostname(), "pid": os.getpid(), "state": "running"}
    return {**here, "heartbeat": time.time() - 30, **changes}


def test_a_process_that_lives_is_not_lost_however_slow():
    assert runs.state_of(_status()) == "running"


def test_a_killed_process_is_lost_after_ten_seconds():
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert runs.state_of(_status(pid=dead.pid)) == "lost"
    assert runs.state_of(_status(pid=dead.pid, heartbeat=time.time() - 5)) == "running"


def test_a_killed_child_nobody_waited_for_is_lost():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child.kill()
    time.sleep(0.5)
    assert runs.state_of(_status(pid=child.pid)) == "lost"
    child.wait()


def test_a_run_on_another_machine_is_lost_after_a_minute():
    far = {"host": "elsewhere", "pid": 1}
    assert runs.state_of(_status(**far)) == "running"
    assert runs.state_of(_status(**far, heartbeat=time.time() - 61)) == "lost"
