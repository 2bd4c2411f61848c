"""Look an image and its labels up between voxels, both at once.

First `find_corners`, then `look_up`: the place in memory and the shares are found once
for all corners, for every channel and for the labels.
"""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp

from medlab.augment._ignore import IGNORE


class Corners(NamedTuple):
    """What lies around the place that each voxel comes from.

    Attributes:
        first: `(*shape)` place in memory of the corner that is lowest on every axis.
        shares: For each axis `(*shape)`, how far it is from there to the next, 0 to 1.
        nearest: `(*shape)` place in memory of the nearest voxel; -1 outside the image.
    """

    first: Any
    shares: list[Any]
    nearest: Any


def find_corners(where: Any, shape: tuple[int, ...]) -> Corners:
    """Find the voxels around places.

    Args:
        where: For each axis `(*shape)`, in voxels.
        shape: Of the image, without channels.
    """
    first: Any = 0
    nearer: Any = 0
    inside: Any = True
    shares = []
    for place, size, stride in zip(where, shape, _strides(shape), strict=True):
        inside = inside & (place >= -0.5) & (place < size - 0.5)
        place = jnp.clip(place, 0, size - 1)
        below = jnp.minimum(jnp.floor(place), max(size - 2, 0))
        share = place - below
        first = first + below.astype(jnp.int32) * stride
        nearer = nearer + (share >= 0.5).astype(jnp.int32) * stride
        shares.append(share)
    return Corners(first, shares, jnp.where(inside, first + nearer, -1))


def no_corners(shape: tuple[int, ...]) -> Corners:
    """Stand in for the corners of an image that stays as it is."""
    nothing = jnp.zeros(shape, jnp.int32)
    return Corners(nothing, [jnp.zeros(shape) for _ in shape], nothing)


def look_up(image: Any, labels: Any, corners: Corners) -> tuple[Any, Any]:
    """Look up an image linearly and its labels at the nearest voxel.

    Args:
        image: `(H, W[, D], C)`. Outside lies its nearest voxel.
        labels: `(H, W[, D])`, whole numbers. Outside lies `IGNORE`.
        corners: As found.

    Returns:
        Image and labels of the same shapes.
    """
    strides = _strides(labels.shape)
    channels = [
        _linear(image[..., channel].reshape(-1), corners.first, corners.shares, strides)
        for channel in range(image.shape[-1])
    ]
    found = _take(labels.reshape(-1), jnp.maximum(corners.nearest, 0))
    outside = jnp.asarray(IGNORE, labels.dtype)
    known = jnp.where(corners.nearest >= 0, found, outside)
    return jnp.stack(channels, axis=-1), known


def _strides(shape: tuple[int, ...]) -> list[int]:
    """Voxels from one to the next along each axis; 0 where there is no next one."""
    return [
        math.prod(shape[axis + 1 :]) if size > 1 else 0
        for axis, size in enumerate(shape)
    ]


def _linear(flat: Any, first: Any, shares: list[Any], strides: list[int]) -> Any:
    """Mix the corners, one axis after the other."""
    if not strides:
        return _take(flat, first)
    below = _linear(flat, first, shares[1:], strides[1:])
    above = _linear(flat, first + strides[0], shares[1:], strides[1:])
    # Not `below + share * (above - below)`: that is not quite `above` at a share of 1.
    return (1 - shares[0]) * below + shares[0] * above


def _take(flat: Any, index: Any) -> Any:
    return flat.at[index].get(mode="promise_in_bounds", wrap_negative_indices=False)
