"""Reading a few tags of a DICOM header, several times as fast as pydicom builds a header.

What lies on disk in little endian is walked over here; values are turned into Python when
they are asked for. Whatever is odd (big endian, mended or doubtful encodings) is left to
pydicom, within the same limits, so both ways give the same values.
"""

import io
import os
import struct
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from medlab.scans._limits import NotAScan
from medlab.scans.dicom._elements import INSIDE, TAGS
from medlab.scans.dicom._tag_walk import (
    LOADED_BYTES,
    WINDOW_BYTES,
    Element,
    Odd,
    Window,
    inflated,
    items,
    too_much,
    walk,
)

_CHARACTER_SET = 0x00080005
_TRANSFER_SYNTAX = 0x00020010
_IMPLICIT, _DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"
_DESCRIPTORS = frozenset(
    (0x00281101, 0x00281102, 0x00281103, 0x00283002)  # pydicom mends their first value.
)
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_PYDICOM_BYTES = 4 << 20
"""How far pydicom may read into an odd file before its pixels."""

_known_tags = {**TAGS, **INSIDE, "TransferSyntaxUID": _TRANSFER_SYNTAX}


class Tags:
    """Some elements of a DICOM data set; values are as pydicom gives them.

    Attributes:
        file_meta: The elements of group 2. Empty inside sequences.
        pixels_at: Where in the file the pixel data element begins (its end without one).
    """

    __slots__ = (
        "_depth",
        "_encodings",
        "_implicit",
        "_raw",
        "_signed",
        "_values",
        "file_meta",
        "pixels_at",
    )

    def __init__(
        self,
        raw: dict[int, Element],
        *,
        implicit: bool = False,
        encodings: list[str] | None = None,
        file_meta: "Tags | None" = None,
        pixels_at: int = 0,
        depth: int = 0,
        signed: bool = False,
    ) -> None:
        self._raw = raw
        self._values: dict[str, Any] = {}
        self._implicit = implicit
        self._encodings = encodings
        self._depth = depth
        self._signed = signed
        self.file_meta = file_meta if file_meta is not None else self
        self.pixels_at = pixels_at

    def get(self, keyword: str, default: Any = None) -> Any:
        """The value of an element, or `default` where there is none."""
        values = self._values
        if keyword in values:
            return values[keyword]
        tag = _known_tags.get(keyword) or tag_of(keyword)
        raw = self._raw.get(tag)
        if raw is None:
            return default
        value = values[keyword] = self._value(tag, *raw)
        return value

    def __getattr__(self, keyword: str) -> Any:
        if keyword.startswith("_") or keyword not in self:
            raise AttributeError(keyword)
        return self.get(keyword)

    def __contains__(self, keyword: object) -> bool:
        return isinstance(keyword, str) and tag_of(keyword) in self._raw

    def __len__(self) -> int:
        return len(self._raw)

    def keywords(self) -> Iterator[str]:
        """The names of the elements that are there, private ones left out."""
        named = import_module("pydicom.datadict").keyword_for_tag
        return (name for name in map(named, self._raw) if name)

    def _value(self, tag: int, letters: bytes, value: bytes) -> Any:
        kind = letters or _representation(tag)
        if kind == b"SQ":
            return self._items(tag, letters, value)
        if kind == b"US or SS":
            kind = b"SS" if self._is_signed() else b"US"
        elif kind == b"US or OW" and self.get("LUTDescriptor", [0])[0] == 1:
            kind = b"US"
        if value and not (letters and tag in _DESCRIPTORS):
            quick = _QUICK.get(kind)
            if quick is not None:
                try:
                    return quick(value)
                except (ValueError, struct.error):
                    pass
        return self._by_pydicom(tag, letters, value)

    def _items(self, tag: int, letters: bytes, value: bytes) -> Any:
        encodings = self._charset()
        try:
            found = []
            for content, implicit in items(value, self._implicit, self._depth):
                window = Window(None, content)
                raw, _ = walk(window, 0, implicit, None, len(content), depth=1)
                item = Tags(
                    raw,
                    implicit=implicit,
                    encodings=encodings,
                    depth=self._depth + 1,
                    signed=self._is_signed(),
                )
                found.append(item)
        except (Odd, struct.error):
            return self._by_pydicom(tag, letters, value)
        return found

    def _by_pydicom(self, tag: int, letters: bytes, value: bytes) -> Any:
        dataelem = import_module("pydicom.dataelem")
        raw = dataelem.RawDataElement(
            import_module("pydicom.tag").BaseTag(tag),
            letters.decode("ascii") or None,
            len(value),
            value,
            0,
            self._implicit,
            True,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dataelem.convert_raw_data_element(
                raw, encoding=self._charset()
            ).value

    def _is_signed(self) -> bool:
        told = self.get("PixelRepresentation")
        return self._signed if told is None else bool(told)

    def _charset(self) -> list[str] | None:
        raw = self._raw.get(_CHARACTER_SET)
        if raw is not None:
            charset = import_module("pydicom.charset")
            values = import_module("pydicom.values")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                told = charset.convert_encodings(values.convert_string(raw[1], True))
            self._encodings = list(told)
        return self._encodings


def read_tags(path: Path | str, wanted: Iterable[str]) -> Any:
    """Read some elements of a DICOM file's header.

    Args:
        path: The file.
        wanted: Keywords, such as `"PatientName"`. `SpecificCharacterSet` comes as well.

    Returns:
        `Tags`; for files that are left to pydicom its own data set, with `pixels_at` set.

    Raises:
        InvalidDicomError: If the file does not begin as DICOM files do.
        MedlabError: If the header goes beyond every limit.
        Exception: Whatever pydicom raises for a damaged file.
    """
    tags = wanted_tags(tuple(wanted))
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        try:
            return _read(handle, tags)
        except (Odd, struct.error, RecursionError):
            return _read_by_pydicom(handle, tags)
    finally:
        os.close(handle)


@cache
def wanted_tags(keywords: tuple[str, ...]) -> frozenset[int]:
    """The tags of keywords, and that of the character set.

    Example:
        >>> sorted(hex(tag) for tag in wanted_tags(("Rows",)))
        ['0x280010', '0x80005']
    """
    return frozenset({*map(tag_of, keywords), _CHARACTER_SET})


def tag_of(keyword: str) -> int:
    """The tag of a keyword; -1 for a word that is none."""
    known = _known_tags.get(keyword)
    if known is not None:
        return known
    found = import_module("pydicom.datadict").tag_for_keyword(keyword)
    return _known_tags.setdefault(keyword, -1 if found is None else int(found))


def _read(handle: int, wanted: frozenset[int]) -> Tags:
    start = os.pread(handle, WINDOW_BYTES, 0)
    if start[128:132] != b"DICM":
        raise import_module("pydicom.errors").InvalidDicomError("no DICM prefix")
    window = Window(handle, start)
    raw_meta, at = walk(window, 132, False, None, group=2)
    meta = Tags(raw_meta)
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if not syntax or syntax == _BIG_ENDIAN:
        raise Odd
    if syntax == _DEFLATED:
        size = min(os.fstat(handle).st_size - at, LOADED_BYTES)
        window, at = Window(None, inflated(os.pread(handle, max(size, 0), at))), 0
    implicit = syntax == _IMPLICIT
    here = window.load(at, 8)
    first = window.buffer[here : here + 6]
    looks_explicit = len(first) == 6 and all(0x40 < c < 0x5B for c in first[4:])
    if len(first) == 6 and (looks_explicit is implicit or first[:2] == b"\0\0"):
        raise Odd
    raw, at = walk(window, at, implicit, wanted)
    return Tags(raw, implicit=implicit, file_meta=meta, pixels_at=at)


def _read_by_pydicom(handle: int, wanted: frozenset[int]) -> Any:
    """A data set read by pydicom from no more of the file than a header may take."""
    pydicom = import_module("pydicom")
    size = os.fstat(handle).st_size
    read = os.pread(handle, _PYDICOM_BYTES, 0)
    if _DEFLATED.encode() in read[:WINDOW_BYTES]:
        # It would unpack everything: 600 kB of zeros become 75 million elements.
        raise too_much()
    file = io.BytesIO(read)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(
            file, stop_before_pixels=True, specific_tags=sorted(wanted)
        )
    if file.tell() >= _PYDICOM_BYTES < size:
        raise NotAScan(
            "The DICOM header reaches too far into its file to be read. "
            "Convert it to explicit VR little endian."
        )
    object.__setattr__(header, "pixels_at", file.tell())
    return header


@cache
def _representation(tag: int) -> bytes:
    try:
        found: str = import_module("pydicom.datadict").dictionary_VR(tag)
    except KeyError:
        return b"UN"
    return found.encode()


def _numbers(code: str, size: int) -> Any:
    one = struct.Struct(f"<{code}").unpack

    def convert(value: bytes) -> Any:
        if len(value) == size:
            return one(value)[0]
        return list(struct.unpack(f"<{len(value) // size}{code}", value))

    return convert


def _plain(value: bytes) -> str:
    """Text in the characters that all character sets share."""
    if b"\x1b" in value:
        raise ValueError
    return value.decode("ascii").rstrip("\0 ")


def _words(value: bytes) -> Any:
    parts = _plain(value).split("\\")
    return parts[0] if len(parts) == 1 else parts


def _texts(value: bytes) -> Any:
    parts = [part.rstrip("\0 ") for part in _plain(value).split("\\")]
    return parts[0] if len(parts) == 1 else parts


def _decimals(value: bytes) -> Any:
    parts = [float(part) for part in value.decode("ascii").strip(" \0").split("\\")]
    return parts[0] if len(parts) == 1 else parts


def _integers(value: bytes) -> Any:
    parts = [int(part) for part in value.decode("ascii").strip(" \0").split("\\")]
    return parts[0] if len(parts) == 1 else parts


def _names(value: bytes) -> Any:
    if b"=" in value:  # Also written in other alphabets.
        raise ValueError
    return _texts(value)


_QUICK: dict[bytes, Any] = {
    b"US": _numbers("H", 2),
    b"SS": _numbers("h", 2),
    b"UL": _numbers("L", 4),
    b"SL": _numbers("l", 4),
    b"FL": _numbers("f", 4),
    b"FD": _numbers("d", 8),
    b"CS": _words,
    b"DA": _words,
    b"TM": _words,
    b"LO": _texts,
    b"SH": _texts,
    b"LT": _plain,
    b"ST": _plain,
    b"DS": _decimals,
    b"IS": _integers,
    b"PN": _names,
    b"UI": _texts,
}
