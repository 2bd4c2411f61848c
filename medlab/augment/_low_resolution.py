"""Low resolution: fewer, larger voxels, brought back to the old grid."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import share
from medlab.augment._separable import filtered
from medlab.augment._settings import Augmentation


def draw_low_resolution(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw how many old voxels, along each side, go into a large one."""
    return (1 / (1 - limits.low_resolution * share(key)),)


def lower_resolution(image: Any, thickness: Any) -> Any:
    """Average over large voxels and interpolate linearly between these.

    Args:
        image: `(H, W[, D], C)`.
        thickness: Side of a large voxel, in voxels; 1 or more. Rounded so that a whole
            number of large voxels fills a side.
    """
    return filtered(image, [down_and_up(size, thickness) for size in image.shape[:-1]])


def down_and_up(size: int, thickness: Any) -> Any:
    """Weigh the voxels of a line for each of its voxels: `(size, size)`."""
    count = jnp.clip(jnp.round(size / thickness), 1, size)
    step = size / count
    to = (jnp.arange(size, dtype=jnp.float32) + 0.5) / step - 0.5
    to = jnp.clip(to, 0, count - 1)[:, None]
    below = jnp.floor(to)
    return (1 - (to - below)) * _average(below, step, size) + (to - below) * _average(
        jnp.minimum(below + 1, count - 1), step, size
    )


def _average(large: Any, step: Any, size: int) -> Any:
    """How much of each voxel lies in a large one, as a share of the large one."""
    of = jnp.arange(size, dtype=jnp.float32)[None]
    end = jnp.minimum(of + 1, (large + 1) * step)
    return jnp.maximum(end - jnp.maximum(of, large * step), 0) / step
