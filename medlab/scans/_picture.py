"""Windows and thumbnails: a volume as grey values on a screen."""

import io

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import plane_axes
from medlab.scans._volume import Volume

THUMBNAIL_PIXELS = 96


def proposed_window(
    voxels: NDArray,
    modality: str,
    own: tuple[float, float] | None = None,
    padding: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Center and width that show a volume well at first sight.

    The file's own window if it has one; soft tissue for CT; else what lies between the
    1st and the 99.5th percentile.

    Args:
        voxels: Any shape; a sample of it is looked at.
        modality: "CT", "MR", ...
        own: Center and width from the file.
        padding: Lowest and highest value of voxels that were not measured; left out.

    Returns:
        Center and width in the unit of the voxels; the width is more than 0.
    """
    if own is not None and own[1] > 0 and np.isfinite(own).all():
        return own
    if modality == "CT":
        return 40.0, 400.0
    flat = voxels.ravel(order="K")
    sample = flat[:: max(flat.size // 200_000, 1)].astype(np.float32)
    sample = sample[np.isfinite(sample)]
    if padding is not None:
        sample = sample[(sample < padding[0]) | (sample > padding[1])]
    if not sample.size:
        return 0.5, 1.0
    low, high = np.percentile(sample, [1, 99.5])
    if high <= low:
        low, high = sample.min(), sample.max()
    return float((low + high) / 2), float(max(high - low, 1e-6))


def measured_range(
    voxels: NDArray, padding: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Lowest and highest intensity, padding left out.

    Args:
        voxels: Any shape, the slices along the last axis; looked at one by one.
        padding: Lowest and highest value of voxels that were not measured.
    """
    if padding is None:
        return float(voxels.min()), float(voxels.max())
    lows, highs = [], []
    for k in range(voxels.shape[-1]):
        picture = voxels[..., k]
        measured = picture[(picture < padding[0]) | (picture > padding[1])]
        if measured.size:
            lows.append(float(measured.min()))
            highs.append(float(measured.max()))
    return (min(lows), max(highs)) if lows else (padding[0], padding[1])


def draw_thumbnail(volume: Volume) -> bytes:
    """A PNG of the middle axial slice, at most 96 pixels wide and high."""
    from PIL import Image

    axes = plane_axes(volume.affine, "axial")
    middle = volume.shape[axes.slices] // 2
    picture = np.take(volume.voxels, middle, axis=axes.slices)
    if axes.right < axes.down:
        picture = picture.swapaxes(0, 1)
    if axes.down_flip:
        picture = picture[::-1]
    if axes.right_flip:
        picture = picture[:, ::-1]
    if picture.ndim == 3:
        grey = picture[..., :3].astype(np.uint8)
    else:
        window = proposed_window(
            volume.voxels, volume.modality, volume.window, volume.padding
        )
        low = window[0] - window[1] / 2
        scaled = (np.nan_to_num(picture).astype(np.float32) - low) / window[1]
        shown = scaled.clip(0, 1)
        if volume.is_inverted:
            shown = 1 - shown
        grey = (shown * 255).astype(np.uint8)
    spacing = volume.spacing_mm
    height = picture.shape[0] * spacing[axes.down]
    width = picture.shape[1] * spacing[axes.right]
    scale = THUMBNAIL_PIXELS / max(width, height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    image = Image.fromarray(np.ascontiguousarray(grey))
    out = io.BytesIO()
    image.resize(size, Image.Resampling.BILINEAR).save(out, "PNG")
    return out.getvalue()
