"""predict: labels for a scan, on the scan's own grid."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.backend import keras
from medlab.data import (
    as_slices,
    from_canonical,
    from_slices,
    resample_to,
    to_canonical,
)
from medlab.errors import MedlabError
from medlab.infer._opened import Opened, open_models
from medlab.infer._parts import keep_largest as keep_largest
from medlab.infer._sliding_window import window_labels
from medlab.infer._window import Window, as_axes
from medlab.labels import Labels, as_segments
from medlab.scans import open_scan
from medlab.train import Recipe, Run

_AT_ONCE = 4
_MULTIPLE = 32
_ACROSS = {"sagittal": 0, "coronal": 1, "axial": 2}


def predict(
    model: "keras.Model | Run | str | Path | Sequence[Any]",
    scan: Any,
    *,
    recipe: Recipe | None = None,
    plane: str | None = None,
    segments: Any = None,
    largest_only: bool | None = None,
    overlap: float = 0.5,
    mirror: bool | Sequence[int] = False,
    memory_mb: float | None = None,
    home: Any = None,
) -> Labels:
    """Label a scan with a trained model.

    The scan is turned, scaled and cut as the recipe says, and the result is brought
    back to the very grid of the scan, whatever its orientation.

    Args:
        model: A run, its id or folder; or any Keras model from `(B, H, W, C)` slices or
            `(B, X, Y, Z, C)` patches, in canonical order, to logits. Or a list of them:
            an ensemble, whose probabilities are averaged.
        scan: A `Volume`, or a path as `open_scan` takes it.
        recipe: How the model was trained; that of the run by default.
        plane: In which plane slices are taken, where the recipe does not tell.
        segments: Names of classes 1, 2, ...; those of the recipe by default.
        largest_only: Keep only the largest connected part: True of each segment, False
            of none; by default of those that the recipe names. It also removes what is
            rightly in two parts.
        overlap: Share of a patch that the next one sees again, where a scan is larger.
        mirror: Average over mirrored scans too: True along all axes, or axes 0
            (right-left), 1 (front-back), 2 (up-down). Each axis doubles the time. Only
            for models that have learnt from mirrored scans.
        memory_mb: Most memory (MiB) that adding up patches may take; see
            `sliding_window`.
        home: Where runs are looked for; found from the working folder by default.

    Returns:
        Labels on the grid of the scan.

    Raises:
        MedlabError: If the model does not fit the scan.
    """
    opened = open_models(model, recipe, home)
    volume = open_scan(scan, home=home) if isinstance(scan, (str, Path)) else scan
    image = opened.picture(volume)
    winner = label_picture(
        opened, image, plane=plane, overlap=overlap, mirror=mirror, memory_mb=memory_mb
    )
    names = list(segments or opened.names)
    labels = opened.channels if opened.members is None else opened.members.shape[1]
    if len(names) != labels - 1:
        raise MedlabError(
            f"This model tells {labels - 1} segments apart, got {len(names)} names. "
            "Pass as many segments.",
            code="bad-segments",
        )
    shape = to_canonical(np.empty(volume.voxels.shape[:3], bool), volume.affine).shape
    winner = resample_to(winner, shape, labels=True)
    winner = keep_largest(winner, _alone(largest_only, opened.recipe, names))
    voxels = np.ascontiguousarray(from_canonical(winner, volume.affine))
    return Labels(voxels, np.array(volume.affine, np.float64), as_segments(names))


def label_picture(
    opened: Opened,
    image: NDArray[np.float32],
    *,
    plane: str | None = None,
    overlap: float = 0.5,
    mirror: bool | Sequence[int] = False,
    memory_mb: float | None = None,
) -> NDArray[Any]:
    """Find the label of each voxel of what the models look at.

    Args:
        opened: The models.
        image: `(X, Y, Z, C)`, as `Opened.picture` makes it, or some slices of it.
        plane: In which plane slices are taken; that of the recipe by default.
        overlap, mirror, memory_mb: See `predict`.

    Returns:
        Labels `(X, Y, Z)`.
    """
    axes, patch = as_axes(mirror, 3), opened.recipe.patch
    if not opened.by_slice:
        usual = patch or [min(-(-size // 16) * 16, 64) for size in image.shape[:3]]
        window = Window(_seen(opened, usual), overlap, axes, memory_mb)
        return np.asarray(_labels(opened, image[None], window)[0])
    plane = plane or opened.recipe.plane or "axial"
    stack = as_slices(image, plane)
    whole = [-(-size // _MULTIPLE) * _MULTIPLE for size in stack.shape[1:3]]
    within = [axis for axis in range(3) if axis != _ACROSS[plane]]
    mirrored = tuple(number for number, axis in enumerate(within) if axis in axes)
    window = Window(_seen(opened, patch or whole), overlap, mirrored, memory_mb)
    found = []
    for first in range(0, len(stack), _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, len(stack)))
        # The last few are filled up with the last slice: one shape, one program.
        filled = np.pad(rows, (0, _AT_ONCE - len(rows)), mode="edge")
        found.append(_labels(opened, stack[filled], window)[: len(rows)])
    return np.ascontiguousarray(from_slices(np.concatenate(found), plane))


def _labels(
    opened: Opened, images: NDArray[np.float32], window: Window
) -> NDArray[Any]:
    return window_labels(
        *(opened.looks, images, window),
        classes=opened.channels,
        members=opened.members,
    )


def _seen(opened: Opened, usual: Sequence[int]) -> tuple[int, ...]:
    """What the model sees at a time: its own size, or else the usual one."""
    fixed = opened.models[0].input_shape[1:-1]
    return tuple(int(own or side) for own, side in zip(fixed, usual, strict=True))


def _alone(
    largest_only: bool | None, recipe: Recipe, names: Sequence[str]
) -> Iterable[int] | None:
    """The labels of which one part is kept; None for all of them."""
    if largest_only is None:
        return [n for n, name in enumerate(names, 1) if name in recipe.largest_only]
    return None if largest_only else []
