"""open_labels: label maps from the formats other programs write."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._labels import Labels
from medlab.labels._segment import PALETTE, Segment, as_segments
from medlab.labels._write import table_path
from medlab.scans import Home, NotAScan, check_affine, open_scan, swap_lps_ras

_FIELD = re.compile(r"Segment(\d+)_(\w+)")


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
    if table.exists():
        told = json.loads(table.read_text("utf-8"))["segments"]
        named = {segment.id: segment for segment in as_segments(told)}
    for place, number in enumerate(ids):
        color = PALETTE[place % len(PALETTE)]
        named.setdefault(number, Segment(number, f"segment {number}", color))
    segments = tuple(named[number] for number in sorted(named))
    return Labels(voxels, volume.affine, segments, volume.warnings)


def _as_labels(voxels: NDArray[Any], name: str) -> NDArray[Any]:
    whole = voxels
    if voxels.ndim == 3 and voxels.dtype.kind == "f":
        whole = np.rint(voxels)
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


def _open_seg_nrrd(path: Path) -> Labels:
    import nrrd

    try:
        data, header = nrrd.read(str(path), index_order="F")
    except FileNotFoundError as error:
        raise NotAScan(
            f"There must be a label file {path.name!r}, got nothing there."
        ) from error
    except Exception as error:
        # pynrrd raises a dozen kinds of errors on broken files.
        raise NotAScan(
            f"{path.name!r} must be a .seg.nrrd file, and could not be read as one. "
            "Save it again from the program that made it."
        ) from error
    told = _fields(header)
    layers = data if data.ndim == 4 else data[np.newaxis]
    directions = np.asarray(header["space directions"], np.float64)[-3:]
    affine = np.eye(4)
    affine[:3, :3] = directions.T
    affine[:3, 3] = header["space origin"]
    if "left-posterior" in str(header.get("space", "left-posterior")).lower():
        affine = swap_lps_ras(affine)
    voxels, overlap = _flatten(layers, told)
    notes: tuple[str, ...] = ()
    if overlap:
        notes = (
            f"{overlap} voxels belong to several segments; the later one was kept.",
        )
    segments = tuple(segment for segment, _, _ in told)
    return Labels(voxels, check_affine(affine, path.name), segments, notes)


def _fields(header: dict[str, Any]) -> list[tuple[Segment, int, int]]:
    """Each segment with its layer and its value in that layer."""
    by_place: dict[int, dict[str, str]] = {}
    for key, value in header.items():
        match = _FIELD.fullmatch(str(key))
        if match:
            by_place.setdefault(int(match[1]), {})[match[2]] = str(value)
    values = [int(f.get("LabelValue", 1)) for _, f in sorted(by_place.items())]
    # In a file with layers the same value can mean different segments.
    is_unique = len(set(values)) == len(values)
    told = []
    for order, (place, fields) in enumerate(sorted(by_place.items())):
        value = values[order]
        name = fields.get("Name", f"segment {place + 1}")
        color = _color(fields.get("Color", ""), order)
        segment = Segment(value if is_unique else order + 1, name, color)
        told.append((segment, int(fields.get("Layer", 0)), value))
    return told


def _color(text: str, order: int) -> str:
    parts = text.split()
    if len(parts) != 3:
        return PALETTE[order % len(PALETTE)]
    red, green, blue = (round(255 * min(max(float(part), 0), 1)) for part in parts)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _flatten(
    layers: NDArray[Any], told: list[tuple[Segment, int, int]]
) -> tuple[NDArray[Any], int]:
    """One map of all layers, and how many voxels were in several segments."""
    top = max([segment.id for segment, _, _ in told], default=0)
    voxels = np.zeros(layers.shape[1:], np.uint8 if top <= 255 else np.uint16)
    overlap = 0
    for segment, layer, value in told:
        mask = layers[layer] == value
        overlap += int(np.count_nonzero(voxels[mask]))
        voxels[mask] = segment.id
    return voxels, overlap
