"""A snapshot holds one revision, however many edits come while it is written."""

import contextlib
import threading

import numpy as np
import pytest

from medlab.labels import Delta, encode_runs
from medlab.labels import _ledger as ledger_module
from medlab.labels import _snapshot as snapshot_module
from medlab.labels._snapshot import Frozen, newest_first, read_snapshot
from medlab.labels._state import State, apply_edit

SHAPE = (7, 8, 30)


@pytest.mark.parametrize("seed", range(5))
def test_a_frozen_map_stays_while_edits_go_on(seed, monkeypatch):
    monkeypatch.setattr(snapshot_module, "_PIECE_VOXELS", 7 * 8 * 4)
    monkeypatch.setattr(snapshot_module, "_PAUSES", 0)
    chance = np.random.default_rng(seed)
    voxels = np.asfortranarray(chance.integers(0, 4, SHAPE).astype(np.uint8))
    state = State(0, 0, voxels, (), {})
    before = voxels.copy()
    frozen, pieces = Frozen(state, contextlib.nullcontext()), []

    for piece in frozen.pieces():
        pieces.append(piece)
        for _ in range(chance.integers(0, 4)):
            low = [int(chance.integers(0, n)) for n in SHAPE]
            high = [
                int(chance.integers(a + 1, n + 1))
                for a, n in zip(low, SHAPE, strict=True)
            ]
            box = tuple(end for pair in zip(low, high, strict=True) for end in pair)
            where = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            after = chance.integers(0, 4, voxels[where].shape)
            frozen.keep(box)
            runs = encode_runs(voxels[where]), encode_runs(after)
            apply_edit(state, Delta("", "", 0, "", 1, "", 0, box, *runs), "u1")

    np.testing.assert_array_equal(np.concatenate(pieces, axis=2), before)
    assert not np.array_equal(voxels, before)


def test_a_large_map_is_written_beside_people_who_draw(
    layer, open_layer, home, monkeypatch
):
    monkeypatch.setattr(ledger_module, "_SNAPSHOT_EVERY_BYTES", 1)
    monkeypatch.setattr(ledger_module, "_LARGE_VOXELS", 1)
    monkeypatch.setattr(snapshot_module, "_PIECE_VOXELS", 7 * 8)
    chance, maps = np.random.default_rng(2), {0: layer.voxels.copy()}
    seen = set()
    for number in range(60):
        layer.paint(1 + number % 2, chance.random(layer.shape) < 0.05)
        maps[layer.rev] = layer.voxels.copy()
        seen |= set(newest_first(layer._ledger.folder))
        for path in newest_first(layer._ledger.folder):
            found = read_snapshot(path, layer.shape, "u1")
            if found is not None:
                np.testing.assert_array_equal(found.voxels, maps[found.rev])
    layer.settled()

    assert len(seen) > 2
    assert not [t for t in threading.enumerate() if t.name == "medlab-snapshot"]
    np.testing.assert_array_equal(open_layer().voxels, layer.voxels)


def test_a_snapshot_of_another_history_is_passed_over(layer, open_layer, monkeypatch):
    # The same places and sizes, drawn by somebody else after an older journal came back.
    monkeypatch.setattr(ledger_module, "_SNAPSHOT_EVERY_BYTES", 1)
    journal = layer._ledger.journal
    block = np.ones((2, 2, 2), bool)
    layer.paint("lung", block)
    older = journal.read_bytes()
    layer.paint("lung", block, at=(3, 3, 3))
    size = journal.stat().st_size
    kept = newest_first(layer._ledger.folder)[0].read_bytes()
    journal.unlink()
    journal.write_bytes(older)
    other = open_layer()
    other.session, other._seq = layer.session, layer._seq - 1
    other.paint("liver", block, at=(3, 3, 3))
    assert journal.stat().st_size == size
    newest_first(layer._ledger.folder)[0].write_bytes(kept)

    assert open_layer().voxels[3, 3, 3] == 2
