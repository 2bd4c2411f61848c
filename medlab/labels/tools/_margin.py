"""Margin: a segment grown or shrunk by a distance in mm, the same in every direction."""

from collections.abc import Collection

from medlab.labels._proposal import Proposal
from medlab.labels.tools._distance import grown_by, shrunk_by
from medlab.labels.tools._region import (
    Labels,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    grown,
    needs_voxels,
    redrawn,
    slices,
    voxels_in,
    writable,
)


def margin(
    labels: Labels,
    *,
    segment: int,
    mm: float,
    spacing_mm: Spacing,
    fixed: Collection[int] = (),
) -> Proposal:
    """Grow a segment by so many mm, or shrink it where `mm` is negative.

    Distances are Euclidean and between voxel centres, whatever the spacing. The edge of
    the scan is not taken for a border of the segment: it does not shrink away from there.

    Args:
        labels: The map `(I, J, K)`.
        segment: Id of the segment.
        mm: How far; below 0 shrinks.
        spacing_mm: Size of a voxel along each axis.
        fixed: Ids of segments that give nothing up.

    Raises:
        MedlabError: If the segment has no voxel.

    Example:
        >>> import numpy as np
        >>> labels = np.zeros((5, 5, 3), np.uint8)
        >>> labels[2, 2, 1] = 1
        >>> margin(labels, segment=1, mm=1, spacing_mm=(1, 1, 2.5)).box
        (1, 4, 1, 4, 1, 2)
    """
    check_grid(labels, spacing_mm)
    tight = needs_voxels(box_of(labels == segment), segment)
    # One voxel more: a segment shrinks where it ends, not where its box does.
    reach = [n + 1 for n in voxels_in(max(mm, 0), spacing_mm)]
    box = grown(tight, reach, labels.shape)
    block = labels[slices(box)]
    mask = block == segment
    if mm >= 0:
        found = grown_by(mask, mm, spacing_mm) & (writable(block, fixed) | mask)
    else:
        found = shrunk_by(mask, -mm, spacing_mm)
    wanted = redrawn(labels, box, segment, found)
    return as_proposal("margin", labels, box, wanted, segments=[segment])
