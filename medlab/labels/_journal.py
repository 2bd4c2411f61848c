"""The journal: records appended to a file, each on disk before anybody is told so.

A record is u32 length, u32 CRC-32 of these four bytes, u32 CRC-32 of the content, then the
content; little-endian. A process killed while it appends leaves a record that ends early.
That tail was never acknowledged: readers stop before it and the next writer cuts it off. A
length or a content that does not match its checksum is another matter: something damaged
the file, and nothing is guessed. The length has a checksum of its own, because a damaged
one would make all that follows look like such a tail.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from medlab.errors import MedlabError

_HEAD = struct.Struct("<III")
# macOS knows only the other one.
_sync_data = getattr(os, "fdatasync", os.fsync)


class JournalDamaged(MedlabError):
    """A record in the middle of a journal does not match its checksum."""

    code = "journal-damaged"


def read_records(
    path: Path, start: int = 0, stop: int | None = None
) -> Iterator[tuple[bytes, int]]:
    """Read whole records from byte `start` on, up to byte `stop` or the end.

    Yields:
        Each record's bytes, and the position right after it.

    Raises:
        JournalDamaged: If a record does not match its checksum.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(-1 if stop is None else stop - start)
    except FileNotFoundError:
        return
    at = 0
    while at + _HEAD.size <= len(data):
        length, length_crc, crc = _HEAD.unpack_from(data, at)
        end = at + _HEAD.size + length
        if _crc_of_length(length) != length_crc:
            if not any(data[at:]):
                return  # Space that a crash reserved and never filled.
            raise _damaged(start + at)
        if end > len(data):
            return
        record = data[at + _HEAD.size : end]
        if zlib.crc32(record) != crc:
            raise _damaged(start + at)
        yield record, start + end
        at = end


def append_record(path: Path, record: bytes, end: int) -> int:
    """Append a record and return once it is on disk.

    Args:
        path: The journal; made when missing.
        record: What to keep.
        end: Where the last whole record ends; what lies behind it is cut off.

    Returns:
        Where the new record ends.

    Raises:
        OSError: If the disk is full or fails; the journal ends where it ended before.
    """
    size = len(record)
    data = _HEAD.pack(size, _crc_of_length(size), zlib.crc32(record)) + record
    is_new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if os.fstat(handle).st_size != end:
            os.ftruncate(handle, end)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(handle, data[written:], end + written)
            _sync_data(handle)
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)
    if is_new:
        _sync_folder(path.parent)
    return end + len(data)


def _crc_of_length(length: int) -> int:
    return zlib.crc32(struct.pack("<I", length))


def _damaged(at: int) -> JournalDamaged:
    return JournalDamaged(
        f"The journal of this layer must be whole, got a damaged record at byte {at}. The "
        "edits before it are good: copy the layer's folder, cut the copy's edits.mlj "
        "there, and open that."
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
