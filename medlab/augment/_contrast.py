"""Contrast: the spread of the intensities around 0."""

from typing import Any

from medlab.augment._chance import even
from medlab.augment._settings import Augmentation


def draw_contrast(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw by which share the spread grows."""
    return (limits.contrast * even(key),)


def spread_intensities(image: Any, growth: Any) -> Any:
    """Multiply the intensities by `1 + growth`; 0 changes nothing."""
    return image * (1 + growth)
