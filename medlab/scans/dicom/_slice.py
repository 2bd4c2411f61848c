"""One DICOM slice: where a picture lies in the patient, and how its values are meant.

Classic files say it once; multi-frame files say it for each frame, or for all together; a
Siemens mosaic holds a whole volume in one picture.

Source:
    DICOM PS3.3, C.7.6.2 (image plane), C.7.6.16 (multi-frame functional groups),
    C.7.6.16.2.11 (real world value mapping), C.8.8.3 (dose), C.8.4.15 (NM detector).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._limits import NotAScan, damaged
from medlab.scans.dicom._file import DicomFile
from medlab.scans.dicom._mosaic import Mosaic, read_mosaic
from medlab.scans.dicom._spacing import Spacing, spacing_of
from medlab.scans.dicom._values import Groups, find, first, number, numbers, words

_DIRECTION_TOLERANCE = 1e-3
_SPACING_TOLERANCE = 0.01
_MOST_FRAMES = 100_000


@dataclass(frozen=True, eq=False)
class DicomSlice:
    """One picture; positions and directions in LPS mm.

    `directions` are those of the next column and of the next row, `spacing` the distances
    between rows and between columns. `size` are the rows and columns of the slice; in a
    mosaic it begins at `corner` of the picture.
    """

    path: Path
    header: Any
    frame: int
    position: NDArray[np.float64] | None
    directions: NDArray[np.float64] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    rescale: tuple[float, float]
    window: tuple[float, float] | None
    size: tuple[int, int] = (0, 0)
    groups: Groups = ()
    file: DicomFile | None = None
    measured: Spacing | None = None
    corner: tuple[int, int] | None = None
    mosaic: Mosaic | None = None

    @property
    def stack(self) -> str:
        """StackID, empty if there is none."""
        return str(find(self.groups, "FrameContentSequence", "StackID") or "")

    @property
    def is_localizer(self) -> bool:
        """Whether the picture was made to plan others."""
        return "LOCALIZER" in words(self.groups, "", "ImageType")

    @property
    def samples(self) -> int:
        """1, or 3 for colour."""
        return int(self.header.get("SamplesPerPixel", 1) or 1)

    def belongs_with(self, other: "DicomSlice") -> bool:
        """Whether both can be slices of one volume: same size, in parallel planes."""
        if self.groups is other.groups:
            return True  # Frames of one file that it says the same about.
        if self.size != other.size or self.samples != other.samples:
            return False
        if self.directions is None or other.directions is None:
            return self.path == other.path and self.directions is other.directions
        if (self.position is None) != (other.position is None):
            return False
        if np.abs(self.directions - other.directions).max() > _DIRECTION_TOLERANCE:
            return False
        if self.stack != other.stack or self.is_localizer != other.is_localizer:
            return False
        places = (self.frame_of_reference, other.frame_of_reference)
        if all(places) and places[0] != places[1]:
            return False
        if self.spacing is None or other.spacing is None:
            return self.spacing is other.spacing
        return all(
            abs(a - b) <= _SPACING_TOLERANCE * max(a, b)
            for a, b in zip(self.spacing, other.spacing, strict=True)
        )

    @property
    def frame_of_reference(self) -> str:
        """FrameOfReferenceUID, empty if nobody said so."""
        return str(self.header.get("FrameOfReferenceUID", "") or "")


def slices_of(file: DicomFile) -> Iterator[DicomSlice]:
    """Each slice of a file that belongs to its volume, in the order of the file.

    Raises:
        ValueError: If what the file says makes no sense; MedlabError is one.
    """
    if not file.known_slices:
        file.known_slices.extend(_slices_of(file))
    yield from file.known_slices


def _slices_of(file: DicomFile) -> Iterator[DicomSlice]:
    header = file.header
    frames = int(header.get("NumberOfFrames", 1) or 1)
    if not 1 <= frames <= _MOST_FRAMES:
        raise damaged(file.path.name, "DICOM")
    shared = first(header, "SharedFunctionalGroupsSequence")
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    offsets = _offsets(header, frames)
    alike: DicomSlice | None = None
    for frame in range(frames) if file.frames is None else file.frames:
        if frame >= len(own) and alike is not None:
            piece = replace(alike, frame=frame)
        else:
            groups = [own[frame]] if frame < len(own) else []
            groups = [*groups, *([shared] if shared is not None else []), header]
            piece = _one_slice(file, frame, groups)
            alike = piece if frame >= len(own) else None
        if offsets is not None and piece.directions is not None:
            if piece.position is not None:
                moved = offsets[frame] * np.cross(*piece.directions)
                piece = replace(piece, position=piece.position + moved)
        elif frames == 1 and "MOSAIC" in words([header], "", "ImageType"):
            yield from _tiles(piece)
            continue
        yield piece


def _one_slice(file: DicomFile, frame: int, groups: list[Any]) -> DicomSlice:
    header = file.header
    directions = numbers(
        groups, "PlaneOrientationSequence", "ImageOrientationPatient", 6
    )
    position = numbers(groups, "PlanePositionSequence", "ImagePositionPatient", 3)
    if position is None and directions is None:
        detector = "DetectorInformationSequence"
        directions = numbers([header], detector, "ImageOrientationPatient", 6)
        position = numbers([header], detector, "ImagePositionPatient", 3)
    measures = "PixelMeasuresSequence"
    measured = spacing_of(groups)
    between = numbers(groups, measures, "SpacingBetweenSlices", 1)
    thick = numbers(groups, measures, "SliceThickness", 1)
    thick = thick if thick is not None and not thick[0] <= 0 else None
    thickness = between if between is not None else thick
    rescale = _rescale(groups)
    window = _window(groups, rescale)
    return DicomSlice(
        path=file.path,
        header=header,
        frame=frame,
        position=position,
        directions=None if directions is None else directions.reshape(2, 3),
        spacing=measured.mm,
        thickness=None if thickness is None else abs(float(thickness[0])),
        rescale=rescale,
        window=window,
        size=(int(header.Rows), int(header.Columns)),
        groups=tuple(groups),
        file=file,
        measured=measured,
    )


def _rescale(groups: Groups) -> tuple[float, float]:
    """Slope and intercept: the file's rescale; dose; or its only real-world value."""
    values = "PixelValueTransformationSequence"
    slope = numbers(groups, values, "RescaleSlope", 1)
    intercept = numbers(groups, values, "RescaleIntercept", 1)
    if slope is not None or intercept is not None:
        found = (
            1.0 if slope is None else float(slope[0]),
            0.0 if intercept is None else float(intercept[0]),
        )
        if not np.isfinite(found).all():
            raise NotAScan(
                "A picture must be rescaled by finite numbers, got NaN or infinity, so "
                "its intensities are unknown. Export the series again."
            )
        return found if found[0] else (1.0, 0.0)
    dose = number(groups, "", "DoseGridScaling")
    if dose:
        return dose, 0.0
    listed = real_world_values(groups)
    return listed[0] if len(listed) == 1 and listed[0] is not None else (1.0, 0.0)


def real_world_values(groups: Groups) -> list[tuple[float, float] | None]:
    """Slope and intercept of each real-world meaning; None for one that is a table."""
    for group in groups:
        listed = group.get("RealWorldValueMappingSequence")
        if listed:
            return [_linear(item) for item in listed]
    return []


def _linear(item: Any) -> tuple[float, float] | None:
    slope = number([item], "", "RealWorldValueSlope")
    intercept = number([item], "", "RealWorldValueIntercept")
    return (slope, intercept) if slope and intercept is not None else None


def _window(groups: Groups, rescale: tuple[float, float]) -> tuple[float, float] | None:
    center = number(groups, "FrameVOILUTSequence", "WindowCenter")
    width = number(groups, "FrameVOILUTSequence", "WindowWidth")
    if center is None or width is None:
        return None
    values = "PixelValueTransformationSequence"
    if all(
        find(groups, values, f"Rescale{part}") is None
        for part in ("Slope", "Intercept")
    ):
        # The file means its window in stored values then.
        return rescale[0] * center + rescale[1], abs(rescale[0]) * width
    return center, width


def _offsets(header: Any, frames: int) -> NDArray[np.float64] | None:
    """How far along the normal each frame lies from the position the file gives, in mm."""
    offsets = numbers([header], "", "GridFrameOffsetVector", None)
    if offsets is not None and len(offsets) == frames and frames > 1:
        shifted: NDArray[np.float64] = offsets - offsets[0]
        return shifted
    slices = numbers([header], "", "SliceVector", None)
    step = number([header], "", "SpacingBetweenSlices")
    if slices is not None and len(slices) == frames and frames > 1 and step:
        return np.asarray((slices - 1) * step, np.float64)
    return None


def _tiles(piece: DicomSlice) -> Iterator[DicomSlice]:
    """The slices of a mosaic; the picture itself if it cannot be cut."""
    mosaic = read_mosaic(piece.path)
    size = (0, 0) if mosaic is None else mosaic.size(*piece.size)
    directions, spacing = piece.directions, piece.spacing
    if mosaic is None or directions is None or spacing is None or not all(size):
        yield piece
        return
    normal = mosaic.normal if mosaic.normal is not None else np.cross(*directions)
    step = (piece.thickness or 1.0) * normal
    steps = directions * np.array([[spacing[1]], [spacing[0]]])
    if piece.position is None:
        yield piece
        return
    origin = mosaic.origin(piece.position, steps, size)
    for index in range(mosaic.slices):
        yield replace(
            piece,
            position=origin + index * step,
            size=size,
            corner=mosaic.corner(index, size),
            mosaic=mosaic,
        )


def acquisition_order(piece: DicomSlice) -> tuple[int, int, str]:
    """Sorts pictures at one place by when they were taken."""
    told = number([piece.header], "", "InstanceNumber")
    return int(told or 0), piece.frame, piece.path.name
