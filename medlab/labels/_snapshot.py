"""Snapshots: the whole map at a revision, beside the journal it was made from.

A snapshot names the checksum of the journal's record that it ends with. One that belongs to
another history, because somebody put an older journal in its place, is passed over.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from medlab.labels._delta import Box
from medlab.labels._frame import (
    Frame,
    decode_frame,
    decode_runs,
    encode_frame,
    encode_runs,
)
from medlab.labels._journal import append_record, read_records
from medlab.labels._marks import as_marks, marks_to_json
from medlab.labels._segment import as_segments, segments_to_json
from medlab.labels._state import State
from medlab.scans import replacing

_KEPT = 2
# Coded in pieces of about this many voxels: little memory, and no long stop for others.
_PIECE_VOXELS = 1 << 19
_PAUSES = 2


class Frozen:
    """A state as it was, while edits go on: a piece about to change is copied before.

    Args:
        state: The newest state; its voxels go on changing.
        guard: Held by whoever changes them.
    """

    def __init__(self, state: State, guard: AbstractContextManager[Any]) -> None:
        self.state = replace(state, sessions=dict(state.sessions))
        self._guard, self._next = guard, 0
        self._kept: dict[int, NDArray[Any]] = {}
        self._depth = _slices_a_piece(state.voxels.shape)

    def keep(self, box: Box) -> None:
        """Copy what an edit of this box is about to change; called with the guard held."""
        first, last = box[4] // self._depth, (box[5] - 1) // self._depth
        for number in range(max(first, self._next), last + 1):
            if number not in self._kept:
                self._kept[number] = self._copy(number)

    def pieces(self) -> Iterator[NDArray[Any]]:
        """The map as it was, in slabs along K."""
        count = -(-self.state.voxels.shape[2] // self._depth)
        for number in range(count):
            with self._guard:
                piece = self._kept.pop(number, None)
                if piece is None:
                    piece = self._copy(number)
                self._next = number + 1
            start = time.perf_counter()
            yield piece
            # Whoever draws has the interpreter for longer than this has.
            time.sleep(_PAUSES * (time.perf_counter() - start))

    def _copy(self, number: int) -> NDArray[Any]:
        start = number * self._depth
        return self.state.voxels[:, :, start : start + self._depth].copy(order="F")


def write_snapshot(
    folder: Path, state: State, pieces: Iterable[NDArray[Any]] | None = None
) -> None:
    """Write the state, read it back, and only then forget all but the last two.

    Where another process is writing a snapshot, nothing is done.

    Args:
        folder: Of the layer.
        state: What to write.
        pieces: Its voxels in slabs along K; by default `state.voxels`.
    """
    lock = FileLock(folder / ".snapshot-lock", timeout=0, thread_local=False)
    with contextlib.suppress(Timeout), lock:
        # What others seem to be writing was left by a process that was killed.
        for left in folder.glob(".writing-*.mls"):
            left.unlink(missing_ok=True)
        path = folder / f"snapshot-{state.rev:09d}.mls"
        slabs = [state.voxels] if pieces is None else pieces
        frame = _encode(state, b"".join(encode_runs(slab) for slab in slabs))
        with replacing(path) as temporary:
            append_record(temporary, frame, 0)
        if next((record for record, _ in read_records(path)), b"") != frame:
            path.unlink(missing_ok=True)
            return
        for old in newest_first(folder)[_KEPT:]:
            old.unlink(missing_ok=True)


def read_snapshot(path: Path, shape: tuple[int, int, int], dtype: str) -> State | None:
    """The state that a snapshot holds; None if it is damaged or of another layer."""
    frame = _read_frame(path)
    try:
        if frame is None:
            return None
        voxels = decode_runs(frame.payload, shape, dtype)
        header = frame.header
        sessions = {name: (seq, rev) for name, (seq, rev) in header["sessions"].items()}
        return State(
            *(header["rev"], header["journal_bytes"], voxels),
            *(as_segments(header["segments"]), sessions),
            {mark.id: mark for mark in as_marks(header.get("marks", ()))},
            header.get("record_crc"),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # The journal holds the same.


def latest_snapshot(
    folder: Path, shape: tuple[int, int, int], dtype: str, ends: dict[int, int]
) -> State | None:
    """The newest snapshot that is whole and belongs to this journal.

    Args:
        folder: Of the layer.
        shape: Of the map.
        dtype: Of the map.
        ends: Where the journal's records end, each with the record's checksum.
    """
    for path in newest_first(folder):
        state = read_snapshot(path, shape, dtype)
        if state is None or state.journal_bytes not in ends:
            continue
        crc = ends[state.journal_bytes]
        if state.record_crc in (None, crc):
            state.record_crc = crc
            return state
    return None


def forget_snapshots_after(folder: Path, rev: int) -> None:
    """Remove snapshots of edits that the journal no longer has.

    They are left when somebody puts an older journal in its place, and would belong to
    another history once it has grown again.
    """
    for path in newest_first(folder):
        if int(path.stem.removeprefix("snapshot-")) > rev:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("snapshot-*.mls"), reverse=True)


def _encode(state: State, payload: bytes) -> bytes:
    header = {
        "op": "snapshot",
        **{"rev": state.rev, "journal_bytes": state.journal_bytes},
        "sessions": state.sessions,
        "segments": segments_to_json(state.segments),
        "marks": marks_to_json(state.marks.values()),
        **{"record_crc": state.record_crc, "crc": None},
    }
    return encode_frame(Frame(header, payload))


def _read_frame(path: Path) -> Frame | None:
    try:
        record, _ = next(read_records(path))
        return decode_frame(record)
    except (OSError, ValueError, StopIteration):
        return None


def _slices_a_piece(shape: tuple[int, ...]) -> int:
    return max(1, _PIECE_VOXELS // max(1, shape[0] * shape[1]))
