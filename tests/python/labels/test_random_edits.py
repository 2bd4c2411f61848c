"""Edits made at random have the bytes that the contract says, here and in the browser."""

import hashlib
import json
import os
from typing import Any

import numpy as np
import pytest

from medlab.labels import (
    Delta,
    as_marks,
    as_segments,
    decode_frame,
    encode_frame,
    encode_runs,
    from_frame,
    to_frame,
)
from tests.support.random_edits import BLOCKS, FIXTURE, edits, expected_frame

TOLD = json.loads(FIXTURE.read_text())
TRIED = range(BLOCKS) if os.environ.get("MEDLAB_LONG") else (0, 1, BLOCKS - 1)


def as_delta(edit: dict[str, Any]) -> Delta:
    """The edit as medlab's own, of arrays, segments and marks."""
    fields = {name: edit[name] for name in ("scan", "layer", "base", "session", "seq")}
    for name in ("segments", "marks"):
        make = as_segments if name == "segments" else as_marks
        if name in edit:
            both = (edit[name]["before"], edit[name]["after"])
            fields[name] = tuple(make(listed) for listed in both)
    return Delta(
        **fields,
        tool=edit["tool"],
        segment=edit["seg"],
        box=edit["box"] and tuple(edit["box"]),
        before=encode_runs(np.array(edit["before"], np.uint16)),
        after=encode_runs(np.array(edit["after"], np.uint16)),
        rev=edit["rev"],
        by=edit.get("by", ""),
        step=edit.get("step"),
        turn=edit.get("turn") and tuple(edit["turn"]),
    )


@pytest.mark.parametrize("block", TRIED)
def test_a_thousand_random_edits_have_the_contracts_bytes(block):
    digest = hashlib.sha256()
    for edit in edits(block):
        data = encode_frame(to_frame(as_delta(edit)))
        digest.update(data)
        assert encode_frame(to_frame(from_frame(decode_frame(data)))) == data

    assert digest.hexdigest() == TOLD["sha256"][block]


def test_the_fixture_is_what_its_rules_give():
    # Judges the fixture itself; a browser reads the same three frames.
    frames = [
        expected_frame(edit).hex() for edit, _ in zip(edits(0), range(3), strict=False)
    ]

    assert frames == TOLD["first_frames_hex"]
