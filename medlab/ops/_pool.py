"""Pooling as comparisons and sums of strided views, with gradients of its own.

XLA's `reduce_window` and the scatter of its gradient visit one value at a time on the
CPU. Here one axis after the other is halved: all values that stand first in their
window against all that stand second, whole arrays at once. Where several values of a
window are the largest, the first takes the gradient, as in XLA and PyTorch.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

from medlab.backend import jax
from medlab.errors import MedlabError
from medlab.ops._path import path
from medlab.ops._remember import remember

jnp, lax = jax.numpy, jax.lax

Window = tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]
"""Size, strides, and padding `(before, after)`, each an axis."""


def max_pool(
    x: Any,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
) -> Any:
    """Take the largest value of each window.

    Args:
        x: Images or volumes `(B, H, W[, D], C)`, floating point.
        size: Of the window: one number, or one an axis.
        strides: From window to window; by default windows do not overlap.
        padding: `"valid"` leaves out what fills no window, `"same"` cuts windows at the
            border.

    Raises:
        MedlabError: If the padding has another name.

    Example:
        >>> import numpy as np
        >>> image = np.array([[1.0, 2, 0], [3, 1, 5]]).reshape(1, 2, 3, 1)
        >>> max_pool(image, 2).ravel().tolist()
        [3.0]
        >>> max_pool(image, 2, padding="same").ravel().tolist()
        [3.0, 5.0]
    """
    window = _window(x.shape, size, strides, padding)
    if path() == "stock":
        return _reduce_windows(x, -jnp.inf, lax.max, window)
    return _max_pool(jnp.asarray(x), window)


def average_pool(
    x: Any,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
) -> Any:
    """Take the mean of each window; a window cut at the border counts what it holds.

    Args:
        x: Images or volumes `(B, H, W[, D], C)`, floating point.
        size, strides, padding: As for `max_pool`.

    Raises:
        MedlabError: If the padding has another name.
    """
    window = _window(x.shape, size, strides, padding)
    counts = _counts(x.shape, window).astype(x.dtype)
    if path() == "stock" or window[0] != window[1]:
        return _reduce_windows(x, 0.0, lax.add, window) / counts
    return _sum_pool(jnp.asarray(x), window) / counts


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_pool(x: Any, window: Window) -> Any:
    best = _padded(x, window, -jnp.inf)
    for axis in reversed(range(1, x.ndim - 1)):
        best = functools.reduce(jnp.maximum, _views(best, axis, window))
    return best


def _max_forward(x: Any, window: Window) -> tuple[Any, Any]:
    """Also tell which place of its window, in reading order, each maximum came from."""
    size = window[0]
    small = jnp.uint8 if math.prod(size) < 256 else jnp.int32
    best = _padded(x, window, -jnp.inf)
    place = jnp.zeros(best.shape, small)
    for axis in reversed(range(1, x.ndim - 1)):
        later = math.prod(size[axis:])
        views, places = _views(best, axis, window), _views(place, axis, window)
        best, place = views[0], places[0]
        for index, view in enumerate(views[1:], start=1):
            here = places[index] + jnp.asarray(index * later, small)
            place = jnp.where(view > best, here, place)
            best = jnp.maximum(best, view)
    return _max_pool(x, window), (remember(place), _Shape(x.shape))


def _max_backward(window: Window, kept: tuple[Any, Any], dy: Any) -> tuple[Any]:
    place, shape = kept
    if window[0] == window[1]:
        return (_unpadded(_dealt(dy, place, window), shape.value, window),)
    return (_unpadded(_dealt_overlapping(dy, place, window), shape.value, window),)


_max_pool.defvjp(_max_forward, _max_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _sum_pool(x: Any, window: Window) -> Any:
    total = _padded(x, window, 0)
    for axis in reversed(range(1, x.ndim - 1)):
        total = functools.reduce(jnp.add, _views(total, axis, window))
    return total


def _sum_forward(x: Any, window: Window) -> tuple[Any, Any]:
    return _sum_pool(x, window), _Shape(x.shape)


def _sum_backward(window: Window, shape: Any, dy: Any) -> tuple[Any]:
    return (_unpadded(_dealt(dy, None, window), shape.value, window),)


_sum_pool.defvjp(_sum_forward, _sum_backward)


@jax.tree_util.register_static
class _Shape:
    """The shape of an input, kept for the backward pass without the input."""

    def __init__(self, value: tuple[int, ...]) -> None:
        self.value = value


def _dealt(dy: Any, place: Any, window: Window) -> Any:
    """Give each place of a window the gradient, or zero if another place was taken."""
    size = window[0]
    batch, *outputs, channels = dy.shape
    one = (batch, *[n for output in outputs for n in (output, 1)], channels)
    pairs = [n for pair in zip(outputs, size, strict=True) for n in pair]
    all_places = (batch, *pairs, channels)
    dealt = jnp.broadcast_to(dy.reshape(one), all_places)
    if place is not None:
        numbers = jnp.arange(math.prod(size), dtype=place.dtype).reshape(
            [n for k in size for n in (1, k)] + [1]
        )
        dealt = jnp.where(place.reshape(one) == numbers, dealt, 0)
    whole = [output * k for output, k in zip(outputs, size, strict=True)]
    return dealt.reshape(batch, *whole, channels)


def _dealt_overlapping(dy: Any, place: Any, window: Window) -> Any:
    size, strides, _ = window
    total: Any = 0
    for number in range(math.prod(size)):
        offsets = _offsets(number, size)
        spread = [(0, 0, 0)]
        for offset, k, stride in zip(offsets, size, strides, strict=True):
            spread.append((offset, k - 1 - offset, stride - 1))
        mine = jnp.where(place == number, dy, 0)
        total = total + lax.pad(mine, jnp.zeros((), dy.dtype), [*spread, (0, 0, 0)])
    return total


def _offsets(number: int, size: tuple[int, ...]) -> list[int]:
    offsets = []
    for k in reversed(size):
        number, offset = divmod(number, k)
        offsets.append(offset)
    return offsets[::-1]


def _views(x: Any, axis: int, window: Window) -> list[Any]:
    """What stands first in its window along an axis, what second, and so on."""
    size, stride = window[0][axis - 1], window[1][axis - 1]
    windows = (x.shape[axis] - size) // stride + 1
    return [
        lax.slice_in_dim(x, first, first + (windows - 1) * stride + 1, stride, axis)
        for first in range(size)
    ]


def _padded(x: Any, window: Window, value: float) -> Any:
    if not any(map(any, window[2])):
        return x
    margins = [(0, 0, 0), *[(low, high, 0) for low, high in window[2]], (0, 0, 0)]
    return lax.pad(x, jnp.asarray(value, x.dtype), margins)


def _unpadded(dx: Any, shape: tuple[int, ...], window: Window) -> Any:
    """Bring a gradient to the input's shape: no padding, zeros where no window was."""
    margins = [(0, 0, 0)]
    for have, want, (low, _) in zip(
        dx.shape[1:-1], shape[1:-1], window[2], strict=True
    ):
        margins.append((-low, want + low - have, 0))
    if not any(map(any, margins)):
        return dx
    return lax.pad(dx, jnp.zeros((), dx.dtype), [*margins, (0, 0, 0)])


def _window(
    shape: tuple[int, ...],
    size: int | Sequence[int],
    strides: int | Sequence[int] | None,
    padding: str,
) -> Window:
    rank = len(shape) - 2
    sizes = (size,) * rank if isinstance(size, int) else tuple(size)
    steps = sizes if strides is None else strides
    steps = (steps,) * rank if isinstance(steps, int) else tuple(steps)
    if padding not in ("valid", "same"):
        raise MedlabError(
            f"padding must be valid or same, got {padding}. Pad the array by "
            "yourself for any other.",
            code="bad-padding",
        )
    margins = [(0, 0)] * rank
    if padding == "same":
        margins = lax.padtype_to_pads(shape[1:-1], sizes, steps, "SAME")
    return sizes, steps, tuple((int(low), int(high)) for low, high in margins)


def _reduce_windows(x: Any, start: float, join: Any, window: Window) -> Any:
    size, strides, margins = window
    return lax.reduce_window(
        x, start, join, (1, *size, 1), (1, *strides, 1), [(0, 0), *margins, (0, 0)]
    )


def _counts(shape: tuple[int, ...], window: Window) -> Any:
    """How many values of the input each window holds, `(H, W[, D], 1)`."""
    counts: Any = jnp.ones(())
    for length, size, stride, (low, high) in zip(shape[1:-1], *window, strict=True):
        starts = jnp.arange((length + low + high - size) // stride + 1) * stride - low
        held = jnp.minimum(starts + size, length) - jnp.maximum(starts, 0)
        counts = counts[..., None] * held
    return counts[..., None]
