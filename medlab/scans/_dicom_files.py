"""Finding DICOM images: which files of a folder hold them, and to which series each belongs.

Only headers are read. Files are told by their content, not by their names.
"""

import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medlab.scans._limits import DEFLATED_BYTES, NotAScan, TooLarge, damaged

_KIND = "DICOM"
_OTHER_FORMATS = (
    ".nii", ".gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".raw", ".zraw", ".json", ".csv",
    ".txt", ".py", ".ipynb", ".md", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy",
    ".npz", ".h5", ".keras", ".zip", ".tar", ".html", ".js", ".yaml", ".yml", ".pdf",
    ".log", ".xml", ".toml", ".svg",
)  # fmt: skip
_TAGS = [
    "SeriesInstanceUID", "StudyInstanceUID", "SOPClassUID", "SOPInstanceUID", "Modality",
    "PatientName", "PatientID", "StudyDescription", "SeriesDescription", "StudyDate",
    "SeriesDate", "SeriesNumber", "InstanceNumber", "ImageType", "Rows", "Columns",
    "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "PhotometricInterpretation",
    "ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing",
    "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "RescaleSlope",
    "RescaleIntercept", "WindowCenter", "WindowWidth", "SpecificCharacterSet",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "FrameOfReferenceUID",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class DicomFile:
    """One DICOM image file and its header (no pixels)."""

    path: Path
    header: Any
    pixels_at: int = 0
    """Where in the file the pixels begin, for files that are not deflated."""

    @property
    def series(self) -> str:
        """SeriesInstanceUID; the file name's place is taken by a constant if missing."""
        return str(self.header.get("SeriesInstanceUID", "") or "without-uid")


def may_be_dicom(name: str) -> bool:
    """Whether a file of that name is worth looking into."""
    lower = name.lower()
    return not lower.startswith(".") and not lower.endswith(_OTHER_FORMATS)


def is_dicom(path: Path) -> bool:
    """Whether the file begins as DICOM files do."""
    try:
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dicom(path: Path, name: str, *, everything: bool = False) -> DicomFile:
    """Read a DICOM file's header, with limits.

    Args:
        path: The file.
        name: What to call it in the message.
        everything: Read the pixels too.

    Raises:
        MedlabError: If it is not DICOM, is damaged, or unpacks to too much.
    """
    import pydicom

    _check_deflated(path, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if everything:
                return DicomFile(path, pydicom.dcmread(path))
            with path.open("rb") as handle:
                header = pydicom.dcmread(
                    handle, stop_before_pixels=True, specific_tags=_TAGS
                )
                return DicomFile(path, header, handle.tell())
    except pydicom.errors.InvalidDicomError as error:
        raise NotAScan(
            f"{name} must be a DICOM file, got something else under that name. "
            "Look what it really is; perhaps only its ending is wrong."
        ) from error
    except Exception as error:
        raise damaged(name, _KIND) from error


def find_images(
    paths: Iterable[Path],
) -> tuple[dict[str, list[DicomFile]], dict[Path, str]]:
    """Group DICOM images by series.

    Returns:
        The files of each series, in the order given, and for each `.dcm` file that
        cannot be read one sentence why. Files without an image (reports, structure sets,
        directories) are left out.
    """
    found: dict[str, list[DicomFile]] = {}
    errors: dict[Path, str] = {}
    for path in paths:
        named_dicom = path.name.lower().endswith((".dcm", ".dicom", ".ima"))
        if not is_dicom(path):
            if named_dicom:
                errors[path] = str(
                    NotAScan(
                        f"{path.name} must be a DICOM file, got something else under that "
                        "name. Look what it really is; perhaps only its ending is wrong."
                    )
                )
            continue
        try:
            image = read_dicom(path, path.name)
            header = image.header
            usable = bool(header.get("Rows")) and bool(header.get("Columns"))
        except (NotAScan, TooLarge) as error:
            errors[path] = str(error)
            continue
        if usable and header.get("Modality") != "SEG":
            found.setdefault(image.series, []).append(image)
        elif not header and named_dicom:
            errors[path] = str(damaged(path.name, _KIND))
    return found, errors


def _check_deflated(path: Path, name: str) -> None:
    """Refuse a deflated file that would unpack to too much; pydicom would not ask."""
    with path.open("rb") as handle:
        start = handle.read(1 << 12)
        if b"1.2.840.10008.1.2.1.99" not in start or start[128:132] != b"DICM":
            return
        length = int.from_bytes(start[140:144], "little")
        handle.seek(144 + length)
        unpacker, have, pending = zlib.decompressobj(-zlib.MAX_WBITS), 0, b""
        try:
            while not unpacker.eof:
                pending = pending or handle.read(1 << 20)
                if not pending:
                    break
                have += len(unpacker.decompress(pending, 16 << 20))
                pending = unpacker.unconsumed_tail
                if have > DEFLATED_BYTES:
                    raise TooLarge(
                        f"{name} would unpack to more than {DEFLATED_BYTES >> 20} MiB. "
                        "Such a file is usually made to do harm: leave it out."
                    )
        except zlib.error as error:
            raise damaged(name, _KIND) from error
