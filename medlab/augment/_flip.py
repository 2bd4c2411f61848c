"""Mirror images. Off unless asked for: left and right are different organs."""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import happens
from medlab.augment._settings import Each


def draw_flip(key: Any, chance: Each, rank: int) -> Any:
    """Draw along which axes the image is mirrored.

    Returns:
        `(rank, rank)` diagonal of 1 and -1.
    """
    chances = jnp.broadcast_to(jnp.array(chance, jnp.float32), (rank,))
    return jnp.diag(jnp.where(happens(key, chances), -1.0, 1.0))
