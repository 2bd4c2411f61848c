"""Seeds: all segments grow at once from what has been drawn, until they meet at edges.

Every voxel goes to the segment it is nearest to, where the way there is as long as the
intensity goes up and down on it. Large blocks are grown on a coarser grid first; then only the
voxels along the borders are decided again at full resolution, where alone the two can differ.

Compared on a block of `ct-chest` with a disc in every eighth slice of each structure (Dice of
liver, lung, heart): this 0.95, 0.95, 0.78; a watershed of the slope 0.95, 0.94, 0.66. A random
walker took some twenty times as long on a quarter of the voxels.

Source:
    Vezhnevets and Konouchine, 2005, "GrowCut", and Zhu et al., 2014, "An effective interactive
    medical image segmentation method using Fast GrowCut" (the same as shortest ways);
    Toivanen, 1996, https://doi.org/10.1016/0167-8655(96)00010-4 (distances by sweeps).
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

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

COARSE = 100_000
"""Voxels of the coarse grid; more where a block is larger, and nobody expects it at once."""

_BLUR_MM = 1.0
# What a mm of way counts beside the ups and downs, in standard deviations of intensity.
_WAY = 0.0005
_FAR = np.float32(1e30)
_STRAIGHT = ((0, 0),)
_ALL_ROUND = tuple((a, b) for a in (0, -1, 1) for b in (0, -1, 1))


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
    drawn = ~writable(labels, growing)
    tight = needs_voxels(box_of(drawn), growing[0])
    box = grown(tight, voxels_in(margin_mm, spacing_mm), labels.shape)
    block = labels[slices(box)]
    # Numbered 1, 2, ...: ids need not be small.
    kind = np.uint8 if len(growing) < 256 else np.uint16
    table = np.zeros(int(labels.max()) + 1, kind)
    table[growing] = np.arange(1, len(growing) + 1)
    markers = np.ascontiguousarray(table[block])
    allowed = writable(block, fixed) & ((block == 0) | (markers > 0))
    intensities = np.asarray(voxels[slices(box)], np.float32, order="C")
    nearest = _nearest(intensities, markers, allowed, spacing_mm, smoothness, report)
    ids = np.array([KEEP, *growing], np.uint16)
    return as_proposal("seeds", labels, box, ids[nearest], segments=growing)


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


def _nearest(
    intensities: NDArray[np.float32],
    markers: NDArray[Any],
    allowed: Mask,
    spacing_mm: Spacing,
    smoothness: float,
    report: Report,
) -> NDArray[Any]:
    """Number of the segment that each voxel is nearest to; 0 where nothing may grow."""
    report(0.05, "Growing on a coarse grid")
    way = np.float32(_WAY * float(intensities[::4, ::4, ::4].std()))
    step = _coarse_step(markers.shape, spacing_mm)
    few = tuple(slice(None, None, n) for n in step)
    coarse_mm = [float(s) * n for s, n in zip(spacing_mm, step, strict=True)]
    blurred = _blurred(intensities, spacing_mm, step)
    coarse = _thinned(markers, step)
    coarse_allowed = np.ascontiguousarray(allowed[few]) | (coarse > 0)
    blurred[~coarse_allowed] = np.inf
    drawn = coarse.copy()
    far = _start(coarse)
    with np.errstate(invalid="ignore"):
        _sweep(far, coarse, blurred, coarse_mm, way, _ALL_ROUND)
        _sweep(far, coarse, blurred, coarse_mm, way, _STRAIGHT)
    if step == (1, 1, 1):
        return _smoothed(coarse, markers, allowed, smoothness)
    report(0.5, "Refining the borders")
    rough = _smoothed(coarse, drawn, coarse_allowed, smoothness)
    border = _enlarged(_near_borders(rough), step, markers.shape)
    fine = _enlarged(rough, step, markers.shape)
    far = _enlarged(far, step, markers.shape)
    far[border] = _FAR
    fine[border] = 0
    np.copyto(fine, markers, where=markers > 0)
    far[markers > 0] = 0
    fine[~allowed] = 0
    sharp = intensities
    for axis in range(3):
        if spacing_mm[axis] < 1.5 * min(spacing_mm):
            sharp = ndimage.uniform_filter1d(sharp, 3, axis=axis, mode="nearest")
    sharp = np.array(sharp, order="C")
    sharp[~allowed] = np.inf
    with np.errstate(invalid="ignore"):
        _sweep(far, fine, sharp, spacing_mm, way, _STRAIGHT)
    return fine


def _start(markers: NDArray[Any]) -> NDArray[np.float32]:
    return np.where(markers > 0, np.float32(0), _FAR)


def _sweep(
    far: NDArray[np.float32],
    nearest: NDArray[Any],
    intensities: NDArray[np.float32],
    spacing_mm: Spacing,
    way: np.float32,
    offsets: Sequence[tuple[int, int]],
) -> None:
    """Pass distances on from plane to plane, there and back along each axis, in place.

    Nothing passes where the intensity is infinite.
    """
    for axis in range(3):
        count = far.shape[axis]
        if count < 2:
            continue
        # Planes must lie together in memory, or each takes several times as long.
        turned = [np.moveaxis(a, axis, 0) for a in (far, nearest, intensities)]
        planes = [np.ascontiguousarray(a) for a in turned]
        sizes = [float(s) for n, s in enumerate(spacing_mm) if n != axis]
        steps = [
            (
                *_overlap(offset, planes[0].shape[1:]),
                np.float32(
                    way
                    * np.sqrt(
                        float(spacing_mm[axis]) ** 2
                        + (offset[0] * sizes[0]) ** 2
                        + (offset[1] * sizes[1]) ** 2
                    )
                ),
            )
            for offset in offsets
        ]
        for plane in range(1, count):
            _pass_on(planes, plane - 1, plane, steps)
        for plane in range(count - 2, -1, -1):
            _pass_on(planes, plane + 1, plane, steps)
        for a, found in zip(turned[:2], planes[:2], strict=True):
            if found.base is None:  # A copy
                a[...] = found


def _overlap(
    offset: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where two planes overlap that are shifted against each other."""
    to = tuple(
        slice(max(0, n), s + min(0, n)) for n, s in zip(offset, shape, strict=True)
    )
    of = tuple(
        slice(max(0, -n), s + min(0, -n)) for n, s in zip(offset, shape, strict=True)
    )
    return to, of


def _pass_on(
    planes: list[NDArray[Any]],
    there: int,
    here: int,
    steps: list[tuple[tuple[slice, ...], tuple[slice, ...], np.float32]],
) -> None:
    far, nearest, intensities = (a[here] for a in planes)
    from_far, from_nearest, from_intensities = (a[there] for a in planes)
    for to, of, way in steps:
        length = intensities[to] - from_intensities[of]
        np.abs(length, out=length)
        length += way
        length += from_far[of]
        shorter = length < far[to]
        np.copyto(far[to], length, where=shorter)
        np.copyto(nearest[to], from_nearest[of], where=shorter)


def _blurred(
    intensities: NDArray[np.float32], spacing_mm: Spacing, step: Sequence[int]
) -> NDArray[np.float32]:
    """Intensities on the coarse grid, without noise."""
    sigmas = [
        max(_BLUR_MM / float(size), 0.5 * n if n > 1 else 0.0)
        for size, n in zip(spacing_mm, step, strict=True)
    ]
    found = intensities
    for axis, sigma in enumerate(sigmas):
        if found.shape[axis] > 1 and sigma > 0.3:
            found = ndimage.gaussian_filter1d(
                found, sigma, axis=axis, mode="nearest", truncate=2.0
            )
        # Thinned at once: the next axes have less to do.
        few = [slice(None)] * 3
        few[axis] = slice(None, None, step[axis])
        found = found[tuple(few)]
    return np.ascontiguousarray(found)


def _coarse_step(shape: Sequence[int], spacing_mm: Spacing) -> tuple[int, ...]:
    """Take fewer voxels first along the axes where they lie closest."""
    step = [1, 1, 1]
    sizes = [float(size) for size in spacing_mm]
    count = int(np.prod(shape))
    most = max(COARSE, count // (20 if count < 3_000_000 else 8))
    while np.prod([-(-n // s) for n, s in zip(shape, step, strict=True)]) > most:
        axis = int(np.argmin([size * s for size, s in zip(sizes, step, strict=True)]))
        step[axis] += 1
    return tuple(step)


def _thinned(markers: NDArray[Any], step: Sequence[int]) -> NDArray[Any]:
    """Markers on the coarse grid; a seed of a single voxel is not lost."""
    coarse = np.zeros(
        [-(-n // s) for n, s in zip(markers.shape, step, strict=True)], markers.dtype
    )
    where = np.nonzero(markers)
    coarse[tuple(w // s for w, s in zip(where, step, strict=True))] = markers[where]
    return coarse


def _enlarged(
    coarse: NDArray[Any], step: Sequence[int], shape: Sequence[int]
) -> NDArray[Any]:
    fine = coarse
    for axis, times in enumerate(step):
        fine = np.repeat(fine, times, axis) if times > 1 else fine
    return np.ascontiguousarray(fine[: shape[0], : shape[1], : shape[2]])


def _near_borders(coarse: NDArray[Any]) -> Mask:
    """Where the coarse borders may be wrong: one coarse voxel to each side."""
    near = np.zeros(coarse.shape, bool)
    for axis in range(3):
        after, before = [slice(None)] * 3, [slice(None)] * 3
        after[axis], before[axis] = slice(1, None), slice(None, -1)
        differs = coarse[tuple(after)] != coarse[tuple(before)]
        near[tuple(after)] |= differs
        near[tuple(before)] |= differs
    return near


def _smoothed(
    flooded: NDArray[Any],
    markers: NDArray[Any],
    allowed: Mask,
    smoothness: float,
) -> NDArray[Any]:
    """Give each voxel to the segment that has most of its neighbourhood."""
    best = np.zeros(flooded.shape, np.float32)
    winner = np.zeros_like(flooded)
    boxes = ndimage.find_objects(flooded)
    sigma = 1.5 * smoothness
    if sigma < 0.3:
        return flooded
    for number, part in enumerate(boxes, start=1):
        if part is None:
            continue
        room = tuple(
            slice(max(0, piece.start - 4), min(size, piece.stop + 4))
            for piece, size in zip(part, flooded.shape, strict=True)
        )
        share = ndimage.gaussian_filter(
            (flooded[room] == number).astype(np.float32),
            sigma,
            mode="nearest",
            truncate=2,
        )
        wins = share > best[room]
        np.copyto(best[room], share, where=wins)
        np.copyto(winner[room], number, where=wins)
    winner[~allowed | (flooded == 0)] = 0
    np.copyto(winner, markers, where=markers > 0)
    return winner
