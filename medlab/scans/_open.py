"""open_scan: one door for every format."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from medlab.errors import MedlabError
from medlab.scans._header import Header
from medlab.scans._home import Home, find_home
from medlab.scans._limits import NotAScan, TooLarge, damaged
from medlab.scans._resolve import resolve
from medlab.scans._source_files import (
    existing_path,
    reader_of,
    series_files,
    source_files,
)
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import ScanSource, Volume
from medlab.scans.dicom import _series
from medlab.scans.dicom._slice import DicomSlice
from medlab.scans.formats._bids import describe, look_beside
from medlab.scans.formats._table import folder_format


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


def read_source(source: ScanSource, home: Home) -> Volume:
    """Decode the scan that a source names; the first volume of a 4D one without frame."""
    return _read(source, home, source.frame or 0)


def read_frames(source: ScanSource, home: Home, count: int) -> list[Volume]:
    """Decode the first `count` volumes of a scan, whose files are looked for only once."""
    with _sentences(source):
        if source.series is None:
            path = existing_path(source, home)
            reader = reader_of(source, path)
            return [reader.read(path, source.name, frame) for frame in range(count)]
        files = series_files(source, home)
        return [_series.read(files, source.name, frame) for frame in range(count)]


def _read(source: ScanSource, home: Home, frame: int | None) -> Volume:
    with _sentences(source):
        if source.series is not None:
            volume = _series.read(series_files(source, home), source.name, frame)
        else:
            path = existing_path(source, home)
            reader = reader_of(source, path)
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
        path = existing_path(source, home)
        header = reader_of(source, path).read_header(path, source.name)
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
        path = existing_path(source, home)
        rows = reader_of(source, path).tags(path, source.name)
        for key, value in look_beside(path, home.root).told.items():
            is_text = not isinstance(value, int | float | list)
            rows.append(tag_row(key, value, identifies=is_text, depth=1))
        return rows


def series_slices(source: ScanSource, home: Home) -> list[DicomSlice]:
    """The images of a DICOM series in the order of the third voxel axis, without pixels.

    Raises:
        ScanNotFound: If the folder or the series is gone.
        MedlabError: If the images do not make up one volume.
    """
    with _sentences(source):
        files = series_files(source, home)
        return _series.slices_in_order(files, source.name, source.frame or 0)


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
