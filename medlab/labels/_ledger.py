"""Ledger: the map of one layer in memory, kept in step with its journal on disk.

A writer takes the file lock, reads what others wrote meanwhile, appends, syncs, and only
then says so. A reader needs no lock: what lies before the last whole record never changes.
"""

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._delta import Delta, from_frame, to_frame
from medlab.labels._frame import decode_frame, encode_frame
from medlab.labels._history import History
from medlab.labels._journal import (
    JournalDamaged,
    append_records,
    read_records,
    record_bytes,
    settle_record,
    sync_journal,
)
from medlab.labels._recovery import check_journal, last_good
from medlab.labels._segment import Segment
from medlab.labels._snapshot import (
    Frozen,
    forget_snapshots_after,
    latest_snapshot,
    write_snapshot,
)
from medlab.labels._state import State, apply_edit

_WAIT_S = 60
_SNAPSHOT_EVERY_BYTES = 1 << 20
# A snapshot of a large map takes longer, so it is made after more edits.
_VOXELS_A_JOURNAL_BYTE = 64
# Below this a snapshot is written at once; it takes some milliseconds.
_LARGE_VOXELS = 1 << 20


class LayerBusy(MedlabError):
    """Another process held the layer's lock for too long."""

    code = "layer-busy"


class AnotherHistory(MedlabError):
    """Somebody builds on a revision that the journal does not have."""

    code = "another-history"


class Ledger:
    """What the journal of a layer says, for many threads of many processes.

    Args:
        folder: Of the layer.
        shape: Of the map, `(I, J, K)`.
        dtype: Of the map, `"u1"` or `"u2"`.
        segments: The list that the layer began with.

    Raises:
        JournalDamaged: If a byte of the journal changed. See `last_good`.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int, int],
        dtype: str,
        segments: tuple[Segment, ...],
    ) -> None:
        self.folder, self.shape, self.dtype = folder, shape, dtype
        self.first_segments = segments
        self.journal = folder / "edits.mlj"
        self._lock = FileLock(folder / ".lock", timeout=_WAIT_S, thread_local=False)
        self._guard = threading.RLock()
        self._inode: int | None = None
        self._is_tidy = False
        self._snapshot_at = 0
        self._snapshot_thread: threading.Thread | None = None
        self._frozen: Frozen | None = None
        self._doubt: tuple[int, bytes] | None = None
        self._synced_bytes = 0
        self._known: State | None = None
        self._history, self._history_from = History(), 0
        self._without_a_writer(self._load)
        with self.reading():
            pass  # What came meanwhile.

    @contextlib.contextmanager
    def reading(self) -> Iterator[State]:
        """The newest state; no thread of this process changes it meanwhile."""
        with self._guard:
            self._without_a_writer(self._catch_up)
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
                self._settle()
                with self._told():
                    self._catch_up()
                yield self._state
            finally:
                self._lock.release()

    def append(self, *deltas: Delta) -> int:
        """Write edits that fit the newest state, all or none; only inside `writing`.

        Returns:
            The revision of the last one, once they are on disk.

        Raises:
            OSError: If the disk is full or fails. Everything is as it was; where the disk
                refuses even to take the edit back, it is there the next time one looks.
        """
        state = self._state
        if not self._is_tidy:
            forget_snapshots_after(self.folder, state.rev)
            self._is_tidy = True
        written = [
            replace(delta, rev=rev) for rev, delta in enumerate(deltas, state.rev + 1)
        ]
        records = [encode_frame(to_frame(delta)) for delta in written]
        start = state.journal_bytes
        try:
            ends = append_records(self.journal, records, start)
            inode = self.journal.stat().st_ino
        except OSError:
            self._doubt = (start, b"".join(record_bytes(data) for data in records))
            raise
        self._inode, self._synced_bytes = inode, ends[-1]
        for delta, record, end in zip(written, records, ends, strict=True):
            self._take(delta, record, end)
        self._keep_snapshot()
        return state.rev

    def since(self, rev: int) -> list[bytes]:
        """The encoded frames of every edit after revision `rev`, oldest first.

        Raises:
            AnotherHistory: If the journal has no such revision: it was recovered, or an
                older copy was put in its place.
        """
        with self.reading() as state:
            newest, stop = state.rev, state.journal_bytes
            start = self._ends.get(rev)
        if rev == newest:
            return []
        is_known = rev == 0 or start is not None
        frames = []
        with self._told():
            for data, _ in read_records(self.journal, start or 0, stop):
                number = decode_frame(data).header["rev"]
                is_known = is_known or number == rev
                if number > rev:
                    frames.append(data)
        if not is_known:
            raise AnotherHistory(
                f"The layer has no revision {rev}: it was recovered, or an older copy was "
                f"put in its place; it is at {newest}. Load it again; what is not saved "
                "yet can be drawn on top of that.",
                told={"rev": newest},
            )
        return frames

    def rev_of(self, session: str, seq: int) -> int | None:
        """The revision of an edit that is already in the journal, and on disk, else None.

        Only inside `writing`.
        """
        newest, rev = self._state.sessions.get(session, (-1, 0))
        if seq > newest:
            return None
        if seq < newest:
            for data, _ in read_records(self.journal, 0, self._state.journal_bytes):
                header = decode_frame(data).header
                if (header["session"], header["seq"]) == (session, seq):
                    rev = int(header["rev"])
                    break
            else:
                return None
        if self._synced_bytes < self._state.journal_bytes:
            # Its writer may have been killed between writing and syncing.
            sync_journal(self.journal)
            self._synced_bytes = self._state.journal_bytes
        return rev

    def history(self) -> History:
        """Who did what, from the journal's beginning; only inside `reading` or `writing`."""
        if self._history_from:
            history, start = History(), 0
            stop = self._state.journal_bytes
            with self._told():
                for record, end in read_records(self.journal, 0, stop):
                    history.take(decode_frame(record).header, start, end)
                    start = end
            self._history, self._history_from = history, 0
        return self._history

    def frames_at(self, revs: list[int]) -> list[bytes]:
        """The encoded frames of these revisions; only inside `reading` or `writing`."""
        frames = []
        for rev in revs:
            start, end = self._history.place(rev)
            frames += [record for record, _ in read_records(self.journal, start, end)]
        return frames

    def settled(self) -> None:
        """Wait until a snapshot that is being written is written."""
        thread = self._snapshot_thread
        if thread is not None:
            thread.join()

    def last_known(self) -> State:
        """The newest state that this ledger has seen, without looking at the disk."""
        return self._state

    def _without_a_writer(self, look: Callable[[], None]) -> None:
        """Look at the journal; where it seems damaged, look again while nobody writes.

        A writer may be just replacing the tail that a killed one left.
        """
        try:
            look()
        except JournalDamaged:
            try:
                self._lock.acquire()
            except OSError:
                with self._told():
                    raise
            try:
                with self._told():
                    look()
            finally:
                self._lock.release()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Tell with a damage what can be saved."""
        try:
            yield
        except JournalDamaged as damage:
            if damage.told:
                raise
            found = last_good(self.folder, self.first_state(), self._known)
            raise JournalDamaged(damage.at, found.state.rev) from damage

    def _load(self) -> None:
        ends = check_journal(self.folder)
        found = latest_snapshot(self.folder, self.shape, self.dtype, ends)
        self._start_from(found or self.first_state())

    def first_state(self) -> State:
        """The layer before its first edit."""
        empty = np.zeros(self.shape, self.dtype, order="F")
        return State(0, 0, empty, self.first_segments, {})

    def _start_from(self, state: State) -> None:
        self._state = self._known = state
        self._snapshot_at = state.journal_bytes
        self._ends = {0: 0, state.rev: state.journal_bytes}
        self._is_tidy = False
        self._doubt = None
        self._synced_bytes = 0
        self._history, self._history_from = History(), state.journal_bytes

    def _settle(self) -> None:
        if self._doubt is not None:
            start, data = self._doubt
            settle_record(self.journal, data, start)
            self._doubt = None

    def _catch_up(self) -> None:
        try:
            found = self.journal.stat()
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
            for record, end in read_records(self.journal, start):
                self._take(from_frame(decode_frame(record)), record, end)

    def _take(self, delta: Delta, record: bytes, end: int) -> None:
        state = self._state
        header = {
            **{"rev": delta.rev, "session": delta.session, "seq": delta.seq},
            **{"by": delta.by, "step": delta.step, "turn": delta.turn},
        }
        if self._frozen is not None and delta.box is not None:
            self._frozen.keep(delta.box)
        apply_edit(state, delta, self.dtype)
        self._history.take(header, state.journal_bytes, end)
        state.journal_bytes, state.record_crc = end, zlib.crc32(record)
        self._ends[state.rev] = end

    def _keep_snapshot(self) -> None:
        state = self._state
        every = max(_SNAPSHOT_EVERY_BYTES, state.voxels.size // _VOXELS_A_JOURNAL_BYTE)
        if state.journal_bytes - self._snapshot_at < every:
            return
        thread = self._snapshot_thread
        if thread is not None and thread.is_alive():
            return
        self._snapshot_at = state.journal_bytes
        if state.voxels.size < _LARGE_VOXELS:
            _try_to_write(self.folder, state)
            return
        # Coding and writing it takes seconds, and nobody who draws waits for that.
        self._frozen = Frozen(state, self._guard)
        self._snapshot_thread = threading.Thread(
            target=self._write_frozen, args=(self._frozen,), name="medlab-snapshot"
        )
        self._snapshot_thread.start()

    def _write_frozen(self, frozen: Frozen) -> None:
        try:
            _try_to_write(self.folder, frozen.state, frozen.pieces())
        finally:
            with self._guard:
                self._frozen = None


def _try_to_write(
    folder: Path, state: State, pieces: Iterable[NDArray[Any]] | None = None
) -> None:
    # The edits are on disk: a snapshot that fails must not say otherwise.
    with contextlib.suppress(OSError):
        write_snapshot(folder, state, pieces)
