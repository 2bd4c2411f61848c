"""Deep supervision: coarse heads learn from the labels too, each with half the say."""

from collections.abc import Callable, Sequence
from typing import Any

from medlab.augment import IGNORE
from medlab.backend import jax

jnp: Any = jax.numpy


def over_heads(loss: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a loss of one head a loss of one or several.

    Args:
        loss: Of labels and logits of the same size.

    Returns:
        A function of labels and logits, or a list of logits, finest first, each a
        whole fraction of the labels' size. Heads weigh 1, 1/2, 1/4, ..., divided by
        their sum: the figure reads like that of one head.

    Source:
        Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, section
        "Training procedure".
    """

    def of_heads(labels: Any, logits: Any) -> Any:
        if not isinstance(logits, (list, tuple)):
            return loss(labels, logits)
        weights = [0.5**depth for depth in range(len(logits))]
        parts = [
            weight * loss(coarse(labels, head.shape[1:-1]), head)
            for weight, head in zip(weights, logits, strict=True)
        ]
        return sum(parts) / sum(weights)

    return of_heads


def coarse(labels: Any, size: Sequence[int]) -> Any:
    """Shrink labels `(B, H, W[, D])` to a size, a whole fraction along each axis.

    A voxel takes the first label of its block that somebody gave: sparse slices and
    scribbles are not lost between the steps.
    """
    labels = jnp.asarray(labels)
    if labels.shape[1:] == tuple(size):
        return labels
    factors = [have // want for have, want in zip(labels.shape[1:], size, strict=True)]
    split = [
        n for want, factor in zip(size, factors, strict=True) for n in (want, factor)
    ]
    rank = len(factors)
    order = [0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2)]
    blocks = labels.reshape(labels.shape[0], *split).transpose(order)
    blocks = blocks.reshape(*blocks.shape[: rank + 1], -1)
    first = jnp.argmax(blocks != IGNORE, axis=-1, keepdims=True)
    return jnp.take_along_axis(blocks, first, axis=-1)[..., 0]
