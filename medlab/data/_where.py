"""Where each label is: enough of its voxels to centre patches on.

A volume has millions of voxels and training asks for a voxel of a segment a thousand
times. So the voxels of each label are listed once, ten thousand of them where there are
more, drawn evenly and always the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlab.augment import IGNORE

KEPT_VOXELS = 10_000
_SEED = 19_790_925


@dataclass(frozen=True, eq=False)
class LabelIndex:
    """The labels of a slice or volume, `IGNORE` left out.

    Attributes:
        labels: `(L,)` those that are there, ascending, 0 for background.
        counts: `(L,)` how many voxels each has.
        places: For each some of its voxels, as ascending positions in the array read in
            C order.
    """

    labels: NDArray[np.int64]
    counts: NDArray[np.int64]
    places: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, labels: NDArray[np.uint8], kept: int = KEPT_VOXELS) -> "LabelIndex":
        """Look through labels of any shape.

        Example:
            >>> index = LabelIndex.of(np.array([[0, 2], [2, 255]], np.uint8))
            >>> index.labels.tolist(), index.counts.tolist(), index.places[1].tolist()
            ([0, 2], [1, 2], [1, 2])
        """
        flat = labels.ravel()
        counts = np.bincount(flat, minlength=256)
        counts[IGNORE] = 0
        there = np.flatnonzero(counts)
        places = tuple(_few(np.flatnonzero(flat == n), int(n), kept) for n in there)
        return cls(there, counts[there], places)

    @property
    def segments(self) -> tuple[int, ...]:
        """The labels without background."""
        return tuple(int(n) for n in self.labels if n > 0)

    def draw(self, random: np.random.Generator, label: int | None = None) -> int:
        """Draw a voxel: of a label, or any labelled one, each as likely as another."""
        if label is None:
            share = self.counts / self.counts.sum()
            at = int(random.choice(len(self.labels), p=share))
        else:
            at = int(np.searchsorted(self.labels, label))
        return int(random.choice(self.places[at]))


def labels_by_slice(stack: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which labels each slice of a stack `(N, H, W)` holds: `(N, 256)`."""
    found = np.zeros((len(stack), 256), bool)
    for row, labels in zip(found, stack, strict=True):
        row[:] = np.bincount(labels.ravel(), minlength=256) > 0
    return found


def _few(places: NDArray[np.int64], label: int, kept: int) -> NDArray[np.int64]:
    if len(places) <= kept:
        return places
    random = np.random.default_rng([_SEED, label])
    return places[np.sort(random.choice(len(places), kept, replace=False))]
