"""Runs over HTTP: listed, followed while they train, steered."""

import asyncio
import json
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from medlab.train.export import TEXTS

CONTRACT = Path(__file__).parents[2] / "contract"
RUN = "20261121T013000Z-0a1b2c"
PICTURE = b"\x89PNG\r\n\x1a\nnot much of a picture"


def contract(name):
    return json.loads((CONTRACT / name).read_text())


def write_status(folder, **changes):
    told = contract("runs.json")["runs"][0]
    kept = ("state", "epoch", "epochs", "step", "steps_per_epoch", "eta_s")
    status = {key: told[key] for key in (*kept, "loss", "val_loss", "metrics")}
    status |= {"heartbeat": time.time(), "host": socket.gethostname()}
    status |= {"pid": os.getpid(), "ack_seq": 0, "message": "", **changes}
    beside = folder / "status.new"
    beside.write_text(json.dumps(status))
    beside.replace(folder / "status.json")
    return status


@pytest.fixture
def folder(jp_root_dir):
    """The run of the contract's list, alive."""
    told = contract("runs.json")["runs"][0]
    folder = jp_root_dir / ".medlab" / "runs" / RUN
    (folder / "preview").mkdir(parents=True)
    about = {key: told[key] for key in ("name", "template", "created", "host", "where")}
    about["recipe"] = {"task": "segment", "epochs": 40}
    (folder / "run.json").write_text(json.dumps(about))
    shutil.copy(CONTRACT / "metrics.jsonl", folder / "metrics.jsonl")
    (folder / "stdout.log").write_text("Compiling took 9 s.\nEpoch 1: größer\n")
    (folder / "preview" / "epoch-0001.png").write_bytes(PICTURE)
    write_status(folder)
    return folder


async def test_runs_are_listed_as_in_the_contract(ask, folder):
    told = contract("runs.json")["runs"][0]
    write_status(folder, heartbeat=told["updated"], host=told["host"], state="finished")

    reply = await ask("runs")

    assert reply == {"runs": [{**told, "state": "finished"}]}


async def test_without_runs_the_list_is_empty(ask):
    assert await ask("runs") == {"runs": []}


async def test_a_run_tells_its_recipe_and_status(ask, folder):
    reply = await ask("runs", RUN)

    assert set(reply) == set(contract("run-detail.json"))
    assert reply["recipe"] == {"task": "segment", "epochs": 40}
    assert reply["summary"]["state"] == reply["status"]["state"] == "running"


@pytest.mark.parametrize("format", ["csv", "json"])
async def test_a_run_is_exported_as_export_run_would(jp_fetch, folder, format):
    reply = await jp_fetch("medlab", "runs", RUN, "export", format)

    assert reply.body.decode() == TEXTS[format](folder)
    assert str(RUN if format == "json" else "0.82") in reply.body.decode()


async def test_metrics_are_told_as_in_the_contract(ask, folder):
    reply = await ask("runs", RUN, "metrics")

    example = contract("metrics.json")
    assert {key: reply[key] for key in ("next", "lines")} == {
        key: example[key] for key in ("next", "lines")
    }
    assert set(example["status"]) <= set(reply["status"])


async def test_reading_goes_on_where_it_ended(ask, folder):
    first = await ask("runs", RUN, "metrics")
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"kind": "batch", "step": 22, "loss": 0.7}\n{"kind": "ba')

    second = await ask("runs", RUN, "metrics", **{"from": first["next"]})

    assert [line["step"] for line in second["lines"]] == [22]


async def test_a_loss_that_is_no_number_reaches_the_browser_as_null(ask, folder):
    write_status(folder, loss=float("nan"))

    assert (await ask("runs", RUN))["summary"]["loss"] is None


async def test_the_reply_waits_for_news_and_holds_up_nobody(ask, folder):
    end = (await ask("runs", RUN, "metrics"))["next"]
    began = time.monotonic()
    waiting = asyncio.ensure_future(
        ask("runs", RUN, "metrics", **{"from": end, "wait_s": 10})
    )
    await asyncio.sleep(0.3)

    assert await ask("runs") is not None  # answered while the other one waits
    assert not waiting.done()
    with (folder / "metrics.jsonl").open("a") as log:
        log.write('{"kind": "batch", "step": 22}\n')
    reply = await waiting

    assert [line["step"] for line in reply["lines"]] == [22]
    assert time.monotonic() - began < 9


async def test_many_waiting_readers_do_not_hold_up_a_request(ask, folder):
    end = (await ask("runs", RUN, "metrics"))["next"]
    waiting = [
        asyncio.ensure_future(
            ask("runs", RUN, "metrics", **{"from": end, "wait_s": 10})
        )
        for _ in range(9)
    ]
    await asyncio.sleep(0.3)

    await asyncio.wait_for(ask("runs"), timeout=5)

    write_status(folder, ack_seq=1)
    for reply in await asyncio.gather(*waiting):
        assert (reply["lines"], reply["status"]["ack_seq"]) == ([], 1)


async def test_the_wait_ends_without_news(ask, folder):
    end = (await ask("runs", RUN, "metrics"))["next"]

    reply = await ask("runs", RUN, "metrics", **{"from": end, "wait_s": 0.2})

    assert (reply["next"], reply["lines"]) == (end, [])


@pytest.mark.parametrize("wait", ["nan", "x", "1e999", "-1"])
async def test_a_wait_that_makes_no_sense_ends_at_once(
    ask, jp_fetch, folder, wait, refused
):
    began = time.monotonic()
    if wait == "x":
        status, reply = await refused("runs", RUN, "metrics", wait_s=wait)
        assert (status, reply["code"]) == (400, "bad-request")
    else:
        assert (await ask("runs", RUN, "metrics", wait_s=wait))["lines"]
    assert time.monotonic() - began < 9


async def test_the_log_is_read_from_either_end(ask, folder):
    whole = await ask("runs", RUN, "log")
    tail = await ask("runs", RUN, "log", **{"from": -9})

    assert whole["text"].endswith("größer\n")
    assert whole["next"] == tail["next"] == (folder / "stdout.log").stat().st_size
    assert tail["text"] == "größer\n"


async def test_a_preview_is_the_trainers_picture(jp_fetch, folder):
    reply = await jp_fetch("medlab", "runs", RUN, "preview", "epoch-0001.png")

    assert reply.headers["Content-Type"] == "image/png"
    assert reply.body == PICTURE


@pytest.mark.parametrize("file", ["run.json", "%2e%2e%2frun.json", "x.png", ".png"])
async def test_no_other_file_of_a_run_is_given_away(
    jp_serverapp, http_server_client, jp_auth_header, folder, file
):
    reply = await http_server_client.fetch(
        f"{jp_serverapp.base_url}medlab/runs/{RUN}/preview/{file}",
        headers=jp_auth_header,
        raise_error=False,
    )

    assert (reply.code, json.loads(reply.body)["code"]) == (404, "run-not-found")


async def test_a_command_reaches_the_trainers_control_file(ask, folder):
    body = {"cmd": "set", "args": {"learning_rate": 0.001}}

    reply = await ask("runs", RUN, "control", method="POST", body=body)

    assert reply == contract("control.json")
    written = json.loads((folder / "control.json").read_text())
    assert {key: written[key] for key in ("seq", "cmd", "args")} == {"seq": 1, **body}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"cmd": "explode"}, 422, "unknown-command"),
        ({"cmd": "set", "args": {"seed": 1}}, 422, "unknown-setting"),
        ({"cmd": "set", "args": {"epochs": -1}}, 422, "bad-setting"),
        ({"cmd": "pause", "args": [1]}, 400, "bad-request"),
        ({}, 422, "unknown-command"),
    ],
)
async def test_a_command_that_makes_no_sense_is_refused(
    refused, folder, body, status, code
):
    answer = await refused("runs", RUN, "control", method="POST", body=body)

    assert (answer[0], answer[1]["code"]) == (status, code)
    assert not (folder / "control.json").exists()


async def test_a_run_that_ended_takes_no_command(refused, folder):
    write_status(folder, state="finished")

    status, reply = await refused(
        "runs", RUN, "control", method="POST", body={"cmd": "stop"}
    )

    assert (status, reply["code"]) == (409, "run-ended")


async def test_a_run_that_does_not_exist_is_not_found(refused):
    for path in ([], ["metrics"], ["log"], ["preview", "x.png"]):
        status, reply = await refused("runs", RUN, *path)
        assert (status, reply["code"]) == (404, "run-not-found")


async def test_a_waiting_reader_is_told_at_once_that_a_command_was_acted_on(
    ask, folder
):
    start = (await ask("runs", folder.name, "metrics", **{"from": 0}))["next"]
    waiting = asyncio.create_task(
        ask("runs", folder.name, "metrics", **{"from": start, "wait_s": 10})
    )
    await asyncio.sleep(0.5)
    assert not waiting.done()

    status = json.loads((folder / "status.json").read_text())
    acted = {**status, "state": "paused", "ack_seq": status.get("ack_seq", 0) + 1}
    (folder / "status.json").write_text(json.dumps(acted))
    reply = await asyncio.wait_for(waiting, 5)

    assert reply["status"]["state"] == "paused"
    assert reply["status"]["ack_seq"] == acted["ack_seq"]
