"""What a DICOM segmentation says of its segments: names, colours, codes, medlab's own ids.

Source:
    DICOM PS3.3, C.8.20.4 (segment description), C.10.7.1.1 (CIELab).
"""

import re
from typing import Any

from medlab.labels._cielab import from_cielab
from medlab.labels._plain_text import plain_text
from medlab.labels._segment import PALETTE, Segment, as_segments
from medlab.labels._terminology import STRUCTURE

TRACKING = "medlab layer {layer} place {place} label {id}"
"""What medlab calls a segment in TrackingID, to find its layer, place and id again."""

_TRACKED = re.compile(r"medlab layer (\d{1,5}) place (\d{1,5}) label (\d{1,5})")

Described = dict[int, tuple[int | None, Segment]]
"""For each segment number the layer that medlab gave it, if so, and the segment."""


def read_segments(header: Any) -> Described:
    """The segments in the order people gave them."""
    found: Described = {}
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
