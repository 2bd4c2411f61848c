"""A small structure set (RTSTRUCT), written with pydicom alone."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid


def write_square_structure(
    path: Path, affine: NDArray[np.float64], series: str, name: str
) -> None:
    """Write one structure: a square of 20 x 20 voxels on each of three slices.

    Args:
        path: Where.
        affine: Voxel -> RAS mm, of the series it is drawn on.
        series: The SeriesInstanceUID of that series.
        name: What the structure is called.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.StructureSetLabel = "RTSTRUCT", name
    dataset.SpecificCharacterSet = "ISO_IR 192"
    drawn_on, study, place = Dataset(), Dataset(), Dataset()
    drawn_on.SeriesInstanceUID = series
    study.RTReferencedSeriesSequence = [drawn_on]
    place.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [place]
    roi, drawn = Dataset(), Dataset()
    roi.ROINumber, roi.ROIName = 1, name
    drawn.ReferencedROINumber, drawn.ROIDisplayColor = 1, [230, 159, 0]
    drawn.ContourSequence = [_square(affine, k) for k in (10, 11, 12)]
    dataset.StructureSetROISequence = [roi]
    dataset.ROIContourSequence = [drawn]
    dataset.save_as(path, enforce_file_format=True)


def _square(affine: NDArray[np.float64], k: int) -> Dataset:
    corners = np.array([[40, 40, k], [60, 40, k], [60, 60, k], [40, 60, k]], float)
    lps = (corners @ affine[:3, :3].T + affine[:3, 3]) * [-1, -1, 1]
    contour = Dataset()
    contour.ContourGeometricType = "CLOSED_PLANAR"
    contour.NumberOfContourPoints = len(corners)
    contour.ContourData = [f"{number:.8g}" for number in lps.ravel()]
    return contour
