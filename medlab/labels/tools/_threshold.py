"""Threshold: every voxel whose intensity lies in a range."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._proposal import KEEP, Proposal
from medlab.labels.tools._region import (
    Box,
    Labels,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    needs_voxels,
    slices,
    whole,
    writable,
)


def threshold(
    voxels: NDArray[Any],
    labels: Labels,
    *,
    segment: int,
    low: float | None,
    high: float | None,
    spacing_mm: Spacing,
    axis: int | None = None,
    index: int | None = None,
    within: int | None = None,
    fixed: Collection[int] = (),
) -> Proposal:
    """Give a segment every voxel with `low <= intensity <= high`.

    Args:
        voxels: Intensities `(I, J, K)`.
        labels: The map `(I, J, K)`.
        segment: Id of the segment; what it has already stays.
        low: Lower end of the range, included; None for no end.
        high: Upper end, included; None for no end.
        spacing_mm: Size of a voxel along each axis.
        axis: With `index`, only that slice across that axis.
        index: Number of the slice.
        within: Only inside this segment; 0 for the background.
        fixed: Ids of segments that give nothing up.

    Raises:
        MedlabError: If the range is empty, or the slice lies outside the scan.
    """
    check_grid(labels, spacing_mm, voxels)
    if low is not None and high is not None and low > high:
        raise MedlabError(
            f"low must be at most high, got {low} and {high}. Exchange them.",
            code="bad-request",
        )
    box = _where(labels, axis, index, within)
    block = labels[slices(box)]
    found = writable(block, fixed)
    if within is not None:
        found &= block == within
    intensities = voxels[slices(box)]
    if low is not None:
        found &= intensities >= low
    if high is not None:
        found &= intensities <= high
    wanted = np.full(block.shape, KEEP, np.uint16)
    wanted[found] = segment
    return as_proposal("threshold", labels, box, wanted, segments=[segment])


def _where(
    labels: Labels, axis: int | None, index: int | None, within: int | None
) -> Box:
    ends = list(whole(labels.shape))
    if axis is not None and index is not None:
        if not 0 <= index < labels.shape[axis]:
            raise MedlabError(
                f"The slices across axis {axis} are numbered 0 to "
                f"{labels.shape[axis] - 1}, got {index}. Choose one in between.",
                code="outside",
            )
        ends[2 * axis : 2 * axis + 2] = [index, index + 1]
    box: Box = (ends[0], ends[1], ends[2], ends[3], ends[4], ends[5])
    if within:
        tight = needs_voxels(box_of(labels[slices(box)] == within), within)
        low = (box[0], box[2], box[4])
        i0, i1, j0, j1, k0, k1 = tight
        box = (
            *(i0 + low[0], i1 + low[0], j0 + low[1], j1 + low[1]),
            *(k0 + low[2], k1 + low[2]),
        )
    return box
