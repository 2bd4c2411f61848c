"""Locks: which voxels a tool may change.

A voxel is locked when the segment it belongs to, or would come to belong to, is locked. That
holds for every writer: a brush, a model, an import, an undo.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._segment import Segment

OVERWRITES = ("visible", "background", "everything")


class SegmentLocked(MedlabError):
    """An edit would change a voxel of a locked segment; `told["segment"]` is its id."""

    code = "locked"

    def __init__(self, segment: Segment) -> None:
        super().__init__(
            f"The segment {segment.name!r} is locked. Unlock it to draw.",
            told={"segment": segment.id},
        )


def locked_ids(segments: Iterable[Segment]) -> list[int]:
    return [segment.id for segment in segments if segment.locked]


def check_locks(
    before: NDArray[Any], after: NDArray[Any], segments: Sequence[Segment]
) -> None:
    """Refuse an edit that changes a voxel of a locked segment.

    Raises:
        SegmentLocked: If it does.
    """
    for segment in segments:
        if not segment.locked:
            continue
        if np.any((before != after) & ((before == segment.id) | (after == segment.id))):
            raise SegmentLocked(segment)


def allowed(
    current: NDArray[Any],
    wanted: NDArray[Any],
    segments: Sequence[Segment],
    *,
    overwrites: str = "visible",
    own: Iterable[int] = (),
) -> NDArray[Any]:
    """What a tool may make of the labels `current` when it wants them to be `wanted`.

    Args:
        current: `(I, J, K)`.
        wanted: Same shape.
        segments: The list that tells what is locked and what is hidden.
        overwrites: `"visible"` takes every voxel but those of hidden segments,
            `"background"` those without a label alone, `"everything"` hidden ones too.
            None of them takes a locked one.
        own: Ids of segments that the tool is about: it may take their voxels away.

    Returns:
        `(I, J, K)`, of `current`'s type.

    Raises:
        MedlabError: If `overwrites` is none of these.
    """
    if overwrites not in OVERWRITES:
        raise MedlabError(
            f"overwrites must be one of {', '.join(OVERWRITES)}, got {overwrites!r}.",
            code="bad-request",
        )
    locked = locked_ids(segments)
    hidden = [segment.id for segment in segments if not segment.visible]
    is_free = overwrites == "everything" or (overwrites == "visible" and not hidden)
    if is_free and not locked:
        return wanted.astype(current.dtype, order="F", copy=False)
    free = ~np.isin(current, locked) & ~np.isin(wanted, locked)
    mine = np.array(list(own), np.int64)
    if overwrites == "background":
        free &= (current == 0) | np.isin(current, mine)
    elif overwrites == "visible":
        free &= ~np.isin(current, hidden) | np.isin(current, mine)
    return np.where(free, wanted, current).astype(current.dtype, order="F")
