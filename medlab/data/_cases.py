"""Cases: a scan and what somebody labelled on it, ready to learn from.

Few-slice mode: nobody has to label a whole scan. Slices without labels hold `IGNORE`,
which no loss and no metric looks at. A case says which slices count (`slices`); where
it does not, they are those with any label, if labelled slices have gaps between them
or the labels come from a layer of the editor, and all slices otherwise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.augment import IGNORE as IGNORE
from medlab.data._case import Case as Case
from medlab.data._normalise import normalise
from medlab.data._planes import (
    as_slices,
    canonical_slices,
    canonical_spacing_mm,
    own_axis,
    to_canonical,
)
from medlab.data._resample import resample_to, resampled_shape
from medlab.errors import MedlabError
from medlab.labels import Layer, open_labels
from medlab.scans import find_home, open_scan


@dataclass(frozen=True)
class LabelledScan:
    """A case in memory, in canonical order (see `_planes.py`).

    Args:
        image: `(X, Y, Z, C)` float32, normalised.
        labels: `(X, Y, Z)` uint8: 0 background, 1.. the segments, or `IGNORE`.
        slices: Canonical numbers of the labelled slices along the plane.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    slices: tuple[int, ...]


def load_case(
    case: Case,
    *,
    segments: tuple[str, ...],
    plane: str = "axial",
    spacing_mm: tuple[float, ...] | None = None,
    normalisation: str = "auto",
    home: Any = None,
) -> LabelledScan:
    """Read a case from disk; a `MedlabError` where scan and labels do not fit."""
    volume = open_scan(case.scan, series=case.series, home=home)
    voxels, table, from_layer = _read_labels(case, volume, home)
    return prepare_case(
        volume,
        voxels,
        ids=segment_ids(table, segments),
        plane=plane,
        slices=case.slices,
        only_labelled=from_layer,
        spacing_mm=spacing_mm,
        normalisation=normalisation,
    )


def segment_names(cases: list[Case], home: Any = None) -> tuple[str, ...]:
    """List the segments of all cases by name, in order of first appearance."""
    names: dict[str, None] = {}
    for case in cases:
        volume = None
        if case.labels.startswith("layer:"):
            volume = open_scan(case.scan, series=case.series, home=home)
        _, table, _ = _read_labels(case, volume, home)
        names.update(dict.fromkeys(segment.name for segment in table))
    return tuple(names)


def segment_ids(table: Any, names: tuple[str, ...]) -> list[int | None]:
    """Find the number of each named segment in a table, None where it has none.

    Raises:
        MedlabError: If the table has none of the names.
    """
    known = {segment.name: segment.id for segment in table}
    if not set(names) & set(known):
        raise MedlabError(
            f"None of the segments {', '.join(names)} is in these labels, which hold "
            f"{', '.join(known) or 'no segment'}. Name segments that are there.",
            code="no-such-segment",
        )
    return [known.get(name) for name in names]


def prepare_case(
    volume: Any,
    label_voxels: NDArray[Any],
    *,
    ids: list[int | None],
    plane: str = "axial",
    slices: tuple[int, ...] | None = None,
    only_labelled: bool = False,
    spacing_mm: tuple[float, ...] | None = None,
    normalisation: str = "auto",
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
    """
    voxels = np.asarray(volume.voxels)
    if label_voxels.shape != voxels.shape[:3]:
        raise MedlabError(
            f"Labels lie on the grid of their scan, {voxels.shape[:3]}, but these have "
            f"the shape {label_voxels.shape}. Choose the labels drawn on this scan.",
            code="shape-mismatch",
        )
    axis, _ = own_axis(volume.affine, plane)
    chosen = _labelled_slices(label_voxels, axis, slices, only_labelled)
    canonical = to_canonical(label_voxels, volume.affine)
    count = label_voxels.shape[axis]
    numbers = canonical_slices(chosen, volume.affine, plane, count)
    labels = np.full(canonical.shape, IGNORE, np.uint8)
    as_slices(labels, plane)[numbers] = 0
    for number, segment_id in enumerate(ids, start=1):
        if segment_id is not None:
            labels[(canonical == segment_id) & (labels != IGNORE)] = number
    image = to_canonical(voxels, volume.affine)
    image = normalise(image, kind=normalisation, modality=volume.modality)
    image = image if image.ndim == 4 else image[..., None]
    if spacing_mm is not None:
        own_mm = canonical_spacing_mm(volume.affine)
        shape = resampled_shape(labels.shape, own_mm, tuple(spacing_mm))
        image = resample_to(image, shape)
        labels = resample_to(labels, shape, labels=True)
        kept = (as_slices(labels, plane) != IGNORE).any(axis=(1, 2))
        numbers = [int(i) for i in np.flatnonzero(kept)]
    return LabelledScan(image, labels, tuple(numbers))


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


def _read_labels(case: Case, volume: Any, home: Any) -> tuple[NDArray[Any], Any, bool]:
    if case.labels.startswith("layer:"):
        layer = Layer.open(
            home or find_home(),
            volume,
            name=case.labels.removeprefix("layer:"),
            create=False,
        )
        return np.asarray(layer.voxels), layer.segments, True
    labels = open_labels(case.labels)
    return np.asarray(labels.voxels), labels.segments, False
