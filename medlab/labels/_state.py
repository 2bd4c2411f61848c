"""State: what a layer holds at a revision, and how an edit brings it to the next."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._delta import Delta, slices_of
from medlab.labels._marks import Mark, with_changes
from medlab.labels._segment import Segment


@dataclass
class State:
    """A layer at a revision, and how far into the journal that is.

    Attributes:
        rev: Number of the newest edit.
        journal_bytes: Where the journal goes on.
        voxels: `(I, J, K)`, i fastest in memory.
        segments: The list at that revision.
        sessions: For each writer the last `(seq, rev)`, to know an edit sent twice.
        marks: The marks by id.
        record_crc: Checksum of the journal's last record so far; None before the first.
    """

    rev: int
    journal_bytes: int
    voxels: NDArray[Any]
    segments: tuple[Segment, ...]
    sessions: dict[str, tuple[int, int]]
    marks: dict[str, Mark] = field(default_factory=dict)
    record_crc: int | None = None

    def copy(self) -> "State":
        """The same, that later edits do not change."""
        return replace(
            self,
            voxels=self.voxels.copy(order="F"),
            sessions=dict(self.sessions),
            marks=dict(self.marks),
        )


def apply_edit(state: State, delta: Delta, dtype: str) -> None:
    """Bring a state to the revision that an edit made."""
    if delta.box is not None:
        before, after = delta.voxels(dtype)
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
