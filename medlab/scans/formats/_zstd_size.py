"""How large a zstd chunk can become, found before it is unpacked.

A frame may leave out its size, and numcodecs then unpacks it to whatever it holds.

Source:
    RFC 8878, 3.1 "Frames" and 3.1.1.2 "Blocks".
"""

_FRAME, _SKIPPED = 0xFD2FB528, 0x184D2A50
_BLOCK_BYTES = 128 << 10
_RAW, _RLE, _PACKED = 0, 1, 2


def most_bytes(packed: bytes) -> int:
    """The most bytes that the frames can hold; packed blocks hold up to 128 KiB each.

    Raises:
        ValueError: If they are damaged.
    """
    at, most = 0, 0
    while at < len(packed):
        magic = _number(packed, at, 4)
        if magic & 0xFFFFFFF0 == _SKIPPED:
            at += 8 + _number(packed, at + 4, 4)
        elif magic == _FRAME:
            at, held = _frame(packed, at + 4)
            most += held
        else:
            raise ValueError("no zstd frame")
    return most


def _frame(packed: bytes, at: int) -> tuple[int, int]:
    """Where a frame ends, and the most that it holds."""
    told = _number(packed, at, 1)
    is_single, has_checksum = bool(told & 0x20), bool(told & 4)
    at += 1 + (not is_single) + (0, 1, 2, 4)[told & 3]
    at += (int(is_single), 2, 4, 8)[told >> 6]
    held, is_last = 0, False
    while not is_last:
        block = _number(packed, at, 3)
        is_last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        held += _BLOCK_BYTES if kind == _PACKED else size
        at += 3 + (1 if kind == _RLE else size)
    return at + (4 if has_checksum else 0), held


def _number(packed: bytes, at: int, length: int) -> int:
    data = packed[at : at + length]
    if len(data) < length:
        raise ValueError("the zstd frame is cut short")
    return int.from_bytes(data, "little")
