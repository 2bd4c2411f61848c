"""A disk that fails at any call leaves the old state or the new one, and says so.

Each act is done once on a good disk, to count its calls; then again and again, each time with
another call that fails: once or from there on, before or after it did its work.
"""

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from medlab.labels import Labels, Layer, Segment
from medlab.labels import _ledger as ledger_module
from medlab.labels._delta import voxel_delta
from medlab.scans import Home, ScanSource
from tests.support.faults import Disk
from tests.support.scans import make_volume

WAYS = [
    {"stays": False, "after": False},
    {"stays": True, "after": False},
    {"stays": False, "after": True},
    {"stays": True, "after": True},
]
BLOCK = np.ones((3, 3, 3), bool)


@pytest.fixture(autouse=True)
def many_snapshots(monkeypatch):
    monkeypatch.setattr(ledger_module, "_SNAPSHOT_EVERY_BYTES", 1)


def state_of(layer):
    with layer._ledger.reading() as state:
        names = [json.dumps(str(segment)) for segment in state.segments]
        return state.voxels.tobytes(), tuple(names), tuple(state.marks.values())


def stroke(layer):
    """As a page sends it: always the same, however often."""
    current = layer.voxels[:3, :3, :3]
    return voxel_delta(
        *(current, np.full_like(current, 2), (0, 0, 0)),
        **{"scan": layer.scan_id, "layer": layer.name, "base": layer.rev},
        **{"session": "0badcafe", "seq": 1, "tool": "brush", "segment": 2},
    )


def import_labels(layer):
    voxels = np.zeros(layer.shape, np.uint8)
    voxels[2:5, 2:5, 2:5] = 3
    segments = (Segment(1, "lung", "#ff0000"), Segment(3, "heart", "#00ff00"))
    return layer.replace(Labels(voxels, layer.affine, segments))


ACTS = {
    "a first stroke": lambda layer: layer.paint("lung", BLOCK),
    "a page's stroke": lambda layer: layer.apply(stroke(layer)),
    "an undo": lambda layer: layer.undo(),
    "an import": import_labels,
    "a mark": lambda layer: layer.add_mark(
        {"id": "0123456789ab", "kind": "point", "points": [(1, 2, 3)]}
    ),
}


@pytest.fixture(params=ACTS)
def act(request, layer):
    """What is done, and the layer in the state before it."""
    if request.param != "a first stroke":
        layer.paint("liver", BLOCK, at=(1, 1, 1))
        layer.paint("lung", BLOCK, at=(3, 3, 3))
    return ACTS[request.param]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_layer_is_as_before_or_as_after(act, layer, open_layer, tmp_path, way):
    folder, original = layer._ledger.folder, tmp_path / "original"
    shutil.copytree(folder, original)
    before = state_of(layer)
    session, seq = layer.session, layer._seq
    with Disk().mounted() as disk:
        act(layer)
    after, calls = state_of(layer), disk.calls
    assert {"pwrite", "fdatasync"} <= set(calls)
    assert after != before

    for number in range(len(calls)):
        shutil.rmtree(folder)
        shutil.copytree(original, folder)
        writer = open_layer()
        writer.session, writer._seq = session, seq  # Whose edits an undo takes back.
        told = f"{calls[number]}, call {number} of {len(calls)}"
        with Disk(number, **way).mounted():
            try:
                is_acknowledged = act(writer) is not None
            except OSError:
                is_acknowledged = False

        on_disk = state_of(open_layer())

        assert on_disk in (before, after), told
        assert state_of(writer) == on_disk, told
        if is_acknowledged:
            assert on_disk == after, told
        elif on_disk == before:
            # Nothing stays broken: the next try works.
            act(writer)
            assert state_of(writer) == after, told
        writer.paint("lung", BLOCK, at=(4, 5, 6))
        assert state_of(open_layer()) == state_of(writer), told


def test_a_stroke_sent_again_after_a_failure_is_written_once(
    layer, open_layer, tmp_path
):
    folder, original = layer._ledger.folder, tmp_path / "original"
    shutil.copytree(folder, original)
    edit = stroke(layer)
    with Disk().mounted() as disk:
        layer.apply(edit)
    for number in range(len(disk.calls)):
        for way in WAYS:
            shutil.rmtree(folder)
            shutil.copytree(original, folder)
            writer = open_layer()
            with Disk(number, **way).mounted(), contextlib.suppress(OSError):
                writer.apply(edit)
            ack = writer.apply(edit)

            assert (ack.rev, writer.rev, open_layer().rev) == (1, 1, 1)


def test_a_sync_that_failed_is_never_taken_for_done(layer):
    # The system forgets pages whose writing failed: a second sync succeeds without them.
    layer.paint("lung", BLOCK)
    edit = stroke(layer)
    with (
        Disk(0, stays=True, only=("fdatasync", "ftruncate")).mounted(),
        pytest.raises(OSError, match="No space|error|Read-only|exceeded"),
    ):
        layer.apply(edit)

    with Disk().mounted() as disk:
        layer.apply(edit)

    writing = disk.calls.index("pwrite")
    assert "fdatasync" in disk.calls[writing:]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_layer_is_made_or_not_made(home, scan, way):
    def make():
        return Layer.open(home, scan, segments=["lung", "liver"])

    with Disk().mounted() as disk:
        make()
    calls = len(disk.calls)
    for number in range(calls):
        shutil.rmtree(home.folder)
        with Disk(number, **way).mounted(), contextlib.suppress(OSError):
            make()

        layer = make()

        assert [segment.name for segment in layer.segments] == ["lung", "liver"]
        assert layer.paint("lung", BLOCK).rev == 1
        assert Layer.open(home, scan).rev == 1


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_recovery_that_fails_can_be_done_again(
    home, scan, layer, open_layer, tmp_path, way
):
    for number in range(4):
        layer.paint(1 + number % 2, BLOCK, at=(number, 0, 0))
    expected = state_of(layer)
    journal = layer._ledger.journal
    damaged = bytearray(journal.read_bytes())
    damaged[30] ^= 1
    journal.write_bytes(damaged)
    original = tmp_path / "original"
    shutil.copytree(journal.parent, original)
    with Disk().mounted() as disk:
        Layer.recover(home, scan)
    for number in range(len(disk.calls)):
        shutil.rmtree(journal.parent)
        shutil.copytree(original, journal.parent)
        with Disk(number, **way).mounted(), contextlib.suppress(OSError):
            Layer.recover(home, scan)

        recovered = Layer.recover(home, scan)

        # A snapshot holds the newest edit: nothing is lost, whatever fails.
        assert state_of(recovered) == expected
        assert bytes(damaged) in [
            path.read_bytes() for path in journal.parent.glob("edits.mlj.damaged-*")
        ]


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 256 KiB."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "medlab-test", str(place)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting a small file system takes root and a kernel that lets it")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_loses_nothing(small_disk):
    scan = replace(make_volume((31, 32, 33)), source=ScanSource("a.nii"))
    home = Home(small_disk, small_disk / ".medlab")
    layer = Layer.open(home, scan, segments=["lung", "liver"])
    rng, acknowledged = np.random.default_rng(1), layer.voxels.copy()
    with pytest.raises(OSError, match="No space left"):
        for number in range(1000):
            layer.paint(1 + number % 2, rng.random(layer.shape) < 0.1)
            acknowledged = layer.voxels.copy()
    assert layer.rev > 1

    np.testing.assert_array_equal(layer.voxels, acknowledged)
    again = Layer.open(home, scan)
    np.testing.assert_array_equal(again.voxels, acknowledged)
    assert again.rev == layer.rev

    for path in layer._ledger.folder.glob("snapshot-*"):
        path.unlink()  # Room again.
    layer.paint("lung", BLOCK)
    assert Layer.open(home, scan).rev == layer.rev


def test_a_folder_that_cannot_be_written_is_read_and_refuses_edits(
    home, scan, layer, open_layer
):
    layer.paint("lung", BLOCK)
    folder = layer._ledger.folder
    if os.geteuid() == 0:
        command = ["mount", "--bind", str(folder), str(folder)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            pytest.skip("root may write everywhere, and mounting is not allowed")
        remount = ["mount", "-o", "remount,ro,bind", str(folder)]
        subprocess.run(remount, check=True)
    else:
        for path in (*folder.iterdir(), folder):
            path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        opened = open_layer()
        np.testing.assert_array_equal(opened.voxels[:3, :3, :3], 1)
        with pytest.raises(OSError, match="Read-only|denied"):
            opened.paint("liver", BLOCK)
        assert opened.rev == open_layer().rev == 1
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", str(folder)], check=True)
        else:
            folder.chmod(0o755)
            for path in folder.iterdir():
                path.chmod(0o644)
    assert opened.paint("liver", BLOCK).rev == 2
