"""Distances and names of frames that a TIFF file gives: OME, ImageJ, or resolution tags."""

import math
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from medlab.scans._header import plain
from medlab.scans._volume import FrameKind, SpacingUnit
from medlab.scans.formats._resolution import PixelSize, from_resolution, mm_per

_RESOLUTION_UNITS = {2: 25.4, 3: 10.0}
_SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "µs": 1e-6}


@dataclass(frozen=True)
class Spacing:
    """Distances along I, J and K of the finest level."""

    i: float = 1.0
    j: float = 1.0
    k: float = 1.0
    unit: SpacingUnit = "pixels"
    notes: tuple[str, ...] = ()


def spacing_of(tif: Any, slices: int) -> Spacing:
    """The distances a TIFF file gives; in pixels unless all that are needed are there.

    Args:
        tif: An open `tifffile.TiffFile`.
        slices: Number of slices; one slice needs no distance to the next.
    """
    plane, through = _plane_and_step(tif)
    if plane.unit == "pixels":
        return Spacing(notes=(plane.note,))
    if slices > 1 and through is None:
        return Spacing(
            notes=(
                f"Pixels lie {plane.i:.4g} x {plane.j:.4g} mm apart, but the file does "
                "not say how far apart its slices are; distances are in pixels.",
            )
        )
    return Spacing(plane.i, plane.j, through or 1.0, "mm", (plane.note,))


def frame_names(
    tif: Any, axes: str, counts: list[int]
) -> tuple[FrameKind, tuple[float | str, ...]]:
    """What tells the volumes of a TIFF file apart, and a value for each.

    Args:
        tif: An open `tifffile.TiffFile`.
        axes: The letters of the axes that count volumes, such as "TC".
        counts: How many there are along each.
    """
    if math.prod(counts) == 1:
        return "", ()
    pairs = [(a, n) for a, n in zip(axes, counts, strict=True) if n > 1]
    if len(pairs) > 1:
        return "volume", tuple(
            " ".join(f"{a}{(n // step) % count}" for a, count, step in _steps(pairs))
            for n in range(math.prod(counts))
        )
    axis, count = pairs[0]
    if axis == "T":
        step = _time_step(tif)
        return "time", tuple(n * step for n in range(count)) if step else ()
    if axis == "C":
        names = _channel_names(tif)
        return "component", tuple(names) if len(names) == count else ()
    return "volume", ()


def _steps(pairs: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Each axis with its count and how many volumes one step along it is; last fastest."""
    steps, step = [], 1
    for axis, count in reversed(pairs):
        steps.append((axis, count, step))
        step *= count
    return steps[::-1]


def _plane_and_step(tif: Any) -> tuple[PixelSize, float | None]:
    pixels = _ome_pixels(tif)
    if pixels is not None:
        i, j, k = (_ome_mm(pixels, axis) for axis in "XYZ")
        if i is None or j is None:
            return PixelSize(), None
        return PixelSize(i, j, "mm", ""), k
    page = tif.pages[0]
    if tif.is_imagej:
        told = tif.imagej_metadata or {}
        unit = mm_per(told.get("unit", ""))
        if unit is None:
            return PixelSize(), None
        per_i, per_j = _resolution(page)
        if not (per_i > 0 and per_j > 0):
            return PixelSize(), None
        step = _positive(told.get("spacing"))
        plane = PixelSize(unit / per_i, unit / per_j, "mm", "")
        return plane, step * unit if step else None
    tag = page.tags.get(296)
    unit = _RESOLUTION_UNITS.get(int(tag.value) if tag is not None else 2)
    return from_resolution(*_resolution(page), unit), None


def _resolution(page: Any) -> tuple[float, float]:
    found = []
    for number in (282, 283):
        tag = page.tags.get(number)
        try:
            above, below = tag.value
            found.append(above / below)
        except (AttributeError, TypeError, ValueError, ZeroDivisionError):
            found.append(0.0)
    return found[0], found[1]


def _ome_pixels(tif: Any) -> ElementTree.Element | None:
    text = tif.ome_metadata if tif.is_ome else None
    # Entities are never needed, and can be made to grow without end.
    if not text or "<!" in text.replace("<!--", ""):
        return None
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError):
        return None
    return next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)


def _ome_mm(pixels: ElementTree.Element, axis: str) -> float | None:
    size = _positive(pixels.get(f"PhysicalSize{axis}"))
    unit = mm_per(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    return size * unit if size and unit else None


def _time_step(tif: Any) -> float | None:
    pixels = _ome_pixels(tif)
    if pixels is not None:
        step = _positive(pixels.get("TimeIncrement"))
        unit = _SECONDS.get(pixels.get("TimeIncrementUnit", "s"))
        return step * unit if step and unit else None
    return _positive((tif.imagej_metadata or {}).get("finterval"))


def _channel_names(tif: Any) -> list[str]:
    pixels = _ome_pixels(tif)
    if pixels is None:
        return []
    found = [e for e in pixels if e.tag.rpartition("}")[2] == "Channel"]
    return [plain(e.get("Name") or e.get("ID") or "") for e in found]


def _positive(value: Any) -> float | None:
    try:
        number = abs(float(value))
    except (TypeError, ValueError):
        return None
    return number if 0 < number < math.inf else None
