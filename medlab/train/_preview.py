"""The picture an epoch leaves behind: image, label and prediction side by side."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medlab.augment import IGNORE
from medlab.train._checkpoint import replace_synced

_COLORS = np.array(
    [
        [0, 0, 0],
        [230, 159, 0],
        [86, 180, 233],
        [0, 158, 115],
        [240, 228, 66],
        [0, 114, 178],
        [213, 94, 0],
        [204, 121, 167],
    ],
    np.float32,
)
"""Source: Okabe and Ito's palette, told apart by colour-blind readers too."""


def write_preview(
    folder: Path, epoch: int, image: Any, labels: Any, prediction: Any
) -> str:
    """Draw one sample.

    Args:
        folder: `preview/` of a run.
        epoch: From 1; names the file.
        image: `(H, W[, D], C)` normalised, in canonical order.
        labels: `(H, W[, D])`; `IGNORE` is left dark.
        prediction: `(H, W[, D])` class numbers.

    Returns:
        The name of the PNG file.
    """
    picture = _grey(_middle(np.asarray(image)[..., 0]))
    truth = _middle(np.asarray(labels))
    found = _middle(np.asarray(prediction))
    parts = [picture, _overlay(picture, truth), _overlay(picture, found)]
    pixels = np.concatenate(parts, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    name = f"epoch-{epoch:04d}.png"
    replace_synced(folder / name, buffer.getbuffer())
    return name


def _middle(voxels: NDArray[Any]) -> NDArray[Any]:
    """Take a slice, as it lies on a screen: top row first, the patient's left right."""
    plane = voxels[..., voxels.shape[2] // 2] if voxels.ndim == 3 else voxels
    # Canonical axes grow to the right and the front (or up), the screen's against them.
    return plane[::-1, ::-1].T


def _grey(plane: NDArray[Any]) -> NDArray[np.float32]:
    low, high = np.percentile(plane, (1, 99.5))
    bright = np.clip((plane - low) / max(float(high - low), 1e-6), 0, 1) * 255
    return np.repeat(bright[..., None], 3, axis=2).astype(np.float32)


def _overlay(picture: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float32]:
    known = labels != IGNORE
    index = np.where(known, labels, 0)
    colors = _COLORS[np.where(index > 0, (index - 1) % (len(_COLORS) - 1) + 1, 0)]
    mixed = np.where((index > 0)[..., None], 0.45 * picture + 0.55 * colors, picture)
    return np.where(known[..., None], mixed, 0.35 * picture)
