"""Losses and metrics that look away where nobody labelled.

Labels `(B, H, W[, D])` are whole numbers, `IGNORE` where nothing is known; logits have
one more axis, the classes.
"""

from typing import Any

from medlab.augment import IGNORE
from medlab.backend import keras

ops = keras.ops


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Mean cross-entropy over the labelled voxels of a batch; 0 if there is none."""
    known, truth = _known_and_truth(labels, logits)
    per_voxel = -ops.sum(truth * ops.log_softmax(logits, axis=-1), axis=-1)
    count = ops.maximum(ops.sum(known), 1.0)
    return ops.sum(per_voxel * known[..., 0]) / count


def soft_dice(labels: Any, logits: Any) -> Any:
    """1 - the mean Dice of the segments, over the labelled voxels of the whole batch.

    A segment that is nowhere in the batch's labels counts by what is wrongly found.

    Source:
        Milletari et al., 2016, https://arxiv.org/abs/1606.04797, eq. 1, with the sum
        instead of the sum of squares below the line.
    """
    known, truth = _known_and_truth(labels, logits)
    guess = ops.softmax(logits, axis=-1) * known
    axes = tuple(range(len(logits.shape) - 1))
    both = ops.sum(truth * guess, axis=axes)
    total = ops.sum(truth, axis=axes) + ops.sum(guess, axis=axes)
    score = (2 * both + 1.0) / (total + 1.0)
    return 1.0 - ops.mean(score[1:])


def dice_cross_entropy(labels: Any, logits: Any) -> Any:
    """The sum of `cross_entropy` and `soft_dice`."""
    return cross_entropy(labels, logits) + soft_dice(labels, logits)


LOSSES = {
    "dice+cross-entropy": dice_cross_entropy,
    "cross-entropy": cross_entropy,
    "dice": soft_dice,
}
"""Every loss by its name in a recipe."""


class SegmentDice(keras.metrics.Metric):  # type: ignore[misc]
    """Mean Dice of the segments over all labelled voxels of an epoch.

    Source:
        Dice, 1945, https://doi.org/10.2307/1932409. A segment that is neither in the
        labels nor found is left out of the mean.
    """

    def __init__(self, classes: int, name: str = "dice") -> None:
        super().__init__(name=name)
        self._both = self.add_weight(shape=(classes,), initializer="zeros", name="both")
        self._sizes = self.add_weight(
            shape=(classes,), initializer="zeros", name="sizes"
        )

    def update_state(self, labels: Any, logits: Any, sample_weight: Any = None) -> None:
        known, truth = _known_and_truth(labels, logits)
        winner = ops.argmax(logits, axis=-1)
        guess = ops.one_hot(winner, logits.shape[-1], dtype=truth.dtype) * known
        axes = tuple(range(len(logits.shape) - 1))
        self._both.assign_add(ops.sum(truth * guess, axis=axes))
        self._sizes.assign_add(ops.sum(truth, axis=axes) + ops.sum(guess, axis=axes))

    def result(self) -> Any:
        both, sizes = self._both[1:], self._sizes[1:]
        there = ops.cast(sizes > 0, both.dtype)
        score = 2 * both / ops.maximum(sizes, 1.0)
        return ops.sum(score * there) / ops.maximum(ops.sum(there), 1.0)


def _known_and_truth(labels: Any, logits: Any) -> tuple[Any, Any]:
    """1 where a voxel `(..., 1)` is labelled, and the labels as one row of classes."""
    labels = ops.cast(labels, "int32")
    known = ops.cast(ops.expand_dims(labels != IGNORE, -1), logits.dtype)
    safe = ops.where(labels == IGNORE, 0, labels)
    return known, ops.one_hot(safe, logits.shape[-1], dtype=logits.dtype) * known
