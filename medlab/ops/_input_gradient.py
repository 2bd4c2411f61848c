"""The input's gradient of a convolution, as a convolution again.

Without strides it is the convolution of the output's gradient with the kernel turned round.
With strides, each input voxel meets only every stride-th tap, and voxels with the same
remainder meet the same taps. Each remainder is a small convolution over the output's grid; what
they give is then spread in space. Where the input has few channels, all remainders are the
channels of one convolution.

Source:
    Dumoulin and Visin, 2016, https://arxiv.org/abs/1603.07285, chapter 4; Shi et al., 2016,
    https://arxiv.org/abs/1609.05158 (the spreading, "sub-pixel convolution").
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from medlab.backend import jax
from medlab.ops._window import Window

jnp, lax = jax.numpy, jax.lax

# With fewer input channels than this, one wide convolution beats several narrow ones.
FEW_CHANNELS = 16

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
    rank, strides = len(sizes), window.strides
    first = [lo // n for (lo, _), n in zip(window.padding, strides, strict=True)]
    last = [
        (lo + size - 1) // n
        for (lo, _), size, n in zip(window.padding, sizes, strides, strict=True)
    ]

    def over_the_grid(taps: Any) -> Any:
        padding = [
            (count - 1 - start, stop - (given - 1))
            for count, start, stop, given in zip(
                taps.shape, first, last, g.shape[1:-1], strict=False
            )
        ]
        return _convolve_cropped(
            g, taps, padding, (1,) * rank, window.groups, convolution
        )

    kernel = _outputs_for_inputs(kernel, window.groups)
    channels = kernel.shape[-1]
    parts = [
        kernel[tuple(slice(r, None, n) for r, n in zip(at, strides, strict=True))]
        for at in itertools.product(*map(range, strides))
    ]
    if channels < FEW_CHANNELS and window.groups == 1:
        whole = over_the_grid(_side_by_side(parts, rank))
        found = jnp.moveaxis(whole.reshape(*whole.shape[:-1], -1, channels), -2, 0)
    else:
        grid = [stop - start + 1 for start, stop in zip(first, last, strict=True)]
        nothing = jnp.zeros((g.shape[0], *grid, channels), g.dtype)
        found = jnp.stack(
            [
                over_the_grid(jnp.flip(part, range(rank))) if part.size else nothing
                for part in parts
            ]
        )
    return _spread_in_space(found, window, sizes)


def _side_by_side(parts: Sequence[Any], rank: int) -> Any:
    """Kernels as one with all their outputs; shorter ones get zeros behind their taps."""
    longest = parts[0].shape[:rank]
    even = [
        jnp.pad(
            part,
            [
                *((0, n - have) for n, have in zip(longest, part.shape, strict=False)),
                (0, 0),
                (0, 0),
            ],
        )
        for part in parts
    ]
    return jnp.flip(jnp.concatenate(even, -1), range(rank))


def _spread_in_space(parts: Any, window: Window, sizes: Sequence[int]) -> Any:
    """`(remainders, B, *grid, C)` to `(B, *sizes, C)`."""
    rank, strides = len(sizes), window.strides
    _, batch, *grid, channels = parts.shape
    parts = parts.reshape(*strides, batch, *grid, channels)
    pairs = (axis for a in range(rank) for axis in (rank + 1 + a, a))
    parts = parts.transpose(rank, *pairs, 2 * rank + 1)
    wide = [count * n for count, n in zip(grid, strides, strict=True)]
    starts = [lo % n for (lo, _), n in zip(window.padding, strides, strict=True)]
    inside = (slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
    return parts.reshape(batch, *wide, channels)[(slice(None), *inside)]


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
