"""`Conv2D` and `Conv3D`: strides, dilation and groups included."""

from collections.abc import Callable
from typing import Any

from medlab.backend import keras
from medlab.layers._memory import remembered
from medlab.layers._order import channels_last, is_fast_here
from medlab.ops import convolve


def convolution_op(
    layer: Any, stock: Callable[..., Any], inputs: Any, kernel: Any
) -> Any:
    """Take the place of `BaseConv.convolution_op`."""
    kernel = keras.ops.convert_to_tensor(kernel)
    inputs = keras.ops.convert_to_tensor(inputs, dtype=kernel.dtype)
    if not is_fast_here(inputs):
        return stock(inputs, kernel)

    def operation(x: Any, kernel: Any) -> Any:
        return convolve(
            x,
            kernel,
            strides=layer.strides,
            padding=layer.padding,
            dilation=layer.dilation_rate,
            groups=x.shape[-1] // kernel.shape[-2],
        )

    return channels_last(
        lambda x: remembered(operation, x, kernel), inputs, layer.data_format
    )
