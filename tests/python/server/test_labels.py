"""Layers over HTTP: the journal answers, whoever asks."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medlab.labels import (
    Delta,
    Layer,
    decode_frame,
    decode_runs,
    encode_frame,
    encode_runs,
    from_frame,
    join_frames,
    split_frames,
    to_frame,
)

ROOM = Path(__file__).parents[2] / "contract"
LAYER = json.loads((ROOM / "layer.json").read_text())
LAYERS = json.loads((ROOM / "layers.json").read_text())
FRAMES = ROOM / "frames"


@pytest.fixture
def stroke(scan):
    def stroke(base, seq, *, at=(1, 2, 3), session="00c0ffee", value=1):
        i, j, k = at
        delta = Delta(
            **{"scan": scan.scan_id, "layer": "labels", "base": base},
            **{"session": session, "seq": seq, "tool": "brush", "segment": value},
            box=(i, i + 1, j, j + 1, k, k + 1),
            before=encode_runs(np.zeros(1, np.uint8)),
            after=encode_runs(np.full(1, value, np.uint8)),
        )
        return encode_frame(to_frame(delta))

    return stroke


@pytest.fixture
def opened(ask, scan):
    """Open the layer of the contract; returns what the server answers."""

    async def opened():
        body = {"segments": LAYER["segments"]}
        return await ask("labels", scan.scan_id, "labels", method="POST", body=body)

    return opened


@pytest.fixture
def ops(scan):
    return ("labels", scan.scan_id, "labels", "ops")


async def test_opening_a_layer_answers_as_the_contract_says(opened):
    assert await opened() == LAYER


async def test_opening_it_again_changes_nothing(ask, opened, scan):
    await opened()

    other = {"segments": [{"id": 9, "name": "other", "color": "#000000"}]}
    path = ("labels", scan.scan_id, "labels")

    assert await ask(*path, method="POST", body=other) == LAYER
    assert await ask(*path) == LAYER


async def test_the_list_of_layers_is_the_one_in_the_contract(ask, opened, scan):
    assert await ask("labels", scan.scan_id) == {"layers": []}
    await opened()

    assert await ask("labels", scan.scan_id) == LAYERS


async def test_a_layer_that_is_not_there_is_not_found(refused, scan):
    for rest in ([], ["snapshot"], ["ops"]):
        status, reply = await refused("labels", scan.scan_id, "labels", *rest)

        assert (status, reply["code"]) == (404, "layer-not-found")


async def test_a_stroke_is_on_disk_when_it_is_acknowledged(
    ask, opened, ops, stroke, home, scan
):
    await opened()

    acks = split_frames(
        await ask(*ops, method="POST", body=join_frames([stroke(0, 1)]))
    )

    told = json.loads((FRAMES / "ack.json").read_text())["header"]
    expected = {**told, "rev": 1, "seq": 1}
    assert [decode_frame(ack).header for ack in acks] == [expected]
    voxels = Layer.open(home, scan, create=False).voxels
    assert voxels[1, 2, 3] == 1
    assert np.count_nonzero(voxels) == 1


async def test_a_stroke_sent_twice_is_written_once(ask, opened, ops, stroke):
    await opened()
    body = join_frames([stroke(0, 1), stroke(1, 2, at=(4, 4, 4))])

    first = await ask(*ops, method="POST", body=body)
    again = await ask(*ops, method="POST", body=body)

    assert again == first
    edits = split_frames(await ask(*ops, **{"from": 0}))
    assert [decode_frame(edit).header["rev"] for edit in edits] == [1, 2]


async def test_a_stroke_on_an_old_revision_is_told_what_it_missed(
    ask, refused, opened, ops, stroke
):
    await opened()
    await ask(*ops, method="POST", body=join_frames([stroke(0, 1)]))
    late = stroke(0, 1, session="0badcafe", at=(5, 5, 5))

    status, missed = await refused(*ops, method="POST", body=join_frames([late]))

    assert status == 409
    edits = [from_frame(decode_frame(frame)) for frame in split_frames(missed)]
    assert [(edit.rev, edit.session) for edit in edits] == [(1, "00c0ffee")]


async def test_the_snapshot_is_the_whole_map(ask, opened, ops, stroke, scan):
    await opened()
    await ask(*ops, method="POST", body=join_frames([stroke(0, 1, value=2)]))

    frame = decode_frame(await ask("labels", scan.scan_id, "labels", "snapshot"))

    told = json.loads((FRAMES / "snapshot.json").read_text())["header"]
    assert frame.header.keys() == told.keys()
    voxels = decode_runs(frame.payload, (7, 8, 9), "u1")
    assert voxels[1, 2, 3] == 2
    assert np.count_nonzero(voxels) == 1


async def test_what_a_kernel_paints_is_there_at_the_next_question(
    ask, opened, ops, home, scan
):
    await opened()
    mask = np.zeros((7, 8, 9), bool)
    mask[6, 7, 8] = True

    Layer.open(home, scan, create=False).paint(2, mask)

    edits = split_frames(await ask(*ops, **{"from": 0}))
    assert from_frame(decode_frame(edits[0])).box == (6, 7, 7, 8, 8, 9)


@pytest.mark.parametrize(
    "body",
    [b"\1\2\3", b"\xff\xff\xff\x7fMLD1", b"\x08\0\0\0PNG1\0\0\0\0", b"{}"],
)
async def test_a_body_of_other_bytes_is_refused_and_writes_nothing(
    ask, refused, opened, ops, stroke, body
):
    await opened()
    broken = join_frames([stroke(0, 1)]) + body

    status, reply = await refused(*ops, method="POST", body=broken)

    assert (status, reply["code"]) == (400, "bad-frame")
    assert await ask(*ops, **{"from": 0}) == b""


async def test_a_stroke_outside_the_scan_is_refused(refused, opened, ops, stroke):
    await opened()
    body = join_frames([stroke(0, 1, at=(7, 0, 0))])

    status, reply = await refused(*ops, method="POST", body=body)

    assert (status, reply["code"]) == (422, "outside")


async def test_segments_that_are_none_are_refused(refused, scan):
    for hostile in ("x", [1], [{"name": 3, "id": "a"}], [{"id": 0, "name": "x"}]):
        status, _ = await refused(
            *("labels", scan.scan_id, "labels"),
            method="POST",
            body={"segments": hostile},
        )

        assert status in (400, 422)


async def test_an_export_is_read_by_nibabel(
    ask, opened, ops, stroke, scan, volume, jp_root_dir
):
    await opened()
    await ask(*ops, method="POST", body=join_frames([stroke(0, 1, value=2)]))

    reply = await ask(
        *("labels", scan.scan_id, "labels", "export"),
        method="POST",
        body={"path": "results/lungs", "format": "nii.gz"},
    )

    assert reply == {"path": "results/lungs.nii.gz"}
    image = nibabel.load(jp_root_dir / "results" / "lungs.nii.gz")
    assert np.asarray(image.dataobj)[1, 2, 3] == 2
    np.testing.assert_allclose(image.affine, volume.affine, atol=1e-4)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("../out.nii.gz", 404),
        ("/tmp/out.nii.gz", 404),
        (".medlab/x.nii.gz", 400),
        ("scans/thorax.nii.gz", 409),
        ("out.txt", 422),
    ],
)
async def test_an_export_stays_inside_and_overwrites_nothing(
    refused, opened, scan, path, status
):
    await opened()

    found, _ = await refused(
        *("labels", scan.scan_id, "labels", "export"),
        method="POST",
        body={"path": path},
    )

    assert found == status
