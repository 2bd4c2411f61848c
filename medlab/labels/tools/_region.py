"""Regions: the smallest block of a map that matters, and proposals made of it.

Every tool works on a block cut out of the map and returns a block, so that a small segment
of a large scan costs what a small scan costs.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._proposal import KEEP, Proposal
from medlab.labels._segment import Segment

Box = tuple[int, int, int, int, int, int]
Spacing = Sequence[float]
Mask = NDArray[np.bool_]
Labels = NDArray[Any]
Report = Callable[[float, str], None]


def silent(_fraction: float, _message: str) -> None:
    """Report progress to nobody."""


def slices(box: Box) -> tuple[slice, slice, slice]:
    """The block of an array that a box names."""
    return slice(box[0], box[1]), slice(box[2], box[3]), slice(box[4], box[5])


def whole(shape: Sequence[int]) -> Box:
    return 0, int(shape[0]), 0, int(shape[1]), 0, int(shape[2])


def box_of(mask: Mask) -> Box | None:
    """The smallest box that holds every true voxel; None if there is none."""
    ends: list[int] = []
    block = mask
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(block.any(axis=others))
        if not found.size:
            return None
        first, last = int(found[0]), int(found[-1]) + 1
        ends += [first, last]
        # What is left is smaller for the next axis.
        block = block[
            tuple(slice(first, last) if a == axis else slice(None) for a in range(3))
        ]
    return ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]


def grown(box: Box, by: Sequence[int], shape: Sequence[int]) -> Box:
    """A box larger by so many voxels on each side, inside the map."""
    ends: list[int] = []
    for axis in range(3):
        ends += [
            max(0, box[2 * axis] - int(by[axis])),
            min(int(shape[axis]), box[2 * axis + 1] + int(by[axis])),
        ]
    return ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]


def within(box: Box, limit: Box) -> Box:
    """The part of a box that lies inside another one."""
    lows = [max(box[side], limit[side]) for side in (0, 2, 4)]
    highs = [min(box[side], limit[side]) for side in (1, 3, 5)]
    return lows[0], highs[0], lows[1], highs[1], lows[2], highs[2]


def voxels_in(mm: float, spacing_mm: Spacing) -> tuple[int, int, int]:
    """How many voxels reach that far along each axis, rounded up.

    Example:
        >>> voxels_in(5, (0.7, 0.7, 2.5))
        (8, 8, 2)
    """
    i, j, k = (int(np.ceil(mm / size - 1e-9)) for size in spacing_mm)
    return i, j, k


def check_grid(labels: Labels, spacing_mm: Spacing, voxels: Any = None) -> None:
    """Refuse maps and spacings that are none.

    Raises:
        MedlabError: If the map has not three axes, a spacing is not positive, or the
            intensities are on another grid.
    """
    if labels.ndim != 3:
        raise MedlabError(
            f"Labels must have three axes (I, J, K), got {labels.ndim}. Pass the map of "
            "one scan.",
            code="bad-request",
        )
    if len(spacing_mm) != 3 or not all(0 < float(s) < np.inf for s in spacing_mm):
        raise MedlabError(
            f"spacing_mm must be three sizes above 0, got {tuple(spacing_mm)}. Take it "
            "from the scan.",
            code="bad-request",
        )
    if voxels is not None and voxels.shape != labels.shape:
        raise MedlabError(
            f"Intensities must be on the grid of the labels {labels.shape}, got "
            f"{voxels.shape}. Open the scan the labels were drawn on.",
            code="another-shape",
        )


def check_seed(seed: Sequence[int], shape: Sequence[int]) -> tuple[int, int, int]:
    """The voxel that was clicked.

    Raises:
        MedlabError: If it lies outside the map.
    """
    i, j, k = (int(n) for n in seed)
    inside = all(0 <= n < size for n, size in zip((i, j, k), shape, strict=True))
    if not inside:
        raise MedlabError(
            f"A seed must lie inside {tuple(shape)} voxels, got {(i, j, k)}. Click inside "
            "the scan.",
            code="outside",
        )
    return i, j, k


def needs_voxels(box: Box | None, segment: int) -> Box:
    """The box of a segment that must have been drawn.

    Raises:
        MedlabError: If it has no voxel.
    """
    if box is None:
        raise MedlabError(
            f"The segment {segment} must have voxels, and has none here. Draw some of it "
            "first.",
            code="empty-segment",
        )
    return box


def writable(labels: Labels, fixed: Collection[int]) -> Mask:
    """Where a tool may draw: everywhere but in the fixed segments."""
    if not fixed:
        return np.ones(labels.shape, bool)
    if labels.dtype == np.uint8:
        table = np.ones(256, bool)
        table[[number for number in fixed if number < 256]] = False
        return np.asarray(table[labels])
    return np.isin(labels, list(fixed), invert=True)


def as_proposal(
    tool: str,
    labels: Labels,
    box: Box,
    wanted: NDArray[Any],
    *,
    segments: Sequence[int],
    new_segments: Sequence[Segment] = (),
    message: str = "",
) -> Proposal:
    """Make a proposal of a block, cut to what it changes.

    Args:
        tool: Name of the tool.
        labels: The whole map `(I, J, K)`.
        box: Where the block lies.
        wanted: The block: new labels, `KEEP` where nothing is said.
        segments: What it is about.
        new_segments: What it would add.
        message: For the person who decides.
    """
    differs = (wanted != labels[slices(box)]) & (wanted != KEEP)
    tight = box_of(differs)
    if tight is None:
        nothing = np.zeros((0, 0, 0), np.uint16)
        sentence = message or "Nothing would change."
        return Proposal(
            (0, 0, 0, 0, 0, 0), nothing, tool, tuple(segments), (), sentence
        )
    inner = slices(tight)
    cut = np.full(differs[inner].shape, KEEP, np.uint16)
    np.copyto(cut, wanted[inner], where=differs[inner], casting="unsafe")
    i0, i1, j0, j1, k0, k1 = tight
    at = box[0], box[2], box[4]
    placed = (i0 + at[0], i1 + at[0], j0 + at[1], j1 + at[1], k0 + at[2], k1 + at[2])
    numbers = tuple(int(number) for number in segments)
    return Proposal(placed, cut, tool, numbers, tuple(new_segments), message)


def redrawn(labels: Labels, box: Box, segment: int, mask: Mask) -> NDArray[np.uint16]:
    """A block in which a segment is exactly `mask`: voxels it loses become background."""
    wanted = np.full(mask.shape, KEEP, np.uint16)
    wanted[labels[slices(box)] == segment] = 0
    wanted[mask] = segment
    return wanted
