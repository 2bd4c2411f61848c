"""The formats besides DICOM: one line each in a table.

A format is told by the ending of a file or of a folder. Its reader is a module with three
functions, `read_header`, `read` and `tags`; its libraries load when it is first used.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from medlab.scans._header import Header
from medlab.scans._tag_row import TagRow
from medlab.scans._volume import Volume
from medlab.scans.formats import (
    _metaimage,
    _nifti,
    _npy,
    _nrrd,
    _omezarr,
    _picture_file,
    _picture_stack,
    _tiff,
)


class Reader(Protocol):
    """What the module of a format offers. `name` is what messages call the scan."""

    def read_header(self, path: Path, name: str) -> Header:
        """What the scan says about itself, without decoding it."""

    def read(self, path: Path, name: str, frame: int | None = None) -> Volume:
        """The scan; `frame` chooses a volume of a 4D one."""

    def tags(self, path: Path, name: str) -> list[TagRow]:
        """The header, a row a field."""


@dataclass(frozen=True)
class Format:
    """How a format is told, and who reads it.

    Attributes:
        kind: What lists call it.
        reader: The module that reads it.
        files: Endings of its files.
        folders: Endings of its folders, for formats whose scan is a folder.
        data: Endings of the files that may hold the voxels beside a header.
    """

    kind: str
    reader: Reader
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    data: tuple[str, ...] = ()


_RAW = (".raw", ".raw.gz", ".zraw", ".img", ".img.gz", ".bin", ".dat", ".gz", ".bz2")

FORMATS = (
    Format("nifti", _nifti, (".nii", ".nii.gz", ".hdr"), data=(".img", ".img.gz")),
    Format("nrrd", _nrrd, (".nrrd", ".nhdr"), data=_RAW),
    Format("metaimage", _metaimage, (".mha", ".mhd"), data=_RAW),
    Format("picture", _picture_file, (".png", ".jpg", ".jpeg")),
    Format("tiff", _tiff, (".tif", ".tiff")),
    Format("npy", _npy, (".npy",)),
    Format("omezarr", _omezarr, folders=(".zarr",)),
)
STACK = Format("stack", _picture_stack)
"""A folder of numbered pictures: told by its content, not by its name."""


def format_of(name: str) -> str | None:
    """The format that a file name tells, such as "nifti" or "tiff", or None.

    Example:
        >>> format_of("a.nii.gz"), format_of("IM0001")
        ('nifti', None)
    """
    found = file_format(name)
    return found.kind if found else None


def file_format(name: str) -> Format | None:
    """The line of the table for a file of that name."""
    lower = name.lower()
    return next((f for f in FORMATS if f.files and lower.endswith(f.files)), None)


def folder_format(name: str) -> Format | None:
    """The line of the table for a folder that is one scan: nothing below it is another.

    Example:
        >>> folder_format("cells.ome.zarr").kind
        'omezarr'
    """
    lower = name.lower()
    return next((f for f in FORMATS if f.folders and lower.endswith(f.folders)), None)
