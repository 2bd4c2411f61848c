"""Structure sets (RTSTRUCT), written with pydicom alone."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from tests.support.scans import PATIENT

Region = tuple[str, Sequence[int] | None, Iterable[tuple[str, ArrayLike]]]
"""Name, colour, and its contours: their kind and points in RAS mm."""


def write_rtstruct(
    path: Path,
    regions: Iterable[Region],
    frame_of_reference: str = "",
    series: str = "",
) -> Path:
    """Write regions, in the frame of reference and on the series of these UIDs if any."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientName = "RTSTRUCT", PATIENT
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, color, contours) in enumerate(regions, start=1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        drawn.ReferencedROINumber = number
        if color is not None:
            drawn.ROIDisplayColor = list(color)
        drawn.ContourSequence = [_contour(*contour) for contour in contours]
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(drawn)
    if frame_of_reference or series:
        place = Dataset()
        if frame_of_reference:
            place.FrameOfReferenceUID = frame_of_reference
        if series:
            drawn_on, study = Dataset(), Dataset()
            drawn_on.SeriesInstanceUID = series
            study.RTReferencedSeriesSequence = [drawn_on]
            place.RTReferencedStudySequence = [study]
        dataset.ReferencedFrameOfReferenceSequence = [place]
    dataset.save_as(path, enforce_file_format=True)
    return path


def square(
    affine: NDArray[np.float64], k: int, low: int = 40, high: int = 60
) -> tuple[str, ArrayLike]:
    """The contour of a square of voxels in one slice, from `low` to `high` along I and J."""
    corners = [(low, low), (high, low), (high, high), (low, high)]
    voxels = np.insert(np.array(corners, float), 2, k, axis=1)
    return "CLOSED_PLANAR", voxels @ affine[:3, :3].T + affine[:3, 3]


def _contour(kind: str, points: ArrayLike) -> Dataset:
    lps = np.asarray(points, float) * [-1, -1, 1]
    contour = Dataset()
    contour.ContourGeometricType = kind
    contour.NumberOfContourPoints = len(lps)
    contour.ContourData = [f"{number:.8g}" for number in lps.ravel()]
    return contour
