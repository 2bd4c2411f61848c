"""The header of a scan, field by field, for who wants to look.

For a DICOM series it is the header of its first slice, private elements with their makers
and nested sequences in order. How much is shown is bounded, whatever a file holds.
"""

import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._header import plain
from medlab.scans._home import Home
from medlab.scans._identifying import identifies
from medlab.scans._limits import damaged
from medlab.scans._open import header_tags
from medlab.scans._source_files import series_files
from medlab.scans._tag_row import TagRow
from medlab.scans._volume import ScanSource
from medlab.scans.dicom._file import check_deflated, is_dicom, not_dicom
from medlab.scans.dicom._stack import stack_slices

_MOST_ROWS = 20_000
_DEEPEST = 16
_MOST_LETTERS, _MOST_VALUES, _MOST_ITEMS = 200, 64, 1000
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_READ_AS_IT_COMES = 1 << 20


def scan_tags(source: ScanSource, home: Home) -> list[TagRow]:
    """The fields of a scan's header, in the order of the file.

    Args:
        source: The scan.
        home: Where the workplace lies.

    Returns:
        A row a field: at most 20,000, each value one line of at most 200 letters; bytes as
        their number. The start of an item of a sequence is a row without a value.

    Raises:
        ScanNotFound: If the scan's files are gone.
        MedlabError: If its header cannot be read.
    """
    if source.series is None:
        return header_tags(source, home)
    files = series_files(source, home)
    try:
        path = stack_slices(files, source.name).first.path
    except MedlabError:
        path = files[0].path  # A series that is no volume still has headers to look at.
    return dicom_tags(path, source.name)


def dicom_tags(path: Path, name: str) -> list[TagRow]:
    """The elements of one DICOM file, image or not, without its pixels.

    Raises:
        MedlabError: If it cannot be read; `name` is what the message calls it.
    """
    if not is_dicom(path):
        raise not_dicom(name)
    check_deflated(path, name)
    pydicom = import_module("pydicom")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(
                path, stop_before_pixels=True, defer_size=_READ_AS_IT_COMES
            )
            rows: list[TagRow] = []
            for part in (header.file_meta, header):
                for row in _rows(part, depth=0, hidden=False):
                    rows.append(row)
                    if len(rows) >= _MOST_ROWS:
                        return rows
    except MemoryError:
        raise
    except Exception as error:
        raise damaged(name, "DICOM") from error
    return rows


def _rows(dataset: Any, depth: int, *, hidden: bool) -> Iterator[TagRow]:
    """The elements of a dataset and, below each sequence, those of its items."""
    for tag in sorted(dataset.keys()):
        if tag.element == 0:
            continue  # The length of a group says nothing about the scan.
        try:
            element = dataset[tag]
            kind, keyword, value = str(element.VR), element.keyword, element.value
        except Exception:  # One value that makes no sense does not hide the others.
            yield _row(tag, "", "", "cannot be read", depth, hidden=True)
            continue
        private = bool(tag.is_private)
        label = _maker(dataset, tag) if private else str(keyword)
        told = identifies(label, kind, is_private=private) or hidden
        if kind != "SQ":
            yield _row(tag, label, kind, _text(value, kind), depth, hidden=told)
            continue
        items = list(value or [])
        count = f"{len(items)} item{'' if len(items) == 1 else 's'}"
        yield _row(tag, label, kind, count, depth, hidden=told, shows=True)
        if depth >= _DEEPEST:
            continue
        for number, item in enumerate(items[:_MOST_ITEMS], start=1):
            if len(items) > 1:
                yield TagRow(
                    tag="",
                    keyword=f"Item {number}",
                    vr="",
                    value="",
                    depth=depth + 1,
                    is_private=private,
                    identifies=False,
                )
            yield from _rows(item, depth + 1, hidden=told)


def _row(
    tag: Any,
    keyword: str,
    kind: str,
    value: str,
    depth: int,
    *,
    hidden: bool,
    shows: bool = False,
) -> TagRow:
    return TagRow(
        tag=f"{tag.group:04x},{tag.element:04x}",
        keyword=plain(keyword),
        vr=kind if len(kind) <= 2 else kind[:2],
        value=plain(value),
        depth=depth,
        is_private=bool(tag.is_private),
        identifies=hidden and not shows,
    )


def _maker(dataset: Any, tag: Any) -> str:
    """Who defined a private element, and what they call it where that is known."""
    if tag.is_private_creator:
        return "Private Creator"
    creator = dataset.get((tag.group, tag.element >> 8))
    maker = plain(getattr(creator, "value", creator))
    datadict = import_module("pydicom.datadict")
    try:
        name = datadict.private_dictionary_description(tag, maker)
    except KeyError:
        name = ""
    return f"{maker}: {name.strip('[]')}" if name else maker or "Private"


def _text(value: Any, kind: str) -> str:
    """A value as one line; the number of bytes for binary ones."""
    if value is None:
        return ""
    if isinstance(value, bytes | bytearray):
        if kind not in _BINARY or len(value) <= 16:
            text = bytes(value[:_MOST_LETTERS]).rstrip(b"\0 ").decode("latin-1")
            if text.isprintable():
                return text
        return f"{len(value)} bytes"
    if hasattr(value, "__iter__") and not isinstance(value, str) and kind != "PN":
        several = [str(one) for one in list(value)[:_MOST_VALUES]]
        more = len(value) - len(several)
        return " \\ ".join(several) + (f" ... ({more} more)" if more > 0 else "")
    return str(value)[: 4 * _MOST_LETTERS]
