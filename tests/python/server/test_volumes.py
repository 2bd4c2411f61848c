"""Volumes and slabs over HTTP are the voxels that nibabel reads."""

import json
from pathlib import Path

import numpy as np
import pytest

from medlab.labels import decode_frame
from medlab.scans import ScanSource
from tests.support.scans import write_dicom_series

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


@pytest.mark.parametrize("is_cached", [False, True])
async def test_one_plane_comes_before_the_scan_is_decoded(
    ask, home, jp_root_dir, volume, is_cached
):
    series = write_dicom_series(jp_root_dir / "visit", volume)
    source = ScanSource("visit", series)
    if is_cached:
        await ask("volumes", source.scan_id)

    frame = decode_frame(await ask("volumes", source.scan_id, "first", k=6))
    middle = decode_frame(await ask("volumes", source.scan_id, "first"))

    assert (frame.header["op"], frame.header["box"]) == ("slab", [0, 7, 0, 8, 6, 7])
    assert middle.header["box"] == [0, 7, 0, 8, 4, 5]
    assert frame.header["info"]["shape"] == [7, 8, 1]
    for one, k in ((frame, 6), (middle, 4)):
        plane = np.frombuffer(one.payload, f"<{one.header['dtype']}")
        np.testing.assert_array_equal(
            plane.reshape(7, 8, order="F"), volume.voxels[:, :, k]
        )
        place = np.array(one.header["info"]["affine"])[:3, 3]
        there = (volume.affine @ [0, 0, k, 1])[:3]
        np.testing.assert_allclose(place, there, atol=1e-4)
    assert any(home.cache.rglob("*.npy")) == is_cached


@pytest.mark.parametrize("k", [9, -2, 10**12])
async def test_a_plane_that_is_not_there_is_refused(refused, scan, k):
    status, reply = await refused("volumes", scan.scan_id, "first", k=k)

    assert (status, reply["code"]) == (422, "outside")
