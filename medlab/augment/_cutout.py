"""Cutout: a box of the image is blanked out, its labels are to be guessed.

Source:
    DeVries and Taylor, 2017, https://arxiv.org/abs/1708.04552
"""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import share
from medlab.augment._settings import Augmentation
from medlab.backend import jax


def draw_cutout(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw the box: first voxel and end, `(rank,)` each."""
    keys = jax.random.split(key, 2)
    size = jnp.array(shape, jnp.float32)
    side = size * limits.cutout * share(keys[0], (len(shape),))
    start = share(keys[1], (len(shape),)) * (size - side)
    return start, start + side


def cut_out(image: Any, start: Any, end: Any) -> Any:
    """Fill a box with the image's mean.

    Args:
        image: `(H, W[, D], C)`.
        start: `(rank,)` in voxels.
        end: `(rank,)`, not included.
    """
    shape = image.shape[:-1]
    inside = jnp.ones(shape, bool)
    for axis in range(len(shape)):
        place = jax.lax.broadcasted_iota(jnp.float32, shape, axis)
        inside = inside & (place >= start[axis]) & (place < end[axis])
    mean = image.mean(range(len(shape)), keepdims=True)
    return jnp.where(inside[..., None], mean, image)
