"""Reading DICOM SEG: binary, fractional and labelmap segmentations of any maker.

Frames are put on the scan's own voxels, moved or mirrored by whole pixels if need be, or
refused: nothing is resampled. Segments that overlap go to several layers. Kept: names,
colours, codes (the type) and, in files that medlab wrote, ids and layers. DICOM SEG has no
field for states, locks, opacity and marks.

Source:
    DICOM PS3.3, A.51 and C.8.20 (segmentation), C.7.6.16 (functional groups).
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._cielab import from_cielab
from medlab.labels._frame_places import FramePlaces, own_grid
from medlab.labels._grid import OnGrid
from medlab.labels._plain_text import plain_text
from medlab.labels._segment import PALETTE, Segment, as_segments
from medlab.labels._stack import LayerStack
from medlab.labels._terminology import STRUCTURE
from medlab.scans import DicomSlice, NotAScan, check_size, read_dicom, slices_of

SEG, LABELMAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
TRACKING = "medlab layer {layer} place {place} label {id}"
"""What medlab calls a segment in TrackingID, to find its layer, place and id again."""

_TRACKED = re.compile(r"medlab layer (\d{1,5}) place (\d{1,5}) label (\d{1,5})")


@dataclass(frozen=True, eq=False)
class _Painted:
    """One frame: where it lies and its pixels `(columns, rows)`."""

    place: DicomSlice
    pixels: NDArray[Any]


def read_dicom_seg(path: Path, name: str, scan: OnGrid | None = None) -> LayerStack:
    """Read a segmentation.

    Args:
        path: The file.
        name: What to call it in messages.
        scan: What it was drawn on. Without one the grid is that of its own frames.

    Raises:
        MedlabError: If it is no segmentation, is damaged, or does not lie on the scan.
    """
    file = read_dicom(path, name, everything=True)
    header = file.header
    if str(header.get("SOPClassUID", "")) not in (SEG, LABELMAP):
        raise NotAScan(
            f"{name!r} must be a DICOM segmentation (SEG), got another kind of DICOM file. "
            "Choose the segmentation."
        )
    try:
        places = list(slices_of(file))
        pixels = _pixels(header, len(places), name)
        frames = [
            _Painted(place, picture.T)
            for place, picture in zip(places, pixels, strict=True)
        ]
        segments = _segments(header)
        by_segment = dict(_by_segment(header, frames, segments))
    except MedlabError:
        raise
    except Exception as error:
        raise NotAScan(
            f"{name!r} must be a whole DICOM segmentation, and could not be read as one. "
            "Copy it again from its source."
        ) from error
    grid = scan if scan is not None else own_grid(places, name)
    stack = _stacked(by_segment, segments, FramePlaces(grid, name), name)
    return _with_notes(stack, header, scan)


def _pixels(header: Any, frames: int, name: str) -> NDArray[Any]:
    """All frames `(frames, rows, columns)` of integers."""
    shape = (frames, int(header.Rows), int(header.Columns))
    check_size(name, shape, max(int(header.BitsAllocated) // 8, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pixels = np.asarray(header.pixel_array).reshape(shape)
    if str(header.get("SegmentationType", "")).upper() == "FRACTIONAL":
        return pixels >= int(header.get("MaximumFractionalValue", 255)) / 2
    return pixels


def _segments(header: Any) -> dict[int, tuple[int | None, Segment]]:
    """For each segment number the layer that medlab gave it, if so, and the segment."""
    found: dict[int, tuple[int | None, Segment]] = {}
    places: dict[int, int] = {}
    described = header.get("SegmentSequence") or []
    tracked = [_TRACKED.fullmatch(str(d.get("TrackingID", ""))) for d in described]
    is_ours = bool(tracked) and all(
        match or _is_background(d) for match, d in zip(tracked, described, strict=True)
    )
    for order, (described_one, match) in enumerate(
        zip(described, tracked, strict=True)
    ):
        number = int(described_one.SegmentNumber)
        if number == 0 or _is_background(described_one):
            continue
        layer = int(match[1]) if match and is_ours else None
        told = {
            "id": int(match[3]) if match and is_ours else number,
            "name": _name(described_one, number),
            "color": PALETTE[order % len(PALETTE)],
            "code": _code(described_one),
        }
        stored = described_one.get("RecommendedDisplayCIELabValue")
        if stored is not None and len(stored) == 3:
            told["color"] = from_cielab(stored)
        (segment,) = as_segments([told])
        found[number] = (layer, segment)
        places[number] = int(match[2]) if match and is_ours else order
    # A label map lists segments by number, which is not the order people gave them.
    return dict(sorted(found.items(), key=lambda item: places[item[0]]))


def _is_background(described: Any) -> bool:
    return int(described.get("SegmentNumber", 1)) == 0


def _name(described: Any, number: int) -> str:
    label = plain_text(str(described.get("SegmentLabel", "") or ""))
    longer = plain_text(str(described.get("SegmentDescription", "") or ""))
    # DICOM has room for 64 letters in a label; medlab tells the rest in the description.
    is_ours = _TRACKED.fullmatch(str(described.get("TrackingID", "")))
    return (longer if is_ours and longer else label) or f"segment {number}"


def _code(described: Any) -> dict[str, str] | None:
    items = described.get("SegmentedPropertyTypeCodeSequence") or []
    if not items:
        return None
    value = str(items[0].get("CodeValue") or items[0].get("LongCodeValue") or "")
    scheme = str(items[0].get("CodingSchemeDesignator") or "")
    if not (scheme and value) or (scheme, value) == (
        STRUCTURE["scheme"],
        STRUCTURE["value"],
    ):
        return None
    meaning = plain_text(str(items[0].get("CodeMeaning") or value))
    return {"scheme": scheme, "value": value, "meaning": meaning or value}


def _by_segment(
    header: Any, frames: list[_Painted], segments: dict[int, tuple[int | None, Segment]]
) -> Iterator[tuple[int, list[_Painted]]]:
    """The frames of each segment, each with a mask in place of its pixels."""
    is_map = str(header.get("SegmentationType", "")).upper() == "LABELMAP"
    if is_map or str(header.SOPClassUID) == LABELMAP:
        occurring = [set(np.unique(frame.pixels).tolist()) for frame in frames]
        unnamed = set().union(*occurring) - {0} - set(segments)
        if unnamed:
            raise ValueError("pixels that no segment describes")
        for number in segments:
            yield (
                number,
                [
                    _Painted(frame.place, frame.pixels == number)
                    for frame, here in zip(frames, occurring, strict=True)
                    if number in here
                ],
            )
        return
    shared = header.get("SharedFunctionalGroupsSequence") or [{}]
    listed: dict[int, list[_Painted]] = {number: [] for number in segments}
    groups = list(header.get("PerFrameFunctionalGroupsSequence") or [{}] * len(frames))
    for group, frame in zip(groups[: len(frames)], frames, strict=True):
        told = group.get("SegmentIdentificationSequence") or shared[0].get(
            "SegmentIdentificationSequence"
        )
        number = int(told[0].ReferencedSegmentNumber)
        listed[number].append(_Painted(frame.place, frame.pixels != 0))
    yield from listed.items()


def _stacked(
    by_segment: dict[int, list[_Painted]],
    segments: dict[int, tuple[int | None, Segment]],
    places: FramePlaces,
    name: str,
) -> LayerStack:
    """Layers in which nothing overlaps: medlab's own, or as few as it takes."""
    top = max((segment.id for _, segment in segments.values()), default=1)
    dtype = np.uint8 if top <= 255 else np.uint16
    layers: list[NDArray[Any]] = []
    listed: list[list[Segment]] = []

    def begin() -> None:
        check_size(name, (len(layers) + 1, *places.shape), dtype().itemsize)
        layers.append(np.zeros(places.shape, dtype, order="F"))
        listed.append([])

    wanted = {layer for layer, _ in segments.values() if layer is not None}
    for _ in range(min(1 + max(wanted, default=0), len(segments)) or 1):
        begin()
    for number, (own, segment) in segments.items():
        windows = [
            window
            for frame in by_segment[number]
            if (window := places.window(frame.place, frame.pixels)) is not None
        ]
        for layer in (own or 0, *range(len(layers) + 1)):
            if layer == len(layers):
                begin()
            if layer < len(layers) and not any(
                layers[layer][where][mask].any() for where, mask in windows
            ):
                break
        for where, mask in windows:
            layers[layer][where][mask] = segment.id
        listed[layer].append(segment)
    told = tuple(tuple(one) for one in listed)
    return LayerStack(tuple(layers), places.affine, told)


def _with_notes(stack: LayerStack, header: Any, scan: OnGrid | None) -> LayerStack:
    notes = list(stack.warnings)
    if str(header.get("SegmentationType", "")).upper() == "FRACTIONAL":
        notes.append(
            "The file tells a probability or share a voxel; those of a half and more "
            "were taken."
        )
    ours = getattr(scan, "frame_of_reference", "")
    theirs = str(header.get("FrameOfReferenceUID", "") or "")
    if ours and theirs and ours != theirs:
        notes.append(
            "The file belongs to another frame of reference than the scan; the place "
            "agrees, the patient's position may not."
        )
    return LayerStack(
        stack.layers, stack.affine, stack.segments, stack.marks, tuple(notes)
    )
