"""Scans made for tests: small, odd-sized, with skewed affines; and files that are broken.

Nothing here uses medlab's own readers or writers, so that they are judged by others.
"""

import gzip
import itertools
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from medlab.scans import Volume

PATIENT = "Doe^Jane <b>secret</b>"
"""The made-up patient of every DICOM series: must never be seen in a message or a log."""

AXIS_CODES: tuple[str, ...] = tuple(
    "".join(letters)
    for order in itertools.permutations(("LR", "PA", "IS"))
    for letters in itertools.product(*order)
)
"""All 48 ways that voxel axes can run along the patient's."""

_UID_ROOT = "1.2.826.0.1.3680043.8.498.77"


def make_affine(
    axes: str = "LPS",
    *,
    spacing_mm: Sequence[float] = (0.7, 1.3, 2.5),
    origin_mm: Sequence[float] = (-31.0, 17.5, -120.25),
    oblique: bool = False,
    skewed: bool = False,
) -> NDArray[np.float64]:
    """An affine whose voxel axes run along `axes`, to RAS mm.

    `oblique` turns it by 12 and 7 degrees; `skewed` leans the third axis as a tilted
    gantry does.
    """
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, letter in enumerate(axes):
        world = next(n for n, pair in enumerate(("LR", "PA", "IS")) if letter in pair)
        affine[world, axis] = spacing_mm[axis] * (1 if letter in "RAS" else -1)
    if skewed:
        affine[:3, 2] += 0.15 * affine[:3, 1]
    if oblique:
        a, b = np.deg2rad(12), np.deg2rad(7)
        around_z = [[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]
        around_x = [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]]
        affine[:3, :3] = np.array(around_z) @ np.array(around_x) @ affine[:3, :3]
    affine[:3, 3] = origin_mm
    return affine


def make_volume(
    shape: tuple[int, int, int] = (7, 8, 9),
    axes: str = "LPS",
    oblique: bool = False,
    *,
    skewed: bool = False,
    modality: str = "CT",
    seed: int = 0,
) -> Volume:
    """A volume in which every voxel differs from its neighbours: air, tissue, bone."""
    rng = np.random.default_rng(seed)
    voxels = rng.integers(-1024, 2000, shape).astype(np.int16)
    voxels.flat[0], voxels.flat[-1] = -1024, 1999
    return Volume(voxels, make_affine(axes, oblique=oblique, skewed=skewed), modality)


def make_labels(shape: tuple[int, int, int] = (7, 8, 9), seed: int = 0) -> NDArray:
    """Labels 0 to 3, `(I, J, K)` uint8, in no symmetric pattern."""
    return np.random.default_rng(seed).integers(0, 4, shape).astype(np.uint8)


def write_dicom_series(
    folder: Path,
    volume: Volume,
    *,
    shuffled: bool = True,
    descending: bool = False,
    number: int = 1,
    intercept: int = -1024,
    slope: float = 1,
    seed: int = 0,
    skip: Sequence[int] = (),
    without: Sequence[str] = (),
) -> str:
    """Write a volume as one DICOM file a slice.

    The third voxel axis becomes the slice axis. The first two must be at right angles.

    Args:
        folder: Made when missing.
        volume: Whole numbers; for CT `(voxels - intercept) / slope` must fit uint16.
        shuffled: File names say nothing about the order of the slices.
        descending: Instance numbers run against the normal of the slices.
        number: Series number, part of the series' identity.
        intercept, slope: How values are stored.
        seed: Of the shuffled names.
        skip: Indices of slices that are left out.
        without: Keywords of elements that are left out.

    Returns:
        The SeriesInstanceUID.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series = f"{_UID_ROOT}.{number}"
    count = volume.shape[2]
    order = list(range(count))
    names = np.random.default_rng(seed).permutation(count) if shuffled else order
    for k in order:
        if k in skip:
            continue
        instance = count - k if descending else k + 1
        dataset = _dicom_slice(volume, k, series, instance, intercept, slope)
        for keyword in without:
            if keyword in dataset:
                delattr(dataset, keyword)
        dataset.save_as(folder / f"IM{names[k]:05d}", enforce_file_format=True)
    return series


def _dicom_slice(
    volume: Volume, k: int, series: str, instance: int, intercept: int, slope: float
) -> Dataset:
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    kind = CTImageStorage if volume.modality == "CT" else MRImageStorage
    uid = f"{series}.{k + 1}"
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = kind
    dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # Told outright, so that the file's size is the same with every pydicom.
    dataset.file_meta.ImplementationClassUID = f"{_UID_ROOT}.8"
    dataset.file_meta.ImplementationVersionName = "MEDLAB TESTS"
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, uid
    dataset.Modality, dataset.PatientName, dataset.PatientID = (
        volume.modality,
        PATIENT,
        "7",
    )
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{_UID_ROOT}.0", series
    dataset.StudyDescription, dataset.SeriesDescription = "Chest <i>study</i>", "thin"
    dataset.StudyDate, dataset.SeriesNumber = "20240131", 1
    dataset.InstanceNumber = instance
    dataset.Rows, dataset.Columns = volume.shape[1], volume.shape[0]
    dataset.ImageOrientationPatient = [
        _decimal(value) for axis in (0, 1) for value in lps[:3, axis] / spacing[axis]
    ]
    dataset.ImagePositionPatient = [_decimal(v) for v in (lps @ [0, 0, k, 1])[:3]]
    dataset.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
    dataset.SliceThickness = _decimal(spacing[2])
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope = intercept, slope
    stored = (volume.voxels[:, :, k].astype(np.int64) - intercept) / slope
    dataset.PixelData = np.round(stored).T.astype("<u2").tobytes()
    return dataset


def _decimal(value: float) -> str:
    """A number in the 16 characters that DICOM allows."""
    return next(
        text for digits in range(14, 0, -1) if len(text := f"{value:.{digits}g}") <= 16
    )


def write_colour_dicom(path: Path, size: tuple[int, int] = (7, 8)) -> NDArray:
    """One RGB picture; returns it as `(rows, columns, 3)`."""
    volume = make_volume((size[1], size[0], 1), modality="MR")
    dataset = _dicom_slice(volume, 0, f"{_UID_ROOT}.9", 1, -1024, 1)
    picture = np.random.default_rng(1).integers(0, 255, (*size, 3)).astype(np.uint8)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelData = picture.tobytes()
    del dataset.RescaleIntercept, dataset.RescaleSlope
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return picture


def write_nifti_by_nibabel(
    path: Path, voxels: NDArray, affine: NDArray, **header: Any
) -> None:
    """Write a NIfTI file with nibabel; `header` sets raw header fields."""
    import nibabel

    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm")
    for key, value in header.items():
        image.header[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


def write_truncated_dicom(folder: Path) -> Path:
    """A DICOM series whose middle file ends in its pixels."""
    write_dicom_series(folder, make_volume(), shuffled=False)
    path = folder / "IM00004"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def write_text_as(path: Path) -> Path:
    """A text file under a scan's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Dear colleague, the scan follows by post.\n")
    return path


def write_nan_affine(path: Path) -> Path:
    """A NIfTI file that does not know where it lies."""
    affine = make_affine("RAS")
    write_nifti_by_nibabel(path, make_volume().voxels, affine)
    return _patch_sform(path, float("nan"))


def write_singular_affine(path: Path) -> Path:
    """A NIfTI file two of whose axes coincide."""
    write_nifti_by_nibabel(path, make_volume().voxels, make_affine("RAS"))
    return _patch_sform(path, 0.0)


def write_gzip_bomb(
    path: Path, claimed: tuple[int, int, int] = (4096, 4096, 4096)
) -> Path:
    """A small `.nii.gz` that promises gigabytes and holds zeros."""
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_shape(claimed)
    header.set_data_dtype(np.int16)
    header.set_sform(np.eye(4), code=1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wb", compresslevel=9) as packed:
        packed.write(header.binaryblock + bytes(4))
        for _ in range(64):
            packed.write(bytes(1 << 20))
    return path


def write_deflated_bomb(path: Path, megabytes: int = 1024) -> Path:
    """A small deflated DICOM file that unpacks to `megabytes`."""
    import zlib

    folder = path.parent
    write_dicom_series(folder / "one", make_volume((7, 8, 1)))
    dataset = pydicom.dcmread(folder / "one" / "IM00000")
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = megabytes << 20
    body = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, size)
    packed = [packer.compress(body)]
    packed += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    path.write_bytes(content[:start] + b"".join(packed) + packer.flush())
    return path


def bad_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Make one of each broken scan below `folder`; yields what it is, and its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "empty").mkdir()
    yield "empty folder", folder / "empty"
    for ending in (".nii.gz", ".nii", ".nrrd", ".mha", ".dcm"):
        yield f"text as {ending}", write_text_as(folder / f"text{ending}")
    write_truncated_dicom(folder / "cut")
    yield "truncated DICOM", folder / "cut"
    yield "NaN affine", write_nan_affine(folder / "nan.nii.gz")
    yield "singular affine", write_singular_affine(folder / "flat.nii")
    write_nifti_by_nibabel(
        folder / "series.nii.gz", np.zeros((7, 8, 9, 4), np.int16), np.eye(4)
    )
    yield "4D", folder / "series.nii.gz"
    yield "gzip bomb", write_gzip_bomb(folder / "bomb.nii.gz")
    whole = folder / "whole.nii.gz"
    write_nifti_by_nibabel(whole, make_volume((40, 40, 40)).voxels, np.eye(4))
    cut = folder / "short.nii.gz"
    cut.write_bytes(whole.read_bytes()[:20_000])
    whole.unlink()
    yield "truncated NIfTI", cut


def _patch_sform(path: Path, value: float) -> Path:
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        content = bytearray(file.read())
    # qform_code, sform_code at 252 and 254; srow_x at 280.
    struct.pack_into("<hh", content, 252, 0, 1)
    struct.pack_into("<4f", content, 280, *[value] * 4)
    with opened(path, "wb") as file:
        file.write(content)
    return path
