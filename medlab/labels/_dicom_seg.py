"""Reading DICOM SEG: binary, fractional and labelmap segmentations of any maker.

Frames are put on the scan's own voxels, moved or mirrored by whole pixels if need be, or
refused: nothing is resampled. Segments that overlap go to several layers. Kept: names,
colours, codes (the type) and, in files that medlab wrote, ids and layers. DICOM SEG has no
field for states, locks, opacity and marks.

Source:
    DICOM PS3.3, A.51 and C.8.20 (segmentation), C.7.6.16 (functional groups).
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._dicom_segments import Described, read_segments
from medlab.labels._frame_places import FramePlaces, Window, own_grid
from medlab.labels._grid import OnGrid
from medlab.labels._segment import Segment
from medlab.labels._stack import LayerStack
from medlab.scans import DicomSlice, NotAScan, check_size, read_dicom, slices_of

SEG, LABELMAP = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"


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
        _check_whole(header)
        frames, segments = list(slices_of(file)), read_segments(header)
        places = FramePlaces(scan or own_grid(frames, name), name)
        if _is_map(header):
            stack = _one_layer(header, frames, segments, places)
        else:
            windows = _windows(header, frames, segments, places)
            stack = _layers(windows, segments, places)
    except MedlabError:
        raise
    except Exception as error:
        raise NotAScan(
            f"{name!r} must be a whole DICOM segmentation, and could not be read as one. "
            "Copy it again from its source."
        ) from error
    return replace(stack, warnings=tuple(_notes(header, scan)))


def _check_whole(header: Any) -> None:
    """Refuse pixels that are fewer or more than the header promises, before any work.

    Raises:
        ValueError: If they are.
    """
    if header.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    picture = int(header.Rows) * int(header.Columns) * int(header.BitsAllocated)
    bits = picture * int(header.get("NumberOfFrames", 1))
    surplus = 8 * len(header.PixelData) - bits
    # A byte of padding makes the length even.
    if not 0 <= surplus <= max(picture - 1, 15):
        raise ValueError("pixels")


def _is_map(header: Any) -> bool:
    kind = str(header.get("SegmentationType", "")).upper()
    return kind == "LABELMAP" or str(header.SOPClassUID) == LABELMAP


def _pixels(header: Any, frames: int) -> Iterator[NDArray[Any]]:
    """The pixels of each frame, `(columns, rows)`; never all of them at once."""
    bits = int(header.BitsAllocated)
    shape = (int(header.Rows), int(header.Columns))
    check_size("A frame", shape, max(bits // 8, 1))
    if bits == 1 and not header.file_meta.TransferSyntaxUID.is_encapsulated:
        packed = np.frombuffer(header.PixelData, np.uint8)
        count = shape[0] * shape[1]
        for frame in range(frames):
            first = frame * count
            last = first + count
            # Frames follow one another by the bit, not by the byte.
            some = np.unpackbits(packed[first // 8 : -(-last // 8)], bitorder="little")
            yield some[first % 8 :][:count].reshape(shape).T
        return
    iter_pixels = import_module("pydicom.pixels").iter_pixels
    limit = int(header.get("MaximumFractionalValue", 255)) / 2
    is_share = str(header.get("SegmentationType", "")).upper() == "FRACTIONAL"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for pixels in iter_pixels(header):
            yield (pixels >= limit if is_share else pixels).reshape(shape).T


def _one_layer(
    header: Any, frames: list[DicomSlice], segments: Described, places: FramePlaces
) -> LayerStack:
    """A label map: its integers become the ids of its segments."""
    top = max((segment.id for _, segment in segments.values()), default=1)
    table = np.zeros(
        1 << int(header.BitsAllocated), np.uint8 if top <= 255 else np.uint16
    )
    is_named = np.zeros(len(table), bool)
    is_named[0] = True
    for number, (_, segment) in segments.items():
        table[number], is_named[number] = segment.id, True
    voxels = places.empty(1, table.dtype)
    for frame, pixels in zip(frames, _pixels(header, len(frames)), strict=True):
        if not is_named[pixels].all():
            raise ValueError("pixels that no segment describes")
        window = places.window(frame, table[pixels])
        if window is not None:
            where, found = window
            np.copyto(voxels[where], found, where=found != 0)
    listed = tuple(segment for _, segment in segments.values())
    return LayerStack((voxels,), places.affine, (listed,))


def _windows(
    header: Any, frames: list[DicomSlice], segments: Described, places: FramePlaces
) -> dict[int, list[Window]]:
    """The masks of each segment, on the grid."""
    shared = header.get("SharedFunctionalGroupsSequence") or [{}]
    groups = header.get("PerFrameFunctionalGroupsSequence") or [{}] * len(frames)
    found: dict[int, list[Window]] = {number: [] for number in segments}
    # A file that was cut to fewer frames may still describe them all.
    for group, frame, pixels in zip(
        list(groups)[: len(frames)], frames, _pixels(header, len(frames)), strict=True
    ):
        told = next(
            listed
            for holder in (group, shared[0])
            if (listed := holder.get("SegmentIdentificationSequence"))
        )
        window = places.window(frame, pixels != 0)
        if window is not None:
            found[int(told[0].ReferencedSegmentNumber)].append(window)
    return found


def _layers(
    windows: dict[int, list[Window]], segments: Described, places: FramePlaces
) -> LayerStack:
    """Layers in which nothing overlaps: medlab's own, or as few as it takes."""
    top = max((segment.id for _, segment in segments.values()), default=1)
    dtype = np.dtype(np.uint8 if top <= 255 else np.uint16)
    wanted = 1 + max((own or 0 for own, _ in segments.values()), default=0)
    layers = [places.empty(1, dtype) for _ in range(min(wanted, len(segments)) or 1)]
    listed: list[list[Segment]] = [[] for _ in layers]
    for number, (own, segment) in segments.items():
        here = windows[number]
        first = own if own is not None and own < len(layers) else 0
        free = (n for n in (first, *range(len(layers))) if _is_free(layers[n], here))
        layer = next(free, len(layers))
        if layer == len(layers):
            layers.append(places.empty(len(layers) + 1, dtype))
            listed.append([])
        for where, mask in here:
            layers[layer][where][mask] = segment.id
        listed[layer].append(segment)
    told = tuple(tuple(one) for one in listed)
    return LayerStack(tuple(layers), places.affine, told)


def _is_free(layer: NDArray[Any], windows: Sequence[Window]) -> bool:
    return not any(layer[where][mask].any() for where, mask in windows)


def _notes(header: Any, scan: OnGrid | None) -> Iterator[str]:
    if str(header.get("SegmentationType", "")).upper() == "FRACTIONAL":
        yield (
            "The file tells a probability or share a voxel; those of a half and more "
            "were taken."
        )
    ours = getattr(scan, "frame_of_reference", "")
    theirs = str(header.get("FrameOfReferenceUID", "") or "")
    if ours and theirs and ours != theirs:
        yield (
            "The file belongs to another frame of reference than the scan; the place "
            "agrees, the patient's position may not."
        )
