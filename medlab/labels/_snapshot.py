"""Snapshots: the whole map at a revision, beside the journal it was made from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._frame import (
    Frame,
    decode_frame,
    decode_runs,
    encode_frame,
    encode_runs,
)
from medlab.labels._journal import append_record, read_records
from medlab.labels._marks import Mark, as_marks, marks_to_json
from medlab.labels._segment import Segment, as_segments, segments_to_json
from medlab.scans import replacing

_KEPT = 2


@dataclass
class State:
    """A layer at a revision, and how far into the journal that is.

    Attributes:
        rev: Number of edits so far.
        journal_bytes: Where the journal goes on.
        voxels: `(I, J, K)`, i fastest in memory.
        segments: The list at that revision.
        sessions: For each writer the last `(seq, rev)`, to know an edit sent twice.
        marks: The marks by id.
    """

    rev: int
    journal_bytes: int
    voxels: NDArray[Any]
    segments: tuple[Segment, ...]
    sessions: dict[str, tuple[int, int]]
    marks: dict[str, Mark] = field(default_factory=dict)


def write_snapshot(folder: Path, state: State) -> None:
    """Write the state, read it back, and only then forget all but the last two.

    Only for who holds the layer's lock: what others seem to be writing was left by a
    process that was killed, and is removed.
    """
    for left in folder.glob(".writing-*.mls"):
        left.unlink(missing_ok=True)
    header = {
        "op": "snapshot",
        **{"rev": state.rev, "journal_bytes": state.journal_bytes},
        "sessions": state.sessions,
        "segments": segments_to_json(state.segments),
        "marks": marks_to_json(state.marks.values()),
        "crc": None,
    }
    frame = encode_frame(Frame(header, encode_runs(state.voxels)))
    path = folder / f"snapshot-{state.rev:09d}.mls"
    with replacing(path) as temporary:
        append_record(temporary, frame, 0)
    found = _read(path, state.voxels.shape, state.voxels.dtype.str[1:])
    if found is None or not np.array_equal(found.voxels, state.voxels):
        path.unlink(missing_ok=True)
        return
    for old in _newest_first(folder)[_KEPT:]:
        old.unlink(missing_ok=True)


def latest_snapshot(
    folder: Path, shape: tuple[int, int, int], dtype: str
) -> State | None:
    """The newest snapshot that is whole and not ahead of its journal."""
    journal = folder / "edits.mlj"
    length = journal.stat().st_size if journal.exists() else 0
    for path in _newest_first(folder):
        state = _read(path, shape, dtype)
        if state is not None and state.journal_bytes <= length:
            return state
    return None


def forget_snapshots_after(folder: Path, rev: int) -> None:
    """Remove snapshots of edits that the journal no longer has.

    They are left when somebody cuts a damaged journal, and would belong to another history
    once it has grown again.
    """
    for path in _newest_first(folder):
        if int(path.stem.removeprefix("snapshot-")) > rev:
            path.unlink(missing_ok=True)


def _read(path: Path, shape: tuple[int, ...], dtype: str) -> State | None:
    try:
        record, _ = next(read_records(path))
        frame = decode_frame(record)
        voxels = decode_runs(frame.payload, shape, dtype)
    except (OSError, ValueError, StopIteration):
        return None  # The journal holds the same.
    header = frame.header
    sessions = {name: (seq, rev) for name, (seq, rev) in header["sessions"].items()}
    return State(
        header["rev"],
        header["journal_bytes"],
        voxels,
        as_segments(header["segments"]),
        sessions,
        {mark.id: mark for mark in as_marks(header.get("marks", ()))},
    )


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("snapshot-*.mls"), reverse=True)
