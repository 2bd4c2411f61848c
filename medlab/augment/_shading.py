"""All that changes intensities, in the order in which a scanner would do it.

First what happens while scanning, then the resolution of what comes out, then how it is
shown; noise comes late so that nothing smooths it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from medlab.augment._anisotropy import draw_anisotropy, thicken_slices
from medlab.augment._bias_field import draw_bias_field, shade
from medlab.augment._blur import blur, draw_blur
from medlab.augment._brightness import brighten, draw_brightness
from medlab.augment._chance import happens, stream
from medlab.augment._contrast import draw_contrast, spread_intensities
from medlab.augment._cutout import cut_out, draw_cutout
from medlab.augment._gamma import bend_intensities, draw_gamma
from medlab.augment._ghosting import add_ghosts, draw_ghosting
from medlab.augment._low_resolution import draw_low_resolution, lower_resolution
from medlab.augment._motion import draw_motion, scan_in_motion
from medlab.augment._noise import add_noise, draw_noise
from medlab.augment._settings import Augmentation
from medlab.augment._spike import add_stripes, draw_spike
from medlab.backend import jax


class Shading(NamedTuple):
    """One way of changing intensities.

    Attributes:
        draw: From key, limits and shape to what `apply` needs besides the image.
        apply: From an image `(H, W[, D], C)` to one of the same shape.
    """

    draw: Callable[..., Any]
    apply: Callable[..., Any]


SHADINGS = {
    "bias_field": Shading(draw_bias_field, shade),
    "motion": Shading(draw_motion, scan_in_motion),
    "ghosting": Shading(draw_ghosting, add_ghosts),
    "spike": Shading(draw_spike, add_stripes),
    "blur": Shading(draw_blur, blur),
    "low_resolution": Shading(draw_low_resolution, lower_resolution),
    "anisotropy": Shading(draw_anisotropy, thicken_slices),
    "gamma": Shading(draw_gamma, bend_intensities),
    "contrast": Shading(draw_contrast, spread_intensities),
    "brightness": Shading(draw_brightness, brighten),
    "noise": Shading(draw_noise, add_noise),
    "cutout": Shading(draw_cutout, cut_out),
}
_NEUTRAL_AT_ZERO = ("contrast", "brightness")


def draw_shading(
    key: Any, limits: Augmentation, shape: tuple[int, ...]
) -> dict[str, Any]:
    """Draw what happens to a sample: for each name whether, and how."""
    return {
        name: (
            happens(stream(key, f"{name}_p"), getattr(limits, f"{name}_p")),
            shading.draw(stream(key, name), limits, shape),
        )
        for name, shading in SHADINGS.items()
        if limits.is_on(name)
    }


def shade_image(drawn: dict[str, Any], limits: Augmentation, image: Any) -> Any:
    """Change the intensities of an image `(H, W[, D], C)`."""
    for name, (yes, how) in drawn.items():
        apply = SHADINGS[name].apply
        if getattr(limits, f"{name}_p") >= 1:
            image = apply(image, *how)
        elif name in _NEUTRAL_AT_ZERO:
            image = apply(image, *(jnp.where(yes, value, 0.0) for value in how))
        else:
            image = jax.lax.cond(yes, apply, lambda image, *_: image, image, *how)
    return image
