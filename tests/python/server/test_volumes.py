"""Volumes and slabs over HTTP are the voxels that nibabel reads."""

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest

from medlab.labels import decode_frame
from medlab.scans import ScanSource
from tests.support.scans import make_volume, write_dicom_series

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
    for one, k in ((frame, 6), (middle, 4)):
        plane = np.frombuffer(one.payload, f"<{one.header['dtype']}")
        np.testing.assert_array_equal(
            plane.reshape(7, 8, order="F"), volume.voxels[:, :, k]
        )
        # Of the whole scan: a viewer makes room for what is still to come.
        info = one.header["info"]
        assert (info["id"], info["shape"]) == (source.scan_id, [7, 8, 9])
        np.testing.assert_allclose(info["affine"], volume.affine, atol=1e-4)
        assert (info["spacing_unit"], info["dtype"]) == ("mm", "i2")
    assert any(home.cache.rglob("*.npy")) == is_cached


async def test_a_format_without_a_quicker_way_has_no_plane_before_it_is_decoded(
    jp_fetch, ask, scan, volume
):
    early = await jp_fetch("medlab", "volumes", scan.scan_id, "first")
    await ask("volumes", scan.scan_id)
    later = decode_frame(await ask("volumes", scan.scan_id, "first"))

    assert (early.code, early.body) == (204, b"")
    plane = np.frombuffer(later.payload, f"<{later.header['dtype']}")
    np.testing.assert_array_equal(
        plane.reshape(7, 8, order="F"), volume.voxels[:, :, 4]
    )


async def test_the_plane_of_an_echo_is_of_that_echo(ask, jp_root_dir, tmp_path):
    echoes = [make_volume((7, 8, 4), modality="MR", seed=n) for n in (1, 2)]
    (jp_root_dir / "echoes").mkdir()
    for n, echo in enumerate(echoes):
        write_dicom_series(tmp_path / f"{n}", echo, shuffled=False)
        for path in (tmp_path / f"{n}").iterdir():
            header = pydicom.dcmread(path)
            header.SOPInstanceUID += f".{n}"
            header.EchoTime = 10 * (n + 1)
            header.save_as(jp_root_dir / "echoes" / f"{path.name}-{n}")
    source = ScanSource("echoes", str(header.SeriesInstanceUID), 1)

    frame = decode_frame(await ask("volumes", source.scan_id, "first"))
    info = await ask("volumes", source.scan_id)

    assert frame.header["info"]["shape"] == info["shape"] == [7, 8, 4]
    plane = np.frombuffer(frame.payload, f"<{frame.header['dtype']}")
    np.testing.assert_array_equal(
        plane.reshape(7, 8, order="F"), echoes[1].voxels[:, :, 2]
    )


@pytest.mark.parametrize("k", [9, -2, 10**12])
async def test_a_plane_that_is_not_there_is_refused(refused, scan, k):
    status, reply = await refused("volumes", scan.scan_id, "first", k=k)

    assert (status, reply["code"]) == (422, "outside")
