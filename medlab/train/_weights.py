"""Arrays in a file: a JSON header and raw bytes, and nothing that runs when read.

The layout is that of safetensors: eight bytes with the header's length, the header
(name -> dtype, shape, place of the bytes; `__metadata__` holds text), then the arrays
one after another, little-endian. Other tools read it; reading it executes nothing.

Source:
    https://github.com/huggingface/safetensors, "Format"
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError

_DTYPES: dict[str, Any] = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_LONGEST_HEADER = 64 << 20


def write_arrays(
    file: BinaryIO, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, str]
) -> None:
    """Write named arrays, and text about them.

    Args:
        file: Open for writing bytes.
        arrays: Of numbers or truth values; `bfloat16` too.
        about: Text that describes them, by name.

    Raises:
        MedlabError: If an array is of another type.
    """
    header: dict[str, Any] = {"__metadata__": dict(about)}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {
            "dtype": _code(name, array),
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)
    for array in arrays.values():
        plain = np.ascontiguousarray(array)
        if plain.dtype.byteorder == ">":
            plain = plain.astype(plain.dtype.newbyteorder("<"))
        file.write(plain.reshape(-1).view(np.uint8).data)


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read what `write_arrays` wrote: the arrays, and the text about them.

    Raises:
        ValueError: If the file is damaged, or another kind of file.
    """
    data = path.read_bytes()
    if len(data) < 8:
        raise ValueError("The file is too short to hold arrays.")
    length = struct.unpack("<Q", data[:8])[0]
    if length > min(_LONGEST_HEADER, len(data) - 8):
        raise ValueError("The file ends within its header.")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("The file has no header.")
    about = header.pop("__metadata__", {})
    body = memoryview(data)[8 + length :]
    return {name: _array(body, entry) for name, entry in header.items()}, about


def _array(body: memoryview, entry: dict[str, Any]) -> NDArray[Any]:
    begin, end = entry["data_offsets"]
    dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if not 0 <= begin <= end <= len(body) or end - begin != size:
        raise ValueError("The file ends before its arrays do.")
    return np.frombuffer(body[begin:end], dtype).reshape(shape)


def _code(name: str, array: NDArray[Any]) -> str:
    code = _CODES.get(array.dtype.newbyteorder("<"))
    if code is None:
        raise MedlabError(
            f"A checkpoint holds numbers and truth values, got {array.dtype} in "
            f"{name}. Keep such a state out of variables.",
            code="not-an-array",
        )
    return code
