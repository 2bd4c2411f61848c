"""The kernel's gradient of a convolution, in blocks that stay in the processor's cache.

The gradient is one large matrix product: shifted views of the input, side by side, times the
gradient of the output. Written out for a whole volume the views fit no cache; so a scan walks
over blocks of rows, lays the views of one block side by side, multiplies, and adds up in its
carry. A block reads its own margin and puts the zeros of the padding around itself: no padded
copy of the whole input is ever made.

Kernels of three taps go another way, with fewer products: see `_winograd`.

A shift by one voxel can as well be put on the other factor, the other way round. With one axis
of shifts there the two factors are about as wide, and both are written faster.

Source:
    Chellapilla, Puri and Simard, 2006, "High Performance Convolutional Neural Networks for
    Document Processing" (views side by side); Goto and van de Geijn, 2008,
    https://doi.org/10.1145/1356052.1356053 (blocks that fit the cache).
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from medlab.backend import jax
from medlab.ops._blocks import Reach, blocks_of, in_blocks, read, without
from medlab.ops._window import Window
from medlab.ops._winograd import tiled_axes, tiled_kernel_gradient

jnp, lax = jax.numpy, jax.lax

# With fewer input channels than this, views are written line by line instead.
FEW_CHANNELS = 5

Product = Callable[[Any, Any], Any]


def kernel_gradient(
    x: Any,
    g: Any,
    kernel_sizes: Sequence[int],
    window: Window,
    product: Product | None = None,
) -> Any:
    """Gradient of a convolution by its kernel.

    Args:
        x: Input, `(B, *spatial, C)`.
        g: Gradient by the output, `(B, *output sizes, outputs)`.
        kernel_sizes: Spatial sizes of the kernel, in taps.
        window: Strides, padding, dilation and groups of the convolution.
        product: `(rows, m), (rows, n)` to the `(m, n)` sum of products over the rows;
            by default `lax.dot_general`.

    Returns:
        `(*kernel, C / groups, outputs)`.
    """
    product = product or _row_products
    channels, outputs, groups = x.shape[-1], g.shape[-1], window.groups
    kernel_shape = (*kernel_sizes, channels // groups, outputs)
    if tiled := tiled_axes(kernel_shape, window, math.prod(g.shape[:-1])):
        return tiled_kernel_gradient(x, g, kernel_sizes, window, tiled, product)
    on_g = _axes_shifted_on_g(channels, window)
    on_x = [axis for axis in range(x.ndim - 2) if axis not in on_g]
    domain = [(x if axis in on_g else g).shape[axis + 1] for axis in range(x.ndim - 2)]
    x_reach, g_reach = _reaches(kernel_sizes, window, on_g)
    blocks = blocks_of((x.shape[0], *domain), channels, window.strides)

    def of_block(step: Any) -> Any:
        starts, counted_before = blocks.place(step)
        x_block = read(x, blocks, starts, x_reach)
        g_block = read(g, blocks, starts, g_reach)
        # The last block of an axis may overlap the one before it.
        for axis, repeated in enumerate(counted_before):
            if repeated is not None and axis - 1 in on_g:
                x_block = without(x_block, axis, repeated)
            elif repeated is not None:
                g_block = without(g_block, axis, repeated)
        # Or XLA would join reading and laying side by side in one slow loop.
        x_block, g_block = lax.optimization_barrier((x_block, g_block))
        x_views = _views(x_block, on_x, kernel_sizes, window, blocks.sizes[1:])
        g_views = _views(g_block, on_g, kernel_sizes, window, blocks.sizes[1:], True)
        if groups > 1:
            return _grouped_products(x_views, g_views, groups)
        if channels < FEW_CHANNELS:
            return _line_products(x_views, g_views[0])
        return product(_side_by_side(x_views), _side_by_side(g_views))

    total = in_blocks(of_block, blocks.count)
    shape = [
        groups,
        *(kernel_sizes[axis] for axis in on_x),
        channels // groups,
        *(kernel_sizes[axis] for axis in on_g),
        outputs // groups,
    ]
    found = ["group", *on_x, "input", *on_g, "output"]
    wanted = [*range(x.ndim - 2), "input", "group", "output"]
    total = total.reshape(shape).transpose([found.index(axis) for axis in wanted])
    return total.reshape(*kernel_sizes, channels // groups, outputs)


def _axes_shifted_on_g(channels: int, window: Window) -> list[int]:
    # A stride leaves g on a coarser grid than x: no shift of g is a shift by one voxel.
    if window.groups > 1 or channels < FEW_CHANNELS:
        return []
    middle = 0 if len(window.strides) == 2 else 1
    return [middle] if window.strides[middle] == 1 else []


def _reaches(
    kernel_sizes: Sequence[int], window: Window, on_g: Sequence[int]
) -> tuple[list[Reach], list[Reach]]:
    """What a block reads of x and of g, axis by axis; the batch comes first."""
    x_reach, g_reach = [Reach()], [Reach()]
    for axis, (taps, stride, (before, _), spread) in enumerate(
        zip(kernel_sizes, window.strides, window.padding, window.dilation, strict=True)
    ):
        margin = (taps - 1) * spread
        if axis in on_g:
            x_reach.append(Reach())
            g_reach.append(Reach(first=before - margin, margin=margin))
        else:
            x_reach.append(Reach(stride=stride, first=-before, margin=margin))
            g_reach.append(Reach())
    return x_reach, g_reach


def _views(
    block: Any,
    axes: Sequence[int],
    kernel_sizes: Sequence[int],
    window: Window,
    sizes: Sequence[int],
    backwards: bool = False,
) -> list[Any]:
    """The block as each tap sees it, in the order of the taps."""
    views = []
    for taps in itertools.product(*(range(kernel_sizes[axis]) for axis in axes)):
        view = block
        for axis, tap in zip(axes, taps, strict=True):
            at = kernel_sizes[axis] - 1 - tap if backwards else tap
            start, stride = at * window.dilation[axis], window.strides[axis]
            stop = start + (sizes[axis] - 1) * stride + 1
            view = lax.slice_in_dim(view, start, stop, stride, axis + 1)
        views.append(view)
    return views


def _side_by_side(views: Sequence[Any]) -> Any:
    wide = views[0] if len(views) == 1 else jnp.concatenate(views, -1)
    return wide.reshape(-1, wide.shape[-1])


def _row_products(a: Any, b: Any) -> Any:
    return lax.dot_general(a, b, (((0,), (0,)), ((), ())))


def _line_products(x_views: Sequence[Any], g: Any) -> Any:
    # With one channel, writing views side by side moves single numbers; line below line
    # moves whole rows.
    lines = jnp.stack([jnp.moveaxis(view, -1, 0) for view in x_views])
    return lines.reshape(-1, math.prod(g.shape[:-1])) @ g.reshape(-1, g.shape[-1])


def _grouped_products(
    x_views: Sequence[Any], g_views: Sequence[Any], groups: int
) -> Any:
    """`(groups, taps, C / groups, outputs / groups)`."""
    [g] = g_views
    each, given = x_views[0].shape[-1] // groups, g.shape[-1] // groups
    if each == given == 1:
        axes = tuple(range(g.ndim - 1))
        sums = jnp.stack([jnp.sum(view * g, axes) for view in x_views])
        return sums.T[:, :, None, None]
    rows = jnp.stack(x_views, -2).reshape(-1, len(x_views), groups, each)
    found = lax.dot_general(
        rows, g.reshape(-1, groups, given), (((0,), (0,)), ((2,), (1,)))
    )
    return found
