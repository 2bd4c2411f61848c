"""What a mark measures: its place in millimetres, length, angle, area, volume.

Where no file says how large a voxel is, the affine counts pixels: all that is called mm here
is in pixels then, and `in_unit` says so in the names.
"""

import re

import numpy as np
from numpy.typing import NDArray

from medlab.labels._marks import Mark
from medlab.scans import SpacingUnit, plane_axes


def points_ras_mm(mark: Mark, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points of a mark, `(N, 3)`, in RAS+ mm."""
    points = np.array(mark.points, np.float64).reshape(-1, 3)
    matrix = np.asarray(affine, np.float64)
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def in_unit(name: str, spacing_unit: SpacingUnit) -> str:
    """The name of a column or field, with the unit that its numbers have.

    Example:
        >>> in_unit("area_mm2", "pixels"), in_unit("angle_deg", "pixels")
        ('area_px2', 'angle_deg')
    """
    return re.sub(r"_mm(?=\d?$)", "_px", name) if spacing_unit == "pixels" else name


def slice_axes(plane: str, affine: NDArray[np.float64]) -> tuple[int, int]:
    """The two voxel axes within a slice of that plane, the earlier first."""
    across = plane_axes(affine, plane).slices
    first, second = (axis for axis in range(3) if axis != across)
    return first, second


def slice_of(mark: Mark, affine: NDArray[np.float64]) -> int | str:
    """The slice of a mark that lies in one, counted from 0."""
    if mark.plane is None or not mark.points:
        return ""
    across = plane_axes(affine, mark.plane).slices
    places = {round(point[across]) for point in mark.points}
    return places.pop() if len(places) == 1 else ""


def measures(mark: Mark, affine: NDArray[np.float64]) -> dict[str, float]:
    """Length, angle, area or volume, in mm and degrees."""
    ras = points_ras_mm(mark, affine)
    sides = np.abs(np.subtract(*np.array(mark.points)[:2])) if len(ras) > 1 else None
    lengths = np.linalg.norm(np.asarray(affine, np.float64)[:3, :3], axis=0)
    if mark.kind == "line":
        return {"length_mm": round(float(np.linalg.norm(ras[1] - ras[0])), 4)}
    if mark.kind == "angle":
        arms = ras[0] - ras[1], ras[2] - ras[1]
        norm = float(np.linalg.norm(arms[0]) * np.linalg.norm(arms[1]))
        if not norm:
            return {}
        cosine = float(np.clip(arms[0] @ arms[1] / norm, -1, 1))
        return {"angle_deg": round(float(np.degrees(np.arccos(cosine))), 4)}
    if sides is not None and mark.plane and mark.kind in ("rectangle", "ellipse"):
        x, y = slice_axes(mark.plane, affine)
        area = float(sides[x] * lengths[x] * sides[y] * lengths[y])
        return {
            "area_mm2": round(area * (np.pi / 4 if mark.kind == "ellipse" else 1), 4)
        }
    if sides is not None and mark.kind == "box":
        volume = np.abs(np.linalg.det(np.asarray(affine)[:3, :3])) * np.prod(sides)
        return {"volume_mm3": round(float(volume), 4)}
    return {}
