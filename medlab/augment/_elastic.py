"""Elastic displacement: a coarse grid of random shifts, smoothly interpolated.

Interpolated with cubic convolution: through every node, with a continuous slope. The
weights of an axis do not depend on the other axes, so that the field of a whole patch
is one small matrix product an axis, and can be looked up between voxels as well.

Source:
    Keys, 1981, "Cubic convolution interpolation for digital image processing",
    https://doi.org/10.1109/TASSP.1981.1163711
"""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import even, happens
from medlab.backend import jax

NODES = 6
"""Of the coarse grid along each axis; the outermost lie on the patch's first and last
voxels."""


def draw_bend(key: Any, limit: float, chance: float, shape: tuple[int, ...]) -> Any:
    """Draw the shifts of the nodes.

    Args:
        key: Of this transform.
        limit: As a share of the patch.
        chance: That anything bends.
        shape: Of the patch.

    Returns:
        `(rank, NODES, ...)` in voxels.
    """
    rank = len(shape)
    keys = jax.random.split(key, 2)
    size = jnp.array(shape, jnp.float32).reshape(rank, *(1,) * rank)
    drawn = even(keys[0], (rank, *(NODES,) * rank)) * limit * size
    return jnp.where(happens(keys[1], chance), drawn, 0.0)


def weights(where: Any, size: int) -> Any:
    """Weigh the nodes at places along an axis.

    Args:
        where: `(N,)` in voxels.
        size: Of the axis, in voxels.

    Returns:
        `(N, NODES)`, adding up to 1.
    """
    place = jnp.clip(where, 0, size - 1) * ((NODES - 1) / max(size - 1, 1))
    found = _cubic(place[:, None] - jnp.arange(NODES))
    # Beyond either end the outermost node goes on.
    found = found.at[:, 0].add(_cubic(place + 1))
    return found.at[:, -1].add(_cubic(place - NODES))


def bend_at(nodes: Any, points: Any, shape: tuple[int, ...]) -> Any:
    """Displace points `(N, rank)`: `(N, rank)` in voxels."""
    field = nodes
    for axis, size in enumerate(shape):
        found = weights(points[:, axis], size)
        form = "ng,rg...->rn..." if axis == 0 else "ng,rng...->rn..."
        field = jnp.einsum(form, found, field, precision="highest")
    return field.T


def _cubic(distance: Any) -> Any:
    """Keys' kernel, equation 15 (a = -1/2)."""
    x = jnp.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return jnp.where(x < 1, near, jnp.where(x < 2, far, 0.0))
