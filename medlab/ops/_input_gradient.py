"""The input's gradient of a convolution, as a convolution again.

Without strides it is the convolution of the output's gradient with the kernel turned round.
With strides, each input voxel meets only every stride-th tap; voxels with the same remainder
meet the same taps. All remainders at once are the channels of one small convolution over the
output's grid, and its channels are then spread in space.

Source:
    Dumoulin and Visin, 2016, https://arxiv.org/abs/1603.07285, chapter 4; Shi et al., 2016,
    https://arxiv.org/abs/1609.05158 (the spreading, "sub-pixel convolution").
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from medlab.backend import jax
from medlab.ops._window import Window

jnp, lax = jax.numpy, jax.lax

Convolution = Callable[[Any, Any, Window], Any]


def input_gradient(
    g: Any,
    kernel: Any,
    window: Window,
    sizes: Sequence[int],
    convolution: Convolution,
) -> Any:
    """Gradient of a convolution by its input.

    Args:
        g: Gradient by the output, `(B, *output sizes, outputs)`.
        kernel: `(*kernel, C / groups, outputs)`.
        window: Strides, padding, dilation and groups of the convolution.
        sizes: Spatial sizes of its input, in voxels.
        convolution: Convolves; its windows here have no strides.

    Returns:
        `(B, *sizes, C)`.
    """
    dense = all(stride == 1 for stride in window.strides)
    if dense or any(spread > 1 for spread in window.dilation):
        return _turned_round(g, kernel, window, sizes, convolution)
    return _by_remainders(g, kernel, window, sizes, convolution)


def _turned_round(
    g: Any,
    kernel: Any,
    window: Window,
    sizes: Sequence[int],
    convolution: Convolution,
) -> Any:
    if any(stride > 1 for stride in window.strides):
        between = [(0, 0, stride - 1) for stride in window.strides]
        zero = jnp.zeros((), g.dtype)
        g = lax.pad(g, zero, [(0, 0, 0), *between, (0, 0, 0)])
    rank = len(sizes)
    padding = []
    for size, given, taps, (lo, _), spread in zip(
        sizes,
        g.shape[1:-1],
        kernel.shape[:rank],
        window.padding,
        window.dilation,
        strict=True,
    ):
        before = spread * (taps - 1) - lo
        padding.append((before, size - given - before + spread * (taps - 1)))
    kernel = _outputs_for_inputs(jnp.flip(kernel, range(rank)), window.groups)
    return _convolve_cropped(
        g, kernel, padding, window.dilation, window.groups, convolution
    )


def _by_remainders(
    g: Any,
    kernel: Any,
    window: Window,
    sizes: Sequence[int],
    convolution: Convolution,
) -> Any:
    # With padding lo, input voxel i stands at lo + i = stride * q + r. Tap r + stride * t
    # joins it with output q - t: for every remainder r a convolution over q with taps t.
    rank, groups = len(sizes), window.groups
    strides = window.strides
    taps = [
        math.ceil(size / stride)
        for size, stride in zip(kernel.shape, strides, strict=False)
    ]
    missing = [
        (0, count * stride - size)
        for count, stride, size in zip(taps, strides, kernel.shape, strict=False)
    ]
    kernel = jnp.pad(kernel, [*missing, (0, 0), (0, 0)])
    kernel = kernel.reshape(
        *(n for pair in zip(taps, strides, strict=True) for n in pair),
        *kernel.shape[rank:-1],
        groups,
        kernel.shape[-1] // groups,
    )
    # To (taps turned round, outputs a group, groups x remainders x inputs a group).
    tap_axes, remainder_axes = range(0, 2 * rank, 2), range(1, 2 * rank, 2)
    order = (*tap_axes, 2 * rank + 2, 2 * rank + 1, *remainder_axes, 2 * rank)
    kernel = jnp.flip(kernel.transpose(order), range(rank))
    inputs = kernel.shape[-1]
    kernel = kernel.reshape(*taps, kernel.shape[rank], -1)

    first = [
        lo // stride for (lo, _), stride in zip(window.padding, strides, strict=True)
    ]
    last = [
        (lo + size - 1) // stride
        for (lo, _), size, stride in zip(window.padding, sizes, strides, strict=True)
    ]
    padding = [
        (count - 1 - start, stop - (given - 1))
        for count, start, stop, given in zip(
            taps, first, last, g.shape[1:-1], strict=True
        )
    ]
    parts = _convolve_cropped(g, kernel, padding, (1,) * rank, groups, convolution)

    grid = parts.shape[1:-1]
    parts = parts.reshape(parts.shape[0], *grid, groups, *strides, inputs)
    pairs = (axis for a in range(rank) for axis in (1 + a, 2 + rank + a))
    parts = parts.transpose(0, *pairs, 1 + rank, 2 + 2 * rank)
    spread = [count * stride for count, stride in zip(grid, strides, strict=True)]
    parts = parts.reshape(parts.shape[0], *spread, groups * inputs)
    starts = [
        lo % stride for (lo, _), stride in zip(window.padding, strides, strict=True)
    ]
    inside = (slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
    return parts[(slice(None), *inside)]


def _convolve_cropped(
    g: Any,
    kernel: Any,
    padding: Sequence[tuple[int, int]],
    dilation: tuple[int, ...],
    groups: int,
    convolution: Convolution,
) -> Any:
    # Padding with less than nothing means that edge voxels met no kernel: cut them off.
    inside = (
        slice(max(0, -lo), size - max(0, -hi))
        for size, (lo, hi) in zip(g.shape[1:-1], padding, strict=True)
    )
    pads = tuple((max(0, lo), max(0, hi)) for lo, hi in padding)
    window = Window((1,) * len(pads), pads, dilation, groups)
    return convolution(g[(slice(None), *inside)], kernel, window)


def _outputs_for_inputs(kernel: Any, groups: int) -> Any:
    """`(*kernel, C / groups, outputs)` to `(*kernel, outputs / groups, C)`."""
    *sizes, inputs, outputs = kernel.shape
    kernel = kernel.reshape(*sizes, inputs, groups, outputs // groups)
    axes = range(len(sizes))
    kernel = kernel.transpose(*axes, len(sizes) + 2, len(sizes) + 1, len(sizes))
    return kernel.reshape(*sizes, outputs // groups, groups * inputs)
