"""Draws: every transform has a stream of its own, named after it.

A new transform, or one that is switched off, leaves what the others draw as it was.
"""

import zlib
from typing import Any

import jax.numpy as jnp

from medlab.backend import jax


def stream(key: Any, name: str) -> Any:
    """Derive the key of what has this name."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def even(key: Any, shape: tuple[int, ...] = ()) -> Any:
    """Draw evenly between -1 and 1."""
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


def share(key: Any, shape: tuple[int, ...] = ()) -> Any:
    """Draw evenly between 0 and 1."""
    return jax.random.uniform(key, shape)


def happens(key: Any, chance: Any) -> Any:
    """Say yes with this chance; a sequence of chances is answered one by one.

    A chance of 1 is always a yes, one of 0 always a no.
    """
    chance = jnp.asarray(chance, jnp.float32)
    return jax.random.uniform(key, chance.shape) < chance
