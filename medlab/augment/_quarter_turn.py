"""Turns by 90, 180 and 270 degrees: no interpolation, every voxel lands on a voxel."""

import itertools
from typing import Any

import jax.numpy as jnp
import numpy as np

from medlab.augment._chance import happens
from medlab.backend import jax


def draw_quarter_turn(
    key: Any, chance: float, shape: tuple[int, ...], spacing_mm: Any
) -> Any:
    """Draw a plane and how far it is turned.

    Only planes with two equal sides and two equal spacings can be turned.

    Returns:
        `(rank, rank)` with one 1 or -1 in each row and column.
    """
    rank, spacing_mm = len(shape), jnp.asarray(spacing_mm)
    planes = [
        (a, b)
        for a, b in itertools.combinations(range(rank), 2)
        if shape[a] == shape[b]
    ]
    if not planes:
        return jnp.eye(rank)
    keys = jax.random.split(key, 3)
    which = jax.random.randint(keys[0], (), 0, len(planes))
    quarters = jax.random.randint(keys[1], (), 1, 4)
    a, b = jnp.array(planes)[which]
    turns = happens(keys[2], chance) & jnp.isclose(spacing_mm[a], spacing_mm[b])
    matrices = jnp.array([[_turn(rank, *p, n) for n in range(4)] for p in planes])
    return matrices[which, jnp.where(turns, quarters, 0)]


def _turn(rank: int, a: int, b: int, quarters: int) -> np.ndarray:
    once = np.eye(rank, dtype=np.float32)
    once[[a, b]] = once[[b, a]]
    once[a, b] *= -1
    return np.linalg.matrix_power(once, quarters)
