"""Labels and logits side by side: what every loss and metric begins with.

Here is decided, once for all of them, what is looked at: a voxel that nobody labelled
(`IGNORE`) has its logits replaced by zeros before anything is computed of them, so that
nothing there, not even a value that is no number, reaches a loss or a gradient.
Everything is computed in float32, whatever the model's precision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from medlab.augment import IGNORE
from medlab.backend import jax

jnp: Any = jax.numpy

Regions = Mapping[str, Sequence[int]]
"""Names of overlapping regions, each with the labels it is made of."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A batch as a loss sees it.

    Args:
        known: `(B, H, W[, D], 1)`, 1 where somebody labelled, else 0.
        truth: `(B, H, W[, D], C)`, 1 in the channel of the label, or of every region
            the label is part of; 0 where nobody labelled.
        logits: Same shape; 0 where nobody labelled.
        weights: `(C,)`, how much each channel counts.
        by_regions: Whether channels are regions, each a yes or no of its own, or
            classes of which one holds, background first.
    """

    known: Any
    truth: Any
    logits: Any
    weights: Any
    by_regions: bool

    @cached_property
    def guess(self) -> Any:
        """Probabilities `(B, H, W[, D], C)`; 0 where nobody labelled."""
        if self.by_regions:
            return jax.nn.sigmoid(self.logits) * self.known
        return jax.nn.softmax(self.logits, axis=-1) * self.known

    @property
    def scored(self) -> slice:
        """The channels that an overlap is measured of: all but the background."""
        return slice(0 if self.by_regions else 1, None)

    def total(self, values: Any) -> Any:
        """Sum over the whole batch, channel by channel: `(C,)`."""
        return jnp.sum(values, axis=tuple(range(values.ndim - 1)))

    def mean_of_scored(self, values: Any) -> Any:
        """Mean of one value a channel `(C,)` over those that are scored, weighted."""
        weights = self.weights[self.scored]
        return jnp.sum(values[self.scored] * weights) / jnp.sum(weights)


def compare(
    labels: Any,
    logits: Any,
    *,
    regions: Regions | None = None,
    class_weights: Sequence[float] | None = None,
) -> Comparison:
    """Put labels and logits side by side.

    Args:
        labels: `(B, H, W[, D])` whole numbers, `IGNORE` where nothing is known.
        logits: `(B, H, W[, D], C)`, any floating type: C classes, or C regions.
        regions: Which labels each region is made of, in the order of the channels.
        class_weights: How much each channel counts; all alike by default.
    """
    labels = jnp.asarray(labels).astype("int32")
    logits = jnp.asarray(logits).astype("float32")
    if logits.ndim == labels.ndim:
        # Keras takes the last axis away from a prediction with one channel.
        logits = logits[..., None]
    channels = logits.shape[-1]
    is_known = (labels != IGNORE)[..., None]
    if regions is None:
        truth = jax.nn.one_hot(labels, channels)
    else:
        members = [jnp.isin(labels, jnp.array(made_of)) for made_of in regions.values()]
        truth = jnp.stack(members, axis=-1).astype("float32")
    weights = jnp.ones(channels) if class_weights is None else jnp.array(class_weights)
    return Comparison(
        known=is_known.astype("float32"),
        truth=truth * is_known,
        logits=jnp.where(is_known, logits, 0.0),
        weights=weights.astype("float32"),
        by_regions=regions is not None,
    )
