"""Logic: a segment combined with another one, turned round, cleared, or freed of holes."""

from collections.abc import Collection

import numpy as np
from scipy import ndimage

from medlab.errors import MedlabError
from medlab.labels._proposal import Proposal
from medlab.labels.tools._region import (
    Labels,
    Mask,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    grown,
    needs_voxels,
    redrawn,
    slices,
    whole,
    writable,
)

OPERATIONS = ("copy", "union", "intersect", "subtract", "invert", "clear", "fill-holes")
_OF_TWO = ("copy", "union", "intersect", "subtract")


def logic(
    labels: Labels,
    *,
    segment: int,
    op: str,
    spacing_mm: Spacing,
    other: int | None = None,
    others: Labels | None = None,
    fixed: Collection[int] = (),
) -> Proposal:
    """Combine a segment with another one, or change it as a whole.

    Within one map two segments never share a voxel: what `segment` takes over from
    `other` the other one loses, and `intersect` and `subtract` make sense with `others`.

    Args:
        labels: The map `(I, J, K)`.
        segment: Id of the segment that changes.
        op: `"copy"`, `"union"`, `"intersect"` and `"subtract"` take `other`; `"invert"`,
            `"clear"` and `"fill-holes"` (enclosed in 3D) do not.
        spacing_mm: Size of a voxel along each axis.
        other: Id of the other segment.
        others: The map of the layer the other segment is in; `labels` by default.
        fixed: Ids of segments that give nothing up.

    Raises:
        MedlabError: If the operation is unknown, or lacks the other segment.
    """
    check_grid(labels, spacing_mm)
    if op not in OPERATIONS:
        raise MedlabError(
            f"op must be one of {', '.join(OPERATIONS)}, got {op!r}.",
            code="bad-request",
        )
    if op in _OF_TWO and other is None:
        raise MedlabError(
            f"{op} must be told the other segment, got none. Choose one.",
            code="bad-request",
        )
    if op == "invert":
        box = whole(labels.shape)
        found = (labels != segment) & writable(labels, fixed)
    elif op in _OF_TWO:
        second = labels if others is None else others
        check_grid(labels, spacing_mm, second)
        either = (labels == segment) | (second == other)
        box = needs_voxels(box_of(either), segment)
        found = _combined(labels[slices(box)], second[slices(box)], segment, other, op)
    else:
        tight = needs_voxels(box_of(labels == segment), segment)
        box = grown(tight, (1, 1, 1), labels.shape)
        mask = labels[slices(box)] == segment
        found = np.zeros_like(mask) if op == "clear" else without_holes(mask)
    block = labels[slices(box)]
    found &= writable(block, fixed) | (block == segment)
    wanted = redrawn(labels, box, segment, found)
    return as_proposal("logic", labels, box, wanted, segments=[segment])


def without_holes(mask: Mask) -> Mask:
    """The mask and every hole that it encloses: no way out across faces of voxels."""
    outside, _ = ndimage.label(~mask)
    faces = [
        np.take(outside, end, axis) for axis in range(mask.ndim) for end in (0, -1)
    ]
    reached = np.zeros(int(outside.max()) + 1, bool)
    for face in faces:
        reached[face.ravel()] = True
    reached[0] = False
    return np.asarray(~reached[outside])


def _combined(
    block: Labels, second: Labels, segment: int, other: int | None, op: str
) -> Mask:
    mine, theirs = block == segment, second == other
    if op == "copy":
        return np.asarray(theirs)
    if op == "union":
        return np.asarray(mine | theirs)
    if op == "intersect":
        return np.asarray(mine & theirs)
    return np.asarray(mine & ~theirs)
