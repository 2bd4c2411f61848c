"""Slices of a DICOM series in order, by where they lie, with the affine they make up.

What is doubtful about the geometry is told in sentences, each with the slice it is about
(counted from 0 along K) and how many mm it is about. LPS stops in this module.

Source:
    DICOM PS3.3, C.7.6.2.1.1 (image plane).
"""

import filecmp
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._limits import NotAScan, damaged
from medlab.scans._volume import SpacingUnit
from medlab.scans.dicom._doubts import (
    doubts_about_places,
    doubts_about_plane,
    doubts_about_single,
)
from medlab.scans.dicom._file import DicomFile
from medlab.scans.dicom._frames import Frames, split_frames
from medlab.scans.dicom._slice import (
    DicomSlice,
    acquisition_order,
    real_world_values,
    slices_of,
)
from medlab.scans.dicom._values import number, words

_KIND = "DICOM"
_POSITION_TOLERANCE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Stack:
    """Volumes of slices in order along the normal.

    Attributes:
        frames: One volume, or those of a 4D series.
        affine: 4x4, voxel to RAS mm, or to pixels if `unit` says so.
        notes: Sentences about what is doubtful.
    """

    frames: Frames
    affine: NDArray[np.float64]
    unit: SpacingUnit = "mm"
    notes: list[str] = field(default_factory=list)

    @property
    def first(self) -> DicomSlice:
        """The first slice of the first volume."""
        return self.frames.volumes[0][0]


def stack_slices(files: Sequence[DicomFile], name: str) -> Stack:
    """Put the slices of one volume, or of a 4D series, in order.

    Args:
        files: All files of it, in any order.
        name: What to call it in messages.

    Raises:
        MedlabError: If the slices do not make up a volume.
    """
    try:
        slices = [piece for file in files for piece in slices_of(file)]
    except (MedlabError, MemoryError):
        raise
    except Exception as error:  # Values are made sense of when they are asked for.
        raise damaged(name, _KIND) from error
    if not slices:
        raise NotAScan(f"{name} must hold at least one DICOM image, got none.")
    notes: list[str] = []
    if files[0].apart:
        are = (
            "images of this series lie"
            if files[0].apart > 1
            else "image of this series lies"
        )
        notes.append(
            f"{files[0].apart} {are} elsewhere or in another size or direction: "
            "listed as a scan apart."
        )
    if slices[0].mosaic is None and "MOSAIC" in words(
        slices[0].groups, "", "ImageType"
    ):
        notes.append(
            "The picture is a mosaic that cannot be cut into its slices: it is shown as one."
        )
    meanings = len(real_world_values(slices[0].groups))
    if meanings > 1:
        notes.append(
            f"The file gives {meanings} real-world meanings to its values; they are left "
            "as rescaled."
        )
    if slices[0].directions is None or slices[0].position is None:
        return _without_place(slices, name, notes)
    return _in_order(slices, name, notes)


def _in_order(slices: list[DicomSlice], name: str, notes: list[str]) -> Stack:
    directions = _unit_directions(slices[0], name, notes)
    normal = np.cross(directions[0], directions[1])
    normal /= np.linalg.norm(normal)
    places = _without_copies(_places(slices, normal, name), notes)
    frames = split_frames(places)
    notes += frames.notes
    volume = frames.volumes[0]
    points = np.array([piece.position for piece in volume], np.float64)
    first = volume[0]
    if first.spacing is None:
        notes.append(
            "The file gives no distance between its pixels: lengths are in pixels, not mm."
        )
        lps = np.eye(4)
        lps[:3, :3] = np.column_stack([*directions, normal])
        return Stack(frames, swap_lps_ras(lps), "pixels", notes)
    lps = np.eye(4)
    # PixelSpacing is (between rows, between columns); columns run along I.
    lps[:3, 0] = directions[0] * first.spacing[1]
    lps[:3, 1] = directions[1] * first.spacing[0]
    notes += doubts_about_plane(first)
    if len(volume) > 1:
        lps[:3, 2] = (points[-1] - points[0]) / (len(points) - 1)
        notes += doubts_about_places(volume, normal)
    else:
        lps[:3, 2] = normal * (first.thickness or 1.0)
        notes += doubts_about_single(first)
    lps[:3, 3] = points[0]
    return Stack(frames, swap_lps_ras(lps), "mm", notes)


def _unit_directions(
    piece: DicomSlice, name: str, notes: list[str]
) -> NDArray[np.float64]:
    """The directions of the columns and the rows, each of length 1.

    Raises:
        MedlabError: If they do not span a plane.
    """
    assert piece.directions is not None
    lengths = np.linalg.norm(piece.directions, axis=1)
    normal = np.cross(*piece.directions)
    if not np.isfinite(normal).all() or np.linalg.norm(normal) < 0.5:
        # A check that fails with the sentence about singular or NaN affines.
        is_nan = bool(np.isnan(normal).any())
        check_affine(np.diag([np.nan if is_nan else 0.0] * 3 + [1]), name)
    if np.abs(lengths - 1).max() > 1e-3:
        notes.append(
            f"The directions of rows and columns have the lengths {lengths[0]:.4g} and "
            f"{lengths[1]:.4g}, not 1: taken as 1."
        )
    unit: NDArray[np.float64] = piece.directions
    if np.abs(lengths - 1).max() > 1e-3:
        unit = piece.directions / lengths[:, np.newaxis]
    between = float(np.degrees(np.arccos(np.clip(abs(unit[0] @ unit[1]), 0, 1))))
    if between < 89.5:
        notes.append(
            f"Rows and columns are {between:.1f} degrees apart, not 90: the pictures are "
            "sheared, or their directions are wrong."
        )
    return unit


def _places(
    slices: list[DicomSlice], normal: NDArray[np.float64], name: str
) -> list[list[DicomSlice]]:
    """Slices by position along the normal; those at one place in acquisition order."""
    points = np.array([piece.position for piece in slices], np.float64)
    if not np.isfinite(points).all():
        check_affine(np.full((4, 4), np.nan), name)
    along = points @ normal
    thick = slices[0].thickness
    tolerance = _POSITION_TOLERANCE_MM
    if thick is not None and np.isfinite(thick):
        # Positions of one place may differ in the digits that a scanner rounded.
        tolerance = max(tolerance, min(0.01 * thick, 0.05))
    places: list[list[DicomSlice]] = []
    last = -np.inf
    for n in np.argsort(along, kind="stable"):
        if along[n] - last > tolerance:
            places.append([])
            last = along[n]
        places[-1].append(slices[n])
    return [sorted(place, key=acquisition_order) for place in places]


def _without_copies(
    places: list[list[DicomSlice]], notes: list[str]
) -> list[list[DicomSlice]]:
    """One of each image that is there more than once, byte for byte."""
    found, doubled = [], []
    for k, place in enumerate(places):
        kept: list[DicomSlice] = []
        instances: dict[object, list[DicomSlice]] = {}
        for piece in place:
            uid = str(piece.header.get("SOPInstanceUID", "") or "")
            alike = instances.setdefault((uid, piece.frame, piece.corner), [])
            if not (uid and any(_is_copy(piece, other) for other in alike)):
                kept.append(piece)
                alike.append(piece)
        if len(kept) < len(place):
            doubled.append(k)
        found.append(kept)
    if len(doubled) == len(places) > 1:
        notes.append("Every slice is there more than once, byte for byte: one is used.")
    elif doubled:
        listed = ", ".join(map(str, doubled[:5])) + (", ..." if doubled[5:] else "")
        word = "Slices" if len(doubled) > 1 else "Slice"
        are = "are" if len(doubled) > 1 else "is"
        notes.append(
            f"{word} {listed} {are} there more than once, byte for byte: one is used."
        )
    return found


def _is_copy(one: DicomSlice, other: DicomSlice) -> bool:
    """Whether both files hold the same bytes."""
    if one.path == other.path:
        return False
    try:
        return filecmp.cmp(one.path, other.path, shallow=False)
    except OSError:
        return False


def _without_place(slices: list[DicomSlice], name: str, notes: list[str]) -> Stack:
    """Pictures that lie nowhere: one, or those of one file, one behind the other."""
    if len(slices) > 1 and len({piece.path for piece in slices}) > 1:
        raise MedlabError(
            f"{name} must say where each image lies in the patient, got {len(slices)} "
            "images without position. Open one of the files by itself.",
            code="no-position",
        )
    notes.append("The file does not say how the picture lies in the patient.")
    first = slices[0]
    unit: SpacingUnit = "mm"
    down, across = first.spacing or (1.0, 1.0)
    step = first.thickness or 1.0
    if first.spacing is None:
        notes.append(
            "The file gives no distance between its pixels: lengths are in pixels, not mm."
        )
        unit, step = "pixels", 1.0
    notes += doubts_about_plane(first)
    if len(slices) == 1:
        notes.append("The scan has only one slice.")
    else:
        notes.append(_film(first, len(slices)))
    lps = np.diag([across, down, step, 1.0])
    return Stack(Frames([slices]), swap_lps_ras(lps), unit, notes)


def _film(first: DicomSlice, count: int) -> str:
    ms: Any = number([first.header], "", "FrameTime")
    apart = f" ({ms:g} ms apart)" if ms else ""
    return (
        f"The file holds {count} pictures without place{apart}: they are shown as slices, "
        "and distances across them mean nothing."
    )
