"""Islands: the parts of a segment that do not touch each other."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlab.errors import MedlabError
from medlab.labels._proposal import KEEP, Proposal
from medlab.labels._segment import PALETTE, Segment
from medlab.labels.tools._region import (
    Box,
    Labels,
    Mask,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    check_seed,
    needs_voxels,
    redrawn,
    slices,
)

OPERATIONS = (
    *("keep-largest", "remove-small", "split"),
    *("keep-clicked", "remove-clicked", "add-clicked"),
)
MOST_PARTS = 50
_TOUCHING = ndimage.generate_binary_structure(3, 1)


def islands(
    labels: Labels,
    *,
    segment: int,
    op: str,
    spacing_mm: Spacing,
    min_mm3: float = 0.0,
    seed: Sequence[int] | None = None,
    segments: Sequence[Segment] = (),
    fixed: Collection[int] = (),
) -> Proposal:
    """Keep, remove, split or add islands; voxels touch by their faces.

    Args:
        labels: The map `(I, J, K)`.
        segment: Id of the segment.
        op: `"keep-largest"`; `"remove-small"` and `"split"` (islands below `min_mm3` go,
            or stay where they are); `"keep-clicked"` and `"remove-clicked"` (the island
            at `seed`); `"add-clicked"` (the island of anything else at `seed` joins).
        spacing_mm: Size of a voxel along each axis.
        min_mm3: Smallest volume that counts.
        seed: The voxel that was clicked.
        segments: What the integers mean now: `split` names new ones after the old one.
        fixed: Ids of segments that give nothing up.

    Raises:
        MedlabError: If the segment is empty, the click is missing or beside it.
    """
    check_grid(labels, spacing_mm)
    if op not in OPERATIONS:
        raise MedlabError(
            f"op must be one of {', '.join(OPERATIONS)}, got {op!r}.",
            code="bad-request",
        )
    if op.endswith("-clicked"):
        if seed is None:
            raise MedlabError(
                f"{op} must be told the voxel that was clicked, got none. Click one.",
                code="bad-request",
            )
        place = check_seed(seed, labels.shape)
        if op == "add-clicked":
            return _added(labels, segment, place, fixed)
    box = needs_voxels(box_of(labels == segment), segment)
    parts, count = ndimage.label(labels[slices(box)] == segment, _TOUCHING)
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    volumes_mm3 = sizes * float(np.prod([float(size) for size in spacing_mm]))
    if op == "split":
        return _split(labels, box, parts, volumes_mm3, segment, min_mm3, segments)
    kept = np.zeros(count + 1, bool)
    if op == "keep-largest":
        kept[sizes.argmax()] = True
    elif op == "remove-small":
        kept = volumes_mm3 >= min_mm3
    else:
        chosen = _clicked(labels, parts, box, segment, place)
        kept[:] = op == "remove-clicked"
        kept[chosen] = op == "keep-clicked"
    kept[0] = False
    wanted = redrawn(labels, box, segment, np.asarray(kept[parts]))
    message = _counted(count - int(kept.sum()), "island", "removed")
    return as_proposal(
        "islands", labels, box, wanted, segments=[segment], message=message
    )


def part_at(mask: Mask, place: Sequence[int]) -> Mask:
    """The connected part of a mask, across faces, that holds a voxel."""
    parts, _ = ndimage.label(mask)
    return np.asarray(parts == parts[tuple(place)])


def _clicked(
    labels: Labels,
    parts: NDArray[np.int32],
    box: Box,
    segment: int,
    place: Sequence[int],
) -> int:
    i, j, k = place
    if int(labels[i, j, k]) != segment:
        raise MedlabError(
            "The click must be on the segment, and there is something else. Click an "
            "island of the chosen segment.",
            code="beside",
        )
    return int(parts[i - box[0], j - box[2], k - box[4]])


def _added(
    labels: Labels, segment: int, place: tuple[int, int, int], fixed: Collection[int]
) -> Proposal:
    there = int(labels[place])
    if there == segment or there in fixed:
        reason = "belongs to the segment already" if there == segment else "is locked"
        raise MedlabError(
            f"The click must be on an island to add, and what is there {reason}. Click "
            "another one.",
            code="beside",
        )
    box = needs_voxels(box_of(labels == there), there)
    block = labels[slices(box)]
    at = [place[0] - box[0], place[1] - box[2], place[2] - box[4]]
    wanted = np.full(block.shape, KEEP, np.uint16)
    wanted[part_at(block == there, at)] = segment
    return as_proposal("islands", labels, box, wanted, segments=[segment])


def _split(
    labels: Labels,
    box: Box,
    parts: NDArray[np.int32],
    volumes_mm3: NDArray[Any],
    segment: int,
    min_mm3: float,
    segments: Sequence[Segment],
) -> Proposal:
    order = [int(n) for n in np.argsort(-volumes_mm3, kind="stable") if n]
    chosen = [n for n in order if volumes_mm3[n] >= min_mm3][1:]
    left_out = max(0, len(chosen) - MOST_PARTS)
    chosen = chosen[:MOST_PARTS]
    made = _new_segments(labels, segment, len(chosen), segments)
    ids = np.full(len(volumes_mm3), KEEP, np.uint16)
    for part, new in zip(chosen, made, strict=True):
        ids[part] = new.id
    message = _counted(len(chosen), "new segment", "made")
    if left_out:
        message += f" {left_out} smaller islands stay together; raise the least volume."
    numbers = [segment, *(new.id for new in made)]
    return as_proposal(
        "islands",
        labels,
        box,
        ids[parts],
        segments=numbers,
        new_segments=made,
        message=message,
    )


def _new_segments(
    labels: Labels, segment: int, count: int, segments: Sequence[Segment]
) -> list[Segment]:
    old = next((s for s in segments if s.id == segment), None)
    name = old.name if old else f"segment {segment}"
    taken = {s.id for s in segments} | {segment}
    names = {s.name for s in segments}
    made: list[Segment] = []
    number, suffix = 0, 1
    top = min(int(np.iinfo(labels.dtype).max), KEEP - 1)
    for _ in range(count):
        number = next(
            (n for n in range(number + 1, top + 1) if n not in taken), top + 1
        )
        if number > top:
            raise MedlabError(
                f"This layer holds ids up to {top}, and all are taken. Remove segments, "
                "or raise the least volume of an island.",
                code="bad-segment",
            )
        suffix += 1
        while f"{name} {suffix}" in names:
            suffix += 1
        color = PALETTE[(number - 1) % len(PALETTE)]
        made.append(Segment(number, f"{name} {suffix}", color))
    return made


def _counted(count: int, thing: str, done: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'} {done}."
