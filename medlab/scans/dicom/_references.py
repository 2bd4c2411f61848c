"""Which series a segmentation or a structure set was drawn on.

Only the header is read. What is drawn is the business of `medlab.labels`.

Source:
    DICOM PS3.3, C.7.6.16.2.1.1 and C.12.1.1.11 (referenced series), C.8.8.5 (structure set).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from medlab.errors import MedlabError
from medlab.scans._header import plain
from medlab.scans._limits import NotAScan, damaged
from medlab.scans.dicom._file import check_deflated, is_dicom, not_dicom

_SEG = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID",
    "SpecificCharacterSet", "SeriesDescription", "ContentLabel", "StructureSetLabel",
    "FrameOfReferenceUID", "ReferencedSeriesSequence", "SourceImageSequence",
    "ReferencedFrameOfReferenceSequence", "SegmentSequence",
    "StudiesContainingOtherReferencedInstancesSequence",
]  # fmt: skip
_MOST_SERIES = 1000


@dataclass(frozen=True)
class Reference:
    """What a file with labels belongs to.

    Attributes:
        kind: "seg" or "rtstruct".
        series_uids: SeriesInstanceUID of each series it names; may be none.
        name: What the file calls itself; private and hostile text.
        frames_of_reference: FrameOfReferenceUIDs, for a file that names no series.
    """

    kind: Literal["seg", "rtstruct"]
    series_uids: tuple[str, ...]
    name: str
    frames_of_reference: tuple[str, ...] = ()


def references(path: Path) -> Reference:
    """Tell which series a DICOM SEG or RTSTRUCT file refers to.

    Raises:
        MedlabError: If it is neither, or cannot be read.
    """
    if not is_dicom(path):
        raise not_dicom(path.name)
    check_deflated(path, path.name)
    try:
        header = import_module("pydicom").dcmread(
            path, stop_before_pixels=True, specific_tags=_TAGS
        )
        return reference_of(header, path.name)
    except MedlabError:
        raise
    except Exception as error:
        raise damaged(path.name, "DICOM") from error


def reference_of(header: Any, name: str) -> Reference:
    """As `references`, for a header that was read; `name` is for the message.

    Raises:
        NotAScan: If it is neither a segmentation nor a structure set.
    """
    kind = str(header.get("SOPClassUID", ""))
    if kind in _SEG:
        segments = header.get("SegmentSequence") or []
        label = plain(header.get("SeriesDescription")) or plain(
            header.get("ContentLabel")
        )
        if not label and segments:
            label = plain(segments[0].get("SegmentLabel"))
        frame = plain(header.get("FrameOfReferenceUID"))
        frames = (frame,) if frame else ()
        return Reference("seg", _unique(_series_of_seg(header)), label, frames)
    if kind == _RTSTRUCT:
        label = plain(header.get("StructureSetLabel"))
        label = label or plain(header.get("SeriesDescription"))
        listed = header.get("ReferencedFrameOfReferenceSequence") or []
        told = (plain(item.get("FrameOfReferenceUID")) for item in listed)
        return Reference(
            "rtstruct", _unique(_series_of_rtstruct(header)), label, _unique(told)
        )
    raise NotAScan(
        f"{name} must be a DICOM segmentation (SEG) or structure set (RTSTRUCT), got "
        "another kind of file. Choose one of these."
    )


def _series_of_seg(header: Any) -> Iterator[str]:
    for item in header.get("ReferencedSeriesSequence") or []:
        yield plain(item.get("SeriesInstanceUID"))
    for study in header.get("StudiesContainingOtherReferencedInstancesSequence") or []:
        for item in study.get("ReferencedSeriesSequence") or []:
            yield plain(item.get("SeriesInstanceUID"))


def _series_of_rtstruct(header: Any) -> Iterator[str]:
    for frame in header.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame.get("RTReferencedStudySequence") or []:
            for item in study.get("RTReferencedSeriesSequence") or []:
                yield plain(item.get("SeriesInstanceUID"))


def _unique(texts: Iterator[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts:
        if text:
            found.setdefault(text)
        if len(found) >= _MOST_SERIES:
            break
    return tuple(found)
