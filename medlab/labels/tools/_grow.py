"""Grow: a region of like intensity around one click.

The tolerance is chosen so that the border of the region lies on edges: of many tolerances
the one whose border has the highest contrast, and which leaks least out of sight. Thin
bridges to what merely looks alike are cut by growing only through places wider than two voxels.

Source:
    Adams and Bischof, 1994, https://doi.org/10.1109/34.295913 (region growing);
    Revol-Muller et al., 2002, https://doi.org/10.1016/S0167-8655(01)00116-7 (choosing
    the region by the contrast of its border).
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlab.labels._proposal import KEEP, Proposal
from medlab.labels.tools._islands import part_at
from medlab.labels.tools._region import (
    Box,
    Labels,
    Mask,
    Report,
    Spacing,
    as_proposal,
    check_grid,
    check_seed,
    grown,
    silent,
    slices,
    voxels_in,
    whole,
    within,
    writable,
)
from medlab.labels.tools._spread import Block, spread

STEP = 1.15
"""By how much one step of `expand` widens the tolerance."""

_TRIED = 16
_LOOK_MM = 34.0


def grow(
    voxels: NDArray[Any],
    labels: Labels,
    *,
    segment: int,
    seed: Sequence[int],
    spacing_mm: Spacing,
    tolerance: float | None = None,
    expand: int = 0,
    axis: int | None = None,
    max_mm: float | None = None,
    fixed: Collection[int] = (),
    report: Report = silent,
) -> Proposal:
    """Grow a region from a voxel.

    Args:
        voxels: Intensities `(I, J, K)`.
        labels: The map `(I, J, K)`.
        segment: Id of the segment; what it has already stays.
        seed: The voxel that was clicked.
        spacing_mm: Size of a voxel along each axis.
        tolerance: Largest difference to the intensity around the seed; None to choose it.
        expand: Steps by which the tolerance is widened, each 15 percent; below 0 narrows.
        axis: Only in the slice across this axis that holds the seed.
        max_mm: Not further than this from the seed.
        fixed: Ids of segments that give nothing up; nothing grows through them.
        report: Told about progress.

    Returns:
        A proposal; its message tells the tolerance.

    Raises:
        MedlabError: If the seed lies outside the scan.
    """
    check_grid(labels, spacing_mm, voxels)
    place = check_seed(seed, labels.shape)
    limit = _limit(place, labels.shape, spacing_mm, axis, max_mm)
    look = _around(place, _look(spacing_mm), limit)
    smoothed = _smoothed(voxels, look, limit, spacing_mm)
    at = (place[0] - look[0], place[1] - look[2], place[2] - look[4])
    reference, noise = _around_seed(smoothed, at, spacing_mm)
    if tolerance is None:
        report(0.1, "Choosing the tolerance")
        open_ = writable(labels[slices(look)], fixed)
        tolerance = chosen_tolerance(smoothed, open_, at, reference, noise)
    reach = tolerance * STEP**expand

    def like_it(block: Block) -> Mask:
        i, j, k = block
        box = (i.start, i.stop, j.start, j.stop, k.start, k.stop)
        near = _smoothed(voxels, box, limit, spacing_mm)
        near -= np.float32(reference)
        found = np.abs(near, out=near) <= reach
        return found & writable(labels[block], fixed)

    box, region = spread(
        like_it, place, labels.shape, _through_wide_places, limit=limit, report=report
    )
    if max_mm is not None:
        region &= _ball(box, place, spacing_mm, max_mm)
    wanted = np.full(region.shape, KEEP, np.uint16)
    wanted[region] = segment
    message = f"Tolerance {reach:.4g} around {reference:.4g}."
    return as_proposal("grow", labels, box, wanted, segments=[segment], message=message)


def chosen_tolerance(
    intensities: NDArray[np.float32],
    allowed: Mask,
    at: tuple[int, int, int],
    reference: float,
    noise: float,
) -> float:
    """The tolerance whose region has the sharpest border.

    Args:
        intensities: Smoothed, around the seed.
        allowed: Where the region may grow.
        at: The seed in them.
        reference: Intensity at the seed.
        noise: Its standard deviation there.

    Returns:
        A difference of intensity, at least twice the noise.
    """
    # Every second voxel tells as well where the edges are, in an eighth of the time.
    halved = [size > 8 for size in intensities.shape]
    few = tuple(
        slice(n % 2, None, 2) if half else slice(None)
        for n, half in zip(at, halved, strict=True)
    )
    seed = tuple(n // 2 if half else n for n, half in zip(at, halved, strict=True))
    apart = np.ascontiguousarray(np.abs(intensities[few] - np.float32(reference)))
    apart[~allowed[few]] = np.inf
    finite = apart[np.isfinite(apart)]
    lowest = max(2 * noise, float(apart[seed]) * 1.01, 1e-6)
    if not finite.size:
        return lowest
    highest = max(float(np.percentile(finite, 99)), 2 * lowest)
    best, chosen = 0.0, lowest
    for tolerance in np.geomspace(lowest, highest, _TRIED):
        region = part_at(apart <= tolerance, seed)
        score = _contrast(apart, region) * (1 - _touching(region)) ** 2
        score /= float(tolerance + noise) ** 0.1
        if score > best:
            best, chosen = score, float(tolerance)
    return chosen


def _contrast(apart: NDArray[np.float32], region: Mask) -> float:
    """How much further from the reference it is just outside a region than just inside."""
    outer = _widened(region) & ~region & np.isfinite(apart)
    inner = region & ~_narrowed(region)
    if not outer.any() or not inner.any():
        return 0.0
    return float(apart[outer].mean() - apart[inner].mean())


def _touching(region: Mask) -> float:
    """Share of the block's six faces that a region covers: how far it has leaked."""
    faces = [
        np.take(region, end, axis).mean()
        for axis in range(3)
        for end in (0, -1)
        if region.shape[axis] > 1
    ]
    return float(np.mean(faces))


def _through_wide_places(mask: Mask, at: Sequence[int]) -> Mask:
    """The part that holds a voxel, without what hangs on it by a thread."""
    core = mask
    for _ in range(2):
        core = _narrowed(core)
    if not core[tuple(at)]:
        near = _box_around(at, 3, mask.shape)
        if not core[near].any():
            return part_at(mask, at)  # A thin thing: a vessel, a membrane.
        core = core.copy()
        core[near] |= mask[near]
    region = part_at(core, at)
    for _ in range(3):
        region = _widened(region) & mask
    return region


def _narrowed(mask: Mask) -> Mask:
    """Erode by one voxel across faces; the edge of the block is no border."""
    kept = mask.copy()
    for axis in range(mask.ndim):
        if mask.shape[axis] < 3:
            continue
        after, before = _shifted(axis)
        kept[before] &= mask[after]
        kept[after] &= mask[before]
    return kept


def _widened(mask: Mask) -> Mask:
    """Dilate by one voxel across faces."""
    found = mask.copy()
    for axis in range(mask.ndim):
        after, before = _shifted(axis)
        found[before] |= mask[after]
        found[after] |= mask[before]
    return found


def _shifted(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    all_ = [slice(None)] * 3
    after, before = list(all_), list(all_)
    after[axis], before[axis] = slice(1, None), slice(None, -1)
    return tuple(after), tuple(before)


def _smoothed(
    voxels: NDArray[Any], box: Box, limit: Box, spacing_mm: Spacing
) -> NDArray[np.float32]:
    """Intensities of a block, a little blurred, as if cut out of the blurred whole."""
    sigmas = [0.7 * min(spacing_mm) / float(size) for size in spacing_mm]
    room = grown(box, [2, 2, 2], voxels.shape)
    inside = within(room, limit)
    block = np.ascontiguousarray(voxels[slices(inside)], np.float32)
    thin = [
        0.0 if size == 1 else s for size, s in zip(block.shape, sigmas, strict=True)
    ]
    blurred = ndimage.gaussian_filter(block, thin, mode="nearest", radius=2)
    cut = tuple(
        slice(box[2 * a] - inside[2 * a], box[2 * a + 1] - inside[2 * a])
        for a in range(3)
    )
    return np.asarray(blurred[cut])


def _around_seed(
    smoothed: NDArray[np.float32], at: tuple[int, int, int], spacing_mm: Spacing
) -> tuple[float, float]:
    """Middle intensity around the seed, and a robust standard deviation."""
    radius = voxels_in(2 * min(spacing_mm), spacing_mm)
    near = tuple(
        slice(max(0, n - r), n + r + 1) for n, r in zip(at, radius, strict=True)
    )
    values = smoothed[near]
    # Voxels beyond an edge beside the seed do not speak for what was clicked.
    apart = np.abs(values - smoothed[at])
    values = values[apart <= np.percentile(apart, 60)]
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))


def _limit(
    place: tuple[int, int, int],
    shape: Sequence[int],
    spacing_mm: Spacing,
    axis: int | None,
    max_mm: float | None,
) -> Box:
    limit = whole(shape)
    if max_mm is not None:
        limit = _around(place, voxels_in(max_mm, spacing_mm), limit)
    if axis is not None:
        ends = list(limit)
        ends[2 * axis : 2 * axis + 2] = [place[axis], place[axis] + 1]
        limit = (ends[0], ends[1], ends[2], ends[3], ends[4], ends[5])
    return limit


def _around(place: Sequence[int], reach: Sequence[int], limit: Box) -> Box:
    lows = [
        max(n - r, limit[2 * a])
        for a, (n, r) in enumerate(zip(place, reach, strict=True))
    ]
    highs = [
        min(n + r + 1, limit[2 * a + 1])
        for a, (n, r) in enumerate(zip(place, reach, strict=True))
    ]
    return lows[0], highs[0], lows[1], highs[1], lows[2], highs[2]


def _look(spacing_mm: Spacing) -> list[int]:
    """How many voxels around a click are looked at to choose a tolerance."""
    return [min(48, max(12, n)) for n in voxels_in(_LOOK_MM, spacing_mm)]


def _box_around(
    at: Sequence[int], radius: int, shape: Sequence[int]
) -> tuple[slice, ...]:
    return tuple(
        slice(max(0, n - radius), min(size, n + radius + 1))
        for n, size in zip(at, shape, strict=True)
    )


def _ball(
    box: Box, place: tuple[int, int, int], spacing_mm: Spacing, mm: float
) -> Mask:
    squares = [
        ((np.arange(box[2 * a], box[2 * a + 1]) - place[a]) * float(spacing_mm[a])) ** 2
        for a in range(3)
    ]
    far = squares[0][:, None, None] + squares[1][:, None] + squares[2]
    return np.asarray(far <= mm**2)
