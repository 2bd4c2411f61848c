"""Brightness: one number added to all intensities."""

from typing import Any

from medlab.augment._chance import even
from medlab.augment._settings import Augmentation


def draw_brightness(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw what is added, in units of the image."""
    return (limits.brightness * even(key),)


def brighten(image: Any, added: Any) -> Any:
    """Add to all intensities; 0 changes nothing."""
    return image + added
