"""Dice: how much two label maps agree, segment by segment."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans import plane_axes


def dice(
    prediction: Any,
    truth: Any,
    segments: Iterable[str] | None = None,
    slices: Iterable[int] | None = None,
    *,
    plane: str = "axial",
) -> dict[str, float]:
    """Twice the voxels in common, divided by the voxels of both.

    Args:
        prediction, truth: Labels on one grid, whose segments are matched by name; or
            `(I, J, K)` arrays of whole numbers, whose equal numbers are matched.
        segments: Names to compare; by default those that both sides have.
        slices: Slices to look at, numbered along the scan's own axis; all by default.
        plane: In which plane the slices are numbered. Arrays have no patient: there
            `axial` is the last axis, `coronal` the middle one, `sagittal` the first.

    Returns:
        Dice from 0 to 1 for each name. NaN where both sides are empty: nothing was there
        to be found, and nothing was.

    Raises:
        MedlabError: If the grids differ, or a segment is not on both sides.

    Source:
        Dice, 1945, https://doi.org/10.2307/1932409.

    Example:
        >>> dice(np.array([[[1, 1, 0]]]), np.array([[[1, 0, 0]]]))
        {'1': 0.6666666666666666}
    """
    ours, theirs = _voxels(prediction), _voxels(truth)
    _check_grid(prediction, truth, ours.shape, theirs.shape)
    if slices is not None:
        chosen = _chosen_slices(prediction, plane, ours.shape, list(slices))
        ours, theirs = ours[chosen], theirs[chosen]
    here, there = _ids(prediction, ours), _ids(truth, theirs)
    names = list(segments) if segments is not None else [n for n in here if n in there]
    missing = [name for name in names if name not in here or name not in there]
    if missing or not names:
        raise MedlabError(
            "Dice compares segments that both label maps have, got "
            f"{', '.join(missing) or 'none in common'}. The prediction has "
            f"{', '.join(here) or 'none'}, the other {', '.join(there) or 'none'}.",
            code="no-such-segment",
        )
    return {n: _overlap(ours == here[n], theirs == there[n]) for n in names}


def _overlap(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float:
    both = int(ours.sum()) + int(theirs.sum())
    return 2 * int((ours & theirs).sum()) / both if both else float("nan")


def _voxels(labels: Any) -> NDArray[Any]:
    return np.asarray(getattr(labels, "voxels", labels))


def _ids(labels: Any, voxels: NDArray[Any]) -> dict[str, int]:
    if hasattr(labels, "segments"):
        return {segment.name: segment.id for segment in labels.segments}
    return {str(i): int(i) for i in np.unique(voxels) if i != 0}


def _check_grid(
    prediction: Any, truth: Any, shape: tuple[int, ...], other: tuple[int, ...]
) -> None:
    same = shape == other
    if same and hasattr(prediction, "affine") and hasattr(truth, "affine"):
        same = np.allclose(prediction.affine, truth.affine, atol=1e-3)
    if not same:
        raise MedlabError(
            "Dice compares labels on one grid, got "
            + (
                f"the shapes {shape} and {other}. "
                if shape != other
                else f"two places in space for the shape {shape}. "
            )
            + "Compare labels drawn or predicted on the same scan.",
            code="grid-mismatch",
        )


def _chosen_slices(
    labels: Any, plane: str, shape: tuple[int, ...], slices: list[int]
) -> tuple[Any, ...]:
    affine = getattr(labels, "affine", np.eye(4))
    axis = plane_axes(affine, plane).slices
    outside = [index for index in slices if not 0 <= index < shape[axis]]
    if outside:
        raise MedlabError(
            f"The {plane} slices are numbered 0 to {shape[axis] - 1}, got "
            f"{', '.join(map(str, outside))}. Choose slices inside the scan.",
            code="slice-outside",
        )
    chosen: list[Any] = [slice(None)] * 3
    chosen[axis] = sorted(set(slices))
    return tuple(chosen)
