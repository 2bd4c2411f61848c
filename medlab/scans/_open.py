"""open_scan: one door for every format."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from medlab.errors import MedlabError
from medlab.scans._header import Header
from medlab.scans._home import Home, find_home
from medlab.scans._limits import NotAScan, TooLarge, damaged
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import ScanSource, Volume
from medlab.scans.dicom import _series
from medlab.scans.dicom._dicomdir import is_dicomdir, media_files, table_of_contents
from medlab.scans.dicom._file import DicomFile, is_dicom, may_be_dicom
from medlab.scans.dicom._files import find_images
from medlab.scans.dicom._slice import DicomSlice
from medlab.scans.formats import _omezarr
from medlab.scans.formats._bids import describe, look_beside
from medlab.scans.formats._picture_stack import stack_files
from medlab.scans.formats._table import STACK, Reader, file_format, folder_format
from medlab.scans.formats._table import format_of as format_of

_MOST_FILES = 5000
"""Files of an OME-Zarr folder that are asked whether it has changed."""


class ScanNotFound(MedlabError, LookupError):
    """There is no such scan."""

    code = "scan-not-found"


def open_scan(
    path: Path | str,
    *,
    series: str | None = None,
    frame: int | None = None,
    home: Home | None = None,
) -> Volume:
    """Open a scan: a DICOM series, or NIfTI, NRRD, MetaImage, TIFF, PNG, JPEG, NPY, OME-Zarr.

    Args:
        path: A file; or a folder with DICOM files, with numbered pictures, or one that is
            OME-Zarr (or a level of it); relative to the current folder or to the root of
            the workplace. One DICOM file stands for its series, a DICOMDIR for its set.
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
        return ScanSource(home.name(_header_of_pair(here)))
    if here.is_dir() and (folder_format(here.name) or _omezarr.is_level(here)):
        return ScanSource(home.name(here))
    if here.is_dir():
        here = table_of_contents(here) or here
    folder = here if here.is_dir() or is_dicomdir(here) else here.parent
    found, errors = find_images(dicom_candidates(folder))
    if here.is_dir() and series is None and not found and stack_files(here):
        return ScanSource(home.name(here))
    if here.is_file() and series is None and here != folder:
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


def read_frames(source: ScanSource, home: Home, count: int) -> list[Volume]:
    """Decode the first `count` volumes of a scan, whose files are looked for only once."""
    with _sentences(source):
        if source.series is None:
            path = _existing(source, home)
            reader = _reader(source, path)
            return [reader.read(path, source.name, frame) for frame in range(count)]
        files = series_files(source, home)
        return [_series.read(files, source.name, frame) for frame in range(count)]


def _read(source: ScanSource, home: Home, frame: int | None) -> Volume:
    with _sentences(source):
        if source.series is not None:
            volume = _series.read(series_files(source, home), source.name, frame)
        else:
            path = _existing(source, home)
            reader = _reader(source, path)
            _check_links(source, home)
            volume = reader.read(path, source.name, frame)
            beside = look_beside(path, home.root)
            if beside:
                header = describe(reader.read_header(path, source.name), beside)
                volume = replace(
                    volume, modality=header.modality, warnings=header.warnings
                )
    return replace(volume, source=replace(source, frame=frame))


def read_source_header(source: ScanSource, home: Home) -> Header:
    """What the scan says about itself, without decoding it."""
    with _sentences(source):
        if source.series is not None:
            return _series.read_header(series_files(source, home), source.name)
        path = _existing(source, home)
        header = _reader(source, path).read_header(path, source.name)
        return describe(header, look_beside(path, home.root))


def header_tags(source: ScanSource, home: Home) -> list[TagRow]:
    """The header of a scan that is not DICOM, a row a field; then its sidecar's fields.

    Fields that may name a person (free text, names, dates, places) are marked
    `identifies`; hiding them is the caller's duty.

    Raises:
        ScanNotFound: If the scan is gone.
        MedlabError: If its header cannot be read.
    """
    with _sentences(source):
        path = _existing(source, home)
        rows = _reader(source, path).tags(path, source.name)
        for key, value in look_beside(path, home.root).told.items():
            is_text = not isinstance(value, int | float | list)
            rows.append(tag_row(key, value, identifies=is_text, depth=1))
        return rows


def source_files(source: ScanSource, home: Home) -> list[Path]:
    """The files whose size and time tell that a scan has changed; missing ones left out.

    Raises:
        ScanNotFound: If the scan is gone.
    """
    path = home.locate(source.path)
    if source.series is not None:
        return dicom_candidates(path, source.series)
    path = _existing(source, home)
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


def series_slices(source: ScanSource, home: Home) -> list[DicomSlice]:
    """The images of a DICOM series in the order of the third voxel axis, without pixels.

    Raises:
        ScanNotFound: If the folder or the series is gone.
        MedlabError: If the images do not make up one volume.
    """
    with _sentences(source):
        files = series_files(source, home)
        return _series.slices_in_order(files, source.name, source.frame or 0)


def dicom_candidates(folder: Path, series: str | None = None) -> list[Path]:
    """Files directly in the folder that may be DICOM, sorted by name.

    Args:
        folder: Or the table of contents (DICOMDIR) of a media set, whose files it names.
        series: Leave out what the table says to be of another series.
    """
    if folder.is_file():
        return media_files(folder, series)
    return sorted(p for p in folder.iterdir() if may_be_dicom(p.name) and p.is_file())


def _reader(source: ScanSource, path: Path) -> Reader:
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


def _existing(source: ScanSource, home: Home) -> Path:
    path = home.locate(source.path)
    if not path.is_file() and not (path.is_dir() and source.series is None):
        raise ScanNotFound(
            f"The scan {source.name!r} is no longer there. Refresh the list of scans."
        )
    return path


def _check_links(source: ScanSource, home: Home) -> None:
    """Refuse voxels beside a header, or pictures of a stack, that are links out of the root.

    Raises:
        NotAScan: If one leads elsewhere.
    """
    path = home.locate(source.path)
    is_zarr = path.is_dir() and folder_format(path.name) is not None
    if is_zarr or not path.is_relative_to(home.root):
        return
    for file in source_files(source, home):
        if file.is_symlink() and not file.resolve().is_relative_to(home.root):
            raise NotAScan(
                f"{source.name} must keep its voxels below the root, got a link to another "
                "place. Copy the file there."
            )


def _header_of_pair(path: Path) -> Path:
    """The `.hdr` file beside an `.img` file: the header names the scan."""
    for ending in (".img", ".img.gz"):
        if path.name.lower().endswith(ending):
            header = path.with_name(path.name[: -len(ending)] + ".hdr")
            return header if header.is_file() else path
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
    numbers = {key.partition("#")[0] for key in found}
    if len(numbers) == 1:
        return numbers.pop()
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
