"""Frames: Python and TypeScript read the same bytes, and a changed byte is noticed."""

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.labels import (
    Frame,
    FrameError,
    decode_frame,
    decode_runs,
    encode_frame,
    encode_runs,
    from_frame,
    join_frames,
    split_frames,
    to_frame,
)

FRAMES = Path(__file__).parents[2] / "contract" / "frames"
NAMES = sorted(path.stem for path in FRAMES.glob("*.bin"))


def _told(name):
    return json.loads((FRAMES / f"{name}.json").read_text())


def test_there_is_a_fixture_of_every_kind():
    assert {"delta", "segments", "snapshot", "slab", "ack", "body"} <= set(NAMES)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "body"])
def test_a_fixture_decodes_to_what_its_table_says(name):
    frame = decode_frame((FRAMES / f"{name}.bin").read_bytes())

    told = _told(name)
    assert frame.header == told["header"]
    assert frame.payload.hex() == told["payload_hex"]


@pytest.mark.parametrize("name", [n for n in NAMES if n != "body"])
def test_a_fixture_encodes_to_the_same_bytes(name):
    data = (FRAMES / f"{name}.bin").read_bytes()

    assert encode_frame(decode_frame(data)) == data


@pytest.mark.parametrize("name", [n for n in NAMES if "voxels" in _told(n)])
def test_a_fixtures_runs_are_the_voxels_of_its_table(name):
    told = _told(name)
    header, payload = told["header"], bytes.fromhex(told["payload_hex"])
    if header["op"] == "delta":
        delta = from_frame(decode_frame((FRAMES / f"{name}.bin").read_bytes()))
        before, after = delta.voxels("u2")
        found = [before.ravel("F").tolist(), after.ravel("F").tolist()]
    elif header["op"] == "slab":
        found = [np.frombuffer(payload, f"<{header['dtype']}").tolist()]
    else:
        shape = tuple(header["shape"])
        found = [decode_runs(payload, shape, header["dtype"]).ravel("F").tolist()]

    assert found == told["voxels"]


def test_the_body_fixture_holds_its_frames_in_order():
    parts = split_frames((FRAMES / "body.bin").read_bytes())

    names = _told("body")["frames"]
    assert parts == [(FRAMES / f"{name}.bin").read_bytes() for name in names]
    assert join_frames(parts) == (FRAMES / "body.bin").read_bytes()


DELTAS = [name for name in NAMES if _told(name).get("header", {}).get("op") == "delta"]
BEFORE_STATES_AND_CODES = "segments-old"


@pytest.mark.parametrize("name", [n for n in DELTAS if n != BEFORE_STATES_AND_CODES])
def test_an_edit_is_the_same_after_there_and_back(name):
    data = (FRAMES / f"{name}.bin").read_bytes()

    assert encode_frame(to_frame(from_frame(decode_frame(data)))) == data


def test_segments_of_an_older_journal_get_what_they_lacked():
    data = (FRAMES / f"{BEFORE_STATES_AND_CODES}.bin").read_bytes()

    _, (lung, heart) = from_frame(decode_frame(data)).segments

    assert (lung.opacity, lung.outlined, lung.state, lung.code) == (
        *(100, True, "not-started", None),
    )
    assert (heart.name, heart.locked, heart.visible) == ("Herz ♥", True, False)


def test_an_edits_marks_step_and_turn_are_read():
    marks = from_frame(decode_frame((FRAMES / "marks.bin").read_bytes()))
    undo = from_frame(decode_frame((FRAMES / "delta-undo.bin").read_bytes()))

    (nodule,), (moved, box, quality) = marks.marks
    assert (nodule.points, moved.points) == (((1, 2.5, 0.125),), ((1, 2.501, 0),))
    assert (box.plane, quality.value, quality.points) == ("axial", "usable", ())
    assert (marks.by, marks.author, marks.own_step) == (
        *("5eed5eed", "5eed5eed", ("00c0ffee", 19)),
    )
    assert undo.turn == ("undo", "00c0ffee", 20)


def test_the_author_of_an_older_edit_is_its_session():
    delta = from_frame(decode_frame((FRAMES / "delta.bin").read_bytes()))

    assert (delta.by, delta.author, delta.own_step) == (
        *("", "00c0ffee", ("00c0ffee", 17)),
    )


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("by", "me", "by must be 8 hex digits, got 'me'"),
        ("turn", ["back", "00c0ffee", 1], "an undo or a redo, got 'back'"),
        ("turn", ["undo"], "lacks a field or holds a wrong one"),
        ("step", "first", "lacks a field or holds a wrong one"),
        ("marks", {"before": []}, "lacks a field or holds a wrong one"),
    ],
)
def test_an_edit_with_a_wrong_step_or_turn_is_refused(field, value, sentence):
    frame = decode_frame((FRAMES / "delta-undo.bin").read_bytes())
    frame.header[field] = value

    with pytest.raises(FrameError, match=sentence):
        from_frame(frame)


def test_half_a_surrogate_pair_is_escaped_as_javascript_does():
    # JSON.stringify("\ud83d") is the text "\\ud83d" since ECMAScript 2019.
    data = encode_frame(Frame({"op": "x", "name": "\ud83d"}))

    assert data[8:] == b'{"op":"x","name":"\\ud83d"}'
    assert decode_frame(data).header["name"] == "\ud83d"


def test_runs_are_as_the_contract_says():
    voxels = np.zeros((2, 2, 2), np.uint8)
    voxels[1, 0, 0] = 5

    runs = encode_runs(voxels)

    assert runs == struct.pack("<IHIHIH", 1, 0, 1, 5, 6, 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 65535), min_size=60, max_size=60))
def test_any_voxels_come_back(values):
    voxels = np.array(values, np.uint16).reshape(3, 4, 5, order="F")

    back = decode_runs(encode_runs(voxels), (3, 4, 5), "u2")

    np.testing.assert_array_equal(back, voxels)


def test_every_changed_byte_of_a_payload_is_noticed():
    data = (FRAMES / "delta.bin").read_bytes()
    start = 8 + struct.unpack_from("<I", data, 4)[0]

    for at in range(start, len(data)):
        changed = bytearray(data)
        changed[at] ^= 1
        with pytest.raises(FrameError, match="does not match its checksum"):
            decode_frame(bytes(changed))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", 'A frame starts with "MLD1", got'),
        (b"PNG1\0\0\0\0", 'A frame starts with "MLD1", got'),
        (b"MLD1\xff\xff\xff\x7f{}", "header of 2147483647 bytes got 2"),
        (b"MLD1\x02\0\0\0{]", "must be JSON"),
        (b"MLD1\x02\0\0\0[]", "object with an op"),
        (b"MLD1\x02\0\0\0{}", "object with an op"),
    ],
)
def test_bytes_that_are_no_frame_are_refused(data, sentence):
    with pytest.raises(FrameError, match=sentence.replace("(", r"\(")):
        decode_frame(data)


@pytest.mark.parametrize("body", [b"\1", b"\0\0\0\0", b"\xff\0\0\0abc"])
def test_a_body_cut_short_is_refused(body):
    with pytest.raises(FrameError, match="ended in the middle"):
        split_frames(body)


@pytest.mark.parametrize("runs", [b"", b"\1", struct.pack("<IH", 7, 0), b"\xff" * 6])
def test_runs_that_do_not_cover_the_box_are_refused(runs):
    with pytest.raises(FrameError, match="Runs for 8 voxels cover"):
        decode_runs(runs, (2, 2, 2), "u2")


def test_a_label_that_does_not_fit_is_refused():
    with pytest.raises(FrameError, match="end at 255, got 256"):
        decode_runs(struct.pack("<IH", 8, 256), (2, 2, 2), "u1")


@pytest.mark.parametrize("field", ["scan", "base", "session", "seq", "tool", "box"])
def test_an_edit_that_lacks_a_field_is_refused(field):
    frame = decode_frame((FRAMES / "delta.bin").read_bytes())
    del frame.header[field]

    with pytest.raises(FrameError, match=rf"lacks a field.*{field}"):
        from_frame(frame)


def test_the_checksum_is_zlibs():
    header = _told("delta")["header"]

    assert header["crc"] == zlib.crc32(bytes.fromhex(_told("delta")["payload_hex"]))
