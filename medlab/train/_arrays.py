"""Arrays in memory as batches: a pure function of (seed, epoch, step), like all others."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from medlab.errors import MedlabError

_KNOWN = {"batch_size", "shuffle", "verbose"}
_USUAL_BATCH = 32


def are_arrays(x: Any, y: Any, arguments: dict[str, Any]) -> bool:
    """Whether `ArrayBatches` can take the place of Keras' own handling of data."""
    return (
        all(hasattr(part, "shape") and hasattr(part, "__getitem__") for part in (x, y))
        and set(arguments) <= _KNOWN
    )


class ArrayBatches:
    """Endless batches of samples in memory; the last of an epoch may be smaller.

    Args:
        x, y: Arrays, samples along the first axis.
        seed: Decides the order.
        batch_size: Samples a step.
        shuffle: A new order each epoch.
        verbose: As Keras has it; not looked at.

    Raises:
        MedlabError: If x and y are not as long, or empty.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        *,
        seed: int,
        batch_size: int | None = None,
        shuffle: bool = True,
        verbose: Any = 0,
    ) -> None:
        self._x, self._y = np.asarray(x), np.asarray(y)
        if len(self._x) != len(self._y) or not len(self._x):
            raise MedlabError(
                "x and y hold as many samples, and at least one, got "
                f"{len(self._x)} and {len(self._y)}. Pass them sample by sample.",
                code="bad-arrays",
            )
        self._size, self._seed = batch_size or _USUAL_BATCH, seed
        self._shuffle = shuffle
        self.steps = -(-len(self._x) // self._size)

    def batch(self, epoch: int, step: int) -> tuple[Any, Any]:
        """Make one batch: epoch and step within it, both from 0."""
        count = len(self._x)
        order = np.arange(count)
        if self._shuffle:
            order = np.random.default_rng([self._seed, epoch]).permutation(count)
        rows = order[step * self._size : (step + 1) * self._size]
        return self._x[rows], self._y[rows]

    def after(self, step: int) -> Iterator[tuple[Any, Any]]:
        """Go on after so many steps over all epochs, without end."""
        while True:
            yield self.batch(*divmod(step, self.steps))
            step += 1
