"""One DICOM file: whether it is one, and its header, read with limits."""

import logging
import warnings
import zlib
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from medlab.scans._limits import (
    DEFLATED_BYTES,
    NotAScan,
    TooLarge,
    check_packing,
    damaged,
)
from medlab.scans.dicom._elements import TAGS
from medlab.scans.dicom._tags import read_tags

_KIND = "DICOM"
_OTHER_FORMATS = (
    ".nii", ".gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".raw", ".zraw", ".json", ".csv",
    ".txt", ".py", ".ipynb", ".md", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy",
    ".npz", ".h5", ".keras", ".zip", ".tar", ".html", ".js", ".yaml", ".yml", ".pdf",
    ".log", ".xml", ".toml", ".svg",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class DicomFile:
    """One DICOM image file and its header (no pixels)."""

    path: Path
    header: Any
    pixels_at: int = 0
    """Where in the file the pixels begin, for files that are not deflated."""
    frames: tuple[int, ...] | None = None
    """Which of its frames belong to the volume; None for all."""
    apart: int = 0
    """Images of the same series that make up other volumes."""
    known_slices: list[Any] = field(default_factory=list, init=False, repr=False)
    """What `slices_of` found: a list of scans asks twice."""

    @property
    def series(self) -> str:
        """SeriesInstanceUID; the file name's place is taken by a constant if missing."""
        return str(self.header.get("SeriesInstanceUID", "") or "without-uid")

    @property
    def syntax(self) -> str:
        """TransferSyntaxUID, empty if the file does not tell it."""
        meta = getattr(self.header, "file_meta", None)
        return str((meta.get("TransferSyntaxUID") if meta is not None else "") or "")


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
        everything: Read all elements, the pixels too; otherwise those in `TAGS`.

    Raises:
        MedlabError: If it is not DICOM, is damaged, or unpacks to too much.
    """
    _keep_quiet()
    if everything:
        check_deflated(path, name)
    try:
        if not everything:
            header = read_tags(path, TAGS)
            return DicomFile(path, header, header.pixels_at)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return DicomFile(path, import_module("pydicom").dcmread(path))
    except Exception as error:
        if isinstance(error, import_module("pydicom.errors").InvalidDicomError):
            raise not_dicom(name) from error
        raise damaged(name, _KIND) from error


@cache
def _keep_quiet() -> None:
    """Keep what files say out of logs: pydicom warns of odd values by quoting them."""
    # Not by its level, which importing pydicom sets anew.
    logging.getLogger("pydicom").addFilter(lambda told: told.levelno >= logging.ERROR)
    logging.getLogger("pydicom.pixels").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"pydicom\.")


def not_dicom(name: str) -> NotAScan:
    """The error for a file that is called DICOM and is none."""
    return NotAScan(
        f"{name} must be a DICOM file, got something else under that name. "
        "Look what it really is; perhaps only its ending is wrong."
    )


def check_deflated(path: Path, name: str) -> None:
    """Refuse a deflated file that would unpack to too much; pydicom would not ask.

    Raises:
        TooLarge: If it would.
        NotAScan: If it is damaged.
    """
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
                check_packing(name, have, path.stat().st_size)
                if have > DEFLATED_BYTES:
                    raise TooLarge(
                        f"{name} would unpack to more than {DEFLATED_BYTES >> 20} MiB. "
                        "Such a file is usually made to do harm: leave it out."
                    )
        except zlib.error as error:
            raise damaged(name, _KIND) from error
