"""PNG and JPEG files that lie."""

import struct
import zlib

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import picture, zlib_of_zeros

_OWN = Accepted((50, 40, 1), (1, 1, 1), "the picture itself is whole", "pixels")


def chunk(kind: bytes, data: bytes, *, length: int | None = None) -> bytes:
    """A chunk of a PNG file, with any length."""
    size = len(data) if length is None else length
    return (
        struct.pack(">I", size)
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
    )


def png(
    width: int, height: int, data: bytes, *, bits: int = 8, more: bytes = b""
) -> bytes:
    """A grey PNG file of that size with that packed content."""
    head = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", data)
        + chunk(b"IEND", b"")
    )  # fmt: skip


def add_pictures(zoo: Zoo) -> None:
    """Sizes, bombs, broken chunks and markers."""
    rows = zlib.compress(bytes(51 * 40))
    mb = zlib.compress(bytes(1 << 20), 9)
    whole = picture("PNG")
    at = whole.index(b"IDAT")
    for what, content, accepted in (
        ("2-billion", png(0x7FFFFFFF, 0x7FFFFFFF, rows), None),
        ("65535", png(65535, 65535, rows), None),
        ("40000-of-one-bit", png(40000, 40000, zlib.compress(bytes(5001 * 40000), 9),
                                 bits=1), None),
        ("zero", png(0, 0, rows), None),
        ("short", png(500, 400, rows), None),
        ("bomb-behind", png(50, 40, zlib_of_zeros(300)), _OWN),
        ("bits", png(50, 40, rows, bits=7), None),
        ("garbage", png(50, 40, b"\x07" * 500), None),
        ("text-bomb", png(50, 40, rows, more=chunk(
            b"zTXt", b"a\0\0" + zlib_of_zeros(200))), _OWN),
        ("profile-bomb", png(50, 40, rows, more=chunk(
            b"iCCP", b"a\0\0" + zlib_of_zeros(200))), _OWN),
        ("many-texts", png(50, 40, rows, more=chunk(b"tEXt", b"a\0b") * 100_000), _OWN),
        ("many-packed-texts", png(50, 40, rows, more=chunk(
            b"zTXt", b"a\0\0" + mb) * 200), _OWN),
        ("size-of-pixels-zero", png(50, 40, rows, more=chunk(
            b"pHYs", struct.pack(">IIB", 0, 0, 1))), _OWN),
        ("chunk-beyond", whole[: at - 4] + b"\x7f\xff\xff\xff" + whole[at:], _OWN),
        ("wrong-checksum", whole[: at + 9] + b"\xff\xff" + whole[at + 11 :], None),
        ("two-headers", png(50, 40, rows, more=chunk(b"IHDR", struct.pack(
            ">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0))), None),
    ):  # fmt: skip
        zoo.add(f"png/{what}", "a.png", content, accepted=accepted)
    jpeg = picture("JPEG")
    size = jpeg.index(b"\xff\xc0") + 5
    tables = jpeg.index(b"\xff\xc4")
    scan = jpeg.index(b"\xff\xda")
    for what, content, accepted in (
        (
            "65500",
            jpeg[:size] + struct.pack(">HH", 65500, 65500) + jpeg[size + 4 :],
            None,
        ),
        ("zero", jpeg[:size] + bytes(4) + jpeg[size + 4 :], None),
        ("no-tables", jpeg[:tables] + jpeg[scan:], _OWN),
        ("no-scan", jpeg[:scan] + b"\xff\xd9", None),
        ("text-behind-the-start", b"\xff\xd8\xff" + b"Dear Sir" * 90, None),
        ("lying-marker", jpeg[:2] + b"\xff\xe1\xff\xff" + jpeg[2:], None),
        ("exif-loop", _with_exif(jpeg, _exif_loop()), _OWN),
        ("exif-garbage", _with_exif(jpeg, b"Exif\0\0II*\0\xff\xff\xff\x7f"), _OWN),
        ("exif-resolution", _with_exif(jpeg, _exif_resolution()), _OWN),
    ):
        zoo.add(f"jpeg/{what}", "a.jpg", content, accepted=accepted)


def _with_exif(jpeg: bytes, exif: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def _exif_loop() -> bytes:
    """A directory whose sub-directory and successor are itself."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 8)


def _exif_resolution() -> bytes:
    """A resolution of 0 / 0 dots an inch."""
    entries = struct.pack("<HHII", 0x011A, 5, 1, 100) + struct.pack(
        "<HHII", 0x011B, 5, 1, 100
    )
    head = b"II*\0" + struct.pack("<IH", 8, 2) + entries + struct.pack("<I", 0)
    return b"Exif\0\0" + head.ljust(100, b"\0") + bytes(8)
