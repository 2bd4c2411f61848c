"""Sample: what patches are cut from: one slice of a scan, or a whole one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.augment import IGNORE
from medlab.data._cases import LabelledScan
from medlab.data._planes import AXIS, as_slices
from medlab.data._where import LabelIndex

_KEPT_OF_A_SLICE = 1_000


@dataclass(frozen=True, eq=False)
class Sample:
    """An image and its labels; unpacks as these two.

    Attributes:
        image: `(H, W, C)` or `(X, Y, Z, C)` float32, in memory or mapped from a file.
        labels: The same without channels, uint8.
        case: Place of its case, from 0.
        spacing_mm: Voxel size along the axes of `labels`; None where nobody knows.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    case: int = 0
    spacing_mm: tuple[float, ...] | None = None
    known_index: LabelIndex | None = None
    known_segments: tuple[int, ...] | None = None

    @classmethod
    def of(cls, sample: Any, case: int = 0) -> "Sample":
        """Take a sample, or a pair of image and labels."""
        if isinstance(sample, cls):
            return sample
        image, labels = sample
        return cls(image, labels, case)

    @cached_property
    def index(self) -> LabelIndex:
        """Where its labels are; found out when first asked for."""
        if self.known_index is not None:
            return self.known_index
        kept = _KEPT_OF_A_SLICE if self.labels.ndim == 2 else None
        return LabelIndex.of(self.labels, *([kept] if kept else []))

    @property
    def segments(self) -> tuple[int, ...]:
        """The labels above 0 that it holds."""
        if self.known_segments is not None:
            return self.known_segments
        return self.index.segments

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.image, self.labels))

    def __getitem__(self, part: int) -> NDArray[Any]:
        return (self.image, self.labels)[part]


def scan_samples(scan: LabelledScan, plane: str | None) -> list[Sample]:
    """Take what patches are cut from: the labelled slices of a case, or all of it.

    Args:
        scan: The case.
        plane: Which slices, for a model of slices; None for a model of volumes.
    """
    if plane is not None:
        return slice_samples(scan, plane)
    return [Sample(scan.image, scan.labels, scan.case, scan.spacing_mm, scan.index)]


def present_segments(scans: Sequence[LabelledScan]) -> list[tuple[int, ...]]:
    """Tell which segments each case holds, by number: what splits are stratified by."""
    return [Sample(s.image, s.labels, known_index=s.index).segments for s in scans]


def slice_samples(scan: LabelledScan, plane: str) -> list[Sample]:
    """Take the labelled slices of a case as samples of their own."""
    images, labels = as_slices(scan.image, plane), as_slices(scan.labels, plane)
    sides = tuple(mm for axis, mm in enumerate(scan.spacing_mm) if axis != AXIS[plane])
    return [
        Sample(
            np.ascontiguousarray(images[i]),
            np.ascontiguousarray(labels[i]),
            scan.case,
            sides,
            known_segments=_segments(scan, i),
        )
        for i in scan.slices
    ]


def fitting_patch(samples: Sequence[Any], multiple: int, limit: int) -> list[int]:
    """Find the smallest patch that holds every sample whole, up to `limit` a side."""
    largest = np.max([labels.shape for _, labels in samples], axis=0)
    whole = -(-largest // multiple) * multiple
    return [int(side) for side in np.minimum(whole, max(limit, multiple))]


def cut(
    sample: Sample,
    image: NDArray[np.float32],
    labels: NDArray[Any],
    centre: tuple[int, ...] | None = None,
) -> None:
    """Cut or pad a sample into a patch around a voxel, or around its middle.

    The patch stays inside the sample where the sample is the larger of the two. What is
    added has the lowest intensity there is in the patch, and the label `IGNORE`.

    Args:
        sample: What to cut from.
        image, labels: The patch that is filled: `(*patch, C)` and `patch`.
        centre: A voxel of the sample.
    """
    size, patch = sample.labels.shape, labels.shape
    centre = centre or tuple(side // 2 for side in size)
    source, target = [], []
    for have, want, middle in zip(size, patch, centre, strict=True):
        start = min(max(middle - want // 2, 0), max(have - want, 0))
        source.append(slice(start, start + want))
        before = max(want - have, 0) // 2
        target.append(slice(before, before + min(have, want)))
    if any(have < want for have, want in zip(size, patch, strict=True)):
        labels.fill(IGNORE)
        image.fill(sample.image[tuple(source)].min())
    image[tuple(target)] = sample.image[tuple(source)]
    labels[tuple(target)] = sample.labels[tuple(source)]


def _segments(scan: LabelledScan, index: int) -> tuple[int, ...] | None:
    if scan.present is None:
        return None
    found = np.flatnonzero(scan.present[index])
    return tuple(int(n) for n in found if 0 < n < IGNORE)
