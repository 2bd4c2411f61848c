"""Seeds: all segments grow at once from what has been drawn, until they meet at edges.

A watershed of the intensities' slope, flooded from the drawn voxels. Large blocks are flooded
on a coarser grid first; then only the voxels along the borders are decided again at full
resolution, which is where the two can differ.

Source:
    Beucher and Meyer, 1993, "The morphological approach to segmentation: the watershed
    transformation"; compactness after Neubert and Protzel, 2014,
    https://doi.org/10.1109/ICPR.2014.181
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.segmentation import watershed

from medlab.errors import MedlabError
from medlab.labels._proposal import KEEP, Proposal
from medlab.labels.tools._region import (
    Labels,
    Mask,
    Report,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    grown,
    needs_voxels,
    silent,
    slices,
    voxels_in,
    writable,
)

AT_ONCE = 300_000
"""Voxels that are flooded directly: about 70 ms."""


def seeds(
    voxels: NDArray[Any],
    labels: Labels,
    *,
    segments: Sequence[int] | None = None,
    margin_mm: float = 20.0,
    smoothness: float = 0.5,
    spacing_mm: Spacing,
    fixed: Collection[int] = (),
    report: Report = silent,
) -> Proposal:
    """Grow all segments from what has been drawn of each.

    Args:
        voxels: Intensities `(I, J, K)`.
        labels: The map `(I, J, K)` with some voxels of each segment, one of them for
            whatever is to be left.
        segments: Ids that grow; None for all that are drawn and not fixed.
        margin_mm: How far beyond the box around all seeds they may grow.
        smoothness: 0 follows every edge, 1 gives round borders.
        spacing_mm: Size of a voxel along each axis.
        fixed: Ids of segments that give nothing up; nothing grows through them.
        report: Told about progress.

    Raises:
        MedlabError: If fewer than two segments are drawn.
    """
    check_grid(labels, spacing_mm, voxels)
    growing = _growing(labels, segments, fixed)
    drawn = np.isin(labels, growing) if len(growing) > 1 else labels == growing[0]
    tight = needs_voxels(box_of(drawn), growing[0])
    box = grown(tight, voxels_in(margin_mm, spacing_mm), labels.shape)
    block = labels[slices(box)]
    # Numbered 1, 2, ...: ids need not be small.
    table = np.zeros(int(labels.max()) + 1, np.int32)
    table[growing] = np.arange(1, len(growing) + 1)
    markers = np.ascontiguousarray(table[block])
    allowed = writable(block, fixed) & ((block == 0) | (markers > 0))
    intensities = np.asarray(voxels[slices(box)], np.float32, order="C")
    flooded = _flood(intensities, markers, allowed, spacing_mm, smoothness, report)
    if smoothness > 0:
        report(0.8, "Smoothing the borders")
        flooded = _smoothed(flooded, markers, allowed, smoothness)
    ids = np.array([KEEP, *growing], np.uint16)
    return as_proposal("seeds", labels, box, ids[flooded], segments=growing)


def _growing(
    labels: Labels, segments: Sequence[int] | None, fixed: Collection[int]
) -> list[int]:
    counts = np.bincount(labels.ravel(order="K"), minlength=1)
    drawn = [int(n) for n in np.flatnonzero(counts) if n and n not in fixed]
    growing = [n for n in drawn if segments is None or n in segments]
    if len(growing) < 2:
        raise MedlabError(
            "Growing from seeds takes at least two segments with voxels, got "
            f"{len(growing)}. Draw a little of each structure, and of what lies around "
            "them in a segment of its own.",
            code="too-few-seeds",
        )
    return growing


def _flood(
    intensities: NDArray[np.float32],
    markers: NDArray[np.int32],
    allowed: Mask,
    spacing_mm: Spacing,
    smoothness: float,
    report: Report,
) -> NDArray[np.int32]:
    if intensities.size <= AT_ONCE:
        return _watershed(_slope(intensities, spacing_mm), markers, allowed)
    report(0.1, "Growing on a coarse grid")
    step = _coarse_step(intensities.shape, spacing_mm)
    few = tuple(slice(None, None, n) for n in step)
    blurred = ndimage.uniform_filter(intensities, step, mode="nearest")
    coarse_mm = [float(s) * n for s, n in zip(spacing_mm, step, strict=True)]
    coarse_markers = _thinned(markers, step)
    coarse = _watershed(
        _slope(np.ascontiguousarray(blurred[few]), coarse_mm),
        coarse_markers,
        np.ascontiguousarray(allowed[few]) | (coarse_markers > 0),
    )
    report(0.4, "Refining the borders")
    fine = _enlarged(coarse, step, markers.shape)
    fine[~allowed] = 0
    border = _near_borders(fine, step)
    certain = np.where(border, 0, fine)
    np.copyto(certain, markers, where=markers > 0)
    return _watershed(_slope(intensities, spacing_mm), certain, allowed)


def _watershed(
    slope: NDArray[np.float32], markers: NDArray[np.int32], allowed: Mask
) -> NDArray[np.int32]:
    return np.asarray(watershed(slope, markers, mask=allowed), np.int32)


def _slope(
    intensities: NDArray[np.float32], spacing_mm: Spacing
) -> NDArray[np.float32]:
    """How much the intensity changes a mm, over two voxels each way."""
    total = np.zeros(intensities.shape, np.float32)
    for axis in range(3):
        if intensities.shape[axis] < 2:
            continue
        change = ndimage.correlate1d(
            intensities, [-0.5, 0, 0.5], axis=axis, mode="nearest"
        )
        change /= np.float32(spacing_mm[axis])
        total += change * change
    return np.sqrt(total, out=total)


def _coarse_step(shape: Sequence[int], spacing_mm: Spacing) -> tuple[int, ...]:
    """Take fewer voxels first along the axes where they lie closest."""
    step = [1, 1, 1]
    sizes = [float(size) for size in spacing_mm]
    while np.prod([-(-n // s) for n, s in zip(shape, step, strict=True)]) > AT_ONCE:
        axis = int(np.argmin([size * s for size, s in zip(sizes, step, strict=True)]))
        step[axis] += 1
    return tuple(step)


def _thinned(markers: NDArray[np.int32], step: Sequence[int]) -> NDArray[np.int32]:
    """Markers on the coarse grid; a seed of a single voxel is not lost."""
    coarse = np.zeros([-(-n // s) for n, s in zip(markers.shape, step, strict=True)], np.int32)
    where = np.nonzero(markers)
    coarse[tuple(w // s for w, s in zip(where, step, strict=True))] = markers[where]
    return coarse


def _enlarged(
    coarse: NDArray[np.int32], step: Sequence[int], shape: Sequence[int]
) -> NDArray[np.int32]:
    fine = coarse
    for axis, times in enumerate(step):
        fine = np.repeat(fine, times, axis) if times > 1 else fine
    return np.ascontiguousarray(fine[: shape[0], : shape[1], : shape[2]])


def _near_borders(fine: NDArray[np.int32], step: Sequence[int]) -> Mask:
    """Where the coarse borders may be wrong: one coarse voxel to each side."""
    near = np.zeros(fine.shape, bool)
    for axis, reach in enumerate(step):
        if fine.shape[axis] < 2:
            continue
        size = [1, 1, 1]
        size[axis] = 2 * reach + 1
        low = ndimage.minimum_filter(fine, size, mode="nearest")
        high = ndimage.maximum_filter(fine, size, mode="nearest")
        near |= low != high
    return near


def _smoothed(
    flooded: NDArray[np.int32],
    markers: NDArray[np.int32],
    allowed: Mask,
    smoothness: float,
) -> NDArray[np.int32]:
    """Give each voxel to the segment that has most of its neighbourhood."""
    best = np.zeros(flooded.shape, np.float32)
    winner = np.zeros_like(flooded)
    boxes = ndimage.find_objects(flooded)
    sigma = 2.0 * smoothness
    for number, part in enumerate(boxes, start=1):
        if part is None:
            continue
        room = tuple(
            slice(max(0, piece.start - 4), min(size, piece.stop + 4))
            for piece, size in zip(part, flooded.shape, strict=True)
        )
        share = ndimage.gaussian_filter(
            (flooded[room] == number).astype(np.float32), sigma, mode="nearest", truncate=2
        )
        wins = share > best[room]
        np.copyto(best[room], share, where=wins)
        np.copyto(winner[room], number, where=wins)
    winner[~allowed | (flooded == 0)] = 0
    np.copyto(winner, markers, where=markers > 0)
    return winner
