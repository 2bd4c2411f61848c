"""Up-sampling: a transposed convolution whose blocks do not overlap, and repetition.

With a kernel as large as its strides, each voxel turns into a block of its own: one
matrix product gives all blocks, and a change of order puts them side by side.
"""

import math
from collections.abc import Sequence
from typing import Any

from medlab.backend import jax
from medlab.ops._convolve import convolve
from medlab.ops._remember import remember

jnp = jax.numpy


def upsample(x: Any, kernel: Any) -> Any:
    """Turn every voxel into a block: a transposed convolution with strides = kernel size.

    Args:
        x: Images or volumes `(B, H, W[, D], Cin)`.
        kernel: `(kH, kW[, kD], Cin, Cout)`.

    Returns:
        `(B, kH * H, kW * W[, kD * D], Cout)`.

    Example:
        >>> import numpy as np
        >>> image = np.array([1.0, 10.0], np.float32).reshape(1, 1, 2, 1)
        >>> kernel = np.array([1.0, 2.0], np.float32).reshape(1, 2, 1, 1)
        >>> upsample(image, kernel).ravel().tolist()
        [1.0, 2.0, 10.0, 20.0]
    """
    *size, inputs, outputs = kernel.shape
    places = math.prod(size) * outputs
    product = jnp.moveaxis(kernel, -2, 0).reshape(*[1] * len(size), inputs, places)
    return remember(blocks_to_space(convolve(x, product), size))


def blocks_to_space(x: Any, size: Sequence[int]) -> Any:
    """Put the channels of every voxel side by side in space as a block.

    Args:
        x: `(B, H, W[, D], kH * kW [* kD] * C)`.
        size: Of a block, one number an axis.

    Returns:
        `(B, kH * H, kW * W[, kD * D], C)`.
    """
    batch, *space, channels = x.shape
    rank = len(space)
    blocks = x.reshape(batch, *space, *size, channels // math.prod(size))
    order = [n for axis in range(rank) for n in (1 + axis, 1 + rank + axis)]
    whole = [n * k for n, k in zip(space, size, strict=True)]
    return blocks.transpose(0, *order, 1 + 2 * rank).reshape(batch, *whole, -1)
