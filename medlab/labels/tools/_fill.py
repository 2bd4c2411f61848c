"""Fill: a bucket for three dimensions."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._proposal import KEEP, Proposal
from medlab.labels.tools._islands import part_at
from medlab.labels.tools._region import (
    Labels,
    Mask,
    Spacing,
    as_proposal,
    check_grid,
    check_seed,
    writable,
)
from medlab.labels.tools._spread import spread


def fill(
    voxels: NDArray[Any],
    labels: Labels,
    *,
    segment: int,
    seed: Sequence[int],
    spacing_mm: Spacing,
    tolerance: float | None = None,
    fixed: Collection[int] = (),
) -> Proposal:
    """Give a segment everything that is connected to a voxel and like it.

    Args:
        voxels: Intensities `(I, J, K)`.
        labels: The map `(I, J, K)`.
        segment: Id of the segment.
        seed: The voxel that was clicked.
        spacing_mm: Size of a voxel along each axis.
        tolerance: Largest difference to the intensity at the seed; None to go by labels
            alone, which fills what is enclosed by what has been drawn.
        fixed: Ids of segments that give nothing up.

    Raises:
        MedlabError: If the seed lies outside the scan.
    """
    check_grid(labels, spacing_mm, voxels)
    place = check_seed(seed, labels.shape)
    there = labels[place]
    reference = float(voxels[place])

    def like_it(block: tuple[slice, slice, slice]) -> Mask:
        found = (labels[block] == there) & writable(labels[block], fixed)
        if tolerance is not None:
            near = voxels[block]
            found &= (near >= reference - tolerance) & (near <= reference + tolerance)
        return np.asarray(found)

    box, filled = spread(like_it, place, labels.shape, part_at)
    wanted = np.full(filled.shape, KEEP, np.uint16)
    wanted[filled] = segment
    return as_proposal("fill", labels, box, wanted, segments=[segment])
