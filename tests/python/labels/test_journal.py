"""What is in the journal stays there, and what is damaged is never taken for whole."""

import errno
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from medlab.labels import JournalDamaged
from medlab.labels import _ledger as ledger_module
from medlab.labels._journal import append_record, read_records

EDITS = 6
EVERY = 1 if os.environ.get("MEDLAB_LONG") else 13


def journal_of(home):
    (path,) = home.labels.glob("*/labels/edits.mlj")
    return path


def paint_some(layer):
    """Paint at random; returns the map after each edit and where its record ends."""
    rng = np.random.default_rng(3)
    maps = [layer.voxels.copy()]
    for number in range(EDITS):
        layer.paint(1 + number % 2, rng.random(layer.shape) < 0.2)
        maps.append(layer.voxels.copy())
    return maps


def test_a_journal_cut_at_any_byte_holds_the_edits_before_the_cut(
    home, layer, open_layer
):
    maps = paint_some(layer)
    path = journal_of(home)
    whole = path.read_bytes()
    ends = [0, *(end for _, end in read_records(path))]

    for cut in range(0, len(whole) + 1, EVERY):
        path.write_bytes(whole[:cut])
        kept = sum(end <= cut for end in ends) - 1

        again = open_layer()

        assert again.rev == kept
        np.testing.assert_array_equal(again.voxels, maps[kept])


def test_the_next_writer_goes_on_after_a_journal_that_was_cut(home, layer, open_layer):
    maps = paint_some(layer)
    path = journal_of(home)
    path.write_bytes(path.read_bytes()[:-5])

    ack = open_layer().paint("liver", np.ones((1, 1, 1)), at=(6, 7, 8))

    assert ack.rev == EDITS
    expected = maps[EDITS - 1].copy()
    expected[6, 7, 8] = 2
    np.testing.assert_array_equal(open_layer().voxels, expected)


def test_any_flipped_byte_is_told(home, layer, open_layer):
    paint_some(layer)
    path = journal_of(home)
    whole = path.read_bytes()

    for at in range(0, len(whole), EVERY):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)

        with pytest.raises(
            JournalDamaged, match=r"whole, got .* at byte \d+. Recover .*revision \d"
        ):
            open_layer()

    path.write_bytes(whole)
    assert open_layer().rev == EDITS


def test_a_damaged_length_in_the_middle_is_not_taken_for_a_cut(home, layer, open_layer):
    # A longer length would make all that follows look like the tail of a killed writer.
    paint_some(layer)
    path = journal_of(home)
    damaged = bytearray(path.read_bytes())
    damaged[2] = 0xFF
    path.write_bytes(damaged)

    with pytest.raises(JournalDamaged, match="at byte 0"):
        open_layer()


def test_zeros_that_a_crash_reserved_are_no_damage(home, layer, open_layer):
    maps = paint_some(layer)
    with journal_of(home).open("ab") as file:
        file.write(bytes(4096))

    again = open_layer()

    np.testing.assert_array_equal(again.voxels, maps[-1])
    assert again.paint(None, np.ones(again.shape, bool)).rev == EDITS + 1


@pytest.mark.parametrize("room", [0, 5, 12, 100])
def test_a_full_disk_leaves_everything_as_it_was(
    home, layer, open_layer, monkeypatch, room
):
    maps = paint_some(layer)
    before = journal_of(home).read_bytes()
    real, left = os.pwrite, [room]

    def pwrite(handle, data, at):
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(handle, bytes(data[: left[0]]), at)
        left[0] -= written
        return written

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", pwrite)
        with pytest.raises(OSError, match="No space"):
            layer.paint("lung", np.ones(layer.shape, bool))
        with pytest.raises(OSError, match="No space"):
            left[0] = room
            layer.undo()

    assert journal_of(home).read_bytes() == before
    np.testing.assert_array_equal(layer.voxels, maps[-1])
    layer.undo()
    np.testing.assert_array_equal(open_layer().voxels, maps[-2])


def test_a_snapshot_that_fails_does_not_fail_the_edit(layer, open_layer, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ledger_module, "_SNAPSHOT_EVERY_BYTES", 1)
    monkeypatch.setattr(ledger_module, "write_snapshot", refuse)

    assert layer.paint("lung", np.ones(layer.shape, bool)).rev == 1
    assert open_layer().rev == 1


@pytest.fixture
def many_snapshots(monkeypatch):
    monkeypatch.setattr(ledger_module, "_SNAPSHOT_EVERY_BYTES", 1)


def test_the_two_newest_snapshots_are_kept(home, layer, many_snapshots):
    paint_some(layer)

    names = sorted(path.name for path in home.labels.glob("*/labels/snapshot-*"))

    assert names == ["snapshot-000000005.mls", "snapshot-000000006.mls"]


KILLED = """
import os, signal, sys
from pathlib import Path
from medlab.labels import Layer, _ledger, _snapshot
from medlab.scans import Home, ScanSource

_ledger._SNAPSHOT_EVERY_BYTES = 1
_snapshot.append_record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
root = Path(sys.argv[1])
home, source = Home(root, root / ".medlab"), ScanSource("scans/thorax.nii.gz")
layer = Layer.open(home, source, create=False)
layer.paint("lung", [[[True]]])
"""


def test_what_a_kill_left_of_a_snapshot_goes_with_the_next_one(
    home, layer, many_snapshots
):
    done = subprocess.run([sys.executable, "-c", KILLED, str(home.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    folder = home.labels / layer.scan_id / layer.name
    assert len(list(folder.glob(".writing-*.mls"))) == 1
    (folder / ".writing-notes.txt").touch()  # Whatever it is, it is no snapshot.

    layer.paint("liver", np.ones((2, 2, 2), bool))

    assert [path.name for path in folder.glob(".writing-*")] == [".writing-notes.txt"]
    assert len(list(folder.glob("snapshot-*.mls"))) == 1


def test_a_damaged_snapshot_is_passed_over(home, layer, open_layer, many_snapshots):
    maps = paint_some(layer)
    for path in home.labels.glob("*/labels/snapshot-*"):
        damaged = bytearray(path.read_bytes())
        damaged[len(damaged) // 2] ^= 4
        path.write_bytes(damaged)

    np.testing.assert_array_equal(open_layer().voxels, maps[-1])


def test_a_snapshot_of_edits_that_were_cut_away_is_forgotten(
    home, layer, open_layer, many_snapshots
):
    paint_some(layer)
    path = journal_of(home)
    ends = [end for _, end in read_records(path)]
    path.write_bytes(path.read_bytes()[: ends[1]])

    other = open_layer()
    for number in range(EDITS):
        other.paint("liver", np.ones((1, 1, 1), bool), at=(number, 0, 0))
        other.paint("lung", np.ones((1, 1, 1), bool), at=(number, 0, 0))

    np.testing.assert_array_equal(open_layer().voxels, other.voxels)


def test_an_open_layer_notices_that_an_older_copy_was_put_back(
    home, layer, open_layer, tmp_path
):
    layer.paint("lung", np.ones((2, 2, 2), bool))
    old = layer.voxels.copy()
    shutil.copy(journal_of(home), tmp_path / "older")
    layer.paint("liver", np.ones(layer.shape, bool))

    (tmp_path / "older").replace(journal_of(home))

    assert layer.rev == 1
    np.testing.assert_array_equal(layer.voxels, old)


def test_records_come_back_as_they_were_appended(tmp_path):
    path, end = tmp_path / "edits.mlj", 0
    for text in (b"one", b"two", b"three"):
        end = append_record(path, text, end)

    records = list(read_records(path))

    assert [data for data, _ in records] == [b"one", b"two", b"three"]
    assert records[-1][1] == end == path.stat().st_size
