"""Labels over HTTP: made, drawn on, fetched, refused; each edit once."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from medlab.labels import (
    Delta,
    as_marks,
    decode_frame,
    decode_runs,
    encode_frame,
    encode_runs,
    from_frame,
    join_frames,
    split_frames,
    to_frame,
)

CONTRACT = Path(__file__).parents[2] / "contract"
SHAPE = (7, 8, 9)
SEGMENTS = [
    {"id": 1, "name": "left lung", "color": "#e69f00"},
    {"id": 2, "name": "right lung", "color": "#56b4e9", "locked": True},
]


def contract(name):
    return json.loads((CONTRACT / name).read_text())


def stroke(scan, /, *, base, seq, before=0, after=1, box=(1, 4, 2, 5, 3, 5), **changes):
    """A box that turns from one label into another, as an encoded delta frame."""
    i0, i1, j0, j1, k0, k1 = box
    shape = (i1 - i0, j1 - j0, k1 - k0)
    fields = {
        **{"scan": scan.scan_id, "layer": "lungs", "base": base},
        **{"session": "0a0b0c0d", "seq": seq, "tool": "brush", "segment": after},
        **{"box": box, "before": encode_runs(np.full(shape, before))},
        "after": encode_runs(np.full(shape, after)),
    }
    return encode_frame(to_frame(Delta(**{**fields, **changes})))


def forget_open_layers(app):
    """As after a restart of the server."""
    for rules in app.web_app.default_router.rules:
        for rule in getattr(rules.target, "rules", []):
            workplace = rule.target_kwargs.get("workplace")
            if workplace is not None:
                workplace._layers.clear()


@pytest.fixture
def address(scan):
    return ("labels", scan.scan_id, "lungs")


@pytest.fixture
def layer(ask, address, jp_asyncio_loop):
    making = ask(*address, method="POST", body={"segments": SEGMENTS})
    return jp_asyncio_loop.run_until_complete(making)


@pytest.fixture
def send(ask, address):
    async def send(*frames):
        body = await ask(*address, "ops", method="POST", body=join_frames(frames))
        return [decode_frame(frame).header for frame in split_frames(body)]

    return send


@pytest.fixture
def map_now(ask, address):
    async def map_now():
        frame = decode_frame(await ask(*address, "snapshot"))
        voxels = decode_runs(frame.payload, SHAPE, frame.header["dtype"])
        return frame.header["rev"], voxels

    return map_now


async def test_a_new_layer_is_described_as_in_the_contract(ask, address):
    made = await ask(*address, method="POST", body={"segments": SEGMENTS})

    assert made == contract("layer.json")
    assert await ask(*address) == made


async def test_the_layers_of_a_scan_are_listed_as_in_the_contract(ask, scan, layer):
    assert await ask("labels", scan.scan_id) == contract("labels.json")


async def test_opening_again_keeps_what_is_there(ask, address, layer, send, scan):
    await send(stroke(scan, base=0, seq=1))

    again = await ask(*address, method="POST", body={"segments": []})

    assert again == {**layer, "rev": 1}


async def test_an_acknowledged_stroke_is_in_the_snapshot(scan, layer, send, map_now):
    acks = await send(stroke(scan, base=0, seq=1))

    rev, voxels = await map_now()
    expected = np.zeros(SHAPE, np.uint8)
    expected[1:4, 2:5, 3:5] = 1
    assert [(a["op"], a["rev"], a["state"]) for a in acks] == [("ack", 1, "on-disk")]
    assert rev == 1
    np.testing.assert_array_equal(voxels, expected)


async def test_a_stroke_sent_twice_is_written_once(scan, layer, send, map_now):
    first = await send(stroke(scan, base=0, seq=1))

    again = await send(stroke(scan, base=0, seq=1))

    assert again == first
    assert (await map_now())[0] == 1


async def test_a_stale_writer_gets_what_it_missed(
    refused, address, scan, layer, send, map_now
):
    await send(stroke(scan, base=0, seq=1), stroke(scan, base=1, seq=2, before=1))
    late = stroke(scan, base=1, seq=1, session="ffffffff", box=(0, 1, 0, 1, 0, 1))

    status, body = await refused(
        *address, "ops", method="POST", body=join_frames([late])
    )

    missed = [from_frame(decode_frame(frame)) for frame in split_frames(body)]
    assert status == 409
    assert [(delta.rev, delta.session) for delta in missed] == [(2, "0a0b0c0d")]
    assert (await map_now())[0] == 2


async def test_a_body_refused_in_the_middle_is_acknowledged_up_to_there(
    refused, address, scan, layer, send, map_now
):
    corner = (0, 1, 0, 1, 0, 1)
    early = stroke(scan, base=5, seq=2, box=corner)

    acks = await send(stroke(scan, base=0, seq=1), early)

    assert [(ack["seq"], ack["rev"]) for ack in acks] == [(1, 1)]
    rest = join_frames([early])
    status, reply = await refused(*address, "ops", method="POST", body=rest)
    assert (status, reply["code"], reply["rev"]) == (422, "another-history", 1)
    # On the right revision, and with what is there already: each is written once.
    again = [stroke(scan, base=0, seq=1), stroke(scan, base=1, seq=2, box=corner)]
    assert [ack["rev"] for ack in await send(*again)] == [1, 2]
    assert (await map_now())[0] == 2


async def test_later_edits_are_fetched_by_revision(ask, address, scan, layer, send):
    await send(stroke(scan, base=0, seq=1), stroke(scan, base=1, seq=2, before=1))

    body = await ask(*address, "ops", **{"from": 1})

    (frame,) = split_frames(body)
    assert decode_frame(frame).header["rev"] == 2
    assert await ask(*address, "ops", **{"from": 2}) == b""


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"MLD1 and then some text", "ended in the middle"),
        (struct.pack("<I", 4) + b"PNG1", 'starts with "MLD1"'),
        (struct.pack("<I", 1 << 31) + b"MLD1", "ended in the middle"),
        (struct.pack("<I", 8) + b"MLD1" + struct.pack("<I", 99), "header of 99 bytes"),
        (join_frames([b"MLD1\x02\0\0\0[]"]), "must be an object"),
    ],
)
async def test_bytes_that_are_no_frames_are_refused(
    refused, address, layer, map_now, body, says
):
    status, reply = await refused(*address, "ops", method="POST", body=body)

    assert (status, reply["code"]) == (400, "bad-frame")
    assert says in reply["message"]
    assert (await map_now())[0] == 0


async def test_a_damaged_stroke_writes_nothing_of_its_body(
    refused, address, scan, layer, map_now
):
    damaged = bytearray(stroke(scan, base=1, seq=2, before=1))
    damaged[-1] ^= 1
    body = join_frames([stroke(scan, base=0, seq=1), bytes(damaged)])

    status, reply = await refused(*address, "ops", method="POST", body=body)

    assert (status, reply["code"]) == (400, "bad-frame")
    assert (await map_now())[0] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"box": (0, 8, 0, 1, 0, 1)}, "outside"),
        ({"box": (-1, 1, 0, 1, 0, 1)}, "outside"),
        ({"before": 2}, "another-before"),
        ({"layer": "other"}, "another-layer"),
        ({"scan": "0123456789abcdef"}, "another-layer"),
        ({"after": 300}, "bad-frame"),
    ],
)
async def test_an_edit_that_does_not_fit_is_refused(
    refused, address, scan, layer, map_now, changes, code
):
    frame = stroke(scan, base=0, seq=1, **changes)

    status, reply = await refused(
        *address, "ops", method="POST", body=join_frames([frame])
    )

    assert (status, reply["code"]) == (400 if code == "bad-frame" else 422, code)
    assert (await map_now())[0] == 0


async def test_a_layer_that_was_never_made_is_not_found(ask, refused, scan, address):
    await ask("scans", scan.scan_id)

    assert (await ask("labels", scan.scan_id)) == {"layers": []}
    for path in (address, (*address, "snapshot"), (*address, "ops")):
        status, reply = await refused(*path)
        assert (status, reply["code"]) == (404, "layer-not-found")


async def test_labels_of_a_scan_that_is_not_there_are_not_found(refused):
    status, reply = await refused("labels", "0123456789abcdef")

    assert (status, reply["code"]) == (404, "scan-not-found")


@pytest.mark.parametrize(
    "segments",
    [{"id": 1}, [{"id": 0, "name": "air"}], [{"name": "x", "color": "red;"}], [7]],
)
async def test_segments_that_make_no_sense_make_no_layer(
    refused, address, home, segments
):
    status, reply = await refused(*address, method="POST", body={"segments": segments})

    assert (status, reply["code"]) in ((400, "bad-request"), (422, "bad-segment"))
    assert not list(home.labels.rglob("layer.json"))


async def test_labels_on_a_scan_that_cannot_be_read_are_refused(refused, broken):
    path = ("labels", broken.scan_id, "lungs")

    status, reply = await refused(*path, method="POST", body={"segments": []})

    assert (status, reply["code"]) == (422, "not-a-scan")


WHO = "5eed5eed"
MARK = {
    **{"id": "0123456789ab", "kind": "point", "name": "nodule", "color": None},
    **{"segment": 1, "plane": None, "points": [[1, 2.5, 3]], "scope": None},
    **{"value": None, "note": ""},
}


def mark_edit(scan, /, *, base, seq, before=(), after=()):
    lists = (as_marks(before), as_marks(after))
    return encode_frame(
        to_frame(
            Delta(
                *(scan.scan_id, "lungs", base, "0a0b0c0d", seq, "marks", 0, None),
                marks=lists,
            )
        )
    )


async def test_marks_are_kept_and_told(ask, address, scan, layer, send):
    await send(mark_edit(scan, base=0, seq=1, after=[MARK]))

    assert (await ask(*address))["marks"] == [MARK]
    frame = decode_frame(await ask(*address, "snapshot"))
    assert frame.header["marks"] == [MARK]
    assert list(frame.header)[-3:] == ["segments", "marks", "crc"]


async def test_a_mark_that_was_changed_meanwhile_is_not_overwritten(
    refused, address, scan, layer, send
):
    await send(mark_edit(scan, base=0, seq=1, after=[MARK]))
    again = mark_edit(scan, base=1, seq=2, after=[{**MARK, "name": "cyst"}])

    body = join_frames([again])
    status, reply = await refused(*address, "ops", method="POST", body=body)

    assert (status, reply["code"]) == (422, "another-before")


@pytest.mark.parametrize(
    "changes",
    [
        {"after": 2},  # Draws into a locked segment.
        {"before": 0, "after": 2, "tool": "undo", "turn": ("undo", "0a0b0c0d", 1)},
    ],
)
async def test_no_edit_changes_a_locked_segment(
    refused, address, scan, layer, map_now, changes
):
    body = join_frames([stroke(scan, base=0, seq=1, **changes)])

    status, reply = await refused(*address, "ops", method="POST", body=body)

    assert (status, reply["code"]) == (422, "locked")
    assert "'right lung' is locked. Unlock it to draw" in reply["message"]
    assert (await map_now())[0] == 0


async def test_the_history_of_one_person_is_told_apart_from_the_others(
    ask, address, scan, layer, send
):
    first = stroke(scan, base=0, seq=1, by=WHO, step=1)
    other = stroke(scan, base=1, seq=1, before=1, session="ffffffff")
    taken_back = stroke(
        *(scan,),
        **{"base": 2, "seq": 2, "before": 1, "after": 0, "by": WHO, "step": 2},
        turn=("undo", "0a0b0c0d", 1),
    )
    await send(first, other, taken_back)

    frames = split_frames(await ask(*address, "history", by=WHO))

    headers = [decode_frame(frame).header for frame in frames]
    assert [header["rev"] for header in headers] == [1, 3]
    assert headers[1]["turn"] == ["undo", "0a0b0c0d", 1]
    assert split_frames(await ask(*address, "history", by="00000001")) == []


async def test_a_history_of_few_steps_holds_the_newest(ask, address, scan, layer, send):
    frames = [
        stroke(scan, base=n, seq=n + 1, before=n % 2, after=1 - n % 2, by=WHO)
        for n in range(5)
    ]
    await send(*frames)

    few = split_frames(await ask(*address, "history", by=WHO, steps=2))

    assert [decode_frame(frame).header["rev"] for frame in few] == [4, 5]


@pytest.mark.parametrize("who", ["", "me", "5EED5EED", "5eed5eed0"])
async def test_a_history_of_nobody_is_refused(refused, address, layer, who):
    status, reply = await refused(*address, "history", by=who)

    assert (status, reply["code"]) == (400, "bad-request")


async def test_a_revision_that_the_layer_does_not_have_is_told(
    refused, address, scan, layer, send
):
    await send(stroke(scan, base=0, seq=1))

    status, reply = await refused(*address, "ops", **{"from": 9})

    assert (status, reply) == (422, contract("another-history.json"))


async def test_a_damaged_layer_is_told_and_recovered(
    ask, refused, address, scan, layer, send, home, jp_serverapp
):
    await send(stroke(scan, base=0, seq=1))
    (journal,) = home.labels.rglob("edits.mlj")
    damaged = bytearray(journal.read_bytes())
    damaged[40] ^= 8
    journal.write_bytes(damaged)
    forget_open_layers(jp_serverapp)

    status, reply = await refused(*address)
    listed = await ask("labels", scan.scan_id)
    recovered = await ask(*address, "recover", method="POST", body={})

    assert (status, reply) == (422, contract("damaged.json"))
    assert listed["layers"][0]["damage"]["code"] == "journal-damaged"
    # Above every revision that somebody was told, so that nobody goes on unawares.
    rev = recovered["rev"]
    assert recovered == {**layer, "rev": rev}
    assert rev > 1
    (kept,) = journal.parent.glob("edits.mlj.damaged-*")
    assert kept.read_bytes() == damaged
    assert [a["rev"] for a in await send(stroke(scan, base=rev, seq=2))] == [rev + 1]


async def test_a_server_that_has_the_layer_open_loses_nothing_by_a_damage(
    ask, address, scan, layer, send, home, map_now
):
    await send(stroke(scan, base=0, seq=1))
    (journal,) = home.labels.rglob("edits.mlj")
    damaged = bytearray(journal.read_bytes())
    damaged[40] ^= 8
    journal.write_bytes(damaged)

    await ask(*address, "recover", method="POST", body={})

    expected = np.zeros(SHAPE, np.uint8)
    expected[1:4, 2:5, 3:5] = 1
    np.testing.assert_array_equal((await map_now())[1], expected)


async def test_a_layer_that_is_whole_is_left_alone_by_a_recovery(
    ask, address, scan, layer, send, home
):
    await send(stroke(scan, base=0, seq=1))

    recovered = await ask(*address, "recover", method="POST", body={})

    assert recovered == {**layer, "rev": 1}
    assert not list(home.labels.rglob("*.damaged-*"))


@pytest.mark.parametrize(
    ("method", "what"), [("POST", "snapshot"), ("GET", "recover"), ("POST", "history")]
)
async def test_a_method_that_a_route_has_not_is_refused(
    refused, address, layer, method, what
):
    body = None if method == "GET" else {}

    status, reply = await refused(*address, what, method=method, body=body)

    assert (status, reply["code"]) == (405, "http-405")
