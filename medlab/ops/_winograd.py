"""Kernels of three taps with 16 products where 36 would be needed: Winograd's way.

Two neighbouring outputs and three taps take six products. Four do, of sums and differences
made beforehand: Winograd's minimal filtering. The same products give the outputs from an input
and a kernel, and the kernel's gradient from an input and the outputs' gradient. Along two axes,
tiles of 2 x 2 outputs need 16 products for 36. What is left is 16 plain matrix products, small
enough that several run at once.

A third axis has its taps side by side: on the input, or for the kernel's gradient on the
outputs' gradient. Blocks of tiles are taken one after the other. Results are those of the
plain formula up to float rounding, about as much of it as there.

Source:
    Winograd, 1980, "Arithmetic complexity of computations"; Lavin and Gray, 2016,
    https://arxiv.org/abs/1509.09308 (for convolutions).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medlab.backend import jax
from medlab.ops._blocks import Blocks, Reach, blocks_of_voxels, in_blocks, read, without
from medlab.ops._window import Window

jnp, lax = jax.numpy, jax.lax

# With fewer channels or outputs, making the sums costs more than the products they save.
FEW_CHANNELS = 16
# With fewer voxels a channel and tap of the third axis, summing kernels is most of the work.
FEW_VOXELS = 8
# 1024 tiles: fewer, and starting each small operation takes longer than doing it.
BLOCK_VOXELS = 4096

# From the four sums to the three taps.
_TO_TAPS = np.array([[1, 0.5, 0.5, 0], [0, 0.5, -0.5, 0], [0, 0.5, 0.5, 1]], np.float32)


def tiled_axes(
    kernel_shape: Sequence[int], window: Window, voxels: int
) -> tuple[int, int] | None:
    """The two spatial axes to cut into tiles; None where that is no way, or no gain.

    Args:
        kernel_shape: `(*kernel, C, outputs)`.
        window: Of the convolution.
        voxels: Of all its outputs together.
    """
    *kernel_sizes, channels, outputs = kernel_shape
    if window.groups > 1 or min(channels, outputs) < FEW_CHANNELS:
        return None
    if any(stride > 1 for stride in window.strides):
        return None
    plain = [
        axis
        for axis, taps in enumerate(kernel_sizes)
        if taps == 3 and window.dilation[axis] == 1
    ]
    if len(plain) < 2:
        return None
    taps_beside = math.prod(kernel_sizes) // 9
    if voxels < FEW_VOXELS * taps_beside * max(channels, outputs):
        return None
    return plain[-2], plain[-1]


def tiled_convolution(
    x: Any, kernel: Any, window: Window, tiled: tuple[int, int]
) -> Any:
    """A convolution by tiles of 2 x 2 outputs; no derivative of its own.

    Args:
        x: `(B, *spatial, C)`.
        kernel: `(*kernel, C, outputs)`; 3 taps along `tiled`.
        window: Padding, and dilation along the axis that is not tiled; no strides.
        tiled: Two spatial axes, as `tiled_axes` tells them.

    Returns:
        `(B, *output sizes, outputs)`.
    """
    *kernel_sizes, _, outputs = kernel.shape
    shifted = _shifted_axis(kernel_sizes, tiled)
    sizes = window.output_sizes(x.shape[1:-1], kernel_sizes)
    blocks = _blocks_of_tiles((x.shape[0], *sizes), tiled)
    x_reaches = _reaches(kernel_sizes, window, tiled, shifted)
    taps = kernel if shifted is None else jnp.moveaxis(kernel, shifted, 2)
    taps = taps.reshape(3, 3, -1, outputs)
    kernel_sums = jnp.einsum("ai,bj,abco->ijco", _TO_TAPS, _TO_TAPS, taps)
    kernel_sums = kernel_sums.reshape(16, -1, outputs)

    def add_block(y: Any, step: Any) -> tuple[Any, None]:
        starts, _ = blocks.place(step)
        x_block = read(x, blocks, starts, *x_reaches)
        products = [
            part @ sums
            for part, sums in zip(
                _along_both(_sums_of_input, x_block, tiled), kernel_sums, strict=True
            )
        ]
        block = _outputs_of_products(products, tiled)
        return lax.dynamic_update_slice(y, block, (*starts, 0)), None

    y = jnp.zeros((*blocks.domain, outputs), x.dtype)
    y, _ = lax.scan(add_block, y, jnp.arange(blocks.count))
    return y[tuple(slice(size) for size in (x.shape[0], *sizes))]


def tiled_kernel_gradient(
    x: Any,
    g: Any,
    kernel_sizes: Sequence[int],
    window: Window,
    tiled: tuple[int, int],
    product: Callable[[Any, Any], Any],
) -> Any:
    """Gradient of a convolution by its kernel, by tiles of 2 x 2 outputs.

    Args:
        x: Input, `(B, *spatial, C)`.
        g: Gradient by the output, `(B, *output sizes, outputs)`.
        kernel_sizes: Spatial sizes of the kernel, in taps; 3 along `tiled`.
        window: Padding, and dilation along the axis that is not tiled; no strides.
        tiled: Two spatial axes, as `tiled_axes` tells them.
        product: `(rows, m), (rows, n)` to the `(m, n)` sum of products over the rows.

    Returns:
        `(*kernel, C, outputs)`.
    """
    channels, outputs = x.shape[-1], g.shape[-1]
    shifted = _shifted_axis(kernel_sizes, tiled)
    # Taps of the third axis are shifts of g: its blocks are blocks of x.
    sizes = [
        (x if axis == shifted else g).shape[axis + 1]
        for axis in range(len(kernel_sizes))
    ]
    blocks = _blocks_of_tiles((x.shape[0], *sizes), tiled)
    x_reach, *_ = _reaches(kernel_sizes, window, tiled, None)
    g_reaches = _reaches_of_gradient(kernel_sizes, window, tiled, shifted)

    def of_block(step: Any) -> list[Any]:
        starts, counted_before = blocks.place(step)
        x_block = read(x, blocks, starts, x_reach)
        g_block = read(g, blocks, starts, *g_reaches)
        for axis, repeated in enumerate(counted_before):
            if repeated is not None and axis - 1 == shifted:
                x_block = without(x_block, axis, repeated)
            elif repeated is not None:
                g_block = without(g_block, axis, repeated)
        x_sums = _along_both(_sums_of_input, x_block, tiled)
        g_sums = _along_both(_sums_of_gradient, g_block, tiled)
        return [
            product(a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]))
            for a, b in zip(x_sums, g_sums, strict=True)
        ]

    total = jnp.stack(in_blocks(of_block, blocks.count))
    total = total.reshape(4, 4, channels, len(g_reaches), outputs)
    taps = jnp.einsum("ai,bj,ijcto->abtco", _TO_TAPS, _TO_TAPS, total)
    if shifted is not None:
        taps = jnp.moveaxis(taps, 2, shifted)
    return taps.reshape(*kernel_sizes, channels, outputs)


def _shifted_axis(kernel_sizes: Sequence[int], tiled: tuple[int, int]) -> int | None:
    return next((axis for axis in range(len(kernel_sizes)) if axis not in tiled), None)


def _blocks_of_tiles(grid: Sequence[int], tiled: tuple[int, int]) -> Blocks:
    even = [axis + 1 for axis in tiled]
    whole = [
        size + size % 2 if axis in even else size for axis, size in enumerate(grid)
    ]
    return blocks_of_voxels(whole, BLOCK_VOXELS, even)


def _reaches(
    kernel_sizes: Sequence[int],
    window: Window,
    tiled: tuple[int, int],
    shifted: int | None,
) -> list[list[Reach]]:
    """What a block of outputs reads of x, for each tap of the shifted axis; batch first."""
    reach = [Reach()]
    for axis, (before, _) in enumerate(window.padding):
        reach.append(Reach(first=-before, margin=2) if axis in tiled else Reach())
    return _one_a_tap(reach, kernel_sizes, window, shifted, 1)


def _reaches_of_gradient(
    kernel_sizes: Sequence[int],
    window: Window,
    tiled: tuple[int, int],
    shifted: int | None,
) -> list[list[Reach]]:
    """What a block of x reads of g, for each tap of the shifted axis; batch first."""
    reach = [Reach() for _ in range(len(kernel_sizes) + 1)]
    if shifted is None or kernel_sizes[shifted] == 1:
        # A line more than needed, so that the block is written out. XLA would else have
        # each of the sums read g anew, number by number.
        reach[tiled[0] + 1] = Reach(margin=1)
    return _one_a_tap(reach, kernel_sizes, window, shifted, -1)


def _one_a_tap(
    reach: list[Reach],
    kernel_sizes: Sequence[int],
    window: Window,
    shifted: int | None,
    sign: int,
) -> list[list[Reach]]:
    if shifted is None:
        return [reach]
    before, spread = window.padding[shifted][0], window.dilation[shifted]
    return [
        [
            *reach[: shifted + 1],
            Reach(first=sign * (tap * spread - before)),
            *reach[shifted + 2 :],
        ]
        for tap in range(kernel_sizes[shifted])
    ]


def _along_both(
    sums: Callable[[Any, int], list[Any]], block: Any, tiled: tuple[int, int]
) -> list[Any]:
    first, second = tiled
    return [part for half in sums(block, first + 1) for part in sums(half, second + 1)]


def _sums_of_input(x: Any, axis: int) -> list[Any]:
    """Of tiles of four voxels, two apart."""
    a, b, c, d = (
        _every_second(x, axis, start, x.shape[axis] // 2 - 1) for start in range(4)
    )
    return [a - c, b + c, c - b, b - d]


def _sums_of_gradient(g: Any, axis: int) -> list[Any]:
    """Of tiles of two voxels, side by side."""
    a, b = (_every_second(g, axis, start, g.shape[axis] // 2) for start in range(2))
    return [a, a + b, a - b, -b]


def _every_second(array: Any, axis: int, start: int, count: int) -> Any:
    return lax.slice_in_dim(array, start, start + 2 * count - 1, 2, axis)


def _outputs_of_products(products: Sequence[Any], tiled: tuple[int, int]) -> Any:
    """The 16 products of tiles to a block of outputs, twice as large along both axes."""
    halves = [_two_outputs(*products[4 * row : 4 * row + 4]) for row in range(4)]
    pairs = [
        jnp.stack(_two_outputs(*(half[column] for half in halves)), tiled[0] + 2)
        for column in range(2)
    ]
    block = jnp.stack(pairs, tiled[1] + 3)
    sizes = list(products[0].shape)
    for axis in tiled:
        sizes[axis + 1] *= 2
    return block.reshape(sizes)


def _two_outputs(a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any]:
    return a + b + c, b - c - d
