"""Runs over HTTP: what a trainer writes reaches who looks on, at once and in full."""

import asyncio
import json
import time
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "contract"
RUN = json.loads((ROOM / "run.json").read_text())
METRICS = (ROOM / "metrics.jsonl").read_text()
ID = RUN["id"]
PNG = b"\x89PNG\r\n\x1a\n made up"


@pytest.fixture
def folder(home):
    """The run of the contract, as a trainer on another machine left it."""
    folder = home.runs / ID
    (folder / "preview").mkdir(parents=True)
    about = {name: RUN[name] for name in ("name", "template", "created", "where")}
    recipe = {"task": "segment", "epochs": RUN["epochs"]}
    (folder / "run.json").write_text(json.dumps({**about, "recipe": recipe}))
    _beat(folder)
    (folder / "metrics.jsonl").write_text(METRICS)
    (folder / "stdout.log").write_text("epoch 1\nepoch 2\n")
    (folder / "preview" / "epoch-0001.png").write_bytes(PNG)
    return folder


def _beat(folder, **changes):
    names = ("state", "epoch", "epochs", "step", "steps_per_epoch", "eta_s", "host")
    status = {name: RUN[name] for name in (*names, "loss", "val_loss", "metrics")}
    status |= {"heartbeat": time.time(), "pid": 1, "ack_seq": 0, **changes}
    (folder / "status.json").write_text(json.dumps(status))


async def test_the_list_of_runs_is_the_contracts(ask, folder):
    reply = await ask("runs")

    (run,) = reply["runs"]
    assert {**run, "updated": RUN["updated"]} == RUN


async def test_without_runs_the_list_is_empty(ask):
    assert await ask("runs") == {"runs": []}


async def test_a_run_comes_with_its_recipe_and_status(ask, folder):
    reply = await ask("runs", ID)

    assert reply["summary"]["id"] == ID
    assert reply["recipe"]["epochs"] == 40
    assert reply["status"]["ack_seq"] == 0


async def test_every_line_of_the_log_arrives_once(ask, folder):
    first = await ask("runs", ID, "metrics", **{"from": 0})
    rest = await ask("runs", ID, "metrics", **{"from": first["next"]})

    assert first["lines"] == [json.loads(line) for line in METRICS.splitlines()]
    assert first["next"] == len(METRICS.encode())
    assert rest["lines"] == []
    assert first["status"]["state"] == "running"


async def test_a_waiting_question_is_answered_when_a_line_is_written(ask, folder):
    start = len(METRICS.encode())
    waiting = asyncio.create_task(
        ask("runs", ID, "metrics", **{"from": start, "wait_s": 10})
    )
    await asyncio.sleep(0.5)
    assert not waiting.done()

    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"kind":"batch","step":131,"loss":0.2}\n')
    written = time.monotonic()
    reply = await waiting

    assert reply["lines"] == [{"kind": "batch", "step": 131, "loss": 0.2}]
    assert time.monotonic() - written < 2


async def test_a_waiting_question_is_answered_when_a_command_is_acted_on(ask, folder):
    start = len(METRICS.encode())
    waiting = asyncio.create_task(
        ask("runs", ID, "metrics", **{"from": start, "wait_s": 10})
    )
    await asyncio.sleep(0.5)

    _beat(folder, ack_seq=1, state="paused")
    reply = await asyncio.wait_for(waiting, 5)

    assert (reply["status"]["state"], reply["status"]["ack_seq"]) == ("paused", 1)


async def test_a_question_that_waits_in_vain_holds_up_nobody(ask, folder):
    start = len(METRICS.encode())
    waiting = [
        asyncio.create_task(ask("runs", ID, "metrics", **{"from": start, "wait_s": 2}))
        for _ in range(20)
    ]
    await asyncio.sleep(0.2)

    began = time.monotonic()
    await ask("runs")
    elapsed_s = time.monotonic() - began
    replies = await asyncio.gather(*waiting)

    assert elapsed_s < 1.5
    assert [reply["lines"] for reply in replies] == [[]] * 20


async def test_the_log_is_read_from_any_byte_or_from_the_end(ask, folder):
    whole = await ask("runs", ID, "log", **{"from": 0})
    tail = await ask("runs", ID, "log", **{"from": -8})

    assert whole == {"next": 16, "text": "epoch 1\nepoch 2\n"}
    assert tail == {"next": 16, "text": "epoch 2\n"}


async def test_a_preview_is_the_picture_on_disk(jp_fetch, folder):
    reply = await jp_fetch("medlab", "runs", ID, "preview", "epoch-0001.png")

    assert reply.body == PNG
    assert reply.headers["Content-Type"] == "image/png"


async def test_a_file_that_is_no_preview_is_not_found(refused, folder):
    for hostile in ("..%2frun.json", "run.json", "%2e%2e", "epoch-0002.png"):
        status, _ = await refused("runs", ID, "preview", hostile)

        assert status == 404


async def test_a_command_reaches_the_trainers_control_file(ask, folder):
    reply = await ask(
        "runs", ID, "control", method="POST", body={"cmd": "pause", "args": {}}
    )

    control = json.loads((folder / "control.json").read_text())
    assert reply == {"seq": 1}
    assert (control["seq"], control["cmd"]) == (1, "pause")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"cmd": "rm -rf"}, 422),
        ({"cmd": "set", "args": {"seed": 1}}, 422),
        ({"cmd": "set", "args": [1]}, 400),
        ({}, 422),
    ],
)
async def test_a_command_that_is_none_is_refused(refused, folder, body, status):
    found, _ = await refused("runs", ID, "control", method="POST", body=body)

    assert found == status
    assert not (folder / "control.json").exists()


async def test_a_run_that_ended_takes_no_command(refused, folder):
    _beat(folder, state="finished")

    status, reply = await refused(
        "runs", ID, "control", method="POST", body={"cmd": "stop"}
    )

    assert (status, reply["code"]) == (409, "run-ended")


async def test_a_number_that_is_none_becomes_null(ask, folder):
    start = len(METRICS.encode())
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"kind":"batch","step":131,"loss":NaN}\n')

    reply = await ask("runs", ID, "metrics", **{"from": start})

    assert reply["lines"][0]["loss"] is None
