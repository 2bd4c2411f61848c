"""Where a NRRD file puts its voxels, and which of its axes are not of space.

Source:
    https://teem.sourceforge.net/nrrd/format.html, "Space and orientation information",
    "Per-axis field specifications"; "kinds".
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import swap_lps_ras
from medlab.scans._header import plain
from medlab.scans._volume import FrameKind, SpacingUnit
from medlab.scans.formats._resolution import NO_PIXEL_SIZE, mm_per

_SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
_COLOURS = {"rgb-color", "rgb-colour", "rgba-color", "rgba-colour"}
_VECTORS = {"3-color", "3-colour", "4-color", "4-colour", "vector", "3-vector"}
_SPATIAL = {"domain", "space"}
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
_NO_PATIENT = (
    "The file does not say how the scan lies in the patient; "
    "left and right may be swapped."
)


@dataclass(frozen=True)
class Axes:
    """Which axes of the file are which.

    Attributes:
        spatial: Two or three, in the order I, J, K.
        frames: Those that count volumes, the fastest first.
        colour: The one that holds colours, if any.
    """

    spatial: list[int]
    frames: list[int]
    colour: int | None

    @property
    def order(self) -> list[int]:
        """All, with those of space first and colour last."""
        return [
            *self.spatial,
            *self.frames,
            *([] if self.colour is None else [self.colour]),
        ]


class Place(NamedTuple):
    """Affine of the voxels to RAS, its unit, and sentences about what is doubtful."""

    affine: NDArray[np.float64]
    unit: SpacingUnit
    notes: list[str]


def axes_of(fields: dict[str, Any], dtype: np.dtype[Any]) -> Axes | None:
    """Tell the axes of space from the others; None if that leaves too many or too few."""
    count = len(fields["sizes"])
    kinds = [str(kind).lower() for kind in fields.get("kinds", [])] or ["???"] * count
    rows = _rows(fields, count)
    others = [
        n for n, kind in enumerate(kinds) if kind not in (*_SPATIAL, "???", "none")
    ]
    if rows is not None:
        # An axis without a direction, or with one through time alone, is none of space.
        others += [
            n
            for n, row in enumerate(rows)
            if n not in others and (np.isnan(row).all() or _is_time(row))
        ]
    if not others and count == 4:
        others = [3]
    spatial = [n for n in range(count) if n not in others]
    if len(spatial) not in (2, 3):
        return None
    sizes = [int(n) for n in fields["sizes"]]
    colours = [
        n
        for n in others
        if (kinds[n] in _COLOURS and sizes[n] in (3, 4))
        or (kinds[n] in _VECTORS and sizes[n] in (3, 4) and dtype == np.uint8)
    ]
    colour = colours[0] if colours else None
    return Axes(spatial, sorted(n for n in others if n != colour), colour)


def place(fields: dict[str, Any], spatial: list[int]) -> Place:
    """Where the voxels lie.

    Args:
        fields: The header.
        spatial: The axes I, J and K.
    """
    notes: list[str] = []
    space = str(fields.get("space", "")).lower().removesuffix("-time")
    signs = _SPACES.get(space) or _SPACES.get(space.removesuffix("t"))
    if signs is None:
        notes.append(_NO_PATIENT)
    lps, unit = np.eye(4), "mm"
    rows = _rows(fields, len(fields["sizes"]))
    if rows is not None:
        _fill(lps, [rows[axis] for axis in spatial])
        scale = _space_unit(fields, signs is not None, notes)
    else:
        scale = _spacings(fields, spatial, lps, notes)
    if scale is None:
        unit, scale = "pixels", 1.0
    origin = fields.get("space origin")
    if origin is not None:
        if len(origin) < min(len(spatial), 3):
            raise ValueError("the origin lacks a number")
        lps[: len(origin[:3]), 3] = origin[:3]
    lps[:3] *= scale
    affine = swap_lps_ras(lps)
    if signs is not None:
        affine = np.array([*signs, 1.0])[:, np.newaxis] * lps + 0.0
    return Place(affine, "mm" if unit == "mm" else "pixels", notes)


def frame_names(
    fields: dict[str, Any], frames: list[int]
) -> tuple[FrameKind, tuple[float | str, ...]]:
    """What tells the volumes apart, and a value for each."""
    sizes = [int(fields["sizes"][axis]) for axis in frames]
    count = math.prod(sizes)
    if count == 1:
        return "", ()
    if sum(size > 1 for size in sizes) > 1:
        return "volume", ()
    b_values = _b_values(fields, count)
    if b_values:
        return "b-value", b_values
    axis = next(axis for axis, size in zip(frames, sizes, strict=True) if size > 1)
    kind = str((fields.get("kinds") or ["?"] * (axis + 1))[axis]).lower()
    if kind == "time":
        return "time", _times(fields, axis, count)
    if kind in _VECTORS or kind.endswith(("vector", "color", "matrix")):
        return "component", tuple("xyz") if count == 3 and "vector" in kind else ()
    return "volume", ()


def _rows(fields: dict[str, Any], count: int) -> NDArray[np.float64] | None:
    """A direction an axis, NaN where it has none; `(axes, 3)` or with more numbers.

    Raises:
        ValueError: If an axis lacks its direction, or a direction some of its numbers.
    """
    told = fields.get("space directions")
    if told is None:
        return None
    fewest = 2 if count == 2 else 3
    if len(told) != count or any(len(r) < fewest for r in told if r is not None):
        raise ValueError("an axis lacks its direction")
    rows = np.full((count, max(len(row) for row in told if row is not None)), np.nan)
    for n, row in enumerate(told):
        if row is not None:
            rows[n] = row
    return rows


def _is_time(row: NDArray[np.float64]) -> bool:
    return len(row) == 4 and not row[:3].any() and row[3] != 0


def _fill(lps: NDArray[np.float64], vectors: list[NDArray[np.float64]]) -> None:
    for axis, vector in enumerate(vectors[:3]):
        lps[: len(vector[:3]), axis] = vector[:3]
    if len(vectors) == 2 and len(vectors[0]) >= 3:
        lps[:3, 2] = np.cross(vectors[0][:3], vectors[1][:3])
        lps[:3, 2] /= np.linalg.norm(lps[:3, 2]) or 1


def _spacings(
    fields: dict[str, Any],
    spatial: list[int],
    lps: NDArray[np.float64],
    notes: list[str],
) -> float | None:
    """Fill in the spacings, and tell how many mm one unit of them is, None for pixels."""
    told = fields.get("spacings")
    spacings = [math.nan] if told is None else [float(told[axis]) for axis in spatial]
    if not all(math.isfinite(step) and step != 0 for step in spacings):
        notes.append(NO_PIXEL_SIZE)
        return None
    lps[range(len(spacings)), range(len(spacings))] = spacings
    notes.append("The file gives no directions; the axes are taken as LPS.")
    _fill_axis_mins(fields, spatial, spacings, lps)
    words = fields.get("units") or []
    named = [str(words[axis]) for axis in spatial] if len(words) > max(spatial) else []
    return _scale([word for word in named if word.strip("? ")], notes, "spacings")


def _fill_axis_mins(
    fields: dict[str, Any],
    spatial: list[int],
    spacings: list[float],
    lps: NDArray[np.float64],
) -> None:
    mins = fields.get("axis mins", fields.get("axismins"))
    if mins is None or "space origin" in fields:
        return
    starts = [float(mins[axis]) for axis in spatial]
    if not all(map(math.isfinite, starts)):
        return
    centers = fields.get("centers", fields.get("centerings")) or ["cell"] * len(mins)
    for n, (axis, start, step) in enumerate(
        zip(spatial, starts, spacings, strict=True)
    ):
        # A cell's middle lies half a step behind its edge.
        lps[n, 3] = start + (0 if str(centers[axis]).lower() == "node" else step / 2)


def _space_unit(
    fields: dict[str, Any], in_patient: bool, notes: list[str]
) -> float | None:
    words = [str(word).strip('"') for word in fields.get("space units") or []][:3]
    words = [word for word in words if word.strip("? ")]
    if not words and in_patient:
        return 1.0  # Positions in a patient are in millimetres unless told otherwise.
    return _scale(words, notes, "directions")


def _scale(words: list[str], notes: list[str], what: str) -> float | None:
    if not words:
        notes.append("The file names no unit of length; millimetres are assumed.")
        return 1.0
    scales = {mm_per(word.strip('"')) for word in words}
    if len(scales) > 1 or None in scales:
        notes.append(
            f"The unit of the {what} is no length ({plain(', '.join(words))[:40]}); "
            "distances are in pixels."
        )
        return None
    scale = scales.pop()
    if scale != 1:
        notes.append(f"Lengths were given in {plain(words[0])[:20]}.")
    return scale


def _b_values(fields: dict[str, Any], count: int) -> tuple[float, ...]:
    """As Slicer writes them: the largest b-value, and gradients whose length scales it."""
    try:
        largest = float(fields["DWMRI_b-value"])
        gradients = [
            np.array(str(fields[f"DWMRI_gradient_{n:04d}"]).split(), np.float64)
            for n in range(count)
        ]
    except (KeyError, ValueError):
        return ()
    lengths = np.array([float(g @ g) for g in gradients])
    if not np.isfinite(lengths).all() or not lengths.max() > 0:
        return ()
    found = largest * lengths / lengths.max()
    return tuple(float(f"{b:.6g}") for b in found)


def _times(fields: dict[str, Any], axis: int, count: int) -> tuple[float, ...]:
    spacings, units = fields.get("spacings"), fields.get("units")
    step = float(spacings[axis]) if spacings is not None else math.nan
    unit = str(units[axis]).strip('"').lower() if units and len(units) > axis else ""
    second = _SECONDS.get(unit)
    if second is None or not math.isfinite(step) or step <= 0:
        return ()
    return tuple(float(f"{n * step * second:.9g}") for n in range(count))
