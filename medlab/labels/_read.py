"""open_labels: label maps from the formats other programs write."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._labels import Labels
from medlab.labels._seg_nrrd import flatten, read_seg_nrrd
from medlab.labels._segment import PALETTE, Segment, as_segments
from medlab.labels._write import table_path
from medlab.scans import Home, open_scan


def open_labels(path: Path | str, *, home: Home | None = None) -> Labels:
    """Open a label map.

    Args:
        path: `.seg.nrrd` of 3D Slicer, or `.nii`, `.nii.gz`, `.nrrd`, `.mha` with an
            integer a voxel. A `.labels.json` beside a NIfTI file names its segments.
        home: Where the workplace lies; found by itself when not given.

    Returns:
        The labels. Segments without a name are called after their number.

    Raises:
        MedlabError: If it cannot be read, or holds something else than labels.
    """
    target = Path(path)
    if target.name.lower().endswith(".seg.nrrd"):
        return _open_seg_nrrd(target)
    volume = open_scan(target, home=home)
    voxels = _as_labels(volume.voxels, target.name)
    ids = [int(value) for value in np.unique(voxels) if value]
    table = table_path(target)
    named: dict[int, Segment] = {}
    if table != target and table.exists():
        named = {segment.id: segment for segment in _read_table(table)}
    return Labels(voxels, volume.affine, _complete(named, ids), volume.warnings)


def _open_seg_nrrd(path: Path) -> Labels:
    file = read_seg_nrrd(path, path.name)
    if len(file.layers) == 1 and all(p.segment.id == p.value for p in file.places):
        # Every value is kept, also one that the file has no name for.
        voxels = _as_labels(file.layers[0], path.name)
        ids = [int(value) for value in np.unique(voxels) if value]
        named = {place.segment.id: place.segment for place in file.places}
        return Labels(voxels, file.affine, _complete(named, ids))
    voxels, overlap, unnamed = flatten(file)
    notes: list[str] = []
    if overlap:
        notes.append(
            f"{overlap} voxels belong to several segments; the later one was kept."
        )
    if unnamed:
        notes.append(
            f"{unnamed} voxels hold a value that no segment of the file names; "
            "they were left out."
        )
    return Labels(
        voxels, file.affine, tuple(p.segment for p in file.places), tuple(notes)
    )


def _complete(named: dict[int, Segment], ids: list[int]) -> tuple[Segment, ...]:
    """The named segments, in their order, then one for each other id that occurs."""
    rest = [number for number in ids if number not in named]
    return (*named.values(), *(_unnamed(number) for number in rest))


def _unnamed(number: int) -> Segment:
    return Segment(number, f"segment {number}", PALETTE[(number - 1) % len(PALETTE)])


def _read_table(table: Path) -> tuple[Segment, ...]:
    try:
        return as_segments(json.loads(table.read_text("utf-8"))["segments"])
    except (ValueError, KeyError, TypeError) as error:
        raise MedlabError(
            f"{table.name!r} must be the JSON table of segments that medlab wrote, got "
            "something else. Mend it, or move it away to read the labels without names.",
            code="bad-table",
        ) from error


def _as_labels(voxels: NDArray[Any], name: str) -> NDArray[Any]:
    whole = voxels
    if voxels.ndim == 3 and voxels.dtype.kind == "f":
        whole = np.rint(np.where(np.isfinite(voxels), voxels, 0.5))
    if voxels.ndim != 3 or (voxels.size and np.any(whole != voxels)):
        raise MedlabError(
            f"{name!r} must hold one whole number a voxel, got something else "
            "(intensities, probabilities or colours). Choose the label file.",
            code="not-labels",
        )
    low, high = int(whole.min(initial=0)), int(whole.max(initial=0))
    if low < 0 or high > 65535:
        raise MedlabError(
            f"{name!r} must hold labels from 0 to 65535, got {low} to {high}. "
            "Is it the scan itself? Choose the label file.",
            code="not-labels",
        )
    return whole.astype(np.uint8 if high <= 255 else np.uint16)
