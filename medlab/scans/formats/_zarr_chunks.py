"""Decoding the chunks of one zarr 2 array, in a folder on disk.

Only the chunks that are asked for are read, each never larger than its header promises, and
none through a link that leads out of the picture's folder.

Source:
    https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html, "Arrays".
"""

import bz2
import itertools
import json
import lzma
import math
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans.formats._zstd_size import most_bytes

_BOUNDED: dict[str, Callable[[], Any]] = {
    "zlib": zlib.decompressobj,
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "bz2": bz2.BZ2Decompressor,
    "lzma": lzma.LZMADecompressor,
}
_SLACK_BYTES = 64 << 20
CODECS = ("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd")
"""Ways of packing that hold nothing but data; others can run a program."""


def read_chunks(
    root: Path, place: str, picked: tuple[int | slice, ...]
) -> NDArray[Any]:
    """Part of an array: all of some axes, one index of the others.

    Args:
        root: The folder of the picture, which no chunk may lie outside of.
        place: Of the array in it, with `/`.
        picked: For each axis `slice(None)` or an index.

    Raises:
        ValueError: If a chunk is damaged or lies elsewhere.
        MedlabError: If the package that unpacks chunks is missing.
    """
    folder = root / place
    told = json.loads((folder / ".zarray").read_bytes())
    shape, chunks = tuple(told["shape"]), tuple(told["chunks"])
    dtype, order = np.dtype(told["dtype"]), str(told.get("order", "C"))
    fill = told.get("fill_value")
    codec = _codec(told.get("compressor"))
    separator = str(told.get("dimension_separator", "."))
    inside = root.resolve()
    taken = [
        range(n)[p] if isinstance(p, slice) else [p]
        for n, p in zip(shape, picked, strict=True)
    ]
    out = np.full([len(t) for t in taken], 0 if fill is None else fill, dtype)
    numbers = [
        range(t[0] // size, t[-1] // size + 1)
        for t, size in zip(taken, chunks, strict=True)
    ]
    for chunk in itertools.product(*numbers):
        file = folder / separator.join(map(str, chunk))
        if not file.resolve().is_relative_to(inside):
            raise ValueError("a chunk lies outside the picture")
        try:
            packed = file.read_bytes()
        except FileNotFoundError:
            continue  # A chunk of nothing but the fill value is not stored.
        whole = _unpacked(packed, codec, math.prod(chunks) * dtype.itemsize)
        block = np.frombuffer(whole, dtype).reshape(chunks, order=order)  # type: ignore[call-overload]
        source, target = [], []
        for number, size, count, pick in zip(chunk, chunks, shape, picked, strict=True):
            start = number * size
            if isinstance(pick, slice):
                length = min(size, count - start)
                source.append(slice(0, length))
                target.append(slice(start, start + length))
            else:
                source.append(slice(pick - start, pick - start + 1))
                target.append(slice(0, 1))
        out[tuple(target)] = block[tuple(source)]
    dropped = tuple(n for n, p in enumerate(picked) if not isinstance(p, slice))
    return out.squeeze(dropped)


def _codec(told: dict[str, Any] | None) -> Any:
    if told is None:
        return None
    if told.get("id") not in CODECS:
        raise ValueError("unknown codec")
    try:
        numcodecs: Any = import_module("numcodecs")
    except ImportError as error:
        raise MedlabError(
            "Reading OME-Zarr needs the package zarr, which is not installed. "
            "Install it: pip install 'medlab[omezarr]'.",
            code="missing-package",
        ) from error
    return numcodecs.get_codec(dict(told))


def _unpacked(packed: bytes, codec: Any, size: int) -> bytes:
    """The bytes of one chunk; at most as many as its header promises."""
    if codec is None:
        whole = packed
    else:
        unpacker = _BOUNDED.get(codec.codec_id)
        if unpacker is not None:
            # numcodecs would unpack all of it before it looks at the size.
            return _whole(unpacker().decompress(packed, size + 1), size)
        if codec.codec_id == "zstd" and most_bytes(packed) > 4 * size + _SLACK_BYTES:
            raise ValueError("a chunk unpacks to more than its header says")
        # Decoded into a buffer of the right size: a chunk that holds more is refused.
        buffer = bytearray(size)
        codec.decode(packed, out=buffer)
        whole = bytes(buffer)
    return _whole(whole, size)


def _whole(whole: bytes, size: int) -> bytes:
    if len(whole) != size:
        raise ValueError("a chunk has another size than its header says")
    return whole
