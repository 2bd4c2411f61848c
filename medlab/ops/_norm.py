"""Normalisation over an image's, a group's or a batch's voxels, with its own gradient.

All three are one formula over differently large sets of values: each value minus the
set's mean, over the set's standard deviation, times gamma, plus beta. Sums are taken
channel by channel and image by image, in one pass, and joined where a set spans several.

Raw CT values lie near 1000 and vary by 1: the mean of squares minus the square of the
mean would have no correct digit in float32. So every value is first shifted by the mean
of a few hundred voxels, which lies within the spread of the whole image.

Source:
    Ulyanov et al., 2016 (instance), https://arxiv.org/abs/1607.08022
    Wu and He, 2018 (group), https://arxiv.org/abs/1803.08494
    Ioffe and Szegedy, 2015 (batch), https://arxiv.org/abs/1502.03167
    Chan, Golub and LeVeque, 1983, "Algorithms for computing the sample variance" (shift)
"""

import functools
import math
from typing import Any

from medlab.backend import jax
from medlab.errors import MedlabError
from medlab.ops._path import path
from medlab.ops._remember import remember, zero_made_of

jnp, lax = jax.numpy, jax.lax

_SAMPLED = 8
"""Voxels along each axis that the shift is taken from."""


def instance_norm(x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5) -> Any:
    """Normalise each channel of each image by itself.

    Args:
        x: Images or volumes `(B, H, W[, D], C)`.
        gamma, beta: Scale and offset, `(C,)`.
        epsilon: Added to the variance.

    Returns:
        Same shape and dtype as `x`; sums are float32 at least.

    Example:
        >>> import numpy as np
        >>> x = np.array([1000.0, 1002.0], np.float32).reshape(1, 1, 2, 1)
        >>> instance_norm(x, np.ones(1), np.zeros(1)).ravel().round(3).tolist()
        [-1.0, 1.0]
    """
    return group_norm(x, gamma, beta, epsilon, groups=x.shape[-1])


def group_norm(
    x: Any, gamma: Any, beta: Any, epsilon: float = 1e-5, *, groups: int
) -> Any:
    """Normalise each group of neighbouring channels of each image by itself.

    Args:
        x: Images or volumes `(B, H, W[, D], C)`.
        gamma, beta: Scale and offset, `(C,)`.
        epsilon: Added to the variance.
        groups: How many; divides C.

    Raises:
        MedlabError: If the groups cannot be equally large.
    """
    if groups < 1 or x.shape[-1] % groups:
        raise MedlabError(
            f"groups must divide the {x.shape[-1]} channels, got {groups}. "
            "Pass one of their divisors.",
            code="bad-groups",
        )
    return _normalise(x, gamma, beta, epsilon, groups)[0]


def batch_norm(
    x: Any, gamma: Any, beta: Any, epsilon: float = 1e-3
) -> tuple[Any, Any, Any]:
    """Normalise each channel over all images of the batch.

    Args:
        x: Images or volumes `(B, H, W[, D], C)`.
        gamma, beta: Scale and offset, `(C,)`.
        epsilon: Added to the variance.

    Returns:
        The normalised images, and the mean and (biased) variance `(C,)` that moving
        averages are made from. No gradient flows through these two.
    """
    y, mean, variance = _normalise(x, gamma, beta, epsilon, None)
    return y, lax.stop_gradient(mean[0]), lax.stop_gradient(variance[0])


def _normalise(
    x: Any, gamma: Any, beta: Any, epsilon: float, groups: int | None
) -> tuple[Any, Any, Any]:
    wide = jnp.promote_types(x.dtype, jnp.float32)
    gamma, beta = jnp.asarray(gamma, wide), jnp.asarray(beta, wide)
    if path() == "stock":  # XLA for a GPU fuses the plain formula by itself
        return _plain(x, gamma, beta, epsilon, groups)
    return _with_own_gradient(x, gamma, beta, epsilon, groups)


def _plain(
    x: Any, gamma: Any, beta: Any, epsilon: float, groups: int | None
) -> tuple[Any, Any, Any]:
    axes = tuple(range(1, x.ndim - 1))
    wide = x.astype(gamma.dtype)
    mean = _joined(wide.mean(axes), groups) / _members(x, groups)
    deviation = wide - _spread(mean, x)
    variance = _joined((deviation**2).mean(axes), groups) / _members(x, groups)
    y = deviation * _spread(lax.rsqrt(variance + epsilon) * gamma, x) + beta
    return y.astype(x.dtype), mean, variance


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _with_own_gradient(
    x: Any, gamma: Any, beta: Any, epsilon: float, groups: int | None
) -> tuple[Any, Any, Any]:
    return _forward(x, gamma, beta, epsilon, groups)[0]


def _forward(
    x: Any, gamma: Any, beta: Any, epsilon: float, groups: int | None
) -> tuple[tuple[Any, Any, Any], tuple[Any, ...]]:
    axes = tuple(range(1, x.ndim - 1))
    count = _members(x, groups) * math.prod(x.shape[1:-1])
    steps = [slice(None, None, max(1, size // _SAMPLED)) for size in x.shape[1:-1]]
    sample = x[(slice(None), *steps)].astype(gamma.dtype).mean(axes)
    shift = remember(_joined(sample, groups) / _members(x, groups))
    shifted = x.astype(gamma.dtype) - _spread(shift, x)
    rest = remember(_joined(shifted.sum(axes), groups) / count)
    squares = _joined((shifted * shifted).sum(axes), groups) / count
    variance = jnp.maximum(squares - rest * rest, 0)
    scale = remember(lax.rsqrt(variance + epsilon))
    # Two subtractions: the mean itself would round away what the shift has saved. The
    # other way round than above, or XLA would hold `shifted` to make y of it again.
    opposite = _spread(shift, x) - x.astype(gamma.dtype) + _spread(rest, x)
    y = beta - opposite * _spread(scale * gamma, x)
    told = (y.astype(x.dtype), shift + rest, variance)
    return told, (x, gamma, shift, rest, scale)


def _backward(
    epsilon: float, groups: int | None, kept: tuple[Any, ...], told: tuple[Any, ...]
) -> tuple[Any, Any, Any]:
    x, gamma, shift, rest, scale = kept
    axes = tuple(range(1, x.ndim - 1))
    count = _members(x, groups) * math.prod(x.shape[1:-1])
    dy = told[0].astype(gamma.dtype)
    shift += zero_made_of(dy)  # or XLA would hold the difference since the forward pass
    deviation = x.astype(gamma.dtype) - _spread(shift, x) - _spread(rest, x)
    sum_dy = dy.sum(axes)
    sum_dy_unit = (dy * deviation).sum(axes) * scale
    mean_dy = _joined(sum_dy * gamma, groups) / count
    mean_dy_unit = _joined(sum_dy_unit * gamma, groups) / count
    dx = (
        dy * _spread(scale * gamma, x)
        - _spread(scale * mean_dy, x)
        - deviation * _spread(scale * scale * mean_dy_unit, x)
    )
    return dx.astype(x.dtype), sum_dy_unit.sum(0), sum_dy.sum(0)


_with_own_gradient.defvjp(_forward, _backward)


def _joined(sums: Any, groups: int | None) -> Any:
    """Add up `(B, C)` within each set; every channel gets the sum of its set."""
    if groups is None:
        return jnp.broadcast_to(sums.sum(0, keepdims=True), sums.shape)
    members = (sums.shape[0], groups, sums.shape[1] // groups)
    sets = sums.reshape(members).sum(-1, keepdims=True)
    return jnp.broadcast_to(sets, members).reshape(sums.shape)


def _members(x: Any, groups: int | None) -> int:
    """How many channels of images make up one set."""
    return int(x.shape[0] if groups is None else x.shape[-1] // groups)


def _spread(values: Any, x: Any) -> Any:
    """Lay `(B, C)` out so that it broadcasts over the voxels of x."""
    return values.reshape(values.shape[0], *[1] * (x.ndim - 2), values.shape[1])
