"""Joining binary segmentations of one series into one, for segments that overlap.

highdicom takes overlapping segments as one picture a slice and segment, all in memory: 30 GB
for a hundred organs of a chest. One layer at a time needs a hundredth of that.

Source:
    DICOM PS3.3, C.8.20.2 (segmentation image), C.7.6.17 (dimensions);
    PS3.5, 8.1.1 (frames of single bits follow one another without padding).
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

_OF_A_FRAME = (
    "SegmentIdentificationSequence",
    "PlanePositionSequence",
    "DerivationImageSequence",
)


def join_segmentations(parts: Sequence[Any]) -> Any:
    """One segmentation with the segments of all, numbered on; the first one is changed.

    Args:
        parts: Uncompressed binary segmentations of the same images, as highdicom makes
            them. Their segments count from 1 each.
    """
    whole = parts[0]
    if len(parts) == 1:
        return whole
    for part in parts:
        _tell_each_frame(part)
    described = list(whole.SegmentSequence)
    groups = list(whole.PerFrameFunctionalGroupsSequence)
    for part in parts[1:]:
        shift = len(described)
        for item in part.SegmentSequence:
            item.SegmentNumber += shift
            described.append(item)
        for group in part.PerFrameFunctionalGroupsSequence:
            group.SegmentIdentificationSequence[0].ReferencedSegmentNumber += shift
            groups.append(group)
    _count_places(groups)
    whole.PixelData = _joined_bits(parts)
    whole.SegmentSequence = described
    whole.PerFrameFunctionalGroupsSequence = groups
    whole.NumberOfFrames = len(groups)
    whole.SegmentsOverlap = "YES"
    return whole


def _tell_each_frame(part: Any) -> None:
    """Move what all frames of a part share, and not all of the whole, to each of them."""
    shared = part.SharedFunctionalGroupsSequence[0]
    for keyword in _OF_A_FRAME:
        if keyword not in shared:
            continue
        for group in part.PerFrameFunctionalGroupsSequence:
            setattr(group, keyword, copy.deepcopy(shared[keyword].value))
        delattr(shared, keyword)


def _count_places(groups: Sequence[Any]) -> None:
    """Tell each frame its segment and its place among those of all segments, from 1."""
    places = [
        tuple(map(float, group.PlanePositionSequence[0].ImagePositionPatient))
        for group in groups
    ]
    order = {place: n for n, place in enumerate(sorted(set(places)), start=1)}
    for group, place in zip(groups, places, strict=True):
        number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        group.FrameContentSequence[0].DimensionIndexValues = [number, order[place]]


def _joined_bits(parts: Sequence[Any]) -> bytes:
    counts = [
        int(part.NumberOfFrames) * int(part.Rows) * int(part.Columns) for part in parts
    ]
    if all(count % 8 == 0 for count in counts[:-1]):
        pieces = [
            bytes(part.PixelData)[: -(-count // 8)]
            for part, count in zip(parts, counts, strict=True)
        ]
        joined = b"".join(pieces)
    else:
        bits = [
            np.unpackbits(
                np.frombuffer(part.PixelData, np.uint8), bitorder="little", count=count
            )
            for part, count in zip(parts, counts, strict=True)
        ]
        joined = np.packbits(np.concatenate(bits), bitorder="little").tobytes()
    return joined + bytes(len(joined) % 2)
