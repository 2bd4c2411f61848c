"""Reading RTSTRUCT: closed planar contours become voxels of the scan, points become marks.

A contour that lies in a slice of the scan, along any of its axes, fills that slice. Contours in
planes that are not parallel to the grid fill the voxels within half the distance between those
planes. Slices between contours are not made up. Open contours are left out, which `warnings`
tells.

Source:
    DICOM PS3.3, A.19 and C.8.8.5, C.8.8.6 (structure set, ROI contour).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._contours import Points, fill_on_grid, inside
from medlab.labels._grid import Grid
from medlab.labels._marks import Mark, new_mark_id
from medlab.labels._plain_text import hex_color, plain_text
from medlab.labels._segment import PALETTE, Segment
from medlab.labels._stack import LayerStack
from medlab.scans import NotAScan, check_size, read_dicom, swap_lps_ras

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_FLAT_MM = 0.05
_ALIGNED = 0.05


@dataclass
class _Region:
    """One ROI: its contours and points in voxel coordinates of the scan."""

    name: str
    color: str
    closed: list[Points] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    open_contours: int = 0


def read_rtstruct(path: Path, name: str, scan: Grid | None) -> LayerStack:
    """Read a structure set onto the scan's voxels.

    Raises:
        MedlabError: If it is damaged, no scan is given, or it belongs to another frame of
            reference.
    """
    header = read_dicom(path, name, everything=True).header
    if str(header.get("SOPClassUID", "")) != RTSTRUCT:
        raise NotAScan(
            f"{name!r} must be a DICOM structure set (RTSTRUCT), got another kind of file. "
            "Choose the structure set."
        )
    if scan is None:
        raise MedlabError(
            f"{name!r} holds contours and no voxels: it needs the scan they were drawn on. "
            "Give it: open_labels(path, scan).",
            code="no-scan",
        )
    _check_frame_of_reference(header, scan, name)
    try:
        regions = _regions(header, scan)
    except Exception as error:
        raise NotAScan(
            f"{name!r} must be a whole structure set, and could not be read as one. "
            "Copy it again from its source."
        ) from error
    return _stacked(regions, scan, name)


def _check_frame_of_reference(header: Any, scan: Grid, name: str) -> None:
    listed = header.get("ReferencedFrameOfReferenceSequence") or []
    theirs = {str(item.get("FrameOfReferenceUID", "")) for item in listed} - {""}
    if scan.frame_of_reference and theirs and scan.frame_of_reference not in theirs:
        raise MedlabError(
            f"{name!r} must have been drawn in the scan's frame of reference, got another "
            "one: its contours would lie in the wrong place. Open the scan it refers to.",
            code="another-grid",
        )


def _regions(header: Any, scan: Grid) -> list[_Region]:
    to_voxels = np.linalg.inv(scan.affine) @ swap_lps_ras(np.eye(4))
    names = {
        int(item.ROINumber): plain_text(str(item.get("ROIName", "") or ""))
        for item in header.get("StructureSetROISequence") or []
    }
    regions = []
    for order, item in enumerate(header.get("ROIContourSequence") or []):
        number = int(item.ReferencedROINumber)
        stored = item.get("ROIDisplayColor")
        color = PALETTE[order % len(PALETTE)]
        if stored is not None and len(stored) == 3:
            color = hex_color(*(float(part) for part in stored))
        region = _Region(names.get(number) or f"ROI {number}", color)
        for contour in item.get("ContourSequence") or []:
            data = np.array(contour.ContourData, np.float64).reshape(-1, 3)
            if not np.isfinite(data).all():
                raise ValueError("not finite")
            points = data @ to_voxels[:3, :3].T + to_voxels[:3, 3]
            kind = str(contour.get("ContourGeometricType", "")).upper()
            if kind in _CLOSED and len(points) >= 3:
                region.closed.append(points)
            elif kind == "POINT":
                region.points.append(points)
            else:
                region.open_contours += 1
        regions.append(region)
    return regions


def _stacked(regions: Sequence[_Region], scan: Grid, name: str) -> LayerStack:
    """Each region in the first layer where it overlaps nothing."""
    drawn = [region for region in regions if region.closed]
    dtype = np.uint8 if len(drawn) <= 255 else np.uint16
    layers: list[NDArray[Any]] = []
    segments: list[list[Segment]] = []
    notes: list[str] = []
    for number, region in enumerate(drawn, start=1):
        mask = _fill(region, scan, notes)
        for layer in range(len(layers) + 1):
            if layer == len(layers):
                check_size(name, (layer + 1, *scan.shape), dtype().itemsize)
                layers.append(np.zeros(scan.shape, dtype, order="F"))
                segments.append([])
            if not layers[layer][mask].any():
                break
        layers[layer][mask] = number
        segments[layer].append(Segment(number, region.name, region.color))
    if not layers:
        layers, segments = [np.zeros(scan.shape, np.uint8, order="F")], [[]]
    left_out = sum(region.open_contours for region in regions)
    if left_out:
        notes.append(f"{left_out} contours are not closed and were left out.")
    marks = tuple(
        Mark(
            new_mark_id(),
            "point",
            region.name,
            color=region.color,
            points=(tuple(point),),
        )
        for region in regions
        for points in region.points
        for point in points.tolist()
    )
    return LayerStack(
        tuple(layers),
        scan.affine,
        tuple(tuple(listed) for listed in segments),
        marks,
        tuple(notes),
    )


def _fill(region: _Region, scan: Grid, notes: list[str]) -> NDArray[np.bool_]:
    """The voxels whose centres lie inside the contours of a region."""
    mask = np.zeros(scan.shape, bool, order="F")
    spacing = np.linalg.norm(scan.affine[:3, :3], axis=0)
    in_slices: dict[int, list[Points]] = {}
    leaning: list[Points] = []
    for points in region.closed:
        flat = np.ptp(points, axis=0)
        axis = int(np.argmin(flat * spacing))
        is_aligned = (
            flat[axis] <= _ALIGNED and flat[axis] * spacing[axis] <= 4 * _FLAT_MM
        )
        if is_aligned:
            in_slices.setdefault(axis, []).append(points)
        else:
            leaning.append(points)
    for axis, contours in in_slices.items():
        _fill_slices(mask, axis, contours, scan, notes)
    if leaning:
        _fill_leaning(mask, leaning, scan, notes)
    if not mask.any():
        notes.append(f"The region {region.name!r} holds no voxel centre of the scan.")
    return mask


def _fill_slices(
    mask: NDArray[np.bool_],
    axis: int,
    contours: list[Points],
    scan: Grid,
    notes: list[str],
) -> None:
    """Fill contours that lie in slices across one voxel axis."""
    across = [other for other in range(3) if other != axis]
    size = (scan.shape[across[0]], scan.shape[across[1]])
    planes: dict[float, list[Points]] = {}
    for points in contours:
        height = float(np.mean(points[:, axis]))
        key = next((k for k in planes if abs(k - height) <= _ALIGNED), height)
        planes.setdefault(key, []).append(points[:, across])
    nearest: dict[int, float] = {}
    for height in planes:
        index = int(np.floor(height + 0.5))
        known = nearest.get(index)
        if known is None or abs(height - index) < abs(known - index):
            nearest[index] = height
    outside = 0
    for index, height in nearest.items():
        if not 0 <= index < scan.shape[axis]:
            outside += 1
            continue
        where: list[Any] = [slice(None)] * 3
        where[axis] = index
        mask[tuple(where)] |= fill_on_grid(planes[height], size)
    if len(nearest) < len(planes):
        notes.append(
            "Contours lie closer together than slices; the nearest were taken."
        )
    if outside:
        notes.append(f"{outside} contours lie outside the scan and were left out.")


def _fill_leaning(
    mask: NDArray[np.bool_], contours: list[Points], scan: Grid, notes: list[str]
) -> None:
    """Fill contours in parallel planes that lean against the grid."""
    to_mm = scan.affine[:3, :3]
    in_mm = [points @ to_mm.T for points in contours]
    normal = _normal(max(in_mm, key=_area))
    flat = [points for points in in_mm if np.ptp(points @ normal) <= 10 * _FLAT_MM]
    if len(flat) < len(in_mm):
        notes.append(
            f"{len(in_mm) - len(flat)} contours lie in no common plane and were left out."
        )
    heights = np.array([float(np.mean(points @ normal)) for points in flat])
    levels = _levels(heights)
    gaps = np.diff(levels)
    thin = float(np.abs(np.linalg.inv(to_mm).T @ normal).max())
    half = (float(gaps.min()) if gaps.size else 1 / max(thin, 1e-9)) / 2
    right = np.cross(normal, np.eye(3)[int(np.argmin(np.abs(normal)))])
    right /= np.linalg.norm(right)
    plane = np.stack([right, np.cross(normal, right)], axis=1)
    to_voxels = np.linalg.inv(to_mm)
    for level in levels:
        here = [
            points
            for points, height in zip(flat, heights, strict=True)
            if abs(height - level) <= _FLAT_MM
        ]
        corners = np.concatenate(here)
        reach = np.concatenate([corners - half * normal, corners + half * normal])
        box = reach @ to_voxels.T
        low = np.maximum(np.floor(box.min(axis=0)), 0).astype(int)
        high = np.minimum(np.ceil(box.max(axis=0)) + 1, scan.shape).astype(int)
        if (high <= low).any():
            continue
        sizes = high - low
        voxels = np.indices(sizes).reshape(3, -1).T + low
        centres = voxels @ to_mm.T
        apart = centres @ normal - level
        close = (apart >= -half) & (apart < half)
        held = np.zeros(len(voxels), bool)
        polygons = [points @ plane for points in here]
        held[close] = inside(centres[close] @ plane, polygons)
        i, j, k = voxels[held].T
        mask[i, j, k] = True


def _levels(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The planes that contours lie in; those closer than the tolerance are one."""
    ordered = np.sort(heights)
    starts = np.flatnonzero(np.diff(ordered, prepend=-np.inf) > _FLAT_MM)
    return np.array([float(part.mean()) for part in np.split(ordered, starts[1:])])


def _normal(points: Points) -> NDArray[np.float64]:
    centred = points - points.mean(axis=0)
    area = np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0)
    length = np.linalg.norm(area)
    return np.asarray(area / length) if length else np.array([0.0, 0.0, 1.0])


def _area(points: Points) -> float:
    centred = points - points.mean(axis=0)
    crossed = np.cross(centred, np.roll(centred, -1, axis=0)).sum(axis=0)
    return float(np.linalg.norm(crossed))
