"""Smooth: one segment at a time, or several together (`medlab.labels.tools._joint`)."""

from collections.abc import Collection, Sequence

import numpy as np
from scipy import ndimage

from medlab.errors import MedlabError
from medlab.labels._proposal import Proposal
from medlab.labels.tools._distance import grown_by, shrunk_by
from medlab.labels.tools._joint import smooth_together
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
    redrawn,
    silent,
    slices,
    voxels_in,
    writable,
)

METHODS = ("median", "open", "close", "gaussian", "joint")


def smooth(
    labels: Labels,
    *,
    segments: Sequence[int] | None = None,
    method: str,
    mm: float,
    spacing_mm: Spacing,
    fixed: Collection[int] = (),
    report: Report = silent,
) -> Proposal:
    """Make the surface of segments smoother.

    Args:
        labels: The map `(I, J, K)`.
        segments: Their ids; None for all that are drawn and not fixed.
        method: `"median"`: the majority in a box that wide; `"open"` and `"close"`: what
            a ball of that diameter cannot enter goes, or is filled; `"gaussian"`: a
            Gaussian of that standard deviation, cut at one half; `"joint"`: the same for
            all segments at once, without gaps or overlaps between them.
        mm: How much.
        spacing_mm: Size of a voxel along each axis.
        fixed: Ids of segments that give nothing up.
        report: Told about progress.

    Raises:
        MedlabError: If the method is unknown, or a segment has no voxel.
    """
    check_grid(labels, spacing_mm)
    if method not in METHODS:
        raise MedlabError(
            f"method must be one of {', '.join(METHODS)}, got {method!r}.",
            code="bad-request",
        )
    if not mm > 0:
        raise MedlabError(
            f"Smoothing must reach further than 0, got {mm}. Try twice the spacing.",
            code="bad-request",
        )
    if segments is None:
        segments = [n for n in present(labels) if n not in fixed]
    if method == "joint":
        return smooth_together(
            labels, segments, mm, spacing_mm, fixed=fixed, report=report
        )
    if len(segments) != 1:
        raise MedlabError(
            f"{method} smooths one segment, got {len(segments)}. Choose one, or smooth "
            "several with joint.",
            code="bad-request",
        )
    segment = segments[0]
    tight = needs_voxels(box_of(labels == segment), segment)
    reach = [
        n + 1 for n in voxels_in(3 * mm if method == "gaussian" else mm, spacing_mm)
    ]
    box = grown(tight, reach, labels.shape)
    block = labels[slices(box)]
    mask = block == segment
    found = _smoothed(mask, method, mm, spacing_mm) & (writable(block, fixed) | mask)
    message = ""
    if np.array_equal(found, mask):
        message = "Nothing would change. Smooth over a longer distance."
    wanted = redrawn(labels, box, segment, found)
    return as_proposal(
        "smooth", labels, box, wanted, segments=[segment], message=message
    )


def present(labels: Labels) -> list[int]:
    """Ids that are drawn."""
    if labels.dtype == np.uint8:
        counts = np.bincount(labels.ravel(order="K"), minlength=2)
        return [int(n) for n in np.flatnonzero(counts) if n]
    return [int(n) for n in np.unique(labels) if n]


def _smoothed(mask: Mask, method: str, mm: float, spacing_mm: Spacing) -> Mask:
    if method == "median":
        # Odd sizes: a box has a middle, and no majority is a draw.
        sizes = [2 * round((mm / float(size) - 1) / 2) + 1 for size in spacing_mm]
        share = ndimage.uniform_filter(
            mask.astype(np.float32), [max(1, size) for size in sizes], mode="nearest"
        )
        return np.asarray(share > 0.5)
    if method == "gaussian":
        sigmas = [mm / float(size) for size in spacing_mm]
        share = ndimage.gaussian_filter(
            mask.astype(np.float32), sigmas, mode="nearest", truncate=3.0
        )
        return np.asarray(share > 0.5)
    radius = mm / 2
    if method == "open":
        return grown_by(shrunk_by(mask, radius, spacing_mm), radius, spacing_mm) & mask
    return shrunk_by(grown_by(mask, radius, spacing_mm), radius, spacing_mm) | mask
