"""Compressed DICOM pixels that lie: fragments, offset tables, pictures of another size."""

import io
import struct

import numpy as np

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._dicom import SEQUENCE_END, item
from tests.support.hostile._whole import SHAPE, SPACING, dicom_bytes, dicom_slice

_JPEG, _JPEG_LS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80"
_J2K, _RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
_OWN = Accepted((*SHAPE[:2], 1), SPACING, "the picture inside is whole")

# A length is wrong, but the one picture is there; no more is unpacked than it needs.
_WHOLE_INSIDE = {"fragment-beyond", "fragment-most", "rle-bomb"}


def _jpeg(width: int = SHAPE[0], height: int = SHAPE[1]) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.full((height, width), 90, np.uint8)).save(out, "JPEG")
    return out.getvalue()


def _with_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _j2k(width: int, height: int) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.full((SHAPE[1], SHAPE[0]), 90, np.uint8)).save(
        out, "JPEG2000", no_jp2=True
    )
    content = bytearray(out.getvalue())
    at = content.index(b"\xff\x51") + 6
    content[at : at + 8] = struct.pack(">II", width, height)
    return bytes(content)


def _rle(count: int, *offsets: int, data: bytes) -> bytes:
    places = [*offsets, *([0] * 15)][:15]
    return struct.pack("<16I", count, *places) + data


def _file(syntax: str, pixels: bytes, *, bits: int = 8, frames: int = 1) -> bytes:
    """A slice whose pixel data are those bytes, of undefined length."""
    scan = dicom_slice(
        syntax,
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=0,
        NumberOfFrames=frames if frames > 1 else None,
        PixelData=None,
    )
    head = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
    return dicom_bytes(scan) + head + pixels


def add_dicom_pixels(zoo: Zoo) -> None:
    """Encapsulated pixels of every kind that promise something else than they hold."""
    jpeg, empty = _jpeg(), item(b"")
    jpeg += b"\0" * (len(jpeg) % 2)
    end = SEQUENCE_END
    cases = {
        "no-fragments": (_JPEG, empty + end),
        "nothing": (_JPEG, b""),
        "only-the-end": (_JPEG, end),
        "fragment-beyond": (_JPEG, empty + item(jpeg, 1 << 30) + end),
        "fragment-most": (_JPEG, empty + item(jpeg, 0xFFFFFFFE) + end),
        "fragment-open": (_JPEG, empty + item(jpeg, 0xFFFFFFFF) + end),
        "fragment-short": (_JPEG, empty + item(jpeg[:40]) + end),
        "empty-fragment": (_JPEG, empty + empty + end),
        "another-tag": (_JPEG, empty + b"\x10\x00\x10\x00" + jpeg + end),
        "offsets-beyond": (_JPEG, item(b"\xff\xff\xff\x7f") + item(jpeg[:30]) + end),
        "offsets-odd": (_JPEG, item(b"\x01\x02\x03") + item(jpeg[:30]) + end),
        "text-as-jpeg": (_JPEG, empty + item(b"Dear Sir" * 9) + end),
        "jpeg-of-another-size": (_JPEG, empty + item(_jpeg(64, 48)) + end),
        "jpeg-of-65500": (_JPEG, empty + item(_with_size(jpeg, 65500, 65500)) + end),
        "jpeg-of-0": (_JPEG, empty + item(_with_size(jpeg, 0, 0)) + end),
        "text-as-jpeg-ls": (_JPEG_LS, empty + item(b"Dear Sir" * 9) + end),
        "jpeg-as-jpeg-ls": (_JPEG_LS, empty + item(jpeg[: len(jpeg) // 4 * 2]) + end),
        "text-as-j2k": (_J2K, empty + item(b"Dear Sir" * 9) + end),
        "j2k-of-2-billion": (_J2K, empty + item(_j2k(0x7FFFFFFF, 0x7FFFFFFF)) + end),
        "j2k-of-60000": (_J2K, empty + item(_j2k(60000, 60000)) + end),
        "j2k-of-0": (_J2K, empty + item(_j2k(0, 0)) + end),
        "rle-no-segments": (_RLE, empty + item(_rle(0, data=bytes(8))) + end),
        "rle-many": (_RLE, empty + item(_rle(0xFFFFFFFF, 64, data=bytes(8))) + end),
        "rle-beyond": (_RLE, empty + item(_rle(1, 0xFFFFFFF0, data=bytes(8))) + end),
        "rle-back": (_RLE, empty + item(_rle(1, 0, data=bytes(8))) + end),
        "rle-short": (_RLE, empty + item(_rle(1, 64, data=b"\x01ab")) + end),
        "rle-bomb": (_RLE, empty + item(_rle(1, 64, data=b"\x81\0" * 500_000)) + end),
    }
    for what, (syntax, pixels) in cases.items():
        accepted = _OWN if what in _WHOLE_INSIDE else None
        content = _file(syntax, pixels)
        zoo.add(f"dicom-pixels/{what}", "a.dcm", content, accepted=accepted)
    few = _file(_JPEG, empty + item(jpeg) + end, frames=3)
    zoo.add("dicom-pixels/fewer-fragments-than-frames", "a.dcm", few)
    whole = _file(_JPEG, empty + item(jpeg))
    zoo.add("dicom-pixels/no-end", "a.dcm", whole, accepted=_OWN)
    wrong = _file(_JPEG, item(b"\x30\0\0\0") + item(jpeg) + end)
    zoo.add("dicom-pixels/offset-of-one-frame", "a.dcm", wrong, accepted=_OWN)
    deep = _file(_JPEG, empty + item(jpeg) + end, bits=16)
    zoo.add("dicom-pixels/fewer-bits-than-said", "a.dcm", deep, accepted=_OWN)
