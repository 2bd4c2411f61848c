"""Ledger: the map of one layer in memory, kept in step with its journal on disk.

A writer takes the file lock, reads what others wrote meanwhile, appends, syncs, and only
then says so. A reader needs no lock: what lies before the last whole record never changes.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from medlab.errors import MedlabError
from medlab.labels._delta import Delta, from_frame, slices_of, to_frame
from medlab.labels._frame import decode_frame, encode_frame
from medlab.labels._journal import JournalDamaged, append_record, read_records
from medlab.labels._marks import with_changes
from medlab.labels._segment import Segment
from medlab.labels._snapshot import (
    State,
    forget_snapshots_after,
    latest_snapshot,
    write_snapshot,
)

_WAIT_S = 60
_SNAPSHOT_EVERY_BYTES = 1 << 20
# A snapshot of a large map takes longer, so it is made after more edits.
_VOXELS_A_JOURNAL_BYTE = 64


class LayerBusy(MedlabError):
    """Another process held the layer's lock for too long."""

    code = "layer-busy"


class Ledger:
    """What the journal of a layer says, for many threads of many processes.

    Args:
        folder: Of the layer.
        shape: Of the map, `(I, J, K)`.
        dtype: Of the map, `"u1"` or `"u2"`.
        segments: The list that the layer began with.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int, int],
        dtype: str,
        segments: tuple[Segment, ...],
    ) -> None:
        self._folder, self._shape, self._dtype = folder, shape, dtype
        self._first_segments = segments
        self._journal = folder / "edits.mlj"
        self._lock = FileLock(folder / ".lock", timeout=_WAIT_S, thread_local=False)
        self._guard = threading.RLock()
        self._inode: int | None = None
        self._is_tidy = False
        self._snapshot_at = 0
        self._load()
        with self.reading():
            pass  # A damaged journal is told when the layer is opened, not later.

    @contextlib.contextmanager
    def reading(self) -> Iterator[State]:
        """The newest state; no thread of this process changes it meanwhile."""
        with self._guard:
            try:
                self._catch_up()
            except JournalDamaged as damage:
                # Or a writer is just replacing the tail that a killed one left: look
                # again when nobody writes.
                try:
                    self._lock.acquire()
                except OSError:
                    raise damage from None
                try:
                    self._catch_up()
                finally:
                    self._lock.release()
            yield self._state

    @contextlib.contextmanager
    def writing(self) -> Iterator[State]:
        """The newest state; nobody else writes until the block ends.

        Raises:
            LayerBusy: If another process writes all the time.
        """
        with self._guard:
            try:
                self._lock.acquire()
            except Timeout as error:
                raise LayerBusy(
                    f"A layer must be free to be written, got one that another process "
                    f"held for {_WAIT_S} s. End that process, or try again later."
                ) from error
            try:
                self._catch_up()
                yield self._state
            finally:
                self._lock.release()

    def append(self, delta: Delta) -> int:
        """Write an edit that fits the newest state; only inside `writing`.

        Returns:
            Its revision, once it is on disk.

        Raises:
            OSError: If the disk is full or fails. Everything is as it was.
        """
        state = self._state
        if not self._is_tidy:
            forget_snapshots_after(self._folder, state.rev)
            self._is_tidy = True
        written = replace(delta, rev=state.rev + 1)
        record = encode_frame(to_frame(written))
        end = append_record(self._journal, record, state.journal_bytes)
        if self._inode is None:
            self._inode = self._journal.stat().st_ino
        self._take(written, end)
        every = max(_SNAPSHOT_EVERY_BYTES, state.voxels.size // _VOXELS_A_JOURNAL_BYTE)
        if state.journal_bytes - self._snapshot_at >= every:
            self._snapshot_at = state.journal_bytes
            # The edit is on disk: a snapshot that fails must not say otherwise.
            with contextlib.suppress(OSError):
                write_snapshot(self._folder, state)
        return state.rev

    def since(self, rev: int) -> list[bytes]:
        """The encoded frames of every edit after revision `rev`, oldest first."""
        with self.reading() as state:
            stop = state.journal_bytes
            start = stop if rev >= state.rev else self._ends.get(rev, 0)
        records = read_records(self._journal, start, stop)
        return [data for data, _ in records if decode_frame(data).header["rev"] > rev]

    def rev_of(self, session: str, seq: int) -> int | None:
        """The revision of an edit that is already in the journal, else None."""
        newest, rev = self._state.sessions.get(session, (-1, 0))
        if seq > newest:
            return None
        if seq == newest:
            return rev
        for data in self.since(0):
            header = decode_frame(data).header
            if (header["session"], header["seq"]) == (session, seq):
                return int(header["rev"])
        return None

    def _load(self) -> None:
        empty = np.zeros(self._shape, self._dtype, order="F")
        self._state = latest_snapshot(self._folder, self._shape, self._dtype) or State(
            0, 0, empty, self._first_segments, {}
        )
        self._snapshot_at = self._state.journal_bytes
        self._ends = {0: 0, self._state.rev: self._state.journal_bytes}
        self._is_tidy = False

    def _catch_up(self) -> None:
        try:
            found = self._journal.stat()
        except FileNotFoundError:
            if self._state.journal_bytes:
                self._load()
            self._inode = None
            return
        is_another = self._inode not in (None, found.st_ino)
        if is_another or found.st_size < self._state.journal_bytes:
            self._load()  # Somebody put an older copy in its place.
        self._inode = found.st_ino
        start = self._state.journal_bytes
        if found.st_size > start:
            for record, end in read_records(self._journal, start):
                self._take(from_frame(decode_frame(record)), end)

    def _take(self, delta: Delta, end: int) -> None:
        state = self._state
        if delta.box is not None:
            before, after = delta.voxels(self._dtype)
            block = state.voxels[slices_of(delta.box)]
            np.copyto(block, after, where=before != after)
        if delta.segments is not None:
            state.segments = delta.segments[1]
        if delta.marks is not None:
            state.marks = with_changes(state.marks, *delta.marks)
        state.rev = delta.rev if delta.rev is not None else state.rev + 1
        newest, _ = state.sessions.get(delta.session, (-1, 0))
        if delta.seq > newest:
            state.sessions[delta.session] = (delta.seq, state.rev)
        state.journal_bytes = end
        self._ends[state.rev] = end
