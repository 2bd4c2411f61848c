"""open_scan: one door for every format."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from medlab.errors import MedlabError
from medlab.scans import _dicom, _metaimage, _nifti, _nrrd
from medlab.scans._dicom_files import DicomFile, find_images, is_dicom, may_be_dicom
from medlab.scans._dicom_slice import DicomSlice
from medlab.scans._header import Header
from medlab.scans._home import Home, find_home
from medlab.scans._limits import NotAScan, TooLarge, damaged
from medlab.scans._volume import ScanSource, Volume

_READERS: dict[str, tuple[str, ModuleType]] = {
    ".nii": ("nifti", _nifti),
    ".nii.gz": ("nifti", _nifti),
    ".nrrd": ("nrrd", _nrrd),
    ".nhdr": ("nrrd", _nrrd),
    ".mha": ("metaimage", _metaimage),
    ".mhd": ("metaimage", _metaimage),
}


class ScanNotFound(MedlabError, LookupError):
    """There is no such scan."""

    code = "scan-not-found"


def format_of(name: str) -> str | None:
    """The format that a file name tells: "nifti", "nrrd", "metaimage", or None."""
    for ending, (kind, _) in _READERS.items():
        if name.lower().endswith(ending):
            return kind
    return None


def open_scan(
    path: Path | str,
    *,
    series: str | None = None,
    frame: int | None = None,
    home: Home | None = None,
) -> Volume:
    """Open a scan: a NIfTI, NRRD or MetaImage file, or a DICOM series.

    Args:
        path: A file, or a folder with DICOM files; relative to the current folder or to
            the root of the workplace. One DICOM file stands for its series.
        series: SeriesInstanceUID, when the folder holds several series.
        frame: Which volume of a 4D scan, from 0.
        home: Where the workplace lies; found by itself when not given.

    Returns:
        The scan, with intensities rescaled (HU for CT).

    Raises:
        ScanNotFound: If there is nothing at `path`.
        MedlabError: If it cannot be read; the message says why and what to do.
    """
    home = home or find_home()
    source = resolve(path, series=series, home=home)
    return _read(source, home, frame)


def resolve(path: Path | str, *, series: str | None, home: Home) -> ScanSource:
    """Turn what a user wrote into the one name of that scan.

    Raises:
        ScanNotFound: If there is nothing at `path`, or no such series.
        MedlabError: If a folder holds several series and none was chosen.
    """
    given = Path(path).expanduser()
    here = next((p for p in (given, home.root / given) if p.exists()), None)
    if here is None:
        raise ScanNotFound(
            f"There must be a scan at {given.name!r}, got nothing there. "
            "medlab.list_scans() shows the scans below the current folder."
        )
    if here.is_file() and (format_of(here.name) or not is_dicom(here)):
        return ScanSource(home.name(here))
    folder = here if here.is_dir() else here.parent
    found, errors = find_images(dicom_candidates(folder))
    if here.is_file() and series is None:
        series = _series_of(here, found, errors)
    if series is None:
        series = _only_series(folder, found, errors)
    if series not in found:
        raise ScanNotFound(
            f"The folder {folder.name!r} has no series of that number. It has: "
            f"{', '.join(sorted(found)) or 'none'}."
        )
    return ScanSource(home.name(folder), series)


def read_source(source: ScanSource, home: Home) -> Volume:
    """Decode the scan that a source names; the first volume of a 4D one without frame."""
    return _read(source, home, source.frame or 0)


def _read(source: ScanSource, home: Home, frame: int | None) -> Volume:
    with _sentences(source):
        if source.series is not None:
            volume = _dicom.read(series_files(source, home), source.name, frame)
        else:
            path = _existing(source, home)
            volume = _reader(source, path).read(path, source.name, frame)
    return replace(volume, source=replace(source, frame=frame))


def read_source_header(source: ScanSource, home: Home) -> Header:
    """What the scan says about itself, without decoding it."""
    with _sentences(source):
        if source.series is not None:
            return _dicom.read_header(series_files(source, home), source.name)
        path = _existing(source, home)
        found = _reader(source, path).read_header(path, source.name)
        assert isinstance(found, Header)
        return found


def series_files(source: ScanSource, home: Home) -> list[DicomFile]:
    """The files of a DICOM series.

    Raises:
        ScanNotFound: If the folder or the series is gone.
    """
    folder = home.locate(source.path)
    found, _ = find_images(dicom_candidates(folder)) if folder.is_dir() else ({}, {})
    if source.series not in found:
        raise ScanNotFound(
            f"The series in {source.name!r} is no longer there. Refresh the list of scans."
        )
    return found[source.series]


def series_slices(source: ScanSource, home: Home) -> list[DicomSlice]:
    """The images of a DICOM series in the order of the third voxel axis, without pixels.

    Raises:
        ScanNotFound: If the folder or the series is gone.
        MedlabError: If the images do not make up one volume.
    """
    with _sentences(source):
        return _dicom.slices_in_order(series_files(source, home), source.name)


def dicom_candidates(folder: Path) -> list[Path]:
    """Files directly in the folder that may be DICOM, sorted by name."""
    return sorted(p for p in folder.iterdir() if may_be_dicom(p.name) and p.is_file())


def _reader(source: ScanSource, path: Path) -> ModuleType:
    for ending, (_, reader) in _READERS.items():
        if source.path.lower().endswith(ending):
            return reader
    _, errors = find_images([path])
    if errors:
        raise NotAScan(errors[path])
    raise NotAScan(
        f"{source.name} must be NIfTI (.nii, .nii.gz), NRRD (.nrrd), MetaImage "
        "(.mha, .mhd) or DICOM, got another kind of file. Convert it to one of these."
    )


def _existing(source: ScanSource, home: Home) -> Path:
    path = home.locate(source.path)
    if not path.is_file():
        raise ScanNotFound(
            f"The scan {source.name!r} is no longer there. Refresh the list of scans."
        )
    return path


def _series_of(
    path: Path, found: dict[str, list[DicomFile]], errors: dict[Path, str]
) -> str:
    for series, files in found.items():
        if any(file.path.name == path.name for file in files):
            return series
    for other, sentence in errors.items():
        if other.name == path.name:
            raise NotAScan(sentence)
    raise NotAScan(
        f"{path.name} must hold a DICOM image, got a file without pixels "
        "(a report, a structure set or a directory). Choose an image file."
    )


def _only_series(
    folder: Path, found: dict[str, list[DicomFile]], errors: dict[Path, str]
) -> str:
    if len(found) == 1:
        return next(iter(found))
    if found:
        choices = ", ".join(
            f"{uid} ({len(files)} {files[0].header.get('Modality', '')} images)"
            for uid, files in sorted(found.items())[:10]
        )
        raise MedlabError(
            f"The folder {folder.name!r} must hold one DICOM series, got {len(found)}. "
            f"Choose one with open_scan(path, series=UID): {choices}.",
            code="several-series",
        )
    if errors:
        raise NotAScan(next(iter(errors.values())))
    raise NotAScan(
        f"The folder {folder.name!r} must hold a DICOM series, got no DICOM image in it. "
        "Give a scan file, or the folder that holds the slices."
    )


@contextlib.contextmanager
def _sentences(source: ScanSource) -> Iterator[None]:
    """Turn whatever else a reader raises into a sentence without paths or patient text."""
    try:
        yield
    except MedlabError:
        raise
    except MemoryError as error:
        raise TooLarge(
            f"{source.name} needs more memory than there is. "
            "Close other notebooks, or crop the scan."
        ) from error
    except PermissionError as error:
        raise NotAScan(
            f"{source.name} may not be read by this account. Ask who owns the file."
        ) from error
    except Exception as error:
        raise damaged(source.name, "a scan") from error
