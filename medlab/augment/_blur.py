"""Gaussian blur."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import share
from medlab.augment._separable import filtered
from medlab.augment._settings import Augmentation


def draw_blur(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw the standard deviation, in voxels."""
    return (limits.blur * share(key),)


def blur(image: Any, deviation: Any) -> Any:
    """Blur along every axis; beyond the border the image goes on as in a mirror.

    Args:
        image: `(H, W[, D], C)`.
        deviation: Standard deviation, in voxels.
    """
    return filtered(image, [gaussian(size, deviation) for size in image.shape[:-1]])


def gaussian(size: int, deviation: Any) -> Any:
    """Weigh the voxels of a line for each of its voxels: `(size, size)`."""
    to, of = jnp.arange(size)[:, None], jnp.arange(size)[None]
    narrow = jnp.maximum(deviation, 1e-3)

    def bell(distance: Any) -> Any:
        return jnp.exp(-0.5 * (distance / narrow) ** 2)

    mirrored = bell(to + of + 1) + bell(2 * size - 1 - to - of)
    found = bell(to - of) + mirrored
    return found / found.sum(1, keepdims=True)
