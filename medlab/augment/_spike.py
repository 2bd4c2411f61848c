"""Spike: one wrong point in k-space, seen as stripes over the whole image."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import share
from medlab.augment._settings import Augmentation
from medlab.backend import jax


def draw_spike(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw which point of k-space, `(rank,)`, its phase, and how high the stripes are."""
    keys = jax.random.split(key, 3)
    far = jnp.maximum(jnp.array(shape) // 4, 1)
    point = jax.random.randint(keys[0], (len(shape),), -far, far + 1)
    point = jnp.where((point == 0).all(), far, point)
    phase = 2 * jnp.pi * share(keys[1])
    return point, phase, limits.spike * share(keys[2])


def add_stripes(image: Any, point: Any, phase: Any, height: Any) -> Any:
    """Add the wave that a point of k-space, and its mirror image, stand for.

    Args:
        image: `(H, W[, D], C)`.
        point: `(rank,)` whole waves along each axis.
        phase: In radians.
        height: Of the wave, as a share of the image's range of intensities.
    """
    shape = image.shape[:-1]
    angle = phase
    for axis, size in enumerate(shape):
        place = jax.lax.broadcasted_iota(jnp.float32, shape, axis)
        angle = angle + 2 * jnp.pi / size * point[axis] * place
    span = image.max() - image.min()
    return image + (height * span * jnp.cos(angle))[..., None]
