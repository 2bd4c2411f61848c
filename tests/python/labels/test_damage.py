"""A byte that changed anywhere in a layer's folder is noticed, and nothing good is lost.

Every byte of every file of a small layer is flipped in turn. What is opened then is exactly
what was there; or it is refused, and what a recovery offers is a state that the layer really
had, at the revision that the refusal named.
"""

import os
import random
import shutil
from dataclasses import dataclass

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.labels import JournalDamaged, Layer, Segment, decode_frame
from medlab.labels import _ledger as ledger_module
from medlab.labels._journal import read_records

# All bytes in a long run, else those at random.
TRIED = None if os.environ.get("MEDLAB_LONG") else 250


@dataclass
class Whole:
    """What a layer was at each revision, and the files that hold it."""

    layer: Layer
    maps: dict[int, np.ndarray]
    told: dict[int, tuple]

    def take(self):
        rev = self.layer.rev
        self.maps[rev] = self.layer.voxels.copy()
        self.told[rev] = (self.layer.segments, self.layer.marks)

    def is_a_state(self, layer, rev):
        np.testing.assert_array_equal(layer.voxels, self.maps[rev])
        assert (layer.segments, layer.marks) == self.told[rev]

    @property
    def folder(self):
        return self.layer._ledger.folder


@pytest.fixture
def whole(layer, monkeypatch):
    """Edits of each kind, two snapshots in between, and some edits behind them."""
    whole = Whole(layer, {}, {})
    rng = np.random.default_rng(5)
    whole.take()

    def paint(number):
        layer.paint(1 + number % 2, rng.random(layer.shape) < 0.05)
        whole.take()

    for number in range(3):
        paint(number)
    layer.set_segments([*layer.segments, Segment(3, "heart", "#ff0000")])
    whole.take()
    layer.add_mark({"id": "0123456789ab", "kind": "point", "points": [(1, 2, 3)]})
    whole.take()
    with monkeypatch.context() as small:
        small.setattr(ledger_module, "_SNAPSHOT_EVERY_BYTES", 1)
        paint(3)
        paint(4)
    paint(5)
    layer.undo()
    whole.take()
    assert len(list(whole.folder.glob("snapshot-*"))) == 2
    return whole


def places(folder, count):
    """Every byte of every file there, or so many at random."""
    files = [path for path in sorted(folder.iterdir()) if path.stat().st_size]
    every = [(path, at) for path in files for at in range(path.stat().st_size)]
    if count is None or count >= len(every):
        return every
    return random.Random(11).sample(every, count)


def test_a_flipped_byte_anywhere_is_noticed_and_the_last_good_state_offered(
    whole, open_layer, home, scan, tmp_path
):
    folder, newest = whole.folder, whole.layer.rev
    original = tmp_path / "original"
    shutil.copytree(folder, original)
    refused = 0
    for path, at in places(folder, TRIED):
        damaged = bytearray(path.read_bytes())
        damaged[at] ^= 1 << random.Random(at).randrange(8)
        path.write_bytes(damaged)

        try:
            opened = open_layer()
            rev = newest
        except JournalDamaged as damage:
            refused += 1
            rev = damage.told["last_good_rev"]
            opened = Layer.recover(home, scan)
            (kept,) = folder.glob("edits.mlj.damaged-*")
            assert kept.read_bytes() == damaged
            assert opened.rev > newest, "a revision that was told is given again"
        else:
            assert opened.rev == newest
        whole.is_a_state(opened, rev)
        assert opened.paint("liver", np.ones((1, 1, 1), bool)) is None or (
            open_layer().rev == opened.rev
        )

        shutil.rmtree(folder)
        shutil.copytree(original, folder)
    assert refused > 0


def test_damage_before_a_snapshot_costs_no_edit(whole, open_layer, home, scan):
    journal = whole.folder / "edits.mlj"
    damaged = bytearray(journal.read_bytes())
    damaged[30] ^= 1
    journal.write_bytes(damaged)
    with pytest.raises(JournalDamaged) as damage:
        open_layer()

    recovered = Layer.recover(home, scan)

    newest = max(whole.maps)
    assert damage.value.told == {"last_good_rev": newest}
    whole.is_a_state(recovered, newest)
    whole.is_a_state(open_layer(), newest)


def test_damage_behind_all_snapshots_costs_the_edits_behind_it(
    whole, open_layer, home, scan
):
    journal = whole.folder / "edits.mlj"
    damaged = bytearray(journal.read_bytes())
    damaged[-30] ^= 1
    journal.write_bytes(damaged)

    recovered = Layer.recover(home, scan)

    whole.is_a_state(recovered, max(whole.maps) - 1)


def test_a_page_that_knows_a_lost_edit_is_told_to_load_again(
    whole, open_layer, home, scan
):
    newest = whole.layer.rev
    journal = whole.folder / "edits.mlj"
    damaged = bytearray(journal.read_bytes())
    damaged[-30] ^= 1
    journal.write_bytes(damaged)

    recovered = Layer.recover(home, scan)

    with pytest.raises(MedlabError, match=rf"no revision {newest}: it was recovered"):
        recovered.since(newest)
    before = [decode_frame(data).header for data in recovered.since(newest - 1)]
    assert {header["tool"] for header in before} == {"recover"}


def test_a_damaged_layer_can_be_recovered_twice(whole, open_layer, home, scan):
    for _ in range(2):
        journal = whole.folder / "edits.mlj"
        damaged = bytearray(journal.read_bytes())
        damaged[-30] ^= 1
        journal.write_bytes(damaged)
        Layer.recover(home, scan).paint("lung", np.ones((2, 2, 2), bool))

    assert len(list(whole.folder.glob("edits.mlj.damaged-*"))) == 2
    revs = [decode_frame(data).header["rev"] for data, _ in read_records(journal)]
    assert revs == sorted(set(revs))


def test_an_open_layer_goes_on_after_another_process_recovered_it(
    whole, open_layer, home, scan
):
    other = open_layer()
    journal = whole.folder / "edits.mlj"
    damaged = bytearray(journal.read_bytes())
    damaged[-30] ^= 1
    journal.write_bytes(damaged)
    Layer.recover(home, scan)

    other.paint("liver", np.ones((1, 1, 1), bool), at=(6, 6, 6))

    assert other.rev == open_layer().rev
    np.testing.assert_array_equal(other.voxels, open_layer().voxels)


def test_undo_goes_on_after_a_recovery_where_its_steps_are_whole(
    whole, open_layer, home, scan
):
    layer = whole.layer
    journal = whole.folder / "edits.mlj"
    damaged = bytearray(journal.read_bytes())
    damaged[-30] ^= 1
    journal.write_bytes(damaged)
    Layer.recover(home, scan, known=layer)

    while layer.undo():
        pass

    assert not layer.voxels.any()
    assert layer.marks == ()
    assert [segment.name for segment in layer.segments] == ["lung", "liver"]


def test_a_journal_that_is_gone_is_told_and_a_snapshot_offered(
    whole, open_layer, home, scan
):
    journal = whole.folder / "edits.mlj"
    journal.unlink()
    with pytest.raises(JournalDamaged) as damage:
        open_layer()

    recovered = Layer.recover(home, scan)

    rev = damage.value.told["last_good_rev"]
    assert rev == max(whole.maps) - 2  # Two edits came behind the snapshot.
    whole.is_a_state(recovered, rev)
    assert open_layer().paint("lung", np.ones((1, 1, 1), bool), at=(6, 7, 8))


def test_a_revision_whose_own_digits_were_hit_is_not_given_again(
    whole, open_layer, home, scan
):
    newest = whole.layer.rev
    journal = whole.folder / "edits.mlj"
    damaged = bytearray(journal.read_bytes())
    damaged[damaged.rindex(b'"rev":') + len(b'"rev":')] ^= 1
    journal.write_bytes(damaged)

    recovered = Layer.recover(home, scan)

    assert recovered.rev > newest
    with pytest.raises(MedlabError, match=rf"no revision {newest}: it was recovered"):
        recovered.since(newest)
