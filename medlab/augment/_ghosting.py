"""Ghosting: faint copies of the body, from breathing, pulse or eddy currents.

Source:
    Pérez-García et al., 2021, TorchIO, https://doi.org/10.1016/j.cmpb.2021.106236
"""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import share
from medlab.augment._settings import Augmentation
from medlab.backend import jax


def draw_ghosting(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw the axis, how many copies there are, and how strong."""
    keys = jax.random.split(key, 3)
    axis = jax.random.randint(keys[0], (), 0, len(shape))
    return (
        axis,
        jax.random.randint(keys[1], (), 3, 9),
        limits.ghosting * share(keys[2]),
    )


def add_ghosts(image: Any, axis: Any, copies: Any, strength: Any) -> Any:
    """Weaken every n-th line of k-space, but not those in its middle.

    Args:
        image: `(H, W[, D], C)`.
        axis: Along which the copies lie.
        copies: Every how many lines, which is how many copies there are.
        strength: By which share the lines are weakened.
    """

    def along_axis(this: int) -> Any:
        def weakened(image: Any) -> Any:
            size = image.shape[this]
            line = jnp.abs(jnp.fft.rfftfreq(size) * size)
            hit = (jnp.round(line) % copies == 0) & (line > 0.02 * size)
            kept = jnp.where(hit, 1 - strength, 1.0)
            form = [-1 if a == this else 1 for a in range(image.ndim)]
            k_space = jnp.fft.rfft(image, axis=this) * kept.reshape(form)
            return jnp.fft.irfft(k_space, size, axis=this).astype(image.dtype)

        return weakened

    return jax.lax.switch(axis, [along_axis(a) for a in range(image.ndim - 1)], image)
