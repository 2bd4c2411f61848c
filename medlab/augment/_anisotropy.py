"""Anisotropy: thick slices along one axis."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import share
from medlab.augment._low_resolution import down_and_up
from medlab.augment._settings import Augmentation
from medlab.backend import jax


def draw_anisotropy(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw the axis and the thickness of the slices, in voxels."""
    keys = jax.random.split(key, 2)
    axis = jax.random.randint(keys[0], (), 0, len(shape))
    return axis, 1 + (limits.anisotropy - 1) * share(keys[1])


def thicken_slices(image: Any, axis: Any, thickness: Any) -> Any:
    """Average over thick slices and interpolate linearly between these.

    Args:
        image: `(H, W[, D], C)`.
        axis: Across which the slices lie.
        thickness: In voxels; 1 or more.
    """

    def across(this: int) -> Any:
        matrix = down_and_up(image.shape[this], thickness)
        return lambda image: jnp.moveaxis(
            jnp.tensordot(image, matrix, axes=[[this], [1]], precision="highest"),
            -1,
            this,
        )

    return jax.lax.switch(axis, [across(a) for a in range(image.ndim - 1)], image)
