"""A picture of a result: scan, reference and prediction, a few slices of each."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from medlab.scans import plane_axes

_SHOWN_SIDE = 256


def picture(
    scan: Any,
    prediction: Any,
    truth: Any = None,
    *,
    plane: str = "axial",
    slices: list[int] | None = None,
) -> Image.Image:
    """Draw slices as rows: the scan, with the reference, with the prediction.

    Radiological: the patient's left on the right, front or head at the top.

    Args:
        scan: A `Volume`.
        prediction: Labels on its grid.
        truth: Labels to compare with, drawn in the colours of their own segments.
        plane: Which plane.
        slices: Numbered along the scan's own axis; by default four, spread over what
            is labelled.

    Returns:
        A picture; `.save("result.png")` writes it.
    """
    axes = plane_axes(scan.affine, plane)
    labelled = np.asarray(prediction.voxels) != 0
    if slices is None:
        others = tuple(axis for axis in range(3) if axis != axes.slices)
        found = np.flatnonzero(labelled.any(axis=others))
        found = found if len(found) else np.arange(labelled.shape[axes.slices])
        middle = (np.arange(4) + 0.5) / 4 * len(found)
        slices = sorted({int(found[int(place)]) for place in middle})
    low, high = _window(scan)
    maps = [labels for labels in (truth, prediction) if labels is not None]
    aspect = scan.spacing_mm[axes.down] / scan.spacing_mm[axes.right]
    rows = []
    for index in slices:
        grey = _on_screen(np.asarray(scan.voxels), axes, index).astype(np.float64)
        grey = grey.mean(axis=-1) if grey.ndim == 3 else grey
        bright = np.clip((grey - low) / max(high - low, 1e-6), 0, 1) * 255
        base = np.repeat(bright[..., None], 3, axis=2)
        tiles = [base]
        for labels in maps:
            drawn = _on_screen(np.asarray(labels.voxels), axes, index)
            colors = {s.id: _rgb(s.color) for s in labels.segments}
            tiles.append(overlay(base, drawn, colors))
        rows.append(np.concatenate([_resize(tile, aspect) for tile in tiles], axis=1))
    return Image.fromarray(np.concatenate(rows).astype(np.uint8))


def overlay(
    base: NDArray[Any], labels: NDArray[Any], colors: dict[int, tuple[int, int, int]]
) -> NDArray[Any]:
    """Lay coloured labels `(H, W)` over a picture `(H, W, 3)`, half transparent."""
    mixed = np.array(base, np.float64)
    for label, color in colors.items():
        there = labels == label
        mixed[there] = 0.45 * mixed[there] + 0.55 * np.array(color)
    return mixed


def _window(scan: Any) -> tuple[float, float]:
    if scan.modality == "CT":
        return -1000.0, 400.0
    values = np.asarray(scan.voxels)[::2, ::2, ::2]
    low, high = np.percentile(values[np.isfinite(values)], (1, 99.5))
    return float(low), float(high)


def _on_screen(voxels: NDArray[Any], axes: Any, index: int) -> NDArray[Any]:
    """Take a slice as rows from the top of the screen, columns from its left."""
    order = (axes.down, axes.right, axes.slices, *range(3, voxels.ndim))
    plane = voxels.transpose(order)[:, :, index]
    plane = plane[::-1] if axes.down_flip else plane
    return plane[:, ::-1] if axes.right_flip else plane


def _resize(tile: NDArray[Any], aspect: float) -> NDArray[Any]:
    height, width = tile.shape[0] * aspect, tile.shape[1]
    scale = _SHOWN_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(tile.astype(np.uint8)).resize(
        size, Image.Resampling.NEAREST
    )
    return np.asarray(image, np.float64)


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue
