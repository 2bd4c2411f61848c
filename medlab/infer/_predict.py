"""predict: labels for a scan, on the scan's own grid."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from medlab.backend import keras
from medlab.data import (
    as_slices,
    canonical_spacing_mm,
    from_canonical,
    from_slices,
    normalise,
    resample_to,
    resampled_shape,
    to_canonical,
)
from medlab.errors import MedlabError
from medlab.infer._sliding_window import pad_to, window_function
from medlab.labels import Labels, as_segments
from medlab.scans import open_scan
from medlab.train import Recipe, Run, open_run

_BATCH = 4
_MULTIPLE = 32


def predict(
    model: "keras.Model | Run | str | Path",
    scan: Any,
    *,
    recipe: Recipe | None = None,
    plane: str | None = None,
    segments: Any = None,
    largest_only: bool = False,
    home: Any = None,
) -> Labels:
    """Label a scan with a trained model.

    The scan is turned, scaled and cut as the recipe says, and the result is brought
    back to the very grid of the scan, whatever its orientation.

    Args:
        model: A run, its id or folder; or any Keras model from `(B, H, W, C)` slices or
            `(B, X, Y, Z, C)` patches, in canonical order, to logits.
        scan: A `Volume`, or a path as `open_scan` takes it.
        recipe: How the model was trained; that of the run by default.
        plane: In which plane slices are taken, where the recipe does not tell.
        segments: Names of classes 1, 2, ...; those of the recipe by default.
        largest_only: Keep of each segment only its largest connected part. Off by
            default: it also removes what is rightly in two parts.
        home: Where runs are looked for; found from the working folder by default.

    Returns:
        Labels on the grid of the scan.

    Raises:
        MedlabError: If the model does not fit the scan.
    """
    network, recipe = _open(model, recipe, home)
    volume = open_scan(scan, home=home) if isinstance(scan, (str, Path)) else scan
    image = _prepare(network, volume, recipe)
    classes = int(network.output_shape[-1])
    if len(network.input_shape) == 4:
        chosen = plane or recipe.plane or "axial"
        winner = _by_slice(network, image, chosen, recipe.patch)
    else:
        winner = _by_patch(network, image, recipe.patch)
    shape = to_canonical(np.empty(volume.voxels.shape[:3], bool), volume.affine).shape
    winner = resample_to(winner, shape, labels=True)
    if largest_only:
        winner = keep_largest(winner)
    names = segments or recipe.segments
    names = names or [f"segment {number}" for number in range(1, classes)]
    if len(names) != classes - 1:
        raise MedlabError(
            f"This model tells {classes - 1} segments apart, got {len(names)} names. "
            "Pass as many segments.",
            code="bad-segments",
        )
    voxels = np.ascontiguousarray(from_canonical(winner, volume.affine))
    return Labels(voxels, np.array(volume.affine, np.float64), as_segments(names))


def keep_largest(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep of each label its largest part, voxels touching by faces."""
    kept = np.zeros_like(labels)
    for label in np.unique(labels[labels > 0]):
        parts, count = ndimage.label(labels == label)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        kept[parts == sizes.argmax()] = label
    return kept


def _open(model: Any, recipe: Recipe | None, home: Any) -> tuple[keras.Model, Recipe]:
    if isinstance(model, keras.Model):
        found = recipe or Recipe()
    else:
        run = open_run(model, home)
        model, found = run.model(), recipe or run.recipe
    if len(model.input_shape) not in (4, 5) or len(model.output_shape) != len(
        model.input_shape
    ):
        raise MedlabError(
            "predict needs a model from slices (B, H, W, C) or patches (B, X, Y, Z, C) "
            "to as many classes a voxel, got one from "
            f"{model.input_shape} to {model.output_shape}.",
            code="bad-model",
        )
    return model, found


def _prepare(network: keras.Model, volume: Any, recipe: Recipe) -> NDArray[np.float32]:
    image = to_canonical(np.asarray(volume.voxels), volume.affine)
    image = normalise(image, kind=recipe.normalise, modality=volume.modality)
    image = image if image.ndim == 4 else image[..., None]
    channels = network.input_shape[-1]
    if channels not in (None, image.shape[-1]):
        raise MedlabError(
            f"This model takes scans of {channels} channels, got {image.shape[-1]}. "
            "Choose a scan like those it was trained on.",
            code="channels-differ",
        )
    if recipe.spacing_mm:
        own_mm = canonical_spacing_mm(volume.affine)
        target = tuple(recipe.spacing_mm)
        image = resample_to(image, resampled_shape(image.shape[:3], own_mm, target))
    return image


def _by_slice(
    network: keras.Model,
    image: NDArray[np.float32],
    plane: str,
    patch: list[int] | None,
) -> NDArray[np.uint8]:
    stack = as_slices(image, plane)
    window = _window(network, stack.shape[1:3], patch)
    found = np.zeros(stack.shape[:3], _dtype(network))
    if any(size > side for size, side in zip(stack.shape[1:3], window, strict=True)):
        slide = window_function(network, window)
        for index, plane_image in enumerate(stack):
            found[index] = slide(np.ascontiguousarray(plane_image)).argmax(-1)
        return from_slices(found, plane)
    for first in range(0, len(stack), _BATCH):
        rows = np.arange(first, min(first + _BATCH, len(stack)))
        # The last batch is filled up with its last slice: one shape, one program.
        filled = np.pad(rows, (0, _BATCH - len(rows)), mode="edge")
        padded = [pad_to(stack[row], window) for row in filled]
        logits = network.predict_on_batch(np.stack([image for image, _ in padded]))
        inner = (slice(None), *padded[0][1])
        found[rows] = logits.argmax(-1)[inner][: len(rows)]
    return from_slices(found, plane)


def _by_patch(
    network: keras.Model, image: NDArray[np.float32], patch: list[int] | None
) -> NDArray[np.uint8]:
    limit = [min(-(-size // 16) * 16, 64) for size in image.shape[:3]]
    window = _window(network, image.shape[:3], patch or limit)
    found = window_function(network, window)(np.ascontiguousarray(image))
    return np.asarray(found.argmax(-1), _dtype(network))


def _window(
    network: keras.Model, size: tuple[int, ...], patch: list[int] | None
) -> tuple[int, ...]:
    """What the model sees at a time: its own size, else as in training, else all."""
    whole = [-(-extent // _MULTIPLE) * _MULTIPLE for extent in size]
    usual = patch or whole
    fixed = network.input_shape[1:-1]
    return tuple(own or side for own, side in zip(fixed, usual, strict=True))


def _dtype(network: keras.Model) -> Any:
    return np.uint8 if network.output_shape[-1] <= 256 else np.uint16
