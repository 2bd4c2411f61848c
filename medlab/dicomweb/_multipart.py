"""The one file of a multipart answer, written out as it comes.

dicomweb-client would hold the whole answer in memory and read it as DICOM; an instance can be
gigabytes, and bytes of a stranger are read with limits alone.

Source:
    RFC 2046, 5.1 (multipart); DICOM PS3.18, 8.6.1.2.1 (multipart payload).
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^\s;"]{1,200}))', re.I)
_HEADER_BYTES = 64 << 10


class NotOnePart(ValueError):
    """The answer is not one whole part."""


def write_part(content_type: str, chunks: Iterable[bytes], out: BinaryIO) -> int:
    """Write the only part of an answer to a file.

    Args:
        content_type: Of the answer: `multipart/related`, or `application/dicom` where a
            server sends the file as it is.
        chunks: The answer, in pieces.
        out: Where the bytes of the part go.

    Returns:
        How many they were.

    Raises:
        NotOnePart: If the answer is no multipart, holds none or several parts, or ends early.

    Example:
        >>> import io
        >>> body = [b"--x\\r\\nContent-Type: application/dicom\\r\\n\\r\\nDI", b"CM\\r\\n--x--"]
        >>> out = io.BytesIO()
        >>> write_part('multipart/related; boundary=x', body, out), out.getvalue()
        (4, b'DICM')
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/dicom":
        return sum(out.write(chunk) for chunk in chunks)
    told = _BOUNDARY.search(content_type)
    if kind != "multipart/related" or told is None:
        raise NotOnePart(kind[:40])
    marker = b"--" + (told[1] or told[2]).encode("latin-1", "replace")
    pieces = iter(chunks)
    rest = _after_header(pieces, marker)
    return _copy(pieces, rest, b"\r\n" + marker, out)


def _after_header(pieces: Iterator[bytes], marker: bytes) -> bytes:
    """What follows the header of the first part."""
    start = b""
    for piece in pieces:
        start += piece
        at = start.find(marker)
        end = start.find(b"\r\n\r\n", max(at, 0))
        if at >= 0 and end >= 0:
            return start[end + 4 :]
        if len(start) > _HEADER_BYTES:
            break
    raise NotOnePart("header")


def _copy(pieces: Iterator[bytes], held: bytes, delimiter: bytes, out: BinaryIO) -> int:
    """Write until the delimiter, which may lie across two pieces."""
    written = 0
    while (at := held.find(delimiter)) < 0:
        safe = max(0, len(held) - len(delimiter) + 1)
        written += out.write(held[:safe])
        piece = next(pieces, None)
        if piece is None:
            raise NotOnePart("ends early")
        held = held[safe:] + piece
    written += out.write(held[:at])
    tail = held[at + len(delimiter) :]
    for piece in pieces:
        tail = (tail + piece)[:_HEADER_BYTES]
    if not tail.startswith(b"--"):
        raise NotOnePart("another part")
    return written
