"""`smart`: previews over HTTP, who may ask for them, and what happens to their workers."""

import asyncio
import json
import os
import signal
import time

import numpy as np
import pytest

from medlab.labels import Layer, decode_frame, decode_runs
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
    assert (header["scan"], header["layer"], header["rev"]) == (scan.scan_id, "labels", 1)
    # Voxels of 0.7 x 1.3 x 2.5 mm: two to each side along i, one along j, none along k.
    assert header["box"] == [1, 6, 3, 6, 4, 5]
    assert (labels == 1).sum() == 4 + 2 + 4
    assert labels[2, 1, 0] == 65535
