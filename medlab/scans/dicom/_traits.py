"""What tells the pictures of a 4D series apart: one function a trait.

A trait is what the files say about one picture: None, or something that two pictures of the
same volume share.

Source:
    DICOM PS3.3, C.8.13.5.9 (MR diffusion), C.8.13.5.4 (MR echo), C.7.6.16.2.2 (frame
    content), C.7.6.16.2.7 (cardiac synchronization), C.7.6.17 (dimensions).
"""

import datetime
from collections.abc import Callable, Hashable

from medlab.scans._volume import FrameKind
from medlab.scans.dicom._slice import DicomSlice
from medlab.scans.dicom._values import find, number, words

Trait = Callable[[DicomSlice], Hashable]


def _diffusion(piece: DicomSlice) -> Hashable:
    groups, sequence = piece.groups, "MRDiffusionSequence"
    b_value = number(groups, sequence, "DiffusionBValue")
    if b_value is None:
        if piece.mosaic is None or piece.mosaic.b_value is None:
            return None
        direction = piece.mosaic.direction
        return piece.mosaic.b_value, _rounded(direction)
    direction = None
    for group in groups:
        holder = (group.get(sequence) or [None])[0]
        inner = (
            None if holder is None else holder.get("DiffusionGradientDirectionSequence")
        )
        for place in (inner[0] if inner else None, holder, group):
            told = None if place is None else place.get("DiffusionGradientOrientation")
            if told is not None and len(told) == 3:
                return b_value, _rounded(tuple(float(v) for v in told))
    return b_value, _rounded(direction)


def _rounded(direction: tuple[float, ...] | None) -> tuple[float, ...]:
    return () if direction is None else tuple(round(v, 3) + 0.0 for v in direction)


def _echo(piece: DicomSlice) -> Hashable:
    ms = number(piece.groups, "MREchoSequence", "EffectiveEchoTime")
    return ms if ms is not None else number(piece.groups, "", "EchoTime")


def _component(piece: DicomSlice) -> Hashable:
    told = words(
        piece.groups, "MRImageFrameTypeSequence", "ComplexImageComponent"
    ) or words(piece.groups, "", "ComplexImageComponent")
    kind = words(piece.groups, "MRImageFrameTypeSequence", "FrameType")
    kind = kind or words(piece.groups, "", "ImageType")
    return (*told, *kind[2:])


def _cardiac(piece: DicomSlice) -> Hashable:
    percent = number(
        piece.groups,
        "CardiacSynchronizationSequence",
        "NominalPercentageOfCardiacPhase",
    )
    return percent


def trigger_ms(piece: DicomSlice) -> float | None:
    groups, sequence = piece.groups, "CardiacSynchronizationSequence"
    told = number(groups, sequence, "NominalCardiacTriggerDelayTime")
    return told if told is not None else number(groups, "", "TriggerTime")


def position_in_time(piece: DicomSlice) -> float | None:
    index = number(piece.groups, "FrameContentSequence", "TemporalPositionIndex")
    if index is not None:
        return index
    return number(piece.groups, "", "TemporalPositionIdentifier")


def _other_dimensions(piece: DicomSlice) -> Hashable:
    """The indices a multi-frame file gives a frame along axes that are not in space."""
    index = find(piece.groups, "FrameContentSequence", "DimensionIndexValues")
    axes = piece.header.get("DimensionIndexSequence") or []
    if index is None or not axes:
        return None
    told = [index] if isinstance(index, int) else list(index)
    pointers = [int(axis.get("DimensionIndexPointer") or 0) for axis in axes]
    return tuple(
        int(value)
        for value, pointer in zip(told, pointers, strict=False)
        if pointer not in _IN_SPACE
    )


_IN_SPACE = {0x00209056, 0x00209057, 0x00200032, 0x00201041, 0x00209113, 0x00209111}
"""StackID, InStackPositionNumber, ImagePositionPatient, SliceLocation and their groups."""

TRAITS: tuple[tuple[FrameKind, Trait], ...] = (
    ("b-value", _diffusion),
    ("echo", _echo),
    ("component", _component),
    ("phase", _cardiac),
    ("time", position_in_time),
    ("volume", _other_dimensions),
)


def seconds(piece: DicomSlice) -> float | None:
    """When the picture was taken, in seconds since some moment; None if nobody says."""
    sequence = "FrameContentSequence"
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        told = find(piece.groups, sequence, keyword)
        if told is not None:
            return _clock(str(told)[:8], str(told)[8:])
    reference_ms = number(piece.groups, "", "FrameReferenceTime")
    if reference_ms is not None:
        return reference_ms / 1000
    for kind in ("Acquisition", "Content"):
        told = find(piece.groups, "", f"{kind}Time")
        if told is not None:
            date = find(piece.groups, "", f"{kind}Date")
            return _clock(str(date or "20000101"), str(told))
    return None


def _clock(date: str, time: str) -> float | None:
    """Seconds of a DICOM date and time, such as `20240131` and `134501.25`."""
    try:
        day = datetime.date(int(date[:4]), int(date[4:6]), int(date[6:8])).toordinal()
        whole = time.split("+")[0].split("-")[0]
        hours, minutes = int(whole[:2] or 0), int(whole[2:4] or 0)
        return day * 86400.0 + hours * 3600 + minutes * 60 + float(whole[4:] or 0)
    except ValueError:
        return None
