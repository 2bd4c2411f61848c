"""Curve of brightness, between the darkest and the brightest voxel."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import even
from medlab.augment._settings import Augmentation


def draw_gamma(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw the exponent."""
    return (jnp.exp(limits.gamma * even(key)),)


def bend_intensities(image: Any, exponent: Any) -> Any:
    """Raise the intensities, scaled to 0..1 and back, to a power.

    Args:
        image: Any shape. Its lowest and highest intensity stay.
        exponent: Below 1 brightens, above 1 darkens.
    """
    low, high = image.min(), image.max()
    spread = jnp.maximum(high - low, 1e-6)
    # Several times faster than the power itself, as what is raised is positive.
    return (
        jnp.exp(jnp.log(jnp.maximum((image - low) / spread, 1e-6)) * exponent) * spread
        + low
    )
