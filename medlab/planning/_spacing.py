"""Which voxel size to learn at: the usual one, and a coarser one that shows more.

Source:
    Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, Supplementary Note 2
    ("Target image spacing", "Low resolution U-Net").
"""

from collections.abc import Sequence

import numpy as np

ANISOTROPIC = 3.0
"""From this ratio of spacings, and of sizes, on an axis is coarse."""
_FINE_PERCENTILE = 10
_COARSER_BY = 1.03

Triple = tuple[float, float, float]


def target_spacing_mm(
    spacings_mm: Sequence[Triple], shapes: Sequence[tuple[int, int, int]]
) -> tuple[Triple, int | None]:
    """Find the voxel size that changes the scans least.

    Each axis gets the median of all scans. Where one axis is coarse, in millimetres as
    well as in voxels, it gets the 10th percentile instead: thick slices blur, and
    resampling thin ones to thick ones would throw away the better half of the scans.

    Args:
        spacings_mm: Voxel size of each scan along right, front, up.
        shapes: Voxels of each scan along the same axes.

    Returns:
        The voxel size, and the coarse axis if there is one.

    Example:
        >>> target_spacing_mm([(1, 1, 5), (1, 1, 5), (1, 1, 2.5)], [(256, 256, 30)] * 3)
        ((1.0, 1.0, 3.0), 2)
    """
    sizes = np.asarray(spacings_mm, float)
    target = np.median(sizes, axis=0)
    voxels = median_shape(spacings_mm, shapes, tuple(target))
    axis = int(target.argmax())
    others = [other for other in range(3) if other != axis]
    coarse = target[axis] > ANISOTROPIC * target[others].max() and ANISOTROPIC * voxels[
        axis
    ] < min(voxels[other] for other in others)
    if coarse:
        fine = np.percentile(sizes[:, axis], _FINE_PERCENTILE)
        # Never finer than the other axes: nothing is known there.
        target[axis] = max(fine, target[others].max())
    x, y, z = (float(round(size, 4)) for size in target)
    return (x, y, z), axis if coarse else None


def median_shape(
    spacings_mm: Sequence[Triple],
    shapes: Sequence[tuple[int, int, int]],
    target_mm: Sequence[float],
) -> tuple[int, int, int]:
    """Count the voxels that the middle one of the scans has at another voxel size."""
    extents_mm = np.asarray(spacings_mm, float) * np.asarray(shapes, float)
    median = np.median(extents_mm / np.asarray(target_mm, float), axis=0)
    x, y, z = (max(1, round(float(size))) for size in median)
    return x, y, z


def low_resolution(
    spacing_mm: Triple, shape: tuple[int, int, int], patch: Sequence[int], share: float
) -> tuple[Triple, tuple[int, int, int]]:
    """Coarsen step by step until a patch covers enough of the middle scan.

    The finest axes go first, as long as another one is twice as coarse, so that the
    voxels become more alike.

    Args:
        spacing_mm: Where to begin.
        shape: The middle scan at that voxel size.
        patch: What the model sees at a time.
        share: How much of the scan's voxels that shall be.

    Returns:
        The coarser voxel size, and the middle scan's shape at it.
    """
    spacing, voxels = np.array(spacing_mm), np.array(shape, float)
    window = float(np.prod(patch))
    while window / np.prod(np.maximum(voxels, 1)) < share:
        waits = spacing > 2 * spacing.min()
        grows = np.where(waits, 1.0, _COARSER_BY)
        spacing, voxels = spacing * grows, voxels / grows
    x, y, z = (float(round(size, 4)) for size in spacing)
    a, b, c = (max(1, round(float(size))) for size in voxels)
    return (x, y, z), (a, b, c)
