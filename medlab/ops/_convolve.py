"""Convolution of images and volumes, fast on the CPU, with gradients of its own.

Forward and input gradient are one oneDNN call each where the machine has it. Otherwise kernels
of three taps go by tiles, and other 3D convolutions are sums of 2D ones, which XLA runs six
times as fast as its own 3D loop. The kernel's gradient goes block by block, in
`_weight_gradient`.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

from medlab.backend import jax
from medlab.ops._input_gradient import Convolution, input_gradient
from medlab.ops._onednn import onednn_convolution, onednn_row_products
from medlab.ops._path import path
from medlab.ops._weight_gradient import kernel_gradient
from medlab.ops._window import Padding, Window, window_of
from medlab.ops._winograd import tiled_axes, tiled_convolution

jnp, lax = jax.numpy, jax.lax

_AXES = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NHWDC", "HWDIO", "NHWDC")}


def convolve(
    x: Any,
    kernel: Any,
    *,
    strides: int | Sequence[int] = 1,
    padding: Padding = "same",
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Any:
    """Convolve images or volumes with a kernel (cross-correlation, as layers do).

    Values and gradients are those of `jax.lax.conv_general_dilated` up to float rounding.
    On the fast paths (see `path`) reverse-mode derivatives of any order work, and so do
    `jit`, `vmap` and `checkpoint`; forward mode (`jvp`, `linearize`) does not: take
    `with_path("stock")` for it. Other dtypes than float32 always take the stock path.

    Args:
        x: `(B, H, W, C)` or `(B, H, W, D, C)`.
        kernel: `(*taps, C / groups, outputs)`, as many axes as `x`.
        strides: Voxels between two outputs, one number or one a spatial axis.
        padding: `"same"`, `"valid"`, or zeros before and after each axis, in voxels.
        dilation: Voxels between two taps, one number or one a spatial axis.
        groups: Parts that the channels are split in, each with its own outputs.

    Returns:
        `(B, *output sizes, outputs)`.

    Raises:
        MedlabError: If the shapes and settings do not fit together.

    Example:
        >>> import numpy as np
        >>> ones = np.ones((1, 4, 5, 1), np.float32)
        >>> convolve(ones, np.ones((3, 3, 1, 1), np.float32))[0, 0, :, 0].tolist()
        [4.0, 6.0, 6.0, 6.0, 4.0]
    """
    x, kernel = jnp.asarray(x), jnp.asarray(kernel)
    window = window_of(x.shape, kernel.shape, strides, padding, dilation, groups)
    way = path()
    sizes = window.output_sizes(x.shape[1:-1], kernel.shape[:-2])
    in_float32 = x.dtype == kernel.dtype == jnp.float32
    if way == "stock" or not in_float32 or 0 in (*x.shape, *kernel.shape, *sizes):
        return stock_convolution(x, kernel, window)
    if math.prod(kernel.shape[:-2]) == 1 and window.is_plain and _pads_nothing(window):
        return _matrix_product(x, kernel)
    return _fast(x, kernel, window, way)


def stock_convolution(x: Any, kernel: Any, window: Window) -> Any:
    """XLA's own convolution: any device, any dtype, any derivative."""
    return lax.conv_general_dilated(
        x,
        kernel,
        window.strides,
        window.padding,
        rhs_dilation=window.dilation,
        dimension_numbers=_AXES[x.ndim - 2],
        feature_group_count=window.groups,
    )


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _fast(x: Any, kernel: Any, window: Window, way: str) -> Any:
    return _formulation(way)(x, kernel, window)


def _forward(x: Any, kernel: Any, window: Window, way: str) -> Any:
    return _fast(x, kernel, window, way), (x, kernel)


def _backward(window: Window, way: str, kept: Any, g: Any) -> Any:
    x, kernel = kept
    # Through `_fast` again, so that a second derivative finds its way.
    again = functools.partial(_fast, way=way)
    product = onednn_row_products if way == "onednn" else None
    return (
        input_gradient(g, kernel, window, x.shape[1:-1], again),
        kernel_gradient(x, g, kernel.shape[:-2], window, product),
    )


_fast.defvjp(_forward, _backward)


def _formulation(way: str) -> Convolution:
    return onednn_convolution if way == "onednn" else public_convolution


def public_convolution(x: Any, kernel: Any, window: Window) -> Any:
    """The fastest way with public JAX calls only: tiles, a sum of 2D ones, or stock."""
    sizes = window.output_sizes(x.shape[1:-1], kernel.shape[:-2])
    if tiled := tiled_axes(kernel.shape, window, x.shape[0] * math.prod(sizes)):
        return tiled_convolution(x, kernel, window, tiled)
    return (sum_of_2d if x.ndim == 5 else stock_convolution)(x, kernel, window)


def sum_of_2d(x: Any, kernel: Any, window: Window) -> Any:
    """A 3D convolution as a sum of 2D ones over shifted slices; public JAX calls only."""
    taps = kernel.shape[0]
    steps, stride, spread = (
        window.output_sizes(x.shape[1:-1], kernel.shape[:-2])[0],
        window.strides[0],
        window.dilation[0],
    )
    flat = Window(
        window.strides[1:], window.padding[1:], window.dilation[1:], window.groups
    )
    x = jnp.pad(x, [(0, 0), window.padding[0], (0, 0), (0, 0), (0, 0)])
    total: Any = 0
    for tap in range(taps):
        start = tap * spread
        slices = lax.slice_in_dim(x, start, start + (steps - 1) * stride + 1, stride, 1)
        images = slices.reshape(-1, *slices.shape[2:])
        total = total + stock_convolution(images, kernel[tap], flat)
    return total.reshape(-1, steps, *total.shape[1:])


def _pads_nothing(window: Window) -> bool:
    return all(pair == (0, 0) for pair in window.padding)


def _matrix_product(x: Any, kernel: Any) -> Any:
    weights = kernel.reshape(kernel.shape[-2:])
    return lax.dot_general(x, weights, (((x.ndim - 1,), (0,)), ((), ())))
