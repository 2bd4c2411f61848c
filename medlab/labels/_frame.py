"""The binary frame: what travels to the browser and what lies in the journal.

`"MLD1"`, u32 header length, JSON header (UTF-8), payload; little-endian, i fastest, then j
and k. Several frames in one body are each preceded by their u32 byte length. Labels are
run-length coded: runs of (u32 count, u16 value), 6 bytes a run, each as long as it can be.

`frames.ts` and `messages.ts` in `labextension/src/server/` are the other half; both read
`tests/contract/frames/`.
"""

import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError

_MAGIC = b"MLD1"
_RUN = np.dtype([("count", "<u4"), ("value", "<u2")])


class FrameError(MedlabError):
    """Bytes that are not the frame they should be."""

    code = "bad-frame"


@dataclass(frozen=True)
class Frame:
    """One decoded frame; its header names the operation in `op`."""

    header: dict[str, Any]
    payload: bytes = b""


def encode_frame(frame: Frame) -> bytes:
    """Turn a frame into bytes; a header that names a `crc` gets the payload's."""
    header = frame.header
    if "crc" in header and header["crc"] is None and header.get("op") != "slab":
        header = {**header, "crc": zlib.crc32(frame.payload)}
    told = json.dumps(header, separators=(",", ":"), ensure_ascii=False)
    # Half a surrogate pair has no UTF-8; it is escaped, as JavaScript's JSON does.
    text = told.encode("utf-8", "backslashreplace")
    return _MAGIC + struct.pack("<I", len(text)) + text + frame.payload


def decode_frame(data: bytes) -> Frame:
    """Read a frame.

    Raises:
        FrameError: If the bytes are no frame, end early, or do not match their checksum.
    """
    if len(data) < 8 or data[:4] != _MAGIC:
        raise FrameError(
            f'A frame starts with "MLD1", got {data[:4]!r}. Send it again as one frame.'
        )
    (length,) = struct.unpack_from("<I", data, 4)
    if 8 + length > len(data):
        raise FrameError(
            f"A frame with a header of {length} bytes got {len(data) - 8}. Send it again."
        )
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise FrameError("A frame's header must be JSON. Send it again.") from error
    if not isinstance(header, dict) or not isinstance(header.get("op"), str):
        raise FrameError(
            "A frame's header must be an object with an op. Send it again."
        )
    payload = bytes(data[8 + length :])
    crc = header.get("crc")
    if crc is not None and crc != zlib.crc32(payload):
        raise FrameError(
            f"A {header['op']} frame does not match its checksum. Send it again."
        )
    return Frame(header, payload)


def join_frames(frames: Iterable[bytes]) -> bytes:
    """Put encoded frames into one body, each after its length."""
    return b"".join(struct.pack("<I", len(data)) + data for data in frames)


def split_frames(body: bytes) -> list[bytes]:
    """Take a body of several frames apart, without decoding them.

    Raises:
        FrameError: If the body ends in the middle of a frame.
    """
    frames, at = [], 0
    while at < len(body):
        end = at + 4
        if end <= len(body):
            end += struct.unpack_from("<I", body, at)[0]
        if end > len(body) or end <= at + 4:
            raise FrameError("A body of frames ended in the middle. Send it again.")
        frames.append(body[at + 4 : end])
        at = end
    return frames


def encode_runs(labels: ArrayLike) -> bytes:
    """Run-length code labels, taken with i fastest.

    Args:
        labels: `(I, J, K)` or flat, values 0 to 65535.

    Example:
        >>> encode_runs(np.array([7, 7, 7, 0], np.uint8)).hex()
        '030000000700010000000000'
    """
    flat = np.asarray(labels).ravel(order="F")
    if flat.size == 0:
        return b""
    starts = np.flatnonzero(np.concatenate(([True], flat[1:] != flat[:-1])))
    runs = np.empty(starts.size, _RUN)
    runs["count"] = np.diff(np.append(starts, flat.size))
    runs["value"] = flat[starts]
    return runs.tobytes()


def decode_runs(data: bytes, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """Unfold runs into labels.

    Args:
        data: Runs that cover `shape` exactly.
        shape: `(I, J, K)`.
        dtype: `"u1"` or `"u2"`.

    Returns:
        Labels `(I, J, K)`, i fastest in memory.

    Raises:
        FrameError: If the runs do not cover the shape, or a value does not fit `dtype`.
    """
    voxels = int(np.prod(shape, dtype=np.int64))
    runs = np.frombuffer(data[: len(data) // 6 * 6], _RUN)
    covered = int(runs["count"].sum(dtype=np.int64))
    if len(data) % 6 or covered != voxels:
        raise FrameError(
            f"Runs for {voxels} voxels cover {covered}. Send the frame again."
        )
    top = int(runs["value"].max(initial=0))
    if top > np.iinfo(dtype).max:
        raise FrameError(
            f"Labels of type {dtype} end at {np.iinfo(dtype).max}, got {top}. "
            "Use a segment with a smaller id."
        )
    flat = np.repeat(runs["value"].astype(dtype), runs["count"])
    return flat.reshape(shape, order="F")
