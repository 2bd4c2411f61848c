"""`.seg.nrrd` of 3D Slicer: layers of integers, and fields that name them.

Kept: every layer, names, colours, the state and the code (its type, without modifiers such as
"Left") of each segment. Lost: locks, opacity, outlines and marks, which the format has no field
for. What is not one line of printable text in a name becomes a blank.

Sources:
    3D Slicer documentation, "Segmentations", section "Segmentation file format (.seg.nrrd)".
    NRRD0005 definition, section 5 (key/value pairs, escapes).
"""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._plain_text import hex_color, plain_text, rgb
from medlab.labels._segment import PALETTE, Segment, as_segments, segments_to_json
from medlab.labels._stack import LayerStack
from medlab.labels._terminology import (
    code_of_entry,
    state_of_tag,
    state_tag,
    terminology_entry,
)
from medlab.scans import (
    NotAScan,
    TooLarge,
    check_affine,
    read_nrrd_array,
    read_nrrd_fields,
    swap_lps_ras,
)

_FIELD = re.compile(r"Segment(\d+)_(\w+)")
_ESCAPE = re.compile(r"\\([\\n])")
_MOST_SEGMENTS = 65535


def read_seg_nrrd(path: Path, name: str) -> LayerStack:
    """Read a file, never more of it than its header promises.

    Where a file gives one value of a layer to two segments, the second gets a layer of its
    own: they overlap everywhere.

    Raises:
        NotAScan: If there is none, or it cannot be read.
        TooLarge: If its header promises more than fits.
    """
    try:
        fields, offset = read_nrrd_fields(path, name)
        data = read_nrrd_array(fields, path, name, offset)
        data = data if data.ndim == 4 else data[np.newaxis]
        affine = np.eye(4)
        affine[:3, :3] = np.asarray(fields["space directions"], np.float64)[-3:].T
        affine[:3, 3] = fields["space origin"]
        if data.ndim != 4:
            raise ValueError("layers")
        layers, segments = _take_apart(data, _told(fields))
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
    space = str(fields.get("space", "left-posterior-superior")).lower()
    if space in ("left-posterior-superior", "lps"):
        affine = swap_lps_ras(affine)
    elif space not in ("right-anterior-superior", "ras"):
        raise NotAScan(
            f"{name!r} must say its place in LPS or RAS, got another space. "
            "Save it again from the program that made it."
        )
    return LayerStack(layers, check_affine(affine, name), segments)


def write_seg_nrrd(path: Path, stack: LayerStack) -> None:
    """Write the file as 3D Slicer does; see `save_labels` for the guarantees around it."""
    # Written here and not by pynrrd, which stops at names that are not ASCII.
    lps = swap_lps_ras(stack.affine)
    directions = [_vector(lps[:3, axis]) for axis in range(3)]
    kinds, sizes = ["domain"] * 3, list(stack.shape)
    if len(stack.layers) > 1:
        directions, kinds = ["none", *directions], ["list", *kinds]
        sizes = [len(stack.layers), *sizes]
    dtype = np.result_type(*stack.layers)
    fields = {
        "type": {1: "uint8", 2: "uint16"}[dtype.itemsize],
        "dimension": str(len(sizes)),
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, sizes)),
        "space directions": " ".join(directions),
        "kinds": " ".join(kinds),
        "endian": "little",
        "encoding": "gzip",
        "space origin": _vector(lps[:3, 3]),
    }
    told = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    for key, value in _segment_fields(stack):
        told[key] = value.replace("\\", "\\\\")
    lines = ["NRRD0005", *(f"{key}: {value}" for key, value in fields.items())]
    lines += [f"{key}:={value}" for key, value in told.items()]
    with path.open("wb") as file:
        file.write("\n".join(lines).encode() + b"\n\n")
        with gzip.GzipFile("", "wb", 4, file, mtime=0) as packed:
            for k in range(stack.shape[2]):
                slab = np.stack([layer[:, :, k] for layer in stack.layers])
                packed.write(slab.astype(dtype.newbyteorder("<")).tobytes(order="F"))


def _segment_fields(stack: LayerStack) -> Iterator[tuple[str, str]]:
    order = 0
    for layer, (voxels, segments) in enumerate(
        zip(stack.layers, stack.segments, strict=True)
    ):
        extents = _extents(voxels)
        for told in segments_to_json(segments):
            number = told["id"]
            color = " ".join(f"{part / 255:.6g}" for part in rgb(told["color"]))
            tags = f"Segmentation.Status:{state_tag(told.get('state', ''))}|"
            if told.get("code"):
                tags += f"TerminologyEntry:{terminology_entry(told['code'])}|"
            here = {
                "ID": f"Segment_{number}"
                if layer == 0
                else f"Segment_{layer}_{number}",
                "Name": plain_text(told["name"]),
                "NameAutoGenerated": "0",
                "Color": color,
                "ColorAutoGenerated": "0",
                "LabelValue": str(number),
                "Layer": str(layer),
                "Extent": extents.get(number, "0 -1 0 -1 0 -1"),
                "Tags": tags,
            }
            for key, value in here.items():
                yield f"Segment{order}_{key}", value
            order += 1


def _extents(voxels: NDArray[Any]) -> dict[int, str]:
    """First and last index along I, J and K, for each integer that occurs."""
    from scipy.ndimage import find_objects

    return {
        number: " ".join(f"{part.start} {part.stop - 1}" for part in box)
        for number, box in enumerate(find_objects(voxels), start=1)
        if box is not None
    }


def _vector(values: NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"


def _told(fields: dict[str, Any]) -> list[dict[str, str]]:
    """The fields of each segment, in the order of the file."""
    by_number: dict[int, dict[str, str]] = {}
    for key, value in fields.items():
        match = _FIELD.fullmatch(str(key))
        if match:
            text = _ESCAPE.sub(lambda m: "\\" if m[1] == "\\" else " ", str(value))
            by_number.setdefault(int(match[1]), {})[match[2]] = text
    if len(by_number) > _MOST_SEGMENTS:
        raise ValueError("segments")
    return [told for _, told in sorted(by_number.items())]


def _take_apart(
    data: NDArray[Any], listed: list[dict[str, str]]
) -> tuple[tuple[NDArray[Any], ...], tuple[tuple[Segment, ...], ...]]:
    layers: list[NDArray[Any]] = list(data)
    segments: list[list[Segment]] = [[] for _ in layers]
    for order, told in enumerate(listed):
        layer, value = int(told.get("Layer", 0)), int(told.get("LabelValue", 1))
        if not 0 <= layer < len(data):
            raise ValueError("layer")
        if any(segment.id == value for segment in segments[layer]):
            mask = data[layer] == value
            layers.append((mask * value).astype(data.dtype))
            segments.append([])
            layer = len(layers) - 1
        segments[layer].append(_segment(told, value, order))
    return tuple(layers), tuple(tuple(listed) for listed in segments)


def _segment(told: dict[str, str], value: int, order: int) -> Segment:
    parts = told.get("Color", "").split()
    color = PALETTE[order % len(PALETTE)]
    if len(parts) == 3:
        color = hex_color(*(255 * float(part) for part in parts))
    tags = dict(
        tag.split(":", 1) for tag in told.get("Tags", "").split("|") if ":" in tag
    )
    (segment,) = as_segments(
        [
            {
                "id": value,
                "name": plain_text(told.get("Name", "")) or f"segment {order + 1}",
                "color": color,
                "state": state_of_tag(tags.get("Segmentation.Status", "")),
                "code": code_of_entry(tags.get("TerminologyEntry", "")),
            }
        ]
    )
    return segment
