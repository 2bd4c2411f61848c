"""`MaxPooling2D/3D` and `AveragePooling2D/3D`."""

from collections.abc import Callable
from typing import Any

from medlab.layers._order import channels_last, is_fast_here
from medlab.ops import average_pool, max_pool

_POOLS = {"max": max_pool, "average": average_pool}


def pooling(layer: Any, stock: Callable[..., Any], inputs: Any) -> Any:
    """Take the place of `BasePooling.call`."""
    if not is_fast_here(inputs) or layer.pool_mode not in _POOLS:
        return stock(inputs)
    pool = _POOLS[layer.pool_mode]

    def operation(x: Any) -> Any:
        return pool(x, layer.pool_size, layer.strides, layer.padding)

    return channels_last(operation, inputs, layer.data_format)
