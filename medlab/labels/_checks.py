"""What a layer refuses, before a byte is written."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from medlab.errors import MedlabError
from medlab.labels._delta import Box, Delta, slices_of
from medlab.labels._locks import check_locks
from medlab.labels._segment import Segment
from medlab.labels._state import State


def check_edit(
    delta: Delta, state: State, description: dict[str, Any], dtype: str
) -> None:
    """Refuse an edit that does not fit the newest state.

    Args:
        delta: The edit; it builds on `state`.
        state: The newest state.
        description: Of the layer, as `layer.json` tells it.
        dtype: Of the map.

    Raises:
        MedlabError: With what was expected, what came, and what to do.
    """
    if (delta.scan, delta.layer) != (description["scan"], description["layer"]):
        raise MedlabError(
            "The edit belongs to another scan or layer. Send it there.",
            code="another-layer",
        )
    if delta.box is not None:
        _check_voxels(delta, delta.box, state, dtype)
    if delta.segments is not None:
        before, after = delta.segments
        check_ids(after, dtype)
        if before != state.segments:
            raise _another_before(delta, "the segments")
    if delta.marks is not None:
        was, now = delta.marks
        there = [state.marks.get(mark.id) for mark in was]
        found = {mark.id for mark in was}
        is_new = all(mark.id in found or mark.id not in state.marks for mark in now)
        if there != list(was) or not is_new:
            raise _another_before(delta, "the marks")


def check_ids(segments: Iterable[Segment], dtype: str) -> None:
    """Refuse ids that the map's integers cannot hold."""
    top = max((segment.id for segment in segments), default=0)
    limit = int(np.iinfo(dtype).max)
    if top > limit:
        raise MedlabError(
            f"A segment's id in this layer must be 1 to {limit}, got {top}. Number it "
            "anew, or begin another layer with it.",
            code="bad-segment",
        )


def check_block(
    block: tuple[int, ...], at: tuple[int, int, int], shape: tuple[int, int, int]
) -> Box:
    """The box of a block that begins at a voxel; refused when it leaves the scan."""
    fits = len(block) == 3 and all(
        start >= 0 and start + size <= limit
        for start, size, limit in zip(at, block, shape, strict=True)
    )
    if not fits:
        raise MedlabError(
            f"A mask must fit into the scan's {shape} voxels, got {block} "
            f"beginning at {at}. Pass `at` for a block, or the whole scan's mask.",
            code="another-shape",
        )
    (i, j, k), (di, dj, dk) = at, block
    return i, i + di, j, j + dj, k, k + dk


def _check_voxels(delta: Delta, box: Box, state: State, dtype: str) -> None:
    shape = state.voxels.shape
    spans = zip(box[::2], box[1::2], shape, strict=True)
    if not all(0 <= start < end <= size for start, end, size in spans):
        raise MedlabError(
            f"An edit's box must lie inside {shape} voxels, got {box}. "
            "Draw inside the scan.",
            code="outside",
        )
    before, after = delta.voxels(dtype)
    if not np.array_equal(before, state.voxels[slices_of(box)]):
        raise _another_before(delta, "the voxels")
    check_locks(before, after, state.segments)


def _another_before(delta: Delta, what: str) -> MedlabError:
    return MedlabError(
        f"The edit says what was there before, and revision {delta.base} holds "
        f"something else ({what}). Load the layer again, and repeat the edit.",
        code="another-before",
    )
