"""Bias field: the smooth shading of an MR scanner's coil."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import even
from medlab.augment._separable import separable
from medlab.augment._settings import Augmentation
from medlab.backend import jax

_WAVES = 4


def draw_bias_field(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw how strong the cosine waves of the field are, and how high it goes."""
    keys = jax.random.split(key, 2)
    waves = even(keys[0], (_WAVES,) * len(shape))
    return waves, limits.bias_field * jax.random.uniform(keys[1])


def shade(image: Any, waves: Any, height: Any) -> Any:
    """Multiply the distance from the darkest voxel by a smooth field.

    Args:
        image: `(H, W[, D], C)`. Its lowest intensity stays.
        waves: Strength of half, whole, one and a half ... cosine waves along each axis.
        height: The field's logarithm reaches from `-height` to `height`.
    """
    darkest = image.min()
    log_field = smooth_field(waves, image.shape[:-1]) * height
    return (image - darkest) * jnp.exp(log_field)[..., None] + darkest


def smooth_field(waves: Any, shape: tuple[int, ...]) -> Any:
    """Add up cosine waves; scaled so that the largest distance from 0 is 1."""
    matrices = []
    for axis, size in enumerate(shape):
        place = (jnp.arange(size, dtype=jnp.float32) + 0.5) / size
        slow = jnp.arange(waves.shape[axis])
        # Slower waves are stronger, as in a real coil.
        matrices.append(jnp.cos(jnp.pi * place[:, None] * slow) / (1 + slow))
    field = separable(waves[None], matrices)[0]
    field = field - field.mean()
    return field / jnp.maximum(jnp.abs(field).max(), 1e-6)
