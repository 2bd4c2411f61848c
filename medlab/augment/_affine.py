"""Turn, scale, shear and shift: all that keeps straight lines straight.

A turn is one in mm: where voxels are longer along one axis, the voxel matrix is not a
rotation but the body still keeps its shape.
"""

from typing import Any

import jax.numpy as jnp

from medlab.augment._chance import even, happens, stream
from medlab.augment._settings import Augmentation


def draw_affine(key: Any, limits: Augmentation, spacing_mm: Any) -> Any:
    """Draw a linear map around the middle of the patch.

    Args:
        key: Of the sample.
        limits: How far it may go.
        spacing_mm: `(rank,)` of the voxels.

    Returns:
        `(rank, rank)`, from moved voxels to those of the image.
    """
    rank = spacing_mm.shape[0]
    matrix = jnp.eye(rank)
    if limits.is_on("turn"):
        angles = _now_and_then(key, "turn", limits.turn_p, (3,))
        matrix = rotation(angles * jnp.deg2rad(jnp.array(limits.turn_deg)), rank)
    if limits.is_on("shear"):
        leaning = _now_and_then(key, "shear", limits.shear_p, (rank, rank))
        upper = jnp.triu(jnp.tan(leaning * jnp.deg2rad(limits.shear_deg)), 1)
        matrix = jnp.matmul(matrix, jnp.eye(rank) + upper, precision="highest")
    if limits.is_on("scale"):
        matrix *= 1 + limits.scale * _now_and_then(key, "scale", limits.scale_p)
    return matrix * (spacing_mm[None] / spacing_mm[:, None])


def draw_shift(key: Any, limits: Augmentation, shape: tuple[int, ...]) -> Any:
    """Draw a movement, `(rank,)` in voxels."""
    if not limits.is_on("shift"):
        return jnp.zeros(len(shape))
    drawn = _now_and_then(key, "shift", limits.shift_p, (len(shape),))
    return drawn * limits.shift * jnp.array(shape, jnp.float32)


def rotation(angles: Any, rank: int) -> Any:
    """Turn about the three axes, one after the other; in 2D by the first angle.

    Args:
        angles: `(3,)` in radians.
        rank: 2 or 3.

    Returns:
        `(rank, rank)`.
    """
    c, s = jnp.cos(angles), jnp.sin(angles)
    if rank == 2:
        return jnp.array([[c[0], -s[0]], [s[0], c[0]]])
    about_first = jnp.array([[1, 0, 0], [0, c[0], -s[0]], [0, s[0], c[0]]])
    about_second = jnp.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    about_third = jnp.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
    both = jnp.matmul(about_first, about_second, precision="highest")
    return jnp.matmul(both, about_third, precision="highest")


def _now_and_then(
    key: Any, name: str, chance: float, shape: tuple[int, ...] = ()
) -> Any:
    """Draw evenly between -1 and 1 where the transform happens, 0 where not."""
    drawn = even(stream(key, name), shape)
    return jnp.where(happens(stream(key, f"{name}_p"), chance), drawn, 0.0)
