"""The order of axes: operations take channels last, a Keras layer may have them first."""

from collections.abc import Callable
from typing import Any

from medlab.backend import jax
from medlab.ops import path

jnp = jax.numpy


def is_fast_here(x: Any) -> bool:
    """Whether the operations have a faster form for such an array on this device."""
    return (
        getattr(x, "ndim", 0) in (4, 5)
        and x.dtype in (jnp.float32, jnp.bfloat16)
        and path() != "stock"
    )


def channels_last(operation: Callable[[Any], Any], x: Any, data_format: str) -> Any:
    """Apply an operation that takes and gives channels last."""
    if data_format == "channels_last":
        return operation(x)
    return jnp.moveaxis(operation(jnp.moveaxis(x, 1, -1)), -1, 1)
