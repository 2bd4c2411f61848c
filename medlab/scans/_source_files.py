"""The files that make up a scan, and the reader that understands them."""

from itertools import islice
from pathlib import Path

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._limits import NotAScan
from medlab.scans._volume import ScanSource
from medlab.scans.dicom._dicomdir import media_files
from medlab.scans.dicom._file import DicomFile, may_be_dicom
from medlab.scans.dicom._files import find_images
from medlab.scans.formats import _omezarr
from medlab.scans.formats._picture_stack import stack_files
from medlab.scans.formats._table import STACK, Reader, file_format, folder_format

_MOST_FILES = 5000
"""Files of an OME-Zarr folder that are asked whether it has changed."""


class ScanNotFound(MedlabError, LookupError):
    """There is no such scan."""

    code = "scan-not-found"


def source_files(source: ScanSource, home: Home) -> list[Path]:
    """The files whose size and time tell that a scan has changed; missing ones left out.

    Raises:
        ScanNotFound: If the scan is gone.
    """
    path = home.locate(source.path)
    if source.series is not None:
        return dicom_candidates(path, source.series)
    path = existing_path(source, home)
    if path.is_dir():
        found = stack_files(path) or sorted(islice(path.rglob("*"), _MOST_FILES))
        return [file for file in found if file.is_file()]
    line = file_format(path.name)
    stem = path.name
    for ending in sorted(line.files if line else (), key=len):
        if path.name.lower().endswith(ending):
            stem = path.name[: -len(ending)]
    beside = [path.with_name(stem + data) for data in (line.data if line else ())]
    return [path, *(file for file in beside if file != path and file.is_file())]


def series_files(source: ScanSource, home: Home) -> list[DicomFile]:
    """The files of a DICOM series.

    Raises:
        ScanNotFound: If the folder or the series is gone.
    """
    folder = home.locate(source.path)
    files = dicom_candidates(folder, source.series) if folder.exists() else []
    found, _ = find_images(files)
    if source.series not in found:
        raise ScanNotFound(
            f"The series in {source.name!r} is no longer there. Refresh the list of scans."
        )
    return found[source.series]


def dicom_candidates(folder: Path, series: str | None = None) -> list[Path]:
    """Files directly in the folder that may be DICOM, sorted by name.

    Args:
        folder: Or the table of contents (DICOMDIR) of a media set, whose files it names.
        series: Leave out what the table says to be of another series.
    """
    if folder.is_file():
        return media_files(folder, series)
    return sorted(p for p in folder.iterdir() if may_be_dicom(p.name) and p.is_file())


def existing_path(source: ScanSource, home: Home) -> Path:
    """Where a scan that is no DICOM series lies.

    Raises:
        ScanNotFound: If it is gone.
    """
    path = home.locate(source.path)
    if not path.is_file() and not (path.is_dir() and source.series is None):
        raise ScanNotFound(
            f"The scan {source.name!r} is no longer there. Refresh the list of scans."
        )
    return path


def reader_of(source: ScanSource, path: Path) -> Reader:
    """The reader for what lies at `path`, by its name.

    Raises:
        NotAScan: If no reader knows it; the sentence lists what can be read.
    """
    if path.is_dir():
        line = folder_format(path.name)
        if line is None and _omezarr.is_level(path):
            return _omezarr
        return (line or STACK).reader
    line = file_format(source.path)
    if line is not None:
        return line.reader
    if path.suffix.lower() == ".npz":
        raise NotAScan(
            f"{source.name} must be one array, got an archive of several. Save the one "
            "you need: numpy.save('scan.npy', numpy.load(archive)[name])."
        )
    _, errors = find_images([path])
    if errors:
        raise NotAScan(errors[path])
    raise NotAScan(
        f"{source.name} must be NIfTI (.nii, .nii.gz, .hdr with .img), NRRD (.nrrd), "
        "MetaImage (.mha, .mhd), TIFF, PNG, JPEG, NPY, OME-Zarr or DICOM, got another kind "
        "of file. Convert it to one of these."
    )
