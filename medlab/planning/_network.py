"""The network of a plan: patch, steps down, widths and batch that fit the machine.

Source:
    Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, Supplementary Note 2
    ("Adaptation of patch and batch size"); the rule for slow machines is our own.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from medlab.planning._cost import Cost
from medlab.planning._topology import Topology, first_patch, fitted_patch, topology

_LONGEST = {2: 2048, 3: 256}
"""Side of the largest patch worth trying."""
_WIDEST = {2: 512, 3: 320}
_BASES = (32, 16, 8)
"""Channels at the finest resolution: the first that leaves a patch of useful size."""
_USEFUL = {2: 192, 3: 64}
_BATCHES = {2: (12, 8, 4), 3: (2,)}
_SMALLEST_BATCH = 2
_MOST_BATCH = 64
_SHARE_A_STEP = 0.05
"""No step sees more than a twentieth of all voxels: the next would see the same."""

CostOf = Callable[[Sequence[int], int, Topology, Sequence[int]], Cost]


@dataclass(frozen=True)
class Network:
    """What was chosen.

    Args:
        patch: Sides in voxels.
        steps: Strides and kernels.
        widths: Channels at each resolution, finest first.
        batch: Patches a step.
        cost: Of a step.
    """

    patch: list[int]
    steps: Topology
    widths: list[int]
    batch: int
    cost: Cost


def fitted_network(
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    all_voxels: float,
    cost_of: CostOf,
    allow: Callable[[Cost], bool],
    *,
    patch: Sequence[int] | None = None,
    batch: int | None = None,
    template_args: dict[str, Any] | None = None,
) -> Network:
    """Choose the widest network whose patch still shows enough at a time.

    Args:
        shape: Of the middle scan or slice.
        spacing_mm: Voxel size along the same axes.
        all_voxels: Labelled voxels of the whole data set.
        cost_of: What a step costs for a patch, batch, topology and widths.
        allow: Whether the machine can bear that cost.
        patch: Given by a person.
        batch: Given by a person.
        template_args: Given by a person; their widths, strides and kernels are kept.
    """
    rank = len(shape)
    useful = math.prod(min(side, _USEFUL[rank]) for side in shape)
    sizes = (batch,) if batch else _BATCHES[rank]
    tried = (
        _with(
            base,
            size,
            patch,
            shape,
            spacing_mm,
            cost_of=cost_of,
            allow=allow,
            template_args=template_args,
        )
        for base, size in itertools.product(_BASES, sizes)
    )
    found = None
    for found in tried:
        large = patch is not None or math.prod(found.patch) >= useful
        if large and allow(found.cost):
            break
    assert found is not None
    return found if batch else _batched(found, shape, all_voxels, cost_of, allow)


def widths_of(base: int, resolutions: int, rank: int) -> list[int]:
    """Double the channels at each step down, up to 320 in 3D and 512 in 2D."""
    return [min(base * 2**level, _WIDEST[rank]) for level in range(resolutions)]


def _with(
    base: int,
    batch: int,
    patch: Sequence[int] | None,
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    *,
    cost_of: CostOf,
    allow: Callable[[Cost], bool],
    template_args: dict[str, Any] | None,
) -> Network:
    rank = len(shape)
    own = template_args or {}
    fixed = _own_topology(own, rank) if own.get("widths") else None

    def choose(sides: Sequence[int]) -> Topology:
        return fixed or topology(sides, spacing_mm, exact=patch is not None)

    def widths(steps: Topology) -> list[int]:
        return own.get("widths") or widths_of(base, len(steps.kernels), rank)

    def cost(sides: Sequence[int], steps: Topology) -> Cost:
        return cost_of(sides, batch, steps, widths(steps))

    if patch is not None:
        sides, steps = list(patch), choose(patch)
    else:
        first = first_patch(shape, spacing_mm, _LONGEST[rank])
        sides, steps = fitted_patch(
            first, shape, choose, lambda s, t: allow(cost(s, t))
        )
    return Network(sides, steps, widths(steps), batch, cost(sides, steps))


def _own_topology(own: dict[str, Any], rank: int) -> Topology:
    count = len(own["widths"])
    strides = own.get("strides") or [[2] * rank] * (count - 1)
    kernels = own.get("kernels") or [[3] * rank] * count
    steps, sizes = (
        tuple((one,) * rank if isinstance(one, int) else tuple(one) for one in given)
        for given in (strides, kernels)
    )
    return Topology(steps, sizes)


def _batched(
    found: Network,
    shape: Sequence[int],
    all_voxels: float,
    cost_of: CostOf,
    allow: Callable[[Cost], bool],
) -> Network:
    """Fill what memory and time are left with more patches, within reason."""
    most = int(all_voxels * _SHARE_A_STEP / math.prod(found.patch))
    most = max(_SMALLEST_BATCH, min(most, _MOST_BATCH))
    whole = all(p >= s for p, s in zip(found.patch, shape, strict=True))
    batch = min(found.batch, most)

    def cost(size: int) -> Cost:
        return cost_of(found.patch, size, found.steps, found.widths)

    while whole and batch < most and allow(cost(batch + 1)):
        batch += 1
    return Network(found.patch, found.steps, found.widths, batch, cost(batch))
