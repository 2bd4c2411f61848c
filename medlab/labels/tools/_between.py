"""Between: fill the slices that nobody drew from those on either side.

Shape-based interpolation: signed distances of the drawn outlines, in mm, are blended from
slice to slice. Parts that belong together are laid over each other before they are blended,
so that a vessel that runs obliquely stays round instead of thinning out half way.

Source:
    Raya and Udupa, 1990, https://doi.org/10.1109/42.52980 (blended distances);
    Herman, Zheng, Bucholtz, 1992, https://doi.org/10.1109/38.135915 (parts and branches).
"""

from collections.abc import Collection, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlab.errors import MedlabError
from medlab.labels._proposal import KEEP, Proposal
from medlab.labels.tools._distance import signed_distance_mm
from medlab.labels.tools._region import (
    Labels,
    Mask,
    Report,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    needs_voxels,
    silent,
    slices,
    writable,
)

# Of the smaller part: below, two parts are moved onto each other before they are blended.
LITTLE_OVERLAP = 0.7
_TOUCHING = np.ones((3, 3), bool)


def between(
    labels: Labels,
    *,
    segment: int,
    axis: int,
    spacing_mm: Spacing,
    fixed: Collection[int] = (),
    report: Report = silent,
) -> Proposal:
    """Fill the empty slices between drawn ones.

    Nothing is extrapolated beyond the first and the last drawn slice, and drawn slices
    stay as they are. Gaps may differ.

    Args:
        labels: The map `(I, J, K)`.
        segment: Id of the segment.
        axis: Across which the slices were drawn: 0, 1 or 2.
        spacing_mm: Size of a voxel along each axis.
        fixed: Ids of segments that give nothing up.
        report: Told about progress.

    Raises:
        MedlabError: If the segment is drawn in fewer than two slices across that axis, or
            there is no gap.
    """
    check_grid(labels, spacing_mm)
    tight = needs_voxels(box_of(labels == segment), segment)
    block = labels[slices(tight)]
    stack = np.ascontiguousarray(np.moveaxis(block == segment, axis, 0))
    drawn = [int(n) for n in np.flatnonzero(stack.any(axis=(1, 2)))]
    gaps = [(a, b) for a, b in pairwise(drawn) if b > a + 1]
    if not gaps:
        raise MedlabError(
            "The segment must be drawn in slices with empty ones between, got "
            f"{len(drawn)} drawn without a gap. Draw every few slices, or choose the "
            "plane they were drawn in.",
            code="no-gap",
        )
    plane_mm = [float(s) for n, s in enumerate(spacing_mm) if n != axis]
    depths = _depths_mm(stack[drawn], plane_mm)
    filled = np.zeros_like(stack)
    for place, (first, last) in enumerate(pairwise(drawn)):
        if last == first + 1:
            continue
        report(place / len(drawn), f"Filling behind slice {place + 1} of {len(drawn)}")
        between_them = filled[first : last + 1]
        _blend(depths[place], depths[place + 1], between_them)
        _bridge(stack[first], stack[last], plane_mm, between_them)
    found = np.moveaxis(filled, 0, axis) & writable(block, fixed)
    wanted = np.full(block.shape, KEEP, np.uint16)
    wanted[found] = segment
    count = sum(last - first - 1 for first, last in gaps)
    message = f"{count} slice{'' if count == 1 else 's'} filled."
    return as_proposal(
        "between", labels, tight, wanted, segments=[segment], message=message
    )


def _depths_mm(slices_: Mask, plane_mm: list[float]) -> NDArray[np.float32]:
    """How deep in the shape each pixel of each slice lies, negative outside."""
    padded = np.pad(slices_, [(0, 0), (1, 1), (1, 1)])
    # Slices so far apart that the nearest border is always in the same one.
    apart_mm = 4 * sum(n * s for n, s in zip(padded.shape[1:], plane_mm, strict=True))
    depths = -signed_distance_mm(padded, (apart_mm, *plane_mm))
    return np.asarray(depths[:, 1:-1, 1:-1])


def _blend(first: NDArray[np.float32], last: NDArray[np.float32], filled: Mask) -> None:
    """Draw what two blended slices give into those between them."""
    steps = len(filled) - 1
    for index in range(1, steps):
        t = np.float32(index / steps)
        filled[index] |= (1 - t) * first + t * last > 0


def _bridge(first: Mask, last: Mask, plane_mm: list[float], filled: Mask) -> None:
    """Add parts that blending alone would thin out, because they hardly overlap."""
    for start, end in _partners(first, last):
        if start is None or end is None:
            _taper(start, end, plane_mm, filled)
            continue
        smaller = min(np.count_nonzero(start), np.count_nonzero(end))
        if np.count_nonzero(start & end) < LITTLE_OVERLAP * smaller:
            for index, shape in _morph(start, end, len(filled) - 1, plane_mm):
                filled[index] |= shape


def _taper(
    start: Mask | None, end: Mask | None, plane_mm: list[float], filled: Mask
) -> None:
    """Let a part without a partner shrink to nothing half way."""
    lone = start if end is None else end
    assert lone is not None
    box = _frame(lone)
    depth = _depths_mm(lone[box][None], plane_mm)[0]
    steps = len(filled) - 1
    for index in range(1, (steps + 1) // 2):
        into = filled[index if end is None else steps - index]
        into[box] |= depth > depth.max() * 2 * index / steps


def _partners(first: Mask, last: Mask) -> Iterator[tuple[Mask | None, Mask | None]]:
    """Parts of the two slices that belong together: those that overlap, then the nearest."""
    before, count_before = ndimage.label(first, _TOUCHING)
    after, count_after = ndimage.label(last, _TOUCHING)
    groups = _Groups(count_before, count_after)
    overlaps = (before > 0) & (after > 0)
    for a, b in set(
        zip(before[overlaps].tolist(), after[overlaps].tolist(), strict=True)
    ):
        groups.join(a, b)
    lone_before, lone_after = groups.lone()
    if lone_before and lone_after:
        middles_before = ndimage.center_of_mass(first, before, lone_before)
        middles_after = ndimage.center_of_mass(last, after, lone_after)
        for a, b in _nearest(middles_before, middles_after):
            groups.join(lone_before[a], lone_after[b])
    for of_before, of_after in groups.pairs():
        yield (
            np.isin(before, of_before) if of_before else None,
            np.isin(after, of_after) if of_after else None,
        )


class _Groups:
    """Which parts of two slices belong together."""

    def __init__(self, count_before: int, count_after: int) -> None:
        self._before = list(range(count_before + 1))
        self._after = [-number for number in range(count_after + 1)]
        self._joined: set[int] = set()

    def join(self, a: int, b: int) -> None:
        kept, gone = self._before[a], self._after[b]
        self._before = [kept if group == gone else group for group in self._before]
        self._after = [kept if group == gone else group for group in self._after]
        self._joined.add(kept)

    def lone(self) -> tuple[list[int], list[int]]:
        joined = set(self._before[1:]) & set(self._after[1:])
        before = [n for n, g in enumerate(self._before) if n and g not in joined]
        after = [n for n, g in enumerate(self._after) if n and g not in joined]
        return before, after

    def pairs(self) -> Iterator[tuple[list[int], list[int]]]:
        for group in dict.fromkeys([*self._before[1:], *self._after[1:]]):
            before = [n for n, g in enumerate(self._before) if n and g == group]
            after = [n for n, g in enumerate(self._after) if n and g == group]
            yield before, after


def _nearest(
    before: list[tuple[float, ...]], after: list[tuple[float, ...]]
) -> list[tuple[int, int]]:
    """Pairs of points, the closest first; each point is taken once."""
    apart = np.linalg.norm(np.array(before)[:, None] - np.array(after)[None], axis=2)
    pairs = []
    for _ in range(min(apart.shape)):
        a, b = np.unravel_index(int(apart.argmin()), apart.shape)
        pairs.append((int(a), int(b)))
        apart[a], apart[:, b] = np.inf, np.inf
    return pairs


def _morph(
    start: Mask, end: Mask, steps: int, plane_mm: list[float]
) -> Iterator[tuple[int, Mask]]:
    """Blend two shapes whose middles are laid over each other and moved along a line."""
    middle_start, middle_end = _middle(start), _middle(end)
    travel = middle_end - middle_start
    box = _frame(start | end)
    room = [int(np.ceil(abs(t))) + 2 for t in travel]
    padded = [np.pad(shape[box], [(n, n) for n in room]) for shape in (start, end)]
    from_start = -signed_distance_mm(padded[0], plane_mm)
    from_end = -signed_distance_mm(padded[1], plane_mm)
    inner = tuple(slice(n, -n) for n in room)
    for index in range(1, steps):
        t = index / steps
        moved_start = _moved(from_start, travel * t)
        moved_end = _moved(from_end, -travel * (1 - t))
        shape = np.zeros_like(start)
        shape[box] = ((1 - t) * moved_start + t * moved_end)[inner] > 0
        yield index, shape


def _moved(
    distances: NDArray[np.float32], by: NDArray[np.float64]
) -> NDArray[np.float32]:
    if not by.any():
        return distances
    return np.asarray(ndimage.shift(distances, by, order=1, mode="nearest"))


def _middle(mask: Mask) -> NDArray[np.float64]:
    return np.array([np.mean(where) for where in np.nonzero(mask)])


def _frame(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(
        int(columns[0]), int(columns[-1]) + 1
    )
