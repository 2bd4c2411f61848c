"""Batches for training and validation: a pure function of (seed, epoch, step).

No state hides in an iterator: whatever batch comes next after an interruption can be
computed from the three numbers alone, so a resumed run sees what it would have seen, and
as many workers as one likes may compute batches ahead.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.augment import IGNORE, Augmentation, augment_batch
from medlab.backend import keras
from medlab.data._sample import Sample, cut
from medlab.data._sampling import ANYWHERE, Turn, turns
from medlab.errors import MedlabError


class TrainingBatches:
    """Endless batches of patches.

    Args:
        samples: What to learn from, all with as many axes and channels.
        patch: Size of what the model sees. Smaller samples are padded, larger ones
            cropped around a labelled voxel.
        batch: Samples a step.
        steps: Steps an epoch. Each epoch goes through the samples in a new order, as
            often as its steps need.
        seed: Decides order, crops and augmentation.
        augmentation: See `Augmentation.of`.
        foreground: Share of the patches with a voxel of a segment in the middle.
        sampling: How often each segment is in the middle of those: numbers of segments
            and weights, see `sampling_weights`. None: all of a sample alike.
    """

    def __init__(
        self,
        samples: Sequence[Any],
        *,
        patch: Sequence[int],
        batch: int,
        steps: int,
        seed: int,
        augmentation: Any = "default",
        foreground: float = 0.5,
        sampling: Mapping[int, float] | None = None,
    ) -> None:
        if not samples:
            raise MedlabError(
                "Training needs at least one labelled slice or scan, got none. "
                "Label some, or hold fewer back for validation.",
                code="no-labels",
            )
        self._samples = [Sample.of(sample, n) for n, sample in enumerate(samples)]
        self._patch = tuple(int(side) for side in patch)
        self._size, self.steps, self._seed = batch, steps, seed
        self._limits = Augmentation.of(augmentation)
        self._plain = self._limits == Augmentation.of("none")
        self._foreground, self._sampling = foreground, sampling
        self._segments = [sample.segments for sample in self._samples]
        self._epochs: dict[int, list[Turn]] = {}

    def batch(self, epoch: int, step: int) -> tuple[Any, Any]:
        """Make one augmented batch.

        Args:
            epoch: From 0.
            step: Within the epoch, from 0.

        Returns:
            Images `(B, *patch, C)` float32 and labels `(B, *patch)` int32.
        """
        images, labels, places = self.raw(epoch, step)
        if self._plain:
            return images, labels
        images, labels, *_ = augment_batch(
            self._seed,
            epoch,
            places,
            images,
            labels,
            limits=self._limits,
            spacing_mm=self.spacing_mm(epoch, step),
        )
        return images, labels

    def raw(
        self, epoch: int, step: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
        """Make one batch without augmentation; many threads may do so at once.

        Returns:
            Images and labels as `batch`, and the places `(B,)` of the samples in the
            epoch, which augmentation is drawn from.

        Raises:
            MedlabError: If a patch cannot be cut; the message tells the case.
        """
        places = np.arange(step * self._size, (step + 1) * self._size)
        channels = self._samples[0].image.shape[-1]
        images = np.empty((self._size, *self._patch, channels), np.float32)
        labels = np.empty((self._size, *self._patch), np.int32)
        for row, turn in enumerate(self._turns(epoch, step)):
            sample = self._samples[turn.sample]
            try:
                centre = self._centre(sample, turn.label, epoch, int(places[row]))
                cut(sample, images[row], labels[row], centre)
            except Exception as error:
                raise MedlabError(
                    f"Every patch must be cut from its scan, but case {sample.case + 1} "
                    f"gave {type(error).__name__} at step {step + 1} of epoch "
                    f"{epoch + 1}. Look at its scan, or leave it out.",
                    code="batch-failed",
                    told={"case": sample.case, "epoch": epoch, "step": step},
                ) from error
        return images, labels, places

    def cases(self, epoch: int, step: int) -> list[int]:
        """Tell from which cases a batch is made: their places, from 0."""
        return [self._samples[turn.sample].case for turn in self._turns(epoch, step)]

    def spacing_mm(self, epoch: int, step: int) -> NDArray[np.float32]:
        """Tell the voxel size of each patch of a batch: `(B, rank)`, 1 if unknown."""
        unknown = (1.0,) * len(self._patch)
        sizes = [
            self._samples[turn.sample].spacing_mm or unknown
            for turn in self._turns(epoch, step)
        ]
        return np.array(sizes, np.float32)

    def after(self, step: int) -> Iterator[tuple[Any, Any]]:
        """Go on after so many steps over all epochs, without end."""
        while True:
            yield self.batch(*divmod(step, self.steps))
            step += 1

    def _turns(self, epoch: int, step: int) -> list[Turn]:
        drawn = self._epochs.get(epoch)
        if drawn is None:
            drawn = turns(
                self._segments,
                self.steps * self._size,
                np.random.default_rng([self._seed, epoch]),
                foreground=self._foreground,
                weights=self._sampling,
            )
            # A new mapping instead of a changed one: other threads may be reading.
            last = {
                e: d for e, d in self._epochs.items() if e in (epoch - 1, epoch + 1)
            }
            self._epochs = {**last, epoch: drawn}
        return drawn[step * self._size : (step + 1) * self._size]

    def _centre(
        self, sample: Sample, label: int, epoch: int, place: int
    ) -> tuple[int, ...] | None:
        size = sample.labels.shape
        if all(s <= p for s, p in zip(size, self._patch, strict=True)):
            return None
        random = np.random.default_rng([self._seed, epoch, place])
        if not len(sample.index.labels):
            return None
        voxel = sample.index.draw(random, None if label == ANYWHERE else label)
        return tuple(int(c) for c in np.unravel_index(voxel, size))


class FixedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The same batches each time, without augmentation: for validation."""

    def __init__(
        self, samples: Sequence[Any], *, patch: Sequence[int], batch: int
    ) -> None:
        super().__init__(workers=0)
        pairs = [Sample.of(sample) for sample in samples]
        channels = pairs[0].image.shape[-1]
        self._images = np.empty((len(pairs), *patch, channels), np.float32)
        self._labels = np.empty((len(pairs), *patch), np.int32)
        for row, sample in enumerate(pairs):
            centre = _middle_of_labels(sample)
            cut(sample, self._images[row], self._labels[row], centre)
        self._size = min(batch, len(pairs))

    def __len__(self) -> int:
        return -(-len(self._images) // self._size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        # The last batch is filled up with the first samples, their labels ignored:
        # one shape, one compiled program.
        rows = np.arange(index * self._size, (index + 1) * self._size)
        labels = self._labels[rows % len(self._images)].copy()
        labels[rows >= len(self._images)] = IGNORE
        return self._images[rows % len(self._images)], labels


def _middle_of_labels(sample: Sample) -> tuple[int, ...] | None:
    """The middle of what the index knows of the segments."""
    index = sample.index
    places = [p for n, p in zip(index.labels, index.places, strict=True) if n > 0]
    if not places:
        return None
    found = np.stack(np.unravel_index(np.concatenate(places), sample.labels.shape))
    return tuple(int(c) for c in found.mean(axis=1))
