"""Reading `.seg.nrrd` of 3D Slicer: layers of integers, and fields that name them.

Sources:
    3D Slicer documentation, "Segmentations", section "Segmentation file format (.seg.nrrd)".
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._segment import PALETTE, Segment
from medlab.scans import (
    NotAScan,
    TooLarge,
    check_affine,
    read_nrrd_array,
    read_nrrd_fields,
    swap_lps_ras,
)

_FIELD = re.compile(r"Segment(\d+)_(\w+)")


@dataclass(frozen=True)
class Place:
    """Where a file keeps a segment: the layer, and its value in that layer."""

    segment: Segment
    layer: int
    value: int


@dataclass(frozen=True)
class SegNrrd:
    """What a file holds.

    Attributes:
        layers: `(L, I, J, K)`; segments of one layer do not overlap.
        affine: 4x4 float64, voxel indices to RAS+ millimetres.
        places: The segments in the order of the file.
    """

    layers: NDArray[Any]
    affine: NDArray[np.float64]
    places: tuple[Place, ...]


def read_seg_nrrd(path: Path, name: str) -> SegNrrd:
    """Read a file, never more of it than its header promises.

    Raises:
        NotAScan: If there is none, or it cannot be read.
        TooLarge: If its header promises more than fits.
    """
    try:
        fields, offset = read_nrrd_fields(path, name)
        data = read_nrrd_array(fields, path, name, offset)
        layers = data if data.ndim == 4 else data[np.newaxis]
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(fields["space directions"], np.float64)[-3:].T
        affine[:3, 3] = fields["space origin"]
        places = _places(fields)
        if layers.ndim != 4 or any(p.layer >= len(layers) for p in places):
            raise ValueError("layers")
    except FileNotFoundError as error:
        raise NotAScan(
            f"There must be a label file {name!r}, got nothing there. Look for its name."
        ) from error
    except TooLarge:
        raise
    except Exception as error:
        # A broken header ends in a dozen kinds of errors.
        raise NotAScan(
            f"{name!r} must be a .seg.nrrd file, and could not be read as one. "
            "Save it again from the program that made it."
        ) from error
    if "left-posterior" in str(fields.get("space", "left-posterior")).lower():
        affine = swap_lps_ras(affine)
    return SegNrrd(layers, check_affine(affine, name), places)


def flatten(file: SegNrrd) -> tuple[NDArray[Any], int, int]:
    """One map of all layers.

    Returns:
        The map; how many voxels were in several segments; and how many hold, in some
        layer, a value that no segment names.
    """
    top = max((place.segment.id for place in file.places), default=0)
    voxels = np.zeros(file.layers.shape[1:], np.uint8 if top <= 255 else np.uint16)
    overlap = np.zeros(voxels.shape, bool)
    for place in file.places:
        mask = file.layers[place.layer] == place.value
        overlap |= mask & (voxels > 0)
        voxels[mask] = place.segment.id
    unnamed = np.zeros(voxels.shape, bool)
    for number, layer in enumerate(file.layers):
        named = [place.value for place in file.places if place.layer == number]
        unnamed |= ~np.isin(layer, [0, *named])
    return voxels, int(np.count_nonzero(overlap)), int(np.count_nonzero(unnamed))


def _places(header: dict[str, Any]) -> tuple[Place, ...]:
    by_number: dict[int, dict[str, str]] = {}
    for key, value in header.items():
        match = _FIELD.fullmatch(str(key))
        if match:
            by_number.setdefault(int(match[1]), {})[match[2]] = str(value)
    listed = [fields for _, fields in sorted(by_number.items())]
    values = [int(fields.get("LabelValue", 1)) for fields in listed]
    # In a file with layers the same value can mean different segments.
    is_unique = len(set(values)) == len(values)
    return tuple(
        Place(
            Segment(
                value if is_unique else order + 1,
                fields.get("Name", "").strip() or f"segment {order + 1}",
                _color(fields.get("Color", ""), order),
            ),
            int(fields.get("Layer", 0)),
            value,
        )
        for order, (fields, value) in enumerate(zip(listed, values, strict=True))
    )


def _color(text: str, order: int) -> str:
    parts = text.split()
    if len(parts) != 3:
        return PALETTE[order % len(PALETTE)]
    red, green, blue = (round(255 * min(max(float(part), 0), 1)) for part in parts)
    return f"#{red:02x}{green:02x}{blue:02x}"
