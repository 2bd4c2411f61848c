"""`Conv2DTranspose` and `Conv3DTranspose` as an ordinary convolution.

With strides s, every place of the input stands for a block of s outputs an axis. Each
output of the block is a weighted sum over the same few neighbours, so one convolution
gives all of them as channels, and a change of order puts them side by side. Where the
kernel is as large as its strides there is one neighbour: a matrix product.

Source:
    Shi et al., 2016, "Is the deconvolution layer the same as a convolutional layer?",
    https://arxiv.org/abs/1609.07009
"""

from collections.abc import Callable
from typing import Any

from medlab.backend import jax, keras
from medlab.layers._memory import remembered
from medlab.layers._order import channels_last, is_fast_here
from medlab.ops import blocks_to_space, convolve

jnp = jax.numpy


def transposed_convolution(layer: Any, stock: Callable[..., Any], inputs: Any) -> Any:
    """Take the place of `BaseConvTranspose.call`."""
    kernel = keras.ops.convert_to_tensor(layer.kernel)
    if not is_fast_here(inputs) or max(layer.dilation_rate) > 1:
        return stock(inputs)
    inputs = keras.ops.convert_to_tensor(inputs, dtype=kernel.dtype)
    shape = layer.compute_output_shape(inputs.shape)
    first = layer.data_format == "channels_first"
    space = shape[2:] if first else shape[1:-1]

    def operation(x: Any, kernel: Any) -> Any:
        return _by_blocks(x, kernel, layer, space)

    outputs = channels_last(
        lambda x: remembered(operation, x, kernel), inputs, layer.data_format
    )
    if layer.use_bias:
        bias = keras.ops.convert_to_tensor(layer.bias)
        outputs = outputs + (bias.reshape(-1, *[1] * len(space)) if first else bias)
    return outputs if layer.activation is None else layer.activation(outputs)


def _by_blocks(x: Any, kernel: Any, layer: Any, space: tuple[int, ...]) -> Any:
    """Convolve so that the channels of the result are the blocks, and lay them out.

    Args:
        x: `(B, H, W[, D], Cin)`.
        kernel: As in Keras, `(kH, kW[, kD], Cout, Cin)`.
        layer: Tells strides and padding.
        space: Size of the result, one number an axis.
    """
    weights, margins = jnp.moveaxis(kernel, -1, -2), []  # (k.., Cin, Cout)
    rank = len(space)
    for axis, (size, stride) in enumerate(zip(space, layer.strides, strict=True)):
        cut = _cut_before(kernel.shape[axis], axis, layer)
        # Output o = stride * q + r sums x[i] * kernel[o + cut - stride * i].
        nearest = -((kernel.shape[axis] - 1 - cut) // stride)  # smallest i - q
        farthest = (stride - 1 + cut) // stride
        rows = [
            _row(weights, axis, [r + cut - stride * step for r in range(stride)])
            for step in range(nearest, farthest + 1)
        ]
        weights = jnp.stack(rows, axis)  # (.., neighbours, .., Cin, Cout, s, s..)
        missing = -(-size // stride) - x.shape[1 + axis]
        margins.append((-nearest, max(farthest + missing, 0)))
    # The strides stand last, in the order of the axes; Cout follows them.
    weights = jnp.moveaxis(weights, rank + 1, -1)
    weights = weights.reshape(*weights.shape[: rank + 1], -1)
    blocks = blocks_to_space(convolve(x, weights, padding=margins), layer.strides)
    return blocks[(slice(None), *[slice(size) for size in space])]


def _row(weights: Any, axis: int, places: list[int]) -> Any:
    """Pick a kernel's places along an axis, zeros outside; they become the last axis."""
    slices = jnp.unstack(weights, axis=axis)
    outside = jnp.zeros_like(slices[0])
    inside = range(len(slices))
    return jnp.stack([slices[p] if p in inside else outside for p in places], -1)


def _cut_before(kernel: int, axis: int, layer: Any) -> int:
    """How many outputs of the whole sum Keras leaves out before the first it keeps."""
    if layer.padding == "valid":
        return 0
    added = layer.output_padding
    both: int = layer.strides[axis] if added is None else kernel % 2 + added[axis]
    return max(kernel - 1 - (both + kernel - 1) // 2, 0)
