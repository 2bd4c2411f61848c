"""Walking over the elements of a DICOM header, little endian, without building any of them.

A header is read through a window of a few kilobytes: what nobody asked for is stepped over
by its length, also where it is larger than the window. Elements, depth and bytes are
counted, so that no file can hold up a reader.

Source:
    DICOM PS3.5, 7.1 (data elements), 7.5 (sequences).
"""

import os
import struct
import zlib
from collections.abc import Container

from medlab.scans._limits import NotAScan

WINDOW_BYTES = 12 << 10
LOADED_BYTES = 64 << 20
"""What a header may make a reader load: room for the tables of 10,000 frames."""
ELEMENTS = 400_000
DEPTH = 32
INFLATED_BYTES = 16 << 20
"""How far into a deflated file its header may reach."""

UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))

_EXPLICIT = struct.Struct("<HH2sH").unpack_from
_IMPLICIT = struct.Struct("<HHL").unpack_from
_LONG = struct.Struct("<L").unpack_from
# How many bytes stand before the value, by the letters of its representation.
_BEFORE_VALUE = {
    **dict.fromkeys(
        (
            b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO",
            b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
        ),
        8,
    ),
    **dict.fromkeys(
        (
            b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR",
            b"UT", b"UV",
        ),
        12,
    ),
}  # fmt: skip

Element = tuple[bytes, bytes]
"""The two letters of the value representation (empty where not told), and the value."""


class Odd(Exception):
    """Something this walker leaves to pydicom."""


class Window:
    """The part of a file, or of bytes, that a walk stands on."""

    def __init__(self, handle: int | None, buffer: bytes = b"") -> None:
        self._handle = handle
        self.buffer = buffer
        self.start = 0
        self.elements = 0
        self._loaded = 0

    def load(self, at: int, count: int) -> int:
        """Have `count` bytes from `at` on in the buffer, or fewer where the file ends.

        Returns:
            Where in the buffer `at` is.
        """
        if self._handle is None or (
            self.start <= at and at + count <= self.start + len(self.buffer)
        ):
            return at - self.start
        self._loaded += count
        if self._loaded > LOADED_BYTES:
            raise too_much()
        try:
            self.buffer = os.pread(self._handle, max(count, WINDOW_BYTES), at)
        except (OverflowError, ValueError):  # A length that leads past every file.
            self.buffer = b""
        self.start = at
        return 0

    def count(self, elements: int = 1) -> None:
        """Note elements walked over; a header with too many is refused."""
        self.elements += elements
        if self.elements > ELEMENTS:
            raise too_much()


def too_much() -> NotAScan:
    """The error for a header that no scanner writes."""
    return NotAScan(
        "The DICOM header holds more than a header may: it is damaged or made to do harm. "
        "Copy it again from its source, or leave it out."
    )


def inflated(packed: bytes) -> bytes:
    """The beginning of a deflated data set, never more than a header needs.

    Raises:
        Odd: If it is damaged, or goes on for longer.
    """
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(packed, INFLATED_BYTES)
    except zlib.error as error:
        raise Odd from error
    if not unpacker.eof and not unpacker.unconsumed_tail:
        raise Odd
    return found


def walk(
    window: Window,
    at: int,
    implicit: bool,
    wanted: Container[int] | None,
    end: int | None = None,
    group: int | None = None,
    depth: int = 0,
) -> tuple[dict[int, Element], int]:
    """Collect the raw values of the wanted elements.

    Args:
        window: Where to read.
        at: Where the first element begins.
        implicit: Whether value representations are left out.
        wanted: Their tags; None for all.
        end: Where the data set ends, if before its pixels.
        group: Stop before the first element of another group.
        depth: How many sequences this data set lies in.

    Returns:
        Value representation and value of each; and where the walk ended: at the pixels,
        at the element of another group, or at the end.
    """
    found: dict[int, Element] = {}
    buffer, start, walked = window.buffer, window.start, 0
    while end is None or at < end:
        here = at - start
        if here < 0 or here + 12 > len(buffer):
            here = window.load(at, 12)
            buffer, start = window.buffer, window.start
            if len(buffer) - here < 8:
                break
        if implicit:
            high, low, length = _IMPLICIT(buffer, here)
            letters, before = b"", 8
        else:
            high, low, letters, length = _EXPLICIT(buffer, here)
            known = _BEFORE_VALUE.get(letters)
            if known is None:
                if group is not None and high != group:
                    break
                if high == 0xFFFE and low == 0xE00D and depth:
                    at += 8
                    break
                raise Odd
            before = known
        tag = high << 16 | low
        if tag in _PIXELS or (group is not None and high != group):
            break
        if before == 12:
            if here + 12 > len(buffer):
                raise Odd
            (length,) = _LONG(buffer, here + 8)
        walked += 1
        if not walked & 0xFF:
            window.count(256)
        if length != UNDEFINED:
            if wanted is None or tag in wanted:
                if end is not None and at + before + length > end:
                    raise Odd
                here += before
                if here + length > len(buffer):
                    here = window.load(at + before, length)
                    buffer, start = window.buffer, window.start
                found[tag] = (letters, buffer[here : here + length])
            elif high == 0xFFFE:
                if depth and tag == _ITEM_END:
                    at += 8
                    break
                raise Odd
            at += before + length
            continue
        value, after = (
            at + before,
            _after_sequence(window, at + before, implicit, depth),
        )
        if letters not in (b"SQ", b"UN", b""):
            raise Odd
        if wanted is None or tag in wanted:
            # Without the delimiter at its end.
            here = window.load(value, after - 8 - value)
            found[tag] = (letters, window.buffer[here : here + after - 8 - value])
        buffer, start = window.buffer, window.start
        at = after
    window.count(walked & 0xFF)
    return found, at


def _after_sequence(window: Window, at: int, implicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends."""
    if depth >= DEPTH:
        raise too_much()
    while True:
        here = window.load(at, 8)
        if len(window.buffer) - here < 8:
            raise Odd
        high, low, length = _IMPLICIT(window.buffer, here)
        tag = high << 16 | low
        at += 8
        window.count()
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            raise Odd
        if length != UNDEFINED:
            at += length
        else:
            first = is_implicit(window, at, implicit)
            at = walk(window, at, first, (), depth=depth + 1)[1]


def is_implicit(window: Window, at: int, otherwise: bool) -> bool:
    """Whether the data set of an item leaves value representations out."""
    if otherwise:
        return True
    here = window.load(at, 8)
    letters = window.buffer[here + 4 : here + 6]
    if len(letters) < 2 or window.buffer[here : here + 2] == b"\xfe\xff":
        return otherwise
    return letters not in _BEFORE_VALUE


def items(content: bytes, implicit: bool, depth: int) -> list[tuple[bytes, bool]]:
    """The data sets of a sequence: the bytes of each, and whether they are implicit.

    Raises:
        Odd: If the bytes are not whole items.
    """
    if depth >= DEPTH:
        raise too_much()
    window, at, found = Window(None, content), 0, []
    while at + 8 <= len(content):
        high, low, length = _IMPLICIT(content, at)
        tag = high << 16 | low
        at += 8
        if tag == _SEQUENCE_END:
            break
        if tag != _ITEM:
            raise Odd
        bare = is_implicit(window, at, implicit)
        if length == UNDEFINED:
            after = walk(window, at, bare, (), depth=depth + 1)[1]
            found.append((content[at : after - 8], bare))
        else:
            after = at + length
            if after > len(content):
                raise Odd
            found.append((content[at:after], bare))
        at = after
        window.count()
    return found
