"""Losses that look at each voxel by itself: cross-entropy and focal."""

from typing import Any

from medlab.backend import jax
from medlab.train.losses._comparison import Comparison

jnp: Any = jax.numpy


def cross_entropy(seen: Comparison) -> Any:
    """Mean cross-entropy over the labelled voxels of a batch; 0 if there is none.

    With class weights the mean is weighted: a voxel counts as much as its class. With
    regions it is the mean of a yes-or-no cross-entropy over regions.
    """
    return focal(seen, gamma=0.0)


def focal(seen: Comparison, *, gamma: float = 2.0) -> Any:
    """Cross-entropy that turns away from what is already certain.

    Args:
        seen: Labels and logits.
        gamma: How fast a voxel that is found stops to count; 0 is cross-entropy.

    Source:
        Lin et al., 2017, https://arxiv.org/abs/1708.02002, eq. 4; for classes with the
        softmax's probability of the true one, as p_t.
    """
    if seen.by_regions:
        sign = 2 * seen.truth - 1
        log_found = jax.nn.log_sigmoid(sign * seen.logits)
        counts = seen.known * seen.weights
    else:
        log_found = jax.nn.log_softmax(seen.logits, axis=-1)
        counts = seen.truth * seen.weights
    per_voxel = -log_found
    if gamma:
        # 1 - p, exact where p is almost 1; never 0, where a root has no slope.
        missed = jnp.maximum(-jnp.expm1(log_found), 1e-12)
        per_voxel = per_voxel * missed**gamma
    # 0 / 0 where nobody labelled anything is 0, yet weights far below 1 still divide.
    amount = jnp.sum(counts)
    return jnp.sum(per_voxel * counts) / jnp.where(amount > 0, amount, 1.0)
