"""Recovery: the last good state of a layer whose journal was damaged, and going on from it.

What is good: every record before the first damaged one; every whole snapshot, with the
records behind it up to the next damaged one; and the map of a process that has the layer
open. The newest of these wins. The journal that comes out of it holds the records before the
damage and then, as ordinary edits, what led from there to that state. Its revisions begin
above any that the damaged journal can have given away, so nobody who built on a lost edit
goes on as if it were there.
"""

import contextlib
import errno
import os
import re
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from medlab.labels._delta import Delta, from_frame, to_frame, voxel_delta
from medlab.labels._folder import free_name_beside, put_aside
from medlab.labels._frame import decode_frame, encode_frame
from medlab.labels._journal import (
    JournalDamaged,
    append_records,
    read_records,
    sync_folder,
)
from medlab.labels._marks import changed_marks
from medlab.labels._snapshot import newest_first, read_snapshot
from medlab.labels._state import State, apply_edit

_SESSION = "00000000"
# A record's head and the shortest header that an edit can have take more.
_SMALLEST_RECORD_BYTES = 100
# An edit's revision and the one it builds on: both must agree to be believed.
_REVISIONS = re.compile(rb'"rev":(\d{1,15}),"base":(\d{1,15}),')


@dataclass
class LastGood:
    """What can be saved.

    Attributes:
        state: The newest good state.
        whole_bytes: Where the first damaged record begins.
    """

    state: State
    whole_bytes: int


def last_good(folder: Path, first: State, in_memory: State | None = None) -> LastGood:
    """Find the newest good state of a layer.

    Args:
        folder: Of the layer.
        first: Its state before the first edit.
        in_memory: The newest state that a process has seen, if one has the layer open.
    """
    journal = folder / "edits.mlj"
    whole_bytes = _end_of_whole(journal)
    best = in_memory.copy() if in_memory is not None else None
    shape = first.voxels.shape
    dtype = first.voxels.dtype.str[1:]
    for path in newest_first(folder):
        state = read_snapshot(path, (shape[0], shape[1], shape[2]), dtype)
        if state is None or (best is not None and state.rev < best.rev):
            continue
        _replay(journal, state, dtype)
        if best is None or state.rev > best.rev:
            best = state
    state = first.copy()
    if best is None or best.journal_bytes <= whole_bytes:
        # Nothing lies behind the damage: the records before it say it all.
        _replay(journal, state, dtype)
        if best is None or state.rev >= best.rev:
            best = state
    return LastGood(best, whole_bytes)


def recover(folder: Path, first: State, in_memory: State | None = None) -> None:
    """Go on from the last good state; only for who holds the layer's lock.

    The damaged files stay beside as `*.damaged-<time>`. A layer that is whole is left alone.

    Raises:
        OSError: If the disk refuses. The layer is as it was, or recovered.
    """
    journal = folder / "edits.mlj"
    try:
        check_journal(folder)
        return
    except JournalDamaged:
        pass
    found = last_good(folder, first, in_memory)
    before = first.copy()
    dtype = before.voxels.dtype.str[1:]
    _replay(journal, before, dtype)
    top = _highest_rev(folder, max(before.rev, found.state.rev))
    edits = _edits_between(before, found.state, top, folder)
    fresh = folder / ".writing-recovered.mlj"
    try:
        _copy_start(journal, fresh, found.whole_bytes)
        frames = [encode_frame(to_frame(edit)) for edit in edits]
        append_records(fresh, frames, found.whole_bytes)
        _keep_beside(journal)
        fresh.replace(journal)
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    sync_folder(folder)
    # They end at places that only the damaged journal has.
    for path in newest_first(folder):
        put_aside(path)


def check_journal(folder: Path) -> dict[int, int]:
    """Read every record of a layer's journal.

    Returns:
        Where each record ends, with its checksum; and 0, where the first one begins.

    Raises:
        JournalDamaged: If one is damaged, or the journal is gone and a snapshot is not.
    """
    journal = folder / "edits.mlj"
    if not journal.exists() and newest_first(folder):
        raise JournalDamaged(0)
    ends = {0: 0}
    for record, end in read_records(journal):
        ends[end] = zlib.crc32(record)
    return ends


def _end_of_whole(journal: Path) -> int:
    whole = 0
    with contextlib.suppress(JournalDamaged):
        for _, end in read_records(journal):
            whole = end
    return whole


def _replay(journal: Path, state: State, dtype: str) -> None:
    """Bring a state forward, up to the next damage or the end."""
    with contextlib.suppress(JournalDamaged):
        for record, end in read_records(journal, state.journal_bytes):
            delta = from_frame(decode_frame(record))
            if delta.rev is None or delta.rev <= state.rev:
                return  # A snapshot of another history.
            apply_edit(state, delta, dtype)
            state.journal_bytes = end


def _highest_rev(folder: Path, whole_rev: int) -> int:
    """A revision that nobody can have been told: not less than any in a damaged record.

    The damage may have hit the very digits, so it is not read but bounded: by how many
    records fit into the bytes there are. Journals that were damaged before count as well.
    """
    names = [path.stem.removeprefix("snapshot-") for path in newest_first(folder)]
    highest = max([whole_rev, *(int(name) for name in names if name.isdigit())])
    size = 0
    for journal in folder.glob("edits.mlj*"):
        data = journal.read_bytes()
        size += len(data)
        for rev, base in _REVISIONS.findall(data):
            if int(rev) == int(base) + 1:
                highest = max(highest, int(rev))
    return highest + size // _SMALLEST_RECORD_BYTES


def _edits_between(before: State, after: State, top: int, folder: Path) -> list[Delta]:
    """Ordinary edits that lead from one state to another, numbered above `top`.

    There is one at least: it keeps the lost revisions from being given away again.
    """
    fields = {
        **{"scan": folder.parent.name, "layer": folder.name, "session": _SESSION},
        **{"tool": "recover", "segment": 0},
    }
    edits: list[Delta] = []

    def add(make: Callable[..., Delta | None]) -> None:
        rev = top + 1 + len(edits)
        edit = make(base=rev - 1, seq=rev, **fields)
        if edit is not None:
            edits.append(replace(edit, rev=rev))

    add(partial(Delta, box=None, segments=(before.segments, after.segments)))
    add(partial(voxel_delta, before.voxels, after.voxels, (0, 0, 0)))
    touched = changed_marks(before.marks, after.marks)
    if touched != ((), ()):
        add(partial(Delta, box=None, marks=touched))
    return edits


def _copy_start(source: Path, target: Path, size: int) -> None:
    target.write_bytes(b"")
    if size == 0:
        return
    with source.open("rb") as read, target.open("wb") as write:
        left = size
        while left:
            chunk = read.read(min(left, 1 << 20))
            if not chunk:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            write.write(chunk)
            left -= len(chunk)


def _keep_beside(journal: Path) -> None:
    """Give the damaged journal a second name, which stays when a new one takes its place."""
    if not journal.exists():
        return
    beside = free_name_beside(journal)
    try:
        os.link(journal, beside)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EIO, errno.EROFS):
            raise
        shutil.copy2(journal, beside)  # A file system without links.
