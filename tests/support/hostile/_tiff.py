"""TIFF files that lie."""

import struct
import zlib

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import zlib_of_zeros

_OWN = Accepted((50, 40, 1), (1, 1, 1), "the picture itself is whole", "pixels")
_PIXELS = bytes(50 * 40)
_SHORT, _LONG, _RATIONAL = 3, 4, 5

Entry = tuple[int, int, int, int]


def tiff(
    changes: dict[int, Entry | None] | None = None,
    *,
    pixels: bytes = _PIXELS,
    next_at: int | None = None,
    tail: bytes = b"",
) -> bytes:
    """A grey TIFF of 50 x 40; `changes` replace entries (tag, type, count, value)."""
    data_at = 8
    entries: dict[int, Entry | None] = {
        256: (256, _LONG, 1, 50),
        257: (257, _LONG, 1, 40),
        258: (258, _SHORT, 1, 8),
        259: (259, _SHORT, 1, 1),
        262: (262, _SHORT, 1, 1),
        273: (273, _LONG, 1, data_at),
        277: (277, _SHORT, 1, 1),
        278: (278, _LONG, 1, 40),
        279: (279, _LONG, 1, len(pixels)),
        **(changes or {}),
    }
    listed = [entry for _, entry in sorted(entries.items()) if entry is not None]
    at = data_at + len(pixels) + len(pixels) % 2
    body = struct.pack("<H", len(listed))
    body += b"".join(struct.pack("<HHII", *entry) for entry in listed)
    follow = at if next_at == -1 else (next_at or 0)
    head = b"II*\0" + struct.pack("<I", at)
    packed = pixels + b"\0" * (len(pixels) % 2)
    return head + packed + body + struct.pack("<I", follow) + tail


def add_tiff(zoo: Zoo) -> None:
    """Directories, sizes, strips, packing."""
    most = 0xFFFFFFFF
    packed = zlib.compress(_PIXELS)
    bomb = zlib_of_zeros(400)
    tiles = {273: None, 278: None, 279: None}
    cases: dict[str, tuple[bytes, Accepted | None]] = {
        "loop": (tiff(next_at=-1), _OWN),
        "next-beyond": (tiff(next_at=0x7FFFFFFF), _OWN),
        "next-odd": (tiff(next_at=9), _OWN),
        "first-beyond": (b"II*\0\xff\xff\xff\x7f" + bytes(100), None),
        "first-zero": (b"II*\0\0\0\0\0" + bytes(100), None),
        "many-entries": (b"II*\0\x08\0\0\0\xff\xff" + bytes(200), None),
        "wide": (tiff({256: (256, _LONG, 1, most)}), None),
        "high": (tiff({257: (257, _LONG, 1, most)}), None),
        "large": (tiff({256: (256, _LONG, 1, 65000), 257: (257, _LONG, 1, 65000)}), None),
        "zero": (tiff({256: (256, _LONG, 1, 0)}), None),
        "no-width": (tiff({256: None}), None),
        "strip-beyond": (tiff({273: (273, _LONG, 1, 0x7FFFFFF0)}), None),
        "strip-long": (tiff({279: (279, _LONG, 1, most)}), _OWN),
        "strip-short": (tiff({279: (279, _LONG, 1, 9)}), _OWN),
        "strips-many": (tiff({273: (273, _LONG, most, 8)}), None),
        "no-strips": (tiff({273: None}), None),
        "rows-zero": (tiff({278: (278, _LONG, 1, 0)}), None),
        "bits-zero": (tiff({258: (258, _SHORT, 1, 0)}), None),
        "bits-999": (tiff({258: (258, _SHORT, 1, 999)}), None),
        "bits-many": (tiff({258: (258, _SHORT, most, 8)}), None),
        "samples-most": (tiff({277: (277, _SHORT, 1, 65535)}), None),
        "packing-unknown": (tiff({259: (259, _SHORT, 1, 4711)}), None),
        "packing-garbage": (tiff({259: (259, _SHORT, 1, 8)}, pixels=b"\x07" * 90), None),
        "lzw-garbage": (tiff({259: (259, _SHORT, 1, 5)}, pixels=b"\x07" * 90), None),
        "jpeg-garbage": (tiff({259: (259, _SHORT, 1, 7)}, pixels=b"\x07" * 90), None),
        "bomb-behind": (tiff({259: (259, _SHORT, 1, 8)}, pixels=bomb), _OWN),
        "bomb": (tiff({256: (256, _LONG, 1, 40000), 257: (257, _LONG, 1, 40000),
                       278: (278, _LONG, 1, 40000), 259: (259, _SHORT, 1, 8)},
                      pixels=bomb), None),
        "short-packed": (tiff({259: (259, _SHORT, 1, 8)}, pixels=packed[:9]), None),
        "tiles-huge": (tiff({**tiles, 322: (322, _LONG, 1, 1 << 30),
                             323: (323, _LONG, 1, 1 << 30), 324: (324, _LONG, 1, 8),
                             325: (325, _LONG, 1, 9)}), None),
        "tiles-zero": (tiff({**tiles, 322: (322, _LONG, 1, 0), 323: (323, _LONG, 1, 0),
                             324: (324, _LONG, 1, 8), 325: (325, _LONG, 1, 9)}), None),
        "resolution-of-nothing": (tiff({282: (282, _RATIONAL, 1, 8),
                                        283: (283, _RATIONAL, 1, 8)}), _OWN),
        "description-beyond": (tiff({270: (270, 2, 0x7FFFFFFF, 8)}), _OWN),
        "big-lying": (b"II+\0\x08\0\0\0" + b"\xff" * 8 + bytes(100), None),
        "chain": (_chain(30_000), None),
    }  # fmt: skip
    for what, (content, accepted) in cases.items():
        zoo.add(f"tiff/{what}", "a.tif", content, accepted=accepted)


def _chain(count: int) -> bytes:
    """So many directories without a picture, each leading to the next."""
    out = [b"II*\0" + struct.pack("<I", 8)]
    for n in range(count):
        follow = 8 + (n + 1) * 18 if n + 1 < count else 0
        out.append(struct.pack("<HHHIII", 1, 256, _LONG, 1, 9, follow))
    return b"".join(out)
