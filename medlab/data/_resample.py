"""Other voxel sizes, and back to exactly the grid one came from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def resampled_shape(
    shape: tuple[int, ...], spacing_mm: tuple[float, ...], target_mm: tuple[float, ...]
) -> tuple[int, ...]:
    """Count the voxels of another size that cover the same box, at least one each.

    Example:
        >>> resampled_shape((100, 100, 10), (1.0, 1.0, 5.0), (2.0, 2.0, 5.0))
        (50, 50, 10)
    """
    return tuple(
        max(1, round(size * own / other))
        for size, own, other in zip(shape, spacing_mm, target_mm, strict=True)
    )


def resample_to(
    voxels: NDArray[Any], shape: tuple[int, ...], *, labels: bool = False
) -> NDArray[Any]:
    """Sample the same box of space with another number of voxels.

    Args:
        voxels: `(X, Y, Z)`, or `(X, Y, Z, C)` with channels that stay.
        shape: Voxels along the first three axes afterwards.
        labels: Take the nearest value instead of interpolating linearly.
    """
    if voxels.shape[: len(shape)] == tuple(shape):
        return voxels
    if voxels.ndim > len(shape):
        channels = [
            resample_to(c, shape, labels=labels) for c in np.moveaxis(voxels, -1, 0)
        ]
        return np.stack(channels, axis=-1)
    scale = np.array(voxels.shape) / np.array(shape)
    # Boxes, not voxel centres, coincide: hence the half voxels.
    return np.asarray(
        ndimage.affine_transform(
            voxels,
            scale,
            offset=(scale - 1) / 2,
            output_shape=tuple(shape),
            order=0 if labels else 1,
            mode="nearest",
        )
    )
