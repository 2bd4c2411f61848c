"""Filters that work along one axis after the other, as matrix products."""

from typing import Any

import jax.numpy as jnp


def along(values: Any, matrix: Any, axis: int) -> Any:
    """Multiply every line along an axis by a matrix.

    Args:
        values: Any shape.
        matrix: `(new size, size)`.
        axis: Of `values`.

    Returns:
        As `values`, with `new size` along `axis`.
    """
    # In full precision on a GPU as well: these are coordinates and images.
    product = jnp.tensordot(values, matrix, axes=[[axis], [1]], precision="highest")
    return jnp.moveaxis(product, -1, axis)
