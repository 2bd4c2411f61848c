"""Volumes and slabs over HTTP are the voxels that nibabel reads."""

import json
from pathlib import Path

import numpy as np
import pytest

from medlab.labels import decode_frame

CONTRACT = json.loads((Path(__file__).parents[2] / "contract/volume.json").read_text())


async def test_the_reply_is_the_one_in_the_contract(ask, scan):
    reply = await ask("volumes", scan.scan_id)

    assert reply == CONTRACT


async def test_a_slab_holds_the_scans_own_voxels(ask, scan, volume):
    frame = decode_frame(await ask("volumes", scan.scan_id, "slab", k0=2, k1=5))

    assert frame.header["box"] == [0, 7, 0, 8, 2, 5]
    slab = np.frombuffer(frame.payload, f"<{frame.header['dtype']}")
    np.testing.assert_array_equal(
        slab.reshape(7, 8, 3, order="F"), volume.voxels[:, :, 2:5]
    )


@pytest.mark.parametrize(("k0", "k1"), [(-1, 2), (3, 3), (5, 2), (0, 10)])
async def test_planes_outside_the_scan_are_refused(refused, scan, k0, k1):
    status, reply = await refused("volumes", scan.scan_id, "slab", k0=k0, k1=k1)

    assert status == 422
    assert f"Planes must lie in 0 to 9, got {k0} to {k1}" in reply["message"]


@pytest.mark.parametrize("hostile", ["", "x", "1e3", "0x10", "9" * 40])
async def test_a_plane_that_is_no_number_is_refused(refused, scan, hostile):
    status, reply = await refused("volumes", scan.scan_id, "slab", k0=hostile, k1=3)

    assert (status, reply["code"]) == (400, "bad-request")
    assert "k0 must be a whole number" in reply["message"]


async def test_a_scan_that_cannot_be_read_says_why_in_one_sentence(refused, broken):
    status, reply = await refused("volumes", broken.scan_id)

    assert (status, reply["code"]) == (422, "not-a-scan")
    assert "letter.nii.gz" in reply["message"]
    assert "Traceback" not in reply["message"]
