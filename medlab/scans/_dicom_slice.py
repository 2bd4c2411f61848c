"""One DICOM slice: where a picture lies in the patient, and how its values are meant.

Classic files say it once; multi-frame files say it for each frame, or for all together.

Source:
    DICOM PS3.3, C.7.6.2 (image plane), C.7.6.16 (multi-frame functional groups).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._dicom_files import DicomFile
from medlab.scans._limits import damaged

_DIRECTION_TOLERANCE = 1e-3
_MOST_FRAMES = 100_000


@dataclass(frozen=True, eq=False)
class DicomSlice:
    """One picture; positions and directions in LPS mm."""

    path: Path
    header: Any
    frame: int
    position: NDArray[np.float64] | None
    directions: NDArray[np.float64] | None
    spacing: tuple[float, float] | None
    thickness: float | None
    rescale: tuple[float, float]
    window: tuple[float, float] | None

    def belongs_with(self, other: "DicomSlice") -> bool:
        """Whether both pictures have the same size and lie in parallel planes."""
        if (self.header.Rows, self.header.Columns) != (
            other.header.Rows,
            other.header.Columns,
        ):
            return False
        if self.directions is None or other.directions is None:
            return self.directions is other.directions
        apart = np.abs(self.directions - other.directions).max()
        return not apart > _DIRECTION_TOLERANCE


def slices_of(file: DicomFile) -> Iterator[DicomSlice]:
    """Each picture of a file, in the order of the file."""
    header = file.header
    frames = int(header.get("NumberOfFrames", 1) or 1)
    if not 1 <= frames <= _MOST_FRAMES:
        raise damaged(file.path.name, "DICOM")
    shared = _first(header, "SharedFunctionalGroupsSequence")
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    for frame in range(frames):
        groups = [own[frame]] if frame < len(own) else []
        groups = [*groups, *([shared] if shared is not None else []), header]
        yield _one_slice(file, frame, groups)


def _one_slice(file: DicomFile, frame: int, groups: list[Any]) -> DicomSlice:
    directions = _numbers(
        groups, "PlaneOrientationSequence", "ImageOrientationPatient", 6
    )
    position = _numbers(groups, "PlanePositionSequence", "ImagePositionPatient", 3)
    measures = "PixelMeasuresSequence"
    spacing = _numbers(groups, measures, "PixelSpacing", 2)
    if spacing is None:
        spacing = _numbers(groups, measures, "ImagerPixelSpacing", 2)
    between = _numbers(groups, measures, "SpacingBetweenSlices", 1)
    thick = _numbers(groups, measures, "SliceThickness", 1)
    values = "PixelValueTransformationSequence"
    slope = _numbers(groups, values, "RescaleSlope", 1)
    intercept = _numbers(groups, values, "RescaleIntercept", 1)
    center = _numbers(groups, "FrameVOILUTSequence", "WindowCenter", None)
    width = _numbers(groups, "FrameVOILUTSequence", "WindowWidth", None)
    thickness = between if between is not None else thick
    return DicomSlice(
        path=file.path,
        header=file.header,
        frame=frame,
        position=position,
        directions=None if directions is None else directions.reshape(2, 3),
        spacing=None if spacing is None else (float(spacing[0]), float(spacing[1])),
        thickness=None if thickness is None else abs(float(thickness[0])),
        rescale=(
            1.0 if slope is None else float(slope[0]),
            0.0 if intercept is None else float(intercept[0]),
        ),
        window=None
        if center is None or width is None
        else (float(center[0]), float(width[0])),
    )


def _numbers(
    groups: list[Any], sequence: str, keyword: str, count: int | None
) -> NDArray[np.float64] | None:
    """The first of the groups that gives the value, in its sequence or by itself."""
    for group in groups:
        holder = _first(group, sequence)
        for place in (holder, group):
            value = None if place is None else place.get(keyword)
            if value is None or value == "":
                continue
            numbers = np.atleast_1d(np.array(value, np.float64))
            if numbers.size and (count is None or numbers.size == count):
                return numbers
    return None


def _first(group: Any, keyword: str) -> Any:
    sequence = group.get(keyword)
    return sequence[0] if sequence else None


def acquisition_order(piece: DicomSlice) -> tuple[int, int, str]:
    """Sorts pictures at one place by when they were taken."""
    try:
        number = int(piece.header.get("InstanceNumber", 0) or 0)
    except (TypeError, ValueError):
        number = 0
    return number, piece.frame, piece.path.name
