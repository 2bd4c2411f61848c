"""`GroupNormalization` (with `groups=-1`: by instance) and `BatchNormalization`.

Only with channels last; the other order is left to Keras, which is no slower there.
"""

from collections.abc import Callable
from typing import Any

from medlab.backend import jax
from medlab.layers._order import is_fast_here
from medlab.ops import batch_norm, group_norm

jnp = jax.numpy


def group_normalisation(layer: Any, stock: Callable[..., Any], inputs: Any) -> Any:
    """Take the place of `GroupNormalization.call`."""
    if not is_fast_here(inputs) or not _last(layer.axis, inputs):
        return stock(inputs)
    gamma, beta = _scale_and_offset(layer, inputs)
    y = group_norm(inputs, gamma, beta, layer.epsilon, groups=layer.groups)
    return y.astype(layer.compute_dtype)


def batch_normalisation(
    layer: Any,
    stock: Callable[..., Any],
    inputs: Any,
    training: bool | None = None,
    mask: Any = None,
) -> Any:
    """Take the place of `BatchNormalization.call`."""
    plain = mask is None and not layer.synchronized and not getattr(layer, "renorm", 0)
    learning = training and layer.trainable
    if not (plain and learning and is_fast_here(inputs) and _last(layer.axis, inputs)):
        return stock(inputs, training=training, mask=mask)
    gamma, beta = _scale_and_offset(layer, inputs)
    y, mean, variance = batch_norm(inputs, gamma, beta, layer.epsilon)
    for average, value in (
        (layer.moving_mean, mean),
        (layer.moving_variance, variance),
    ):
        kept = jnp.asarray(average.value, value.dtype) * layer.momentum
        average.assign(kept + value * (1.0 - layer.momentum))
    return y.astype(layer.compute_dtype)


def _last(axis: int, x: Any) -> bool:
    return axis in (-1, x.ndim - 1)


def _scale_and_offset(layer: Any, x: Any) -> tuple[Any, Any]:
    channels = x.shape[-1]
    gamma = layer.gamma.value if layer.scale else jnp.ones(channels)
    beta = layer.beta.value if layer.center else jnp.zeros(channels)
    return gamma, beta
