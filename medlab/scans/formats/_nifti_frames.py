"""What tells the volumes of a NIfTI file apart: time, directions of a vector, or nothing.

Source:
    nifti1.h, "DATA DIMENSIONALITY": the 4th axis is time, the 5th holds the components of a
    vector; toffset and pixdim[4] give the times.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from medlab.scans._volume import FrameKind

_SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6}
_VECTORS = (1006, 1007)
_RGB_VECTOR = 2003


class Frames(NamedTuple):
    """Number of volumes, what tells them apart, and a value for each."""

    volumes: int
    kind: FrameKind = ""
    values: tuple[float | str, ...] = ()
    channels: int = 1


def frames_of(raw: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Frames:
    """What the axes behind the third count.

    Args:
        raw: A nibabel NIfTI or Analyze header.
        shape: All axes, without trailing ones.
        dtype: A table of R, G and B is one volume in colour.
    """
    if dtype.kind == "V":
        return Frames(math.prod(shape[3:]), "volume" if shape[3:] else "", (), 3)
    outer = shape[3:]
    intent = int(raw["intent_code"]) if "intent_code" in raw else 0
    if outer in ((1, 3), (1, 4)) and (dtype == np.uint8 or intent == _RGB_VECTOR):
        return Frames(1, channels=3)
    counted = [axis for axis, count in enumerate(outer) if count > 1]
    if not counted:
        return Frames(1)
    if counted == [0]:
        return _over_time(raw, outer[0])
    if counted == [1]:
        named = outer[1] <= 3 and intent in _VECTORS
        return Frames(outer[1], "component", tuple("xyz"[: outer[1]]) if named else ())
    words = [("t", "component ", "u", "v")[axis] for axis in counted]
    grid = np.indices([outer[axis] for axis in counted])
    rows = grid.reshape(len(counted), -1, order="F").T
    named_rows = (
        ", ".join(f"{w}{n}" for w, n in zip(words, row, strict=True)) for row in rows
    )
    return Frames(math.prod(outer), "volume", tuple(named_rows))


def _over_time(raw: Any, count: int) -> Frames:
    code = int(raw["xyzt_units"]) & 0x38 if "xyzt_units" in raw else 0
    second = _SECONDS.get(code)
    if second is None:
        return Frames(count, "volume")
    step = float(raw["pixdim"][4]) * second
    start = float(raw["toffset"]) * second
    if not (math.isfinite(step) and step > 0 and math.isfinite(start)):
        return Frames(count, "time")
    # What single precision says is no more exact than six digits.
    return Frames(
        count, "time", tuple(float(f"{start + n * step:.6g}") for n in range(count))
    )
