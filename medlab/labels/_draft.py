"""Draft: edits that belong together, made one on top of the other before any is written."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._delta import Box, Delta, slices_of, voxel_delta
from medlab.labels._locks import check_locks, locked_ids
from medlab.labels._marks import Mark, changed_marks, merge_marks
from medlab.labels._segment import Segment, merge_segments
from medlab.labels._state import State


class Draft:
    """One undo step in the making.

    Args:
        state: The newest state; it is not changed.
        dtype: Of the map.
        fields: Gives what each new edit says of itself, for its tool and segment.
    """

    def __init__(
        self, state: State, dtype: str, fields: Callable[[str, int], dict[str, Any]]
    ) -> None:
        self.deltas: list[Delta] = []
        self.segments: tuple[Segment, ...] = state.segments
        self.marks: dict[str, Mark] = dict(state.marks)
        self._state, self._dtype, self._fields = state, dtype, fields

    def block(self, box: Box) -> NDArray[Any]:
        """A copy of the labels in a box, with the draft's own edits in it."""
        block = self._state.voxels[slices_of(box)].copy(order="F")
        for delta in self.deltas:
            if delta.box is None:
                continue
            shared = _overlap(box, delta.box)
            if shared is None:
                continue
            here = _within(shared, box)
            before, after = (
                part[_within(shared, delta.box)] for part in self._of(delta)
            )
            block[here] = np.where(before != after, after, block[here])
        return block

    def draw(self, box: Box, after: NDArray[Any], tool: str, segment: int) -> None:
        """Give the voxels of a box these labels.

        Raises:
            MedlabError: If that changes a voxel of a locked segment.
        """
        current = self.block(box)
        check_locks(current, after, self.segments)
        at = (box[0], box[2], box[4])
        if np.array_equal(current, after):
            return
        delta = voxel_delta(current, after, at, **self._fields(tool, segment))
        if delta is not None:
            self.deltas.append(delta)

    def list_segments(self, after: Iterable[Segment], tool: str = "segments") -> None:
        """Replace the list of segments."""
        listed = tuple(after)
        if listed != self.segments:
            lists = (self.segments, listed)
            self.deltas.append(Delta(box=None, segments=lists, **self._fields(tool, 0)))
            self.segments = listed

    def put_marks(self, after: dict[str, Mark], tool: str = "marks") -> None:
        """Replace the marks; only those that differ are written."""
        touched = changed_marks(self.marks, after)
        if touched != ((), ()):
            self.deltas.append(Delta(box=None, marks=touched, **self._fields(tool, 0)))
            self.marks = dict(after)

    def repeat(self, edit: Delta, tool: str) -> None:
        """Make an edit again where nobody else has changed what it found.

        Raises:
            MedlabError: If that changes a voxel of a locked segment.
        """
        if edit.box is not None:
            old, new = self._of(edit)
            current = self.block(edit.box)
            wanted = np.where((old != new) & (current == old), new, current)
            self.draw(edit.box, wanted, tool, edit.segment)
        if edit.segments is not None:
            merged = merge_segments(self.segments, *edit.segments)
            self.list_segments(merged, tool)
        if edit.marks is not None:
            self.put_marks(merge_marks(self.marks, *edit.marks), tool)

    @property
    def locked(self) -> list[int]:
        """Ids of the segments that nothing may change."""
        return locked_ids(self.segments)

    def _of(self, delta: Delta) -> tuple[NDArray[Any], NDArray[Any]]:
        return delta.voxels(self._dtype)


def _overlap(first: Box, second: Box) -> Box | None:
    starts = [max(a, b) for a, b in zip(first[::2], second[::2], strict=True)]
    ends = [min(a, b) for a, b in zip(first[1::2], second[1::2], strict=True)]
    if any(start >= end for start, end in zip(starts, ends, strict=True)):
        return None
    return starts[0], ends[0], starts[1], ends[1], starts[2], ends[2]


def _within(inner: Box, outer: Box) -> tuple[slice, slice, slice]:
    i0, i1, j0, j1, k0, k1 = inner
    i, j, k = outer[::2]
    return slice(i0 - i, i1 - i), slice(j0 - j, j1 - j), slice(k0 - k, k1 - k)
