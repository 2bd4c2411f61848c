"""Joint smoothing: every voxel goes to the segment that a blurred map gives it to.

One decision a voxel, so neighbours neither overlap nor drift apart. Each segment is blurred
in its own box, so that many small ones cost little.

Source:
    The partition by the largest of smoothed indicator functions; see Merriman, Bence,
    Osher, 1992, "Diffusion generated motion by mean curvature".
"""

from collections.abc import Collection, Sequence

import numpy as np
from scipy import ndimage

from medlab.labels._proposal import KEEP, Proposal
from medlab.labels.tools._region import (
    Labels,
    Report,
    Spacing,
    as_proposal,
    grown,
    needs_voxels,
    silent,
    slices,
    voxels_in,
    writable,
)


def smooth_together(
    labels: Labels,
    segments: Sequence[int],
    mm: float,
    spacing_mm: Spacing,
    *,
    fixed: Collection[int] = (),
    report: Report = silent,
) -> Proposal:
    """Blur each segment and the background, and give every voxel to the largest.

    Segments that are not named stay as they are, and nothing grows into them.

    Args:
        labels: The map `(I, J, K)`.
        segments: Ids that take part.
        mm: Standard deviation of the Gaussian.
        spacing_mm: Size of a voxel along each axis.
        fixed: Ids of segments that give nothing up.
        report: Told about progress.
    """
    chosen = [number for number in segments if number not in fixed]
    box, boxes = _boxes(labels, chosen, mm, spacing_mm)
    block = labels[slices(box)]
    sigmas = [mm / float(size) for size in spacing_mm]
    best = np.zeros(block.shape, np.float32)
    total = np.zeros(block.shape, np.float32)
    winner = np.zeros(block.shape, np.uint16)
    for done, number in enumerate(chosen):
        report(done / len(chosen), f"Smoothing segment {done + 1} of {len(chosen)}")
        inner = slices(boxes[number])
        share = _blurred(block[inner] == number, sigmas)
        total[inner] += share
        wins = share > best[inner]
        np.copyto(best[inner], share, where=wins)
        np.copyto(winner[inner], number, where=wins, casting="unsafe")
    # What the segments leave of a voxel is the background's and that of all the others.
    takes_part = writable(block, [0, *chosen])
    background = 1 - total
    if takes_part.any():
        background -= _blurred(takes_part, sigmas)
    winner[background > best] = 0
    winner[takes_part] = KEEP
    message = _vanished(winner, chosen)
    return as_proposal("smooth", labels, box, winner, segments=chosen, message=message)


def _boxes(
    labels: Labels, chosen: Sequence[int], mm: float, spacing_mm: Spacing
) -> tuple[tuple[int, int, int, int, int, int], dict[int, tuple]]:
    """A box for all, and each segment's own inside it, each with room for the blur."""
    reach = [n + 1 for n in voxels_in(2 * mm, spacing_mm)]
    found = ndimage.find_objects(labels)
    own: dict[int, tuple] = {}
    for number in chosen:
        part = found[number - 1] if number <= len(found) else None
        if part is None:
            needs_voxels(None, number)
        else:
            ends = [end for piece in part for end in (piece.start, piece.stop)]
            own[number] = grown(tuple(ends), reach, labels.shape)  # type: ignore[arg-type]
    if not own:
        needs_voxels(None, 0)
    edges = np.array(list(own.values()))
    low, high = edges.min(axis=0), edges.max(axis=0)
    box = (
        *(int(low[0]), int(high[1]), int(low[2])),
        *(int(high[3]), int(low[4]), int(high[5])),
    )
    at = (box[0], box[0], box[2], box[2], box[4], box[4])
    inside = {
        number: tuple(end - start for end, start in zip(ends, at, strict=True))
        for number, ends in own.items()
    }
    return box, inside


def _blurred(mask: Labels, sigmas: Sequence[float]) -> Labels:
    return np.asarray(
        ndimage.gaussian_filter(
            mask.astype(np.float32), sigmas, mode="nearest", truncate=2.0
        )
    )


def _vanished(winner: Labels, chosen: Sequence[int]) -> str:
    counts = np.bincount(winner.ravel(order="K"), minlength=KEEP + 1)
    gone = [number for number in chosen if not counts[number]]
    if not gone:
        return ""
    listed = ", ".join(map(str, gone[:5])) + (" and others" if len(gone) > 5 else "")
    return f"Smoothed by so much, nothing would be left of segment {listed}."
