"""How a U-Net shrinks a patch: strides and kernels for each axis, and the patch itself.

Source:
    Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, Supplementary Note 2
    ("Architecture topology", "Patch size").
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SMALLEST_MAP = 4
"""Voxels a side that are left at the coarsest resolution, at least."""
_SAME_SCALE = 2.0
"""Axes whose voxel sizes differ by less are treated alike."""
_MOST_STEPS = 6


@dataclass(frozen=True)
class Topology:
    """The steps down of a U-Net.

    Args:
        strides: One entry a step, finest first; each has a stride for each axis.
        kernels: One entry a resolution, one more than there are steps.
    """

    strides: tuple[tuple[int, ...], ...]
    kernels: tuple[tuple[int, ...], ...]

    @property
    def multiples(self) -> tuple[int, ...]:
        """What the sides of a patch are multiples of."""
        rank = len(self.kernels[0])
        return tuple(
            math.prod(stride[axis] for stride in self.strides) for axis in range(rank)
        )


def topology(
    patch: Sequence[int], spacing_mm: Sequence[float], *, exact: bool = False
) -> Topology:
    """Decide the steps down for a patch.

    An axis is halved while 4 voxels and more are left. The finest axes are halved first,
    until the others' voxels are not twice as large any more; and until then kernels are
    1 wide across the coarse axis, where neighbours have little to do with one another.

    Args:
        patch: Sides in voxels.
        spacing_mm: Voxel size along the same axes.
        exact: Halve what is even only, because the patch is not to be changed.

    Example:
        >>> steps = topology((16, 64), (4.0, 1.0))
        >>> steps.strides
        ((1, 2), (1, 2), (2, 2), (2, 2))
        >>> steps.kernels[0], steps.kernels[-1]
        ((1, 3), (3, 3))
    """
    sizes, spacing = list(patch), [float(size) for size in spacing_mm]
    rank = len(sizes)
    kernel = [1] * rank
    strides: list[tuple[int, ...]] = []
    kernels: list[tuple[int, ...]] = []
    while len(strides) < _MOST_STEPS:
        finest = min(spacing)
        for axis in range(rank):
            if spacing[axis] < _SAME_SCALE * finest:
                kernel[axis] = 3
        large = [a for a in range(rank) if sizes[a] >= 2 * _SMALLEST_MAP]
        if exact:
            large = [a for a in large if sizes[a] % 2 == 0]
        near = min((spacing[a] for a in large), default=0.0)
        halved = [a for a in large if spacing[a] < _SAME_SCALE * near]
        # One long axis alone is not worth a step unless much of it is left.
        if not halved or (
            rank > 1 and len(halved) == 1 and sizes[halved[0]] < 3 * _SMALLEST_MAP
        ):
            break
        strides.append(tuple(2 if a in halved else 1 for a in range(rank)))
        kernels.append(tuple(kernel))
        for axis in halved:
            sizes[axis] = -(-sizes[axis] // 2)
            spacing[axis] *= 2
    kernels.append((3,) * rank)
    return Topology(tuple(strides), tuple(kernels))


def first_patch(
    shape: Sequence[int], spacing_mm: Sequence[float], longest: int
) -> list[int]:
    """The largest patch worth trying: as wide in mm along each axis, inside the scan.

    Args:
        shape: Of the middle scan.
        spacing_mm: Voxel size along the same axes.
        longest: Side of that patch if voxels were cubes.
    """
    mean = math.prod(spacing_mm) ** (1 / len(spacing_mm))
    return [
        max(1, min(round(longest * mean / size), extent))
        for size, extent in zip(spacing_mm, shape, strict=True)
    ]


def fitted_patch(
    first: Sequence[int],
    shape: Sequence[int],
    choose: Callable[[Sequence[int]], Topology],
    fits: Callable[[Sequence[int], Topology], bool],
) -> tuple[list[int], Topology]:
    """Shrink a patch until it fits, along the axis of which it covers most.

    Args:
        first: Where to begin; rounded up to what the topology divides.
        shape: Of the middle scan.
        choose: Gives the topology of a patch.
        fits: Whether a patch with its topology is small enough.

    Returns:
        The patch, and its topology. Where even the smallest does not fit, that one.
    """
    patch, steps = _rounded(first, choose)
    while not fits(patch, steps):
        order = sorted(
            range(len(patch)), key=lambda a: patch[a] / shape[a], reverse=True
        )
        axis = next((a for a in order if patch[a] >= 4 * _SMALLEST_MAP), None)
        if axis is None:
            break
        # A smaller patch may have fewer steps, and so another multiple.
        smaller = list(patch)
        smaller[axis] -= steps.multiples[axis]
        smaller[axis] = patch[axis] - choose(smaller).multiples[axis]
        found, found_steps = _rounded(smaller, choose)
        if math.prod(found) >= math.prod(patch):
            break
        patch, steps = found, found_steps
    return patch, steps


def _rounded(
    patch: Sequence[int], choose: Callable[[Sequence[int]], Topology]
) -> tuple[list[int], Topology]:
    steps = choose(patch)
    rounded = [
        -(-side // multiple) * multiple
        for side, multiple in zip(patch, steps.multiples, strict=True)
    ]
    return rounded, steps
