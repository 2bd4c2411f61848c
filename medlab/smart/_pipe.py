"""The pipe between a pool and a worker: messages of a JSON header and bytes."""

import json
import struct
from typing import Any, BinaryIO


def send(pipe: BinaryIO, header: dict[str, Any], payload: bytes = b"") -> None:
    """Write one message."""
    text = json.dumps(header).encode()
    pipe.write(struct.pack("<IQ", len(text), len(payload)) + text)
    pipe.write(payload)
    pipe.flush()


def receive(pipe: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read one message; None when the other side has gone."""
    start = pipe.read(12)
    if len(start) < 12:
        return None
    header_bytes, payload_bytes = struct.unpack("<IQ", start)
    text, payload = pipe.read(header_bytes), pipe.read(payload_bytes)
    if len(text) < header_bytes or len(payload) < payload_bytes:
        return None
    return json.loads(text), payload
