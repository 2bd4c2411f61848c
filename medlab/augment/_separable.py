"""Filters that work along one axis after the other, as matrix products."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp


def separable(values: Any, matrices: Sequence[Any]) -> Any:
    """Multiply the lines along each axis but the first by a matrix.

    Args:
        values: `(C, H, W[, D])`.
        matrices: One for each axis but the first, `(new size, size)`. Fewer leave the
            last axes to the caller: the new axes are then the last ones, in order.

    Returns:
        `(C, new H, new W[, new D])`.
    """
    for matrix in matrices:
        # Taken from the front and put to the back, the axes end up in order: nothing
        # large is transposed. In full precision on a GPU too: these are coordinates.
        values = jnp.tensordot(values, matrix, axes=[[1], [1]], precision="highest")
    return values


def filtered(image: Any, matrices: Sequence[Any]) -> Any:
    """Multiply the lines of an image `(H, W[, D], C)` along its axes by matrices."""
    moved = separable(jnp.moveaxis(image, -1, 0), matrices)
    return jnp.moveaxis(moved, 0, -1)
