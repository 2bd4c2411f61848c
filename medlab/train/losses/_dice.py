"""Losses of overlap: Dice, generalised Dice, Tversky.

All of them add up over the whole batch before they divide: a patch that happens to hold
little of a segment does not swing the loss.
"""

from typing import Any

from medlab.backend import jax
from medlab.train.losses._comparison import Comparison

jnp: Any = jax.numpy


def dice(seen: Comparison, *, smooth: float = 1.0) -> Any:
    """1 - the mean Dice of the segments, over the labelled voxels of the whole batch.

    A segment that is nowhere in the batch's labels counts by what is wrongly found.

    Args:
        seen: Labels and logits.
        smooth: In voxels, added above and below the line.

    Source:
        Milletari et al., 2016, https://arxiv.org/abs/1606.04797, eq. 1, with the sum
        instead of the sum of squares below the line.
    """
    both = seen.total(seen.truth * seen.guess)
    sizes = seen.total(seen.truth) + seen.total(seen.guess)
    return seen.mean_of_scored(1.0 - (2 * both + smooth) / (sizes + smooth))


def generalised_dice(seen: Comparison) -> Any:
    """1 - one Dice of all classes together, each weighed by 1 / its size squared.

    The background takes part, with a small weight of its own. A class that is nowhere
    in the batch's labels weighs as much as the smallest that is.

    Source:
        Sudre et al., 2017, https://arxiv.org/abs/1707.03237, section 2.1.
    """
    size = seen.total(seen.truth)
    there = size > 0
    # Only the weights' proportions matter: the smallest class has 1, and float32 holds.
    smallest = jnp.min(jnp.where(there, size, jnp.inf))
    smallest = jnp.where(jnp.isfinite(smallest), smallest, 1.0)
    weight = jnp.where(there, (smallest / jnp.where(there, size, 1.0)) ** 2, 1.0)
    weight = weight * seen.weights
    both = jnp.sum(weight * seen.total(seen.truth * seen.guess))
    sizes = jnp.sum(weight * (size + seen.total(seen.guess)))
    return 1.0 - (2 * both + 1e-5) / (sizes + 1e-5)


def tversky(
    seen: Comparison,
    *,
    false_positives: float = 0.3,
    false_negatives: float = 0.7,
    smooth: float = 1.0,
) -> Any:
    """1 - the mean Tversky index of the segments: Dice that prefers one kind of error.

    Args:
        seen: Labels and logits.
        false_positives: What a voxel found wrongly costs. With 0.5 and 0.5 this is Dice
            but for `smooth`.
        false_negatives: What a voxel missed costs.
        smooth: In voxels, added above and below the line.

    Source:
        Salehi et al., 2017, https://arxiv.org/abs/1706.05721, eq. 3 and its best
        setting.
    """
    both = seen.total(seen.truth * seen.guess)
    wrong = seen.total(seen.guess) - both
    missed = seen.total(seen.truth) - both
    below = both + false_positives * wrong + false_negatives * missed
    return seen.mean_of_scored(1.0 - (both + smooth) / (below + smooth))
