"""The text header of MetaImage, checked, and the numbers behind it.

ITK's reader believes what the header says: wrong numbers end the process, and voxels that are
missing come out as whatever lay in memory. So both are looked at here first.

Source:
    ITK, MetaIO documentation, "MetaImage": the fields and their defaults.
"""

import math
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import check_affine
from medlab.scans._limits import (
    HEADER_BYTES,
    NotAScan,
    check_ratio,
    check_size,
    cut_short,
    damaged,
    data_file,
)

_KIND = "MetaImage"
_HEADER_BYTES = 1 << 16
_MOST_AXES = 4
_MOST_FILES = 100_000
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2",
    "MET_INT": "i4", "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip

Fields = dict[str, str]


def fields_of(path: Path) -> Fields:
    """The lines of the header, up to the one that names the voxels."""
    with path.open("rb") as handle:
        start = handle.read(_HEADER_BYTES)
    fields: Fields = {}
    for line in start.split(b"\n")[:200]:
        key, equals, value = line.partition(b"=")
        if not equals:
            break
        fields[key.strip().decode("ascii", "replace")] = value.strip().decode(
            "utf-8", "replace"
        )
        if key.strip() == b"ElementDataFile":
            break
    return fields


def check_fields(path: Path, name: str, fields: Fields) -> None:
    """Refuse a header that ITK could not be trusted with.

    Raises:
        MedlabError: If it is not MetaImage, or a number in it is none.
    """
    if "ElementDataFile" not in fields or "NDims" not in fields:
        raise NotAScan(
            f"{name} must be a MetaImage file, got something else under that name. "
            "Look what it really is; perhaps only its ending is wrong."
        )
    sizes, channels = _sizes(fields, name), _channels(fields, name)
    kind = _TYPES.get(fields.get("ElementType", ""))
    if kind is None:
        raise damaged(name, _KIND)
    check_size(name, [*sizes, channels], np.dtype(kind).itemsize)
    count = len(sizes)
    for keys, wanted in (
        (("TransformMatrix", "Orientation", "Rotation"), count * count),
        (("Offset", "Position", "Origin"), count),
        (("ElementSpacing",), count),
        (("ElementSize",), count),
    ):
        for key in keys:
            if key in fields:
                numbers = _numbers(fields[key], name)
                if len(numbers) != wanted:
                    raise damaged(name, _KIND)
                if not np.isfinite(numbers).all():
                    check_affine(np.full((4, 4), np.nan), name)
                if key.startswith("Element") and min(numbers) <= 0:
                    raise NotAScan(
                        f"{name} must give distances of more than 0 between its voxels, "
                        f"got {min(numbers):g}. Convert the scan again from its original."
                    )
    data_files(path, fields, name)


def read_stored(path: Path, name: str, fields: Fields) -> NDArray[Any]:
    """The numbers of a checked file, `([C,] I, J[, K[, T]])`, the first axis fastest.

    Raises:
        NotAScan: If there are fewer than the header promises.
    """
    sources = data_files(path, fields, name)
    is_local = not sources
    sizes, channels = _sizes(fields, name), _channels(fields, name)
    big = _is(fields, "BinaryDataByteOrderMSB") or _is(fields, "ElementByteOrderMSB")
    dtype = np.dtype((">" if big else "<") + _TYPES[fields["ElementType"]])
    shape = (channels, *sizes) if channels > 1 else tuple(sizes)
    count = math.prod(shape)
    if count % max(len(sources), 1):
        raise damaged(name, _KIND)
    parts = [
        _part(source, dtype, count // max(len(sources), 1), fields, name, is_local)
        for source in sources or [path]
    ]
    content = parts[0] if len(parts) == 1 else b"".join(parts)
    stored = np.frombuffer(content, dtype).reshape(shape, order="F")
    return stored.astype(dtype.newbyteorder("="), copy=False)


def data_files(path: Path, fields: Fields, name: str) -> list[Path]:
    """The files that hold the voxels; empty if they follow the header.

    Raises:
        NotAScan: If one lies elsewhere, or is missing.
    """
    where = fields["ElementDataFile"]
    words = where.split()
    if where.upper() == "LOCAL":
        return []
    names = [where]
    if words and words[0].upper() == "LIST":
        names = _listed(path)
    elif len(words) in (3, 4) and "%" in words[0]:
        names = numbered_names(words[0], words[1:])
    return [data_file(path, one, name, ".mha") for one in names or [""]]


def numbered_names(pattern: str, numbers: list[str]) -> list[str]:
    """The names that a pattern such as `slice%03d.raw` with `1 20 1` stands for.

    Example:
        >>> numbered_names("s%02d.raw", ["1", "5", "2"])
        ['s01.raw', 's03.raw', 's05.raw']
    """
    low, high, step = (int(number) for number in (*numbers[:3], "1")[:3])
    found = re.fullmatch(r"([^%]*)%(0?)(\d{0,2})d([^%]*)", pattern)
    if found is None or step == 0 or abs((high - low) // step) >= _MOST_FILES:
        return []
    before, zeros, width, after = found.groups()
    ends = high + (1 if step > 0 else -1)
    spec = f"{zeros}{width}d"
    return [f"{before}{number:{spec}}{after}" for number in range(low, ends, step)]


def _listed(path: Path) -> list[str]:
    with path.open("rb") as handle:
        lines = handle.read(HEADER_BYTES).decode("utf-8", "replace").splitlines()
    start = next(
        n for n, line in enumerate(lines) if line.startswith("ElementDataFile")
    )
    return [line.strip() for line in lines[start + 1 :] if line.strip()]


def _part(
    source: Path,
    dtype: np.dtype[Any],
    count: int,
    fields: Fields,
    name: str,
    is_local: bool,
) -> bytes:
    """The bytes of that many numbers in one file."""
    expected = count * dtype.itemsize
    with source.open("rb") as handle:
        handle.seek(_start(handle.read(_HEADER_BYTES)) if is_local else 0)
        if _is(fields, "CompressedData"):
            check_ratio(name, expected, source.stat().st_size)
            content = _inflated(handle, expected, name)
        elif "BinaryData" in fields and not _is(fields, "BinaryData"):
            text = handle.read(32 * count).split()
            try:
                content = np.array(text, np.float64).astype(dtype).tobytes()
            except ValueError as error:
                raise damaged(name, _KIND) from error
        else:
            skip = int(_numbers(fields.get("HeaderSize", "0"), name)[0])
            size = source.stat().st_size
            if skip < -1 or skip > size or (skip == -1 and size < expected):
                raise cut_short(name, _KIND)
            handle.seek(*((-expected, 2) if skip == -1 else (skip, 1)))
            content = handle.read(expected)
    if len(content) < expected:
        raise cut_short(name, _KIND)
    return content[:expected]


def _inflated(handle: Any, expected: int, name: str) -> bytes:
    unpacker, parts, have, pending = zlib.decompressobj(), [], 0, b""
    try:
        while have < expected and not unpacker.eof:
            pending = pending or handle.read(1 << 20)
            if not pending:
                break
            part = unpacker.decompress(pending, expected - have)
            pending = unpacker.unconsumed_tail
            parts.append(part)
            have += len(part)
    except zlib.error as error:
        raise damaged(name, _KIND) from error
    return b"".join(parts)


def _start(content: bytes) -> int:
    """Where the voxels begin in a file that holds both."""
    line = content.index(b"ElementDataFile")
    end = content.find(b"\n", line)
    return end + 1 if end >= 0 else len(content)


def _sizes(fields: Fields, name: str) -> list[int]:
    text = fields.get("DimSize", "").split()
    if fields["NDims"] not in map(str, range(2, _MOST_AXES + 1)) or not all(
        size.isascii() and size.isdigit() and len(size) < 20 for size in text
    ):
        raise NotAScan(
            f"{name} must have two to four axes and a whole number of voxels along each, "
            "got something else in its header. Convert the scan again from its original."
        )
    if len(text) != int(fields["NDims"]):
        raise damaged(name, _KIND)
    return [int(size) for size in text]


def _channels(fields: Fields, name: str) -> int:
    text = fields.get("ElementNumberOfChannels", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1000):
        raise damaged(name, _KIND)
    return int(text)


def _numbers(text: str, name: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split()]
    except ValueError as error:
        raise damaged(name, _KIND) from error
    if not numbers:
        raise damaged(name, _KIND)
    return numbers


def _is(fields: Fields, key: str) -> bool:
    return fields.get(key, "").lower() in ("true", "t", "1", "yes")
