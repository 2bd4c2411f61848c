"""Random resized crop: a part of the patch, enlarged to the whole of it."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import even, happens, share
from medlab.backend import jax


def draw_crop(key: Any, most: float, chance: float, shape: tuple[int, ...]) -> Any:
    """Draw which part stays. The same share of each side, so that shapes stay.

    Args:
        key: Of this transform.
        most: Share of a side that may be cut off.
        chance: That anything is cut off.
        shape: Of the patch.

    Returns:
        The share of the sides that stays, and where the middle of that part lies,
        `(rank,)` in voxels from the middle of the patch.
    """
    keys = jax.random.split(key, 3)
    cut = jnp.where(happens(keys[0], chance), most * share(keys[1]), 0.0)
    middle = even(keys[2], (len(shape),)) * cut / 2 * jnp.array(shape, jnp.float32)
    return 1 - cut, middle
