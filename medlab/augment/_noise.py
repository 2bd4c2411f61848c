"""Gaussian noise."""

from typing import Any

from medlab.augment._chance import share, stream
from medlab.augment._settings import Augmentation
from medlab.backend import jax


def draw_noise(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw the standard deviation, and a key for the noise itself."""
    return limits.noise * share(key), stream(key, "voxels")


def add_noise(image: Any, deviation: Any, key: Any) -> Any:
    """Add to every voxel and channel a number of its own.

    Args:
        image: `(H, W[, D], C)`.
        deviation: Standard deviation, in units of the image.
        key: The same key, the same noise.
    """
    return image + deviation * jax.random.normal(key, image.shape, image.dtype)
