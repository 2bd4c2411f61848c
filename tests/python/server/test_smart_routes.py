"""`smart`: previews over HTTP, who may ask for them, and what happens to their workers."""

import time

import numpy as np
import pytest
from tornado.httpclient import HTTPClientError

from medlab.labels import Layer, Segment, decode_frame, decode_runs
from medlab.server._jobs import _desks, close_desk


@pytest.fixture(autouse=True)
def no_workers_left():
    yield
    for key in list(_desks):
        close_desk(key)


@pytest.fixture
def layer(home, scan):
    layer = Layer.open(home, scan, segments=["lung", "heart", "rib"])
    mask = np.zeros((7, 8, 9), bool)
    mask[3, 4, 4] = True
    layer.paint("lung", mask)
    return layer


@pytest.fixture
def preview(ask, scan):
    """Ask for a preview and wait for it; returns its header and labels."""

    async def preview(tool, rev=1, **params):
        body = {"scan": scan.scan_id, "layer": "labels", "rev": rev, "params": params}
        reply = await ask("smart", tool, method="POST", body=body)
        while isinstance(reply, dict) and "job" in reply:
            reply = await ask("smart", "jobs", reply["job"], wait_s="10")
        if isinstance(reply, dict):
            return reply
        frame = decode_frame(reply)
        i0, i1, j0, j1, k0, k1 = frame.header["box"]
        shape = (i1 - i0, j1 - j0, k1 - k0)
        return frame.header, decode_runs(frame.payload, shape, "u2")

    return preview


async def test_a_preview_comes_as_one_frame(preview, layer, scan):
    header, labels = await preview("margin", segment=1, mm=1.5)

    assert list(header) == [
        *("op", "scan", "layer", "rev", "tool", "box", "enc"),
        *("segments", "new_segments", "message", "crc"),
    ]
    assert header["op"] == "preview"
    assert (header["scan"], header["layer"], header["rev"]) == (
        scan.scan_id,
        "labels",
        1,
    )
    # Voxels of 0.7 x 1.3 x 2.5 mm: two to each side along i, one along j, none along k.
    assert header["box"] == [1, 6, 3, 6, 4, 5]
    assert (labels == 1).sum() == 4 + 2 + 4
    assert labels[2, 1, 0] == 65535


async def test_statistics_are_a_table(preview, layer):
    table = await preview("statistics", segments=None)

    (row,) = table["rows"]
    assert (row["segment"], row["voxels"]) == (1, 1)
    assert row["volume_mm3"] == pytest.approx(0.7 * 1.3 * 2.5)


async def test_what_takes_long_is_a_job_that_can_be_asked_for_and_cancelled(
    ask, refused, layer, scan, monkeypatch
):
    monkeypatch.setattr("medlab.server._smart.SOON_S", 0.0)
    body = {"scan": scan.scan_id, "layer": "labels", "rev": 1}
    body["params"] = {"segment": 1, "mm": 2}

    told = await ask("smart", "margin", method="POST", body=body)
    assert sorted(told) == ["job", "message", "progress"]
    began = time.monotonic()
    frame = await ask("smart", "jobs", told["job"], wait_s="10")
    assert time.monotonic() - began < 10
    assert decode_frame(frame).header["op"] == "preview"
    # Its result is handed out once.
    assert (await refused("smart", "jobs", told["job"]))[0] == 404

    told = await ask("smart", "margin", method="POST", body=body)
    assert await ask("smart", "jobs", told["job"], method="DELETE") == {}
    assert (await refused("smart", "jobs", told["job"]))[1]["code"] == "no-job"


async def test_wrong_requests_are_told_what_is_wrong(
    refused, layer, scan, jp_fetch, monkeypatch
):
    monkeypatch.setattr("medlab.server._smart.SOON_S", 60.0)
    wrong = {"scan": scan.scan_id, "params": {"segment": 1}}
    status, told = await refused("smart", "margin", method="POST", body=wrong)
    assert (status, told["code"]) == (400, "bad-request")
    status, told = await refused("smart", "jobs", "0" * 12, wait_s="99")
    assert status in (400, 404)
    body = {"scan": scan.scan_id, "layer": "labels", "params": {}}
    assert (await refused("smart", "magic", method="POST", body=body))[0] == 404
    assert (await refused("smart", "jobs", "0" * 12))[0] == 404
    elsewhere = {**body, "scan": "0" * 16}
    assert (await refused("smart", "seeds", method="POST", body=elsewhere))[0] == 404
    other = {**body, "layer": "other"}
    status, told = await refused("smart", "statistics", method="POST", body=other)
    assert (status, told["code"]) == (404, "layer-not-found")

    layer.set_segments([Segment(1, "lung", "#112233", locked=True)])
    locked = {"scan": scan.scan_id, "layer": "labels", "rev": 2}
    locked["params"] = {"segment": 1, "mm": -1}
    status, told = await refused("smart", "margin", method="POST", body=locked)
    assert (status, told["code"]) == (422, "locked")
    assert told["message"] == "The segment 'lung' is locked. Unlock it to draw."

    for address, method in (("margin", "POST"), ("jobs/000000000000", "GET")):
        with pytest.raises(HTTPClientError) as refusal:
            await jp_fetch(
                *("medlab", "smart", *address.split("/")),
                method=method,
                body="{}" if method == "POST" else None,
                headers={"Authorization": "token wrong"},
            )
        assert refusal.value.code == 403
