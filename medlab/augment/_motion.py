"""Motion: the body moved while the scan was taken, line of k-space by line.

Source:
    Shaw et al., 2019, "MRI k-space motion artefact augmentation",
    https://proceedings.mlr.press/v102/shaw19a.html (here for shifts alone)
"""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import even
from medlab.augment._settings import Augmentation
from medlab.backend import jax

_MOVES = 2


def draw_motion(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw along which axis lines are taken, when the body moves, and where to.

    Returns:
        Axis; `(moves,)` times as shares of the scan; `(moves, rank)` places in voxels.
    """
    keys = jax.random.split(key, 3)
    axis = jax.random.randint(keys[0], (), 0, len(shape))
    # Off the middle of k-space, which decides where the body is seen.
    side = jax.random.uniform(keys[1], (_MOVES,), minval=0.02, maxval=0.4)
    moments = jnp.array([0.5, 0.5]) + jnp.array([-1, 1]) * side
    places = even(keys[2], (_MOVES, len(shape))) * limits.motion
    return axis, moments, places * jnp.array(shape, jnp.float32)


def scan_in_motion(image: Any, axis: Any, moments: Any, places: Any) -> Any:
    """Take the lines of k-space before and after the moments elsewhere.

    Args:
        image: `(H, W[, D], C)`.
        axis: Along which the lines follow one another in time, from the highest
            negative frequency to the highest positive one.
        moments: `(2,)`: lines before the first and after the second moment, as shares
            of the scan, see the body elsewhere.
        places: `(2, rank)` where the body is then, in voxels.
    """
    darkest = image.min()
    rank = image.ndim - 1
    waves = [
        jnp.fft.fftfreq(size).reshape([-1 if a == b else 1 for b in range(rank + 1)])
        for a, size in enumerate(image.shape[:-1])
    ]
    time = sum(jnp.where(axis == a, wave, 0.0) for a, wave in enumerate(waves)) + 0.5
    early, late = [
        sum(-2 * jnp.pi * wave * place[a] for a, wave in enumerate(waves))
        for place in places
    ]
    turn = jnp.where(time < moments[0], early, jnp.where(time > moments[1], late, 0.0))
    k_space = jnp.fft.fftn(image - darkest, axes=range(rank))
    seen = jnp.fft.ifftn(k_space * jnp.exp(1j * turn), axes=range(rank))
    return jnp.abs(seen) + darkest
