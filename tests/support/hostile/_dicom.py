"""DICOM headers that lie: numbers, types, lengths, nesting, byte order, names."""

import struct
from typing import Any

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import (
    SHAPE,
    SPACING,
    dicom_bytes,
    dicom_slice,
    zeros_deflated,
)

_ONE = (SHAPE[0], SHAPE[1], 1)
_OWN = Accepted(_ONE, SPACING, "what is odd does not touch the geometry")
_EXPLICIT, _IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
_DEFLATED, _BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"

_PIXELS = Accepted(
    _ONE,
    (1, 1, 1),
    "no usable spacing: in pixels, and says so",
    "pixels",
    warned="pixels",
)
_FLOATING = Accepted(
    _ONE, SPACING, "no place, and says so", warned="not say how the picture lies"
)
_TURNED = Accepted(_ONE, SPACING, "odd directions, and says so", warned="taken as 1")
_THIN = Accepted(
    _ONE, (*SPACING[:2], 1), "no thickness, and says so", warned="1 mm is assumed"
)
_TEXTS: dict[str, dict[str, tuple[str, Accepted | None]]] = {
    # Keyword: what is odd -> the value as text (DS, IS) and what may come of it.
    "PixelSpacing": {
        "nan": ("nan\\nan", _PIXELS),
        "zero": ("0\\0", _PIXELS),
        "negative": ("-1\\-1", _PIXELS),
        "huge": ("1e300\\1e300", _PIXELS),
        "tiny": ("1e-300\\1e-300", _PIXELS),
        "words": ("wide\\high", _PIXELS),
        "infinite": ("inf\\inf", _PIXELS),
        "alone": ("1.25", _PIXELS),
        "three": ("1\\1\\1", _PIXELS),
    },
    "ImagePositionPatient": {
        "nan": ("nan\\0\\0", None),
        "infinite": ("inf\\0\\0", None),
        "huge": ("1e308\\-1e308\\1e308", None),
        "two": ("1\\2", _FLOATING),
        "words": ("a\\b\\c", None),
    },
    "ImageOrientationPatient": {
        "zeros": ("0\\0\\0\\0\\0\\0", None),
        "nan": ("nan\\0\\0\\0\\1\\0", None),
        "parallel": ("1\\0\\0\\1\\0\\0", None),
        "five": ("1\\0\\0\\0\\1", _FLOATING),
        "long": ("2\\0\\0\\0\\2\\0", _TURNED),
        "slanted": ("1\\0\\0\\0.7\\0.7\\0", _TURNED),
        "huge": ("1e200\\0\\0\\0\\1e200\\0", None),
    },
    "SliceThickness": {
        "nan": ("nan", None),
        "zero": ("0", _THIN),
        "negative": ("-3", _THIN),
        "huge": ("1e300", None),
        "words": ("thick", None),
    },
    "RescaleSlope": {
        "nan": ("nan", None),
        "infinite": ("inf", None),
        "zero": ("0", _OWN),
        "words": ("steep", None),
        "huge": ("1e308", _OWN),
    },
    "RescaleIntercept": {"nan": ("nan", None), "words": ("low", None)},
    "NumberOfFrames": {
        "billions": ("2147483647", None),
        "negative": ("-5", None),
        "words": ("many", None),
        "ten": ("10", None),
    },
    "WindowCenter": {"nan": ("nan", _OWN), "words": ("mid", _OWN)},
    "InstanceNumber": {"words": ("first", _OWN), "huge": ("9" * 12, _OWN)},
}
_NUMBERS: dict[str, dict[str, tuple[int, Accepted | None]]] = {
    "Rows": {"zero": (0, None), "most": (65535, None)},
    "Columns": {"zero": (0, None), "most": (65535, None)},
    "BitsAllocated": {
        "zero": (0, None),
        "seven": (7, None),
        "most": (65535, None),
        "64": (64, None),
        "32": (32, None),
    },
    "BitsStored": {"zero": (0, _OWN), "99": (99, _OWN)},
    "SamplesPerPixel": {"zero": (0, _OWN), "five": (5, None), "most": (65535, None)},
    "PixelRepresentation": {"nine": (9, _OWN)},
}
_THICKNESS = {"nan", "zero", "negative", "huge", "words"}


def element(
    group: int, number: int, vr: bytes, value: bytes, length: int | None = None
) -> bytes:
    """An element in explicit little endian, with any length."""
    length = len(value) if length is None else length
    head = struct.pack("<HH", group, number) + vr
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF"):
        return head + b"\0\0" + struct.pack("<I", length) + value
    return head + struct.pack("<H", length & 0xFFFF) + value


def item(value: bytes, length: int | None = None) -> bytes:
    """An item of a sequence, with any length."""
    size = len(value) if length is None else length
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", size) + value


ITEM_END, SEQUENCE_END = b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_OPEN = 0xFFFFFFFF


def _replaced(
    keyword: str, vr: bytes, value: bytes, length: int | None = None
) -> bytes:
    """The slice with one element in other bytes."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    assert tag is not None
    group, number = divmod(int(tag), 1 << 16)
    content = dicom_bytes(dicom_slice())
    at = content.index(struct.pack("<HH", group, number), 300)
    is_long = content[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
    size = int.from_bytes(
        content[at + 8 : at + 12] if is_long else content[at + 6 : at + 8], "little"
    )
    end = at + (12 if is_long else 8) + size
    return content[:at] + element(group, number, vr, value, length) + content[end:]


def _before_pixels(extra: bytes) -> bytes:
    content = dicom_bytes(dicom_slice())
    at = content.index(b"\xe0\x7f\x10\x00OW")
    return content[:at] + extra + content[at:]


def _relabelled(syntax: str, other: str, **changes: Any) -> bytes:
    """A file in one transfer syntax that says it is in another."""
    content = dicom_bytes(dicom_slice(syntax, **changes))
    old = syntax.encode() + (b"\0" if len(syntax) % 2 else b"")
    new = other.encode() + (b"\0" if len(other) % 2 else b"")
    at = content.index(b"\x02\x00\x10\x00UI") + 8
    assert content[at : at + len(old)] == old
    swapped = content[:at] + new + content[at + len(old) :]
    swapped = bytearray(swapped)
    swapped[at - 2 : at] = struct.pack("<H", len(new))
    group = int.from_bytes(swapped[140:144], "little") + len(new) - len(old)
    swapped[140:144] = struct.pack("<I", group)
    return bytes(swapped)


def add_dicom(zoo: Zoo) -> None:
    """Everything wrong in a header."""
    _add_values(zoo)
    _add_structure(zoo)
    _add_syntax(zoo)
    _add_folders(zoo)


def _add_values(zoo: Zoo) -> None:
    for keyword, odd in _TEXTS.items():
        vr = b"IS" if keyword in ("NumberOfFrames", "InstanceNumber") else b"DS"
        base = {"NumberOfFrames": 1, "InstanceNumber": 1}.get(keyword)
        window = {"WindowCenter": 1, "WindowWidth": 9} if keyword[0] == "W" else {}
        for what, (text, accepted) in odd.items():
            value = text.encode() + b" " * (len(text) % 2)
            content = _with_text(keyword, vr, value, base, window)
            zoo.add(f"dicom/{keyword}-{what}", "a.dcm", content, accepted=accepted)
    for keyword, few in _NUMBERS.items():
        for what, (number, accepted) in few.items():
            content = dicom_bytes(dicom_slice(**{keyword: number}))
            zoo.add(f"dicom/{keyword}-{what}", "a.dcm", content, accepted=accepted)
    for keyword in ("Rows", "BitsAllocated", "PixelData", "PixelRepresentation"):
        content = dicom_bytes(dicom_slice(**{keyword: None}))
        accepted = _OWN if keyword == "PixelRepresentation" else None
        zoo.add(f"dicom/without-{keyword}", "a.dcm", content, accepted=accepted)
    content = dicom_bytes(dicom_slice(PixelSpacing=None))
    zoo.add("dicom/without-spacing", "a.dcm", content, accepted=_PIXELS)


def _with_text(
    keyword: str, vr: bytes, value: bytes, base: Any, more: dict[str, Any]
) -> bytes:
    from pydicom.datadict import tag_for_keyword

    changes = dict(more)
    if base is not None:
        changes[keyword] = base
    content = dicom_bytes(dicom_slice(**changes))
    tag = tag_for_keyword(keyword)
    assert tag is not None
    mark = struct.pack("<HH", *divmod(int(tag), 1 << 16)) + vr
    at = content.index(mark)
    size = int.from_bytes(content[at + 6 : at + 8], "little")
    return (
        content[: at + 6]
        + struct.pack("<H", len(value))
        + value
        + content[at + 8 + size :]
    )


def _add_structure(zoo: Zoo) -> None:
    for keyword, vr, value in (
        ("Rows", b"FL", struct.pack("<f", float("nan"))),
        ("Rows", b"LO", b"eight "),
        ("Rows", b"SQ", item(b"")),
        ("Rows", b"OB", b"\x08\0"),
        ("Columns", b"AT", b"\x07\0\0\0"),
        ("PixelSpacing", b"OB", b"\xff" * 6),
        ("PixelSpacing", b"SQ", item(b"")),
        ("PixelSpacing", b"FD", struct.pack("<dd", float("nan"), 1)),
        ("ImagePositionPatient", b"PN", b"Doe^Jane"),
        ("PixelData", b"SQ", item(b"")),
        ("BitsAllocated", b"XX", b"\x10\0"),
    ):
        content = _replaced(keyword, vr, value)
        accepted = _PIXELS if keyword == "PixelSpacing" else None
        name = f"dicom/{keyword}-as-{vr.decode()}"
        zoo.add(name, "a.dcm", content, accepted=accepted)
    for what, length in (("longer", 1 << 20), ("most", 0xFFFFFFFE), ("half", 1 << 31)):
        content = _replaced("PixelData", b"OW", bytes(112), length)
        name = f"dicom/pixels-{what}-than-the-file"
        zoo.add(name, "a.dcm", content, accepted=_OWN)
    zoo.add("dicom/pixels-shorter", "a.dcm", _replaced("PixelData", b"OW", bytes(40)))
    nested = b""
    for _ in range(3000):
        nested = element(0x0009, 0x1002, b"SQ", item(nested))
    zoo.add("dicom/deep", "a.dcm", _before_pixels(nested), accepted=_OWN)
    opened = (element(0x0009, 0x1002, b"SQ", b"", _OPEN) + item(b"", _OPEN)) * 20_000
    zoo.add("dicom/deep-open", "a.dcm", _before_pixels(opened))
    shared = (element(0x5200, 0x9229, b"SQ", b"", _OPEN) + item(b"", _OPEN)) * 20_000
    zoo.add("dicom/deep-functional-groups", "a.dcm", _before_pixels(shared))
    endless = element(0x0009, 0x1002, b"SQ", b"", _OPEN) + item(bytes(8))
    zoo.add("dicom/private-sequence-without-end", "a.dcm", _before_pixels(endless))
    unknown = element(0x0009, 0x1003, b"UN", b"", _OPEN) + item(b"", _OPEN)
    zoo.add("dicom/unknown-without-end", "a.dcm", _before_pixels(unknown))
    many = element(0x0009, 0x1002, b"SQ", item(b"") * 100_000)
    zoo.add("dicom/many-items", "a.dcm", _before_pixels(many), accepted=_OWN)
    crowd = b"".join(element(0x0011, n, b"LO", b"xx") for n in range(0x1000, 0xF000))
    zoo.add("dicom/many-elements", "a.dcm", _before_pixels(crowd), accepted=_OWN)
    beyond = element(0x0009, 0x1002, b"SQ", item(b"", 1 << 30), 8)
    zoo.add("dicom/item-beyond", "a.dcm", _before_pixels(beyond), accepted=_OWN)
    again = element(0x0028, 0x0010, b"US", b"\xff\xff") * 3
    zoo.add("dicom/rows-again", "a.dcm", _before_pixels(again))
    long_text = element(0x0010, 0x4000, b"UT", b"x" * (8 << 20))
    zoo.add("dicom/long-text", "a.dcm", _before_pixels(long_text), accepted=_OWN)
    content = bytearray(dicom_bytes(dicom_slice()))
    content[140:144] = b"\xff\xff\xff\x7f"
    zoo.add("dicom/meta-length-lies", "a.dcm", bytes(content), accepted=_OWN)
    odd_set = dicom_bytes(dicom_slice(SpecificCharacterSet="ISO_IR 999"))
    zoo.add("dicom/no-such-character-set", "a.dcm", odd_set, accepted=_OWN)
    name = dicom_bytes(dicom_slice(PatientName="<img src=x onerror=alert(1)>" * 2000))
    zoo.add("dicom/long-name", "a.dcm", name, accepted=_OWN)


def _add_syntax(zoo: Zoo) -> None:
    for what, syntax, other in (
        ("little-called-big", _EXPLICIT, _BIG),
        ("explicit-called-implicit", _EXPLICIT, _IMPLICIT),
        ("implicit-called-explicit", _IMPLICIT, _EXPLICIT),
        ("plain-called-deflated", _EXPLICIT, _DEFLATED),
        ("plain-called-jpeg", _EXPLICIT, "1.2.840.10008.1.2.4.50"),
        ("plain-called-jpeg2000", _EXPLICIT, "1.2.840.10008.1.2.4.90"),
        ("plain-called-rle", _EXPLICIT, "1.2.840.10008.1.2.5"),
        ("unknown-syntax", _EXPLICIT, "1.2.3.4.5.6.7"),
        ("video", _EXPLICIT, "1.2.840.10008.1.2.4.102"),
    ):
        content = _relabelled(syntax, other)
        sound = what in ("explicit-called-implicit", "implicit-called-explicit")
        zoo.add(f"dicom/{what}", "a.dcm", content, accepted=_OWN if sound else None)
    plain = dicom_bytes(dicom_slice(_DEFLATED))
    start = 144 + int.from_bytes(plain[140:144], "little")
    body = dicom_bytes(dicom_slice())
    dataset = body[144 + int.from_bytes(body[140:144], "little") :]
    comment = element(0x0010, 0x4000, b"UT", b"", 700 << 20)
    for what, packed in (
        ("garbage", b"\x07" * 500),
        ("nothing", b""),
        ("bomb", zeros_deflated(700, start=dataset)),
        ("bomb-below-the-limit", zeros_deflated(400, start=dataset)),
        ("bomb-in-a-text", zeros_deflated(700, start=comment)),
    ):
        zoo.add(f"dicom-deflate/{what}", "a.dcm", plain[:start] + packed)


def _add_folders(zoo: Zoo) -> None:
    for what, target in (
        ("above", ["..", "..", "SECRET"]),
        ("absolute", ["/ETC/PASSWD"]),
        ("itself", ["DICOMDIR"]),
        ("missing", ["NOWHERE", "IM1"]),
    ):
        room = zoo.room(f"dicomdir/{what}")
        (room / "DICOMDIR").write_bytes(_directory(target))
        zoo.note(f"dicomdir/{what}", room)


def _directory(target: list[str]) -> bytes:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    scan = dicom_slice(PixelData=None, Rows=None, Columns=None)
    scan.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    scan.SOPClassUID = "1.2.840.10008.1.3.10"
    record = Dataset()
    record.OffsetOfTheNextDirectoryRecord = 0xFFFFFFFF
    record.RecordInUseFlag = 0xFFFF
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 368
    record.DirectoryRecordType = "IMAGE"
    record.add_new(0x00041500, "CS", target)
    scan.DirectoryRecordSequence = Sequence([record])
    return dicom_bytes(scan)
