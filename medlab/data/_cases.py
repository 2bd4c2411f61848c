"""Cases: a scan and what somebody labelled on it, ready to learn from.

Few-slice mode: nobody has to label a whole scan. Slices without labels hold `IGNORE`,
which no loss and no metric looks at. A case says which slices count (`slices`); where
it does not, they are those with any label, if labelled slices have gaps between them
or the labels come from a layer of the editor, and all slices otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.augment import IGNORE as IGNORE
from medlab.data._case import Case as Case
from medlab.data._normalise import Normalisation, normalise
from medlab.data._planes import (
    as_slices,
    canonical_slices,
    canonical_spacing_mm,
    own_axis,
    to_canonical,
)
from medlab.data._resample import resample_to, resampled_shape
from medlab.data._segments import read_labels, segment_ids, unsaid_ids
from medlab.data._where import LabelIndex
from medlab.errors import MedlabError
from medlab.scans import Volume, open_scan


@dataclass(frozen=True, eq=False)
class LabelledScan:
    """A case ready to learn from, in canonical order (see `_planes.py`).

    Attributes:
        image: `(X, Y, Z, C)` float32, normalised; in memory or mapped from the cache.
        labels: `(X, Y, Z)` uint8: 0 background, 1.. the segments, or `IGNORE`.
        slices: Canonical numbers of the labelled slices along the plane.
        spacing_mm: Voxel size along X, Y and Z.
        index: Where each label is, if that was found out already.
        present: `(N, 256)` whether a slice along the plane holds a label, likewise.
        hashes: SHA-256 of the files: `scan` and `labels`, where they were taken.
        case: Its place among the cases, from 0.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    slices: tuple[int, ...]
    spacing_mm: tuple[float, ...] = (1.0, 1.0, 1.0)
    index: LabelIndex | None = None
    present: NDArray[np.bool_] | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    case: int = 0


def load_case(
    case: Case,
    *,
    segments: tuple[str, ...],
    plane: str = "axial",
    spacing_mm: tuple[float, ...] | None = None,
    normalisation: Normalisation = "auto",
    extra: NDArray[Any] | None = None,
    home: Any = None,
) -> LabelledScan:
    """Read a case from disk into memory; `load_cases` does it with a cache.

    Args:
        case: Where scan and labels are.
        segments: Names of class 1, 2, ...
        plane: The plane in which somebody labelled.
        spacing_mm: Voxel size to resample to, canonical; None for the scan's own.
        normalisation: See `normalise`.
        extra: `(I, J, K, E)` further channels on the scan's own grid, such as
            `one_hot_channels` of what another model found. They are not normalised.
        home: Where the workplace lies; found by itself when not given.

    Raises:
        MedlabError: If scan, labels and segments do not fit one another.
    """
    volume = open_scan(case.scan, series=case.series, home=home)
    voxels, table, from_layer = read_labels(case, volume, home)
    return prepare_case(
        volume,
        voxels,
        ids=segment_ids(table, segments),
        plane=plane,
        slices=case.slices,
        only_labelled=from_layer,
        spacing_mm=spacing_mm,
        normalisation=normalisation,
        extra=extra,
        unsaid=unsaid_ids(table),
    )


def label_case(
    case: Case, *, segments: tuple[str, ...], plane: str = "axial", home: Any = None
) -> tuple[Volume, NDArray[np.uint8], list[int]]:
    """Read a case as it is on disk, neither scaled nor resampled.

    Returns:
        The scan; its labels `(X, Y, Z)` in canonical order, as `LabelledScan` has them;
        and the canonical numbers of the labelled slices.
    """
    volume = open_scan(case.scan, series=case.series, home=home)
    voxels, table, from_layer = read_labels(case, volume, home)
    labels, numbers = _canonical_labels(
        volume,
        voxels,
        ids=segment_ids(table, segments),
        plane=plane,
        slices=case.slices,
        only_labelled=from_layer,
        unsaid=unsaid_ids(table),
    )
    return volume, labels, numbers


def one_hot_channels(labels: NDArray[Any], classes: int) -> NDArray[np.float32]:
    """Turn class numbers `(I, J, K)` into channels `(I, J, K, classes - 1)` of 0 and 1.

    Background has none: it is where all others are 0.

    Example:
        >>> one_hot_channels(np.array([[[0, 1, 2]]]), 3)[0, 0].tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return np.asarray(labels[..., None] == np.arange(1, classes), np.float32)


def prepare_case(
    volume: Any,
    label_voxels: NDArray[Any],
    *,
    ids: list[int | None],
    plane: str = "axial",
    slices: tuple[int, ...] | None = None,
    only_labelled: bool = False,
    spacing_mm: tuple[float, ...] | None = None,
    normalisation: Normalisation = "auto",
    extra: NDArray[Any] | None = None,
    unsaid: Sequence[int] = (),
) -> LabelledScan:
    """Turn a volume and labels on its grid into a case in memory.

    Args:
        volume: With `voxels`, `affine` and `modality`.
        label_voxels: `(I, J, K)` segment numbers on the volume's grid.
        ids: Segment number of class 1, 2, ...; None where this scan has none.
        plane: The plane in which somebody labelled.
        slices: Labelled slices, numbered along the scan's own axis; None to find out.
        only_labelled: Without `slices`, take those with any label, and no others.
        spacing_mm: Voxel size to resample to, canonical; None for the scan's own.
        normalisation: See `normalise`.
        extra: `(I, J, K, E)` further channels on the volume's grid.
        unsaid: Segment numbers that mean nobody knows; 0 among them for scribbles.
    """
    labels, numbers = _canonical_labels(
        volume,
        label_voxels,
        ids=ids,
        plane=plane,
        slices=slices,
        only_labelled=only_labelled,
        unsaid=unsaid,
    )
    image = to_canonical(np.asarray(volume.voxels), volume.affine)
    image = normalise(image, kind=normalisation, modality=volume.modality)
    image = image if image.ndim == 4 else image[..., None]
    if extra is not None:
        _check_grid(extra.shape[:3], volume.voxels.shape[:3], "Further channels")
        added = to_canonical(np.asarray(extra, np.float32), volume.affine)
        image = np.concatenate([image, added], axis=-1)
    own_mm: tuple[float, ...] = canonical_spacing_mm(volume.affine)
    if spacing_mm is not None:
        shape = resampled_shape(labels.shape, own_mm, tuple(spacing_mm))
        volume_shape = labels.shape
        image = resample_to(image, shape)
        labels = resample_to(labels, shape, labels=True)
        kept = (as_slices(labels, plane) != IGNORE).any(axis=(1, 2))
        numbers = [int(i) for i in np.flatnonzero(kept)]
        sizes = zip(own_mm, volume_shape, shape, strict=True)
        own_mm = tuple(mm * before / after for mm, before, after in sizes)
    return LabelledScan(image, labels, tuple(numbers), own_mm)


def _canonical_labels(
    volume: Any,
    label_voxels: NDArray[Any],
    *,
    ids: list[int | None],
    plane: str,
    slices: tuple[int, ...] | None,
    only_labelled: bool,
    unsaid: Sequence[int],
) -> tuple[NDArray[np.uint8], list[int]]:
    _check_grid(label_voxels.shape, volume.voxels.shape[:3], "Labels")
    axis, _ = own_axis(volume.affine, plane)
    chosen = _labelled_slices(label_voxels, axis, slices, only_labelled)
    count = label_voxels.shape[axis]
    numbers = canonical_slices(chosen, volume.affine, plane, count)
    classes = np.zeros(int(label_voxels.max(initial=0)) + 1, np.uint8)
    for number, segment_id in enumerate(ids, start=1):
        if segment_id is not None and segment_id < len(classes):
            classes[segment_id] = number
    classes[[n for n in unsaid if n < len(classes)]] = IGNORE
    labels = classes[to_canonical(label_voxels, volume.affine)]
    others = np.ones(as_slices(labels, plane).shape[0], bool)
    others[numbers] = False
    as_slices(labels, plane)[others] = IGNORE
    return labels, numbers


def _check_grid(shape: tuple[int, ...], scan: tuple[int, ...], what: str) -> None:
    if shape != scan:
        raise MedlabError(
            f"{what} lie on the grid of their scan, {scan}, but these have the shape "
            f"{shape}. Choose the labels drawn on this scan.",
            code="shape-mismatch",
        )


def _labelled_slices(
    labels: NDArray[Any],
    axis: int,
    slices: tuple[int, ...] | None,
    only_labelled: bool,
) -> list[int]:
    if slices is not None:
        return [int(index) for index in slices]
    others = tuple(a for a in range(3) if a != axis)
    found = np.flatnonzero((labels != 0).any(axis=others))
    if not len(found):
        raise MedlabError(
            "There is no label on this scan yet, so there is nothing to learn from. "
            "Label a few slices, or choose another layer or file.",
            code="no-labels",
        )
    has_gaps = bool((np.diff(found) > 1).any())
    if only_labelled or has_gaps:
        return [int(index) for index in found]
    return list(range(labels.shape[axis]))
