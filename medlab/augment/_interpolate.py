"""Look an image and its labels up between voxels, both at once."""

import math
from typing import Any

import jax.numpy as jnp

from medlab.augment._ignore import IGNORE


def interpolate(image: Any, labels: Any, where: list[Any]) -> tuple[Any, Any]:
    """Look up an image linearly and its labels at the nearest voxel.

    The corner below, the distances from it and the place in memory are found once for
    all corners, channels and the labels.

    Args:
        image: `(H, W[, D], C)`. Outside lies its nearest voxel.
        labels: `(H, W[, D])`, whole numbers. Outside lies `IGNORE`.
        where: For each axis the coordinate to look up, in voxels, of the labels' shape.

    Returns:
        Image and labels of the same shapes.
    """
    shape = labels.shape
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    # One voxel on where there is one: an axis of length 1 has no neighbours.
    steps = [s if size > 1 else 0 for s, size in zip(strides, shape, strict=True)]
    first: Any = 0
    nearest: Any = 0
    inside: Any = True
    shares = []
    for place, size, stride, step in zip(where, shape, strides, steps, strict=True):
        inside = inside & (place >= -0.5) & (place < size - 0.5)
        place = jnp.clip(place, 0, size - 1)
        below = jnp.minimum(jnp.floor(place), max(size - 2, 0))
        share = place - below
        first = first + below.astype(jnp.int32) * stride
        nearest = nearest + (share >= 0.5).astype(jnp.int32) * step
        shares.append(share)
    channels = [
        _linear(image[..., channel].reshape(-1), first, shares, steps)
        for channel in range(image.shape[-1])
    ]
    found = _take(labels.reshape(-1), first + nearest)
    outside = jnp.asarray(IGNORE, labels.dtype)
    return jnp.stack(channels, axis=-1), jnp.where(inside, found, outside)


def _linear(flat: Any, first: Any, shares: list[Any], steps: list[int]) -> Any:
    """Mix the corners, one axis after the other."""
    if not steps:
        return _take(flat, first)
    below = _linear(flat, first, shares[1:], steps[1:])
    above = _linear(flat, first + steps[0], shares[1:], steps[1:])
    # Not `below + share * (above - below)`: that is not quite `above` at a share of 1.
    return (1 - shares[0]) * below + shares[0] * above


def _take(flat: Any, index: Any) -> Any:
    return flat.at[index].get(mode="promise_in_bounds", wrap_negative_indices=False)
