"""Whole files of every format, written by other libraries: what the broken ones start from.

Each holds the same 7 x 8 x 9 voxels of 16 bits, or one slice of them.
"""

import gzip
import io
import tempfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (7, 8, 9)
SPACING = (0.75, 1.25, 2.5)
VOXELS = np.random.default_rng(5).integers(-900, 900, SHAPE).astype(np.int16)


def dicom_slice(syntax: str = "1.2.840.10008.1.2.1", **changes: Any) -> Any:
    """One CT slice as a pydicom dataset; `changes` set or (None) delete elements."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4.1")
    meta.TransferSyntaxUID = UID(syntax)
    scan = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    values: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": "1.2.3.4.1",
        "SeriesInstanceUID": "1.2.3.4",
        "StudyInstanceUID": "1.2.3",
        "Modality": "CT",
        "Rows": SHAPE[1],
        "Columns": SHAPE[0],
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "PixelSpacing": [SPACING[1], SPACING[0]],
        "SliceThickness": SPACING[2],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [-10, -20, 30],
        "RescaleSlope": 1,
        "RescaleIntercept": 0,
        "PixelData": np.ascontiguousarray(VOXELS[:, :, 0].T).tobytes(),
    }
    for keyword, value in {**values, **changes}.items():
        if value is not None:
            setattr(scan, keyword, value)
    if "PixelData" in scan:
        scan["PixelData"].VR = "OW"
    return scan


def dicom_bytes(scan: Any) -> bytes:
    """A dataset as a file."""
    out = io.BytesIO()
    scan.save_as(out, enforce_file_format=True)
    return out.getvalue()


def deflated(content: bytes) -> bytes:
    """A gzip stream of `content`."""
    return gzip.compress(content, mtime=0)


def zeros_deflated(megabytes: int, *, start: bytes = b"") -> bytes:
    """A raw deflate stream of `start` and so many MB of zeros, made without deflating all."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * megabytes + packer.flush()


def zlib_of_zeros(megabytes: int) -> bytes:
    """As `zeros_deflated`, as a zlib stream (with a checksum that is wrong)."""
    return b"\x78\xda" + zeros_deflated(megabytes) + bytes(4)


def gzip_of_zeros(megabytes: int, *, start: bytes = b"") -> bytes:
    """As `zeros_deflated`, as a gzip file (with a checksum that is wrong)."""
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
    return head + zeros_deflated(megabytes, start=start) + bytes(8)


def nifti_header(kind: int = 1, **changes: Any) -> bytearray:
    """348 (or 540) bytes and four of no extension; `changes` set raw header fields."""
    import nibabel

    raw = (nibabel.Nifti1Header if kind == 1 else nibabel.Nifti2Header)()
    raw.set_data_dtype(np.int16)
    raw.set_data_shape(SHAPE)
    raw.set_sform(np.diag([*SPACING, 1]), code=1)
    raw.set_qform(np.diag([*SPACING, 1]), code=1)
    raw["magic"] = b"n+1" if kind == 1 else b"n+2"
    raw["vox_offset"] = 352 if kind == 1 else 544
    for field, value in changes.items():
        if isinstance(value, dict):
            for place, number in value.items():
                raw[field][place] = number
        else:
            raw[field] = value
    return bytearray(raw.binaryblock + bytes(4))


def voxel_bytes() -> bytes:
    """The voxels, I fastest."""
    return VOXELS.tobytes(order="F")


@cache
def by_simpleitk(ending: str, *, compress: bool = False) -> dict[str, bytes]:
    """The files that SimpleITK writes for the volume under that ending, by name."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(VOXELS.T)
    image.SetSpacing(SPACING)
    with tempfile.TemporaryDirectory() as folder:
        SimpleITK.WriteImage(image, f"{folder}/a{ending}", compress)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def picture(kind: str, **options: Any) -> bytes:
    """One slice as PNG, JPEG or TIFF, of 8 bits."""
    from PIL import Image

    out = io.BytesIO()
    grey = np.random.default_rng(6).integers(0, 255, (40, 50)).astype(np.uint8)
    Image.fromarray(grey).save(out, kind, **options)
    return out.getvalue()


def npy(array: Any) -> bytes:
    """An array as `numpy.save` writes it."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()
