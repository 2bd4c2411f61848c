"""Spreading from a voxel: in a small block first, and in a larger one where it leaks out."""

from collections.abc import Callable, Sequence

import numpy as np

from medlab.labels.tools._region import Box, Mask, Report, grown, silent, slices, within

_FIRST = 48  # A block of 97^3 voxels takes about 50 ms.

Block = tuple[slice, slice, slice]


def spread(
    like_it: Callable[[Block], Mask],
    place: tuple[int, int, int],
    shape: Sequence[int],
    part_at: Callable[[Mask, Sequence[int]], Mask],
    *,
    limit: Box | None = None,
    report: Report = silent,
) -> tuple[Box, Mask]:
    """Find the connected part that holds a voxel, in the smallest block that holds it.

    Args:
        like_it: Tells for a block which of its voxels may belong.
        place: The voxel.
        shape: Of the map.
        part_at: Picks the connected part that holds a voxel out of a mask.
        limit: A box that is not left.
        report: Told how much of the map has been looked at.

    Returns:
        A box and the part inside it.
    """
    limit = limit or (0, int(shape[0]), 0, int(shape[1]), 0, int(shape[2]))
    i, j, k = place
    start: Box = (i, i + 1, j, j + 1, k, k + 1)
    box = within(grown(start, (_FIRST, _FIRST, _FIRST), shape), limit)
    while True:
        mask = like_it(slices(box))
        at = (i - box[0], j - box[2], k - box[4])
        mask[at] = True
        found = part_at(mask, at)
        leaks = _leaks(found, box, limit)
        if not any(leaks):
            return box, found
        ends = list(box)
        for side, leaking in enumerate(leaks):
            if leaking:
                size = box[side // 2 * 2 + 1] - box[side // 2 * 2]
                ends[side] += size if side % 2 else -size
        box = within((ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]), limit)
        done = np.prod(np.diff(box)[::2]) / np.prod(np.diff(limit)[::2])
        report(float(done), "Following the region outwards")


def _leaks(found: Mask, box: Box, limit: Box) -> list[bool]:
    leaks = []
    for side in range(6):
        axis, end = side // 2, -1 if side % 2 else 0
        at_limit = box[side] == limit[side]
        leaks.append(not at_limit and bool(np.take(found, end, axis).any()))
    return leaks
