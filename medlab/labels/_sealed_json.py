"""Small JSON files with a checksum of their own, so that a changed byte is noticed.

The checksum is over what the file says, not over its blanks: an editor that reformats the
file does no harm.
"""

import json
import zlib
from typing import Any

_SEAL = "crc"


def seal(content: dict[str, Any]) -> bytes:
    """The file's bytes: the content, and its checksum last.

    Example:
        >>> unseal(seal({"path": "lungs.nii.gz"}))
        {'path': 'lungs.nii.gz'}
        >>> is_sealed(seal({}))
        True
    """
    return json.dumps({**content, _SEAL: _checksum(content)}, indent=2).encode()


def unseal(data: bytes) -> dict[str, Any]:
    """What a sealed file says; one that was never sealed is taken as it is.

    Raises:
        ValueError: If it is no JSON object, or does not match its checksum.
    """
    content = json.loads(data)
    if not isinstance(content, dict):
        raise ValueError("not an object")
    told = content.pop(_SEAL, None)
    if told is not None and told != _checksum(content):
        raise ValueError("does not match its checksum")
    return content


def is_sealed(data: bytes) -> bool:
    """Whether the file has a checksum; older ones have none."""
    content = json.loads(data)
    return isinstance(content, dict) and _SEAL in content


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x}"
