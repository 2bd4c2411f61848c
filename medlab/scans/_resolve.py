"""resolve: from what a user wrote to the one name of a scan."""

from pathlib import Path

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._limits import NotAScan
from medlab.scans._source_files import ScanNotFound, dicom_candidates
from medlab.scans._volume import ScanSource
from medlab.scans.dicom._dicomdir import is_dicomdir, table_of_contents
from medlab.scans.dicom._file import DicomFile, is_dicom
from medlab.scans.dicom._files import find_images
from medlab.scans.formats import _omezarr
from medlab.scans.formats._picture_stack import stack_files
from medlab.scans.formats._table import folder_format, format_of


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
