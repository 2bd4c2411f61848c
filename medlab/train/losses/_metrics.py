"""Metrics: what a training is judged by while it runs."""

from typing import Any

from medlab.backend import jax, keras
from medlab.train.losses._comparison import Regions, compare

jnp: Any = jax.numpy


class SegmentDice(keras.metrics.Metric):  # type: ignore[misc]
    """Mean Dice of the segments, or regions, over all labelled voxels of an epoch.

    Args:
        classes: How many classes there are, background included.
        name: In the log.
        regions: Which labels each region is made of, where the model tells regions.

    Source:
        Dice, 1945, https://doi.org/10.2307/1932409. A segment that is neither in the
        labels nor found is left out of the mean.
    """

    def __init__(
        self, classes: int, name: str = "dice", regions: Regions | None = None
    ) -> None:
        super().__init__(name=name)
        shape = (classes if regions is None else len(regions),)
        self._regions = regions
        self._both = self.add_weight(shape=shape, initializer="zeros", name="both")
        self._sizes = self.add_weight(shape=shape, initializer="zeros", name="sizes")

    def update_state(self, labels: Any, logits: Any, sample_weight: Any = None) -> None:
        """Add a batch: labels `(B, H, W[, D])`, logits, or a list of them, finest first."""
        if isinstance(logits, (list, tuple)):
            logits = logits[0]
        seen = compare(labels, logits, regions=self._regions)
        if seen.by_regions:
            found = (seen.logits > 0).astype("float32")
        else:
            winner = jnp.argmax(seen.logits, axis=-1)
            found = jax.nn.one_hot(winner, seen.logits.shape[-1])
        found = found * seen.known
        self._both.assign_add(seen.total(seen.truth * found))
        self._sizes.assign_add(seen.total(seen.truth) + seen.total(found))

    def result(self) -> Any:
        """Mean of the segments' Dice so far."""
        first = 1 if self._regions is None else 0
        both, sizes = self._both[first:], self._sizes[first:]
        there = (sizes > 0).astype("float32")
        score = 2 * both / jnp.maximum(sizes, 1.0)
        return jnp.sum(score * there) / jnp.maximum(jnp.sum(there), 1.0)
