"""Diffusion weighting where makers keep it to themselves.

Source:
    dcm2niix, "Diffusion data" notes: Siemens (0019,100C) and (0019,100E), GE (0043,1039) and
    (0019,10BB) to (0019,10BD), Philips (2001,1003) and (2005,10B0) to (2005,10B2).
"""

import struct
import warnings
from pathlib import Path
from typing import Any

_SIEMENS = ("SIEMENS MR HEADER", 0x0019, 0x0C)
_GE = ("GEMS_PARM_01", 0x0043, 0x39)
_PHILIPS = ("Philips Imaging DD 001", 0x2001, 0x03)
_GE_HIGH = 1_000_000_000


def vendor_diffusion(path: Path) -> tuple[float, tuple[float, ...]] | None:
    """b-value in s/mm2 and the gradient as stored, from private elements; None without."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True)
    except Exception:
        return None
    for creator, group, element in (_SIEMENS, _PHILIPS, _GE):
        b_value = _private(header, creator, group, element)
        if b_value:
            found = b_value[0] % _GE_HIGH if creator == _GE[0] else b_value[0]
            return found, _gradient(header, creator)
    return None


def _gradient(header: Any, creator: str) -> tuple[float, ...]:
    if creator == _SIEMENS[0]:
        told = _private(header, creator, 0x0019, 0x0E)
    elif creator == _GE[0]:
        told = [
            value
            for element in (0xBB, 0xBC, 0xBD)
            for value in _private(header, "GEMS_ACQU_01", 0x0019, element)[:1]
        ]
    else:
        told = [
            value
            for element in (0xB0, 0xB1, 0xB2)
            for value in _private(header, "Philips MR Imaging DD 001", 0x2005, element)[
                :1
            ]
        ]
    return tuple(round(value, 3) + 0.0 for value in told)


def _private(header: Any, creator: str, group: int, element: int) -> list[float]:
    """The numbers of a private element; none if it is missing or holds something else."""
    try:
        value = header.private_block(group, creator)[element].value
    except KeyError:
        return []
    if isinstance(value, bytes):  # An implicit file does not say what it holds.
        text = value.decode("latin-1").strip("\0 ")
        if all(c in "0123456789+-.eE\\ " for c in text):
            value = text.split("\\")
        elif len(value) % 8 == 0:
            value = list(struct.unpack(f"<{len(value) // 8}d", value))
        elif len(value) % 4 == 0:
            value = list(struct.unpack(f"<{len(value) // 4}f", value))
    several = value if isinstance(value, list | tuple) or _is_many(value) else [value]
    try:
        return [float(one) for one in several]
    except (TypeError, ValueError):
        return []


def _is_many(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes)
