"""Batches for training and validation: a pure function of (seed, epoch, step).

No state hides in an iterator: whatever batch comes next after an interruption can be
computed from the three numbers alone, so a resumed run sees what it would have seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.augment import Augmentation, augment_batch
from medlab.backend import keras
from medlab.data._cases import IGNORE, LabelledScan
from medlab.data._planes import as_slices
from medlab.errors import MedlabError

Sample = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""A slice `(H, W, C)` or volume `(X, Y, Z, C)`, and its labels without the channels."""


def slice_samples(scan: LabelledScan, plane: str) -> list[Sample]:
    """Take the labelled slices of a case as samples of their own."""
    images, labels = as_slices(scan.image, plane), as_slices(scan.labels, plane)
    return [
        (np.ascontiguousarray(images[i]), np.ascontiguousarray(labels[i]))
        for i in scan.slices
    ]


def fitting_patch(samples: Sequence[Sample], multiple: int, limit: int) -> list[int]:
    """Find the smallest patch that holds every sample whole, up to `limit` a side."""
    largest = np.max([labels.shape for _, labels in samples], axis=0)
    whole = -(-largest // multiple) * multiple
    return [int(side) for side in np.minimum(whole, max(limit, multiple))]


class TrainingBatches:
    """Endless augmented batches.

    Args:
        samples: What to learn from, all with as many axes and channels.
        patch: Size of what the model sees. Smaller samples are padded, larger ones
            cropped around a voxel with a label, every other time one of a segment.
        batch: Samples a step.
        steps: Steps an epoch. Each epoch goes through the samples in a new order, as
            often as its steps need.
        seed: Decides order, crops and augmentation.
        augmentation: See `Augmentation.of`.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        patch: Sequence[int],
        batch: int,
        steps: int,
        seed: int,
        augmentation: Any = "default",
    ) -> None:
        if not samples:
            raise MedlabError(
                "Training needs at least one labelled slice or scan, got none. "
                "Label some, or hold fewer back for validation.",
                code="no-labels",
            )
        self._samples = list(samples)
        self._patch = tuple(patch)
        self._size, self.steps, self._seed = batch, steps, seed
        self._limits = Augmentation.of(augmentation)
        self._plain = self._limits == Augmentation.of("none")
        self._labelled = [np.flatnonzero(labels != IGNORE) for _, labels in samples]
        self._segments = [
            np.flatnonzero((labels != IGNORE) & (labels > 0)) for _, labels in samples
        ]

    def batch(self, epoch: int, step: int) -> tuple[Any, Any]:
        """Make one batch.

        Args:
            epoch: From 0.
            step: Within the epoch, from 0.

        Returns:
            Images `(B, *patch, C)` float32 and labels `(B, *patch)`.
        """
        order = self._order(epoch)
        places = np.arange(step * self._size, (step + 1) * self._size)
        drawn = [self._crop(order[p], epoch, int(p)) for p in places]
        images = np.stack([image for image, _ in drawn])
        labels = np.stack([label for _, label in drawn]).astype(np.int32)
        if self._plain:
            return images, labels
        limits = self._limits
        augmented: tuple[Any, Any] = augment_batch(
            self._seed, epoch, places, images, labels, limits=limits
        )
        return augmented

    def after(self, step: int) -> Iterator[tuple[Any, Any]]:
        """Go on after so many steps over all epochs, without end."""
        while True:
            yield self.batch(*divmod(step, self.steps))
            step += 1

    def _order(self, epoch: int) -> NDArray[np.int64]:
        random = np.random.default_rng([self._seed, epoch])
        count, draws = len(self._samples), self.steps * self._size
        rounds = [random.permutation(count) for _ in range(-(-draws // count))]
        return np.concatenate(rounds)

    def _crop(self, index: int, epoch: int, place: int) -> Sample:
        image, labels = self._samples[index]
        if all(s <= p for s, p in zip(labels.shape, self._patch, strict=True)):
            return centred(image, labels, self._patch)
        random = np.random.default_rng([self._seed, epoch, place])
        segments, labelled = self._segments[index], self._labelled[index]
        pool = segments if place % 2 and len(segments) else labelled
        centre = np.unravel_index(random.choice(pool), labels.shape)
        return centred(image, labels, self._patch, tuple(int(c) for c in centre))


class FixedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The same batches each time, without augmentation: for validation."""

    def __init__(
        self, samples: Sequence[Sample], *, patch: Sequence[int], batch: int
    ) -> None:
        super().__init__(workers=0)
        drawn = [centred(*s, tuple(patch), _middle_of_labels(s[1])) for s in samples]
        self._images = np.stack([image for image, _ in drawn])
        self._labels = np.stack([labels for _, labels in drawn]).astype(np.int32)
        self._size = min(batch, len(drawn))

    def __len__(self) -> int:
        return -(-len(self._images) // self._size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        # The last batch is filled up with the first samples, their labels ignored:
        # one shape, one compiled program.
        rows = np.arange(index * self._size, (index + 1) * self._size)
        labels = self._labels[rows % len(self._images)].copy()
        labels[rows >= len(self._images)] = IGNORE
        return self._images[rows % len(self._images)], labels


def centred(
    image: NDArray[np.float32],
    labels: NDArray[np.uint8],
    patch: tuple[int, ...],
    centre: tuple[int, ...] | None = None,
) -> Sample:
    """Cut or pad a sample to a patch around a voxel, or around its middle.

    The patch stays inside the sample where the sample is the larger of the two. What is
    added has the image's lowest intensity and the label `IGNORE`.
    """
    centre = centre or tuple(size // 2 for size in labels.shape)
    cuts, pads = [], []
    for size, side, middle in zip(labels.shape, patch, centre, strict=True):
        start = int(np.clip(middle - side // 2, 0, max(size - side, 0)))
        cuts.append(slice(start, start + side))
        missing = max(side - size, 0)
        pads.append((missing // 2, missing - missing // 2))
    image, labels = image[tuple(cuts)], labels[tuple(cuts)]
    if any(map(any, pads)):
        image = np.pad(image, [*pads, (0, 0)], constant_values=float(image.min()))
        labels = np.pad(labels, pads, constant_values=IGNORE)
    return image, labels


def _middle_of_labels(labels: NDArray[np.uint8]) -> tuple[int, ...] | None:
    found = np.argwhere((labels != IGNORE) & (labels > 0))
    return tuple(int(c) for c in found.mean(axis=0)) if len(found) else None
