"""The journal: records appended to a file, each on disk before anybody is told so.

A record is u32 length, u32 CRC-32 of these four bytes, u32 CRC-32 of the content, then the
content; little-endian. A process killed while it appends leaves a record that ends early.
That tail was never acknowledged: readers stop before it and the next writer cuts it off. A
length or a content that does not match its checksum is another matter: something damaged
the file, and nothing is guessed. The length has a checksum of its own, because a damaged
one would make all that follows look like such a tail.
"""

import errno
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from medlab.errors import MedlabError

_HEAD = struct.Struct("<III")
_CHUNK = 1 << 20
# macOS knows only the other one.
_sync_data = getattr(os, "fdatasync", os.fsync)


class JournalDamaged(MedlabError):
    """A record in the middle of a journal does not match its checksum.

    Attributes:
        at: Byte at which the damaged record begins.
    """

    code = "journal-damaged"

    def __init__(self, at: int, last_good_rev: int | None = None) -> None:
        upto = "" if last_good_rev is None else f" up to revision {last_good_rev}"
        told = {} if last_good_rev is None else {"last_good_rev": last_good_rev}
        super().__init__(
            "The journal of this layer must be whole, got a damaged record at byte "
            f"{at}. Recover the layer to go on from its last good state{upto}; the "
            "damaged files are kept.",
            told=told,
        )
        self.at = at


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
        file = path.open("rb", buffering=_CHUNK)
    except FileNotFoundError:
        return
    with file:
        length = os.fstat(file.fileno()).st_size
        last = length if stop is None else min(stop, length)
        file.seek(start)
        at = start
        while at + _HEAD.size <= last:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            size, size_crc, crc = _HEAD.unpack(head)
            end = at + _HEAD.size + size
            if _crc_of_length(size) != size_crc:
                if not any(head) and _is_empty(file):
                    return  # Space that a crash reserved and never filled.
                raise JournalDamaged(at)
            if end > last:
                return
            record = file.read(size)
            if len(record) < size:
                return
            if zlib.crc32(record) != crc:
                raise JournalDamaged(at)
            yield record, end
            at = end


def record_bytes(record: bytes) -> bytes:
    """A record as it lies in the journal, with its head."""
    size = len(record)
    return _HEAD.pack(size, _crc_of_length(size), zlib.crc32(record)) + record


def append_records(path: Path, records: Sequence[bytes], end: int) -> list[int]:
    """Append records and return once they are on disk: all of them, or none.

    Args:
        path: The journal; made when missing.
        records: What to keep.
        end: Where the last whole record ends; what lies behind it is cut off.

    Returns:
        Where each new record ends.

    Raises:
        OSError: If the disk is full or fails. The journal ends where it ended before; or,
            if the disk refuses even that, it holds the records whole or a tail that
            readers pass over.
    """
    data = b"".join(record_bytes(record) for record in records)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if end == 0:
            # The file's name is on disk before anything in it counts.
            sync_folder(path.parent)
        if os.fstat(handle).st_size != end:
            os.ftruncate(handle, end)
        try:
            write_at(handle, data, end)
            _sync_data(handle)
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)
    ends = []
    for record in records:
        end += _HEAD.size + len(record)
        ends.append(end)
    return ends


def append_record(path: Path, record: bytes, end: int) -> int:
    """Append one record; see `append_records`."""
    return append_records(path, [record], end)[0]


def settle_record(path: Path, data: bytes, start: int) -> None:
    """Bring bytes to the disk whose sync failed, if they are still in the file.

    A sync that failed once may succeed the next time without having written anything, so
    the bytes are written again.

    Raises:
        OSError: If the disk still fails.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        if os.pread(handle, len(data), start) == data:
            write_at(handle, data, start)
            _sync_data(handle)
            sync_folder(path.parent)
    finally:
        os.close(handle)


def sync_journal(path: Path) -> None:
    """Bring to the disk what others appended."""
    handle = os.open(path, os.O_RDWR)
    try:
        _sync_data(handle)
    finally:
        os.close(handle)


def write_at(handle: int, data: bytes, at: int) -> None:
    """Write all of `data` at a position of an open file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, at)
        if written == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view, at = view[written:], at + written


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _crc_of_length(length: int) -> int:
    return zlib.crc32(struct.pack("<I", length))


def _is_empty(file: BinaryIO) -> bool:
    return not any(any(chunk) for chunk in iter(lambda: file.read(_CHUNK), b""))
