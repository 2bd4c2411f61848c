"""Intensities on a common scale, so that one model fits scans of several machines."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError

_CT_HU = (-1000.0, 1000.0)
KINDS = ("auto", "ct", "zscore", "none")


def normalise(
    voxels: NDArray[Any], *, kind: str = "auto", modality: str = "unknown"
) -> NDArray[np.float32]:
    """Put intensities on a scale of about -1 to 1.

    Args:
        voxels: `(X, Y, Z[, C])`, any numeric type. Left unchanged.
        kind: `ct`: -1000..1000 HU become -1..1, what lies outside saturates.
            `zscore`: mean 0 and standard deviation 1, channel by channel, after the
            darkest and brightest 0.5 % saturate. `none`: as they are. `auto`: `ct` for
            a CT, and for a scan of unknown modality whose values are those of one
            (air below -800, something above 200); `zscore` for all others.
        modality: As `Volume.modality` tells.

    Returns:
        Same shape, float32. A voxel that is no number becomes the lowest value.

    Raises:
        MedlabError: If there is no such kind.
    """
    if kind not in KINDS:
        raise MedlabError(
            f"normalise is one of {', '.join(KINDS)}, got {kind!r}.",
            code="unknown-normalisation",
        )
    values = np.asarray(voxels, np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        lowest = float(values[finite].min()) if finite.any() else 0.0
        values = np.where(finite, values, np.float32(lowest))
    if kind == "auto":
        kind = "ct" if _is_ct(values, modality) else "zscore"
    if kind == "ct":
        low, high = _CT_HU
        return (np.clip(values, low, high) - (low + high) / 2) / ((high - low) / 2)
    return _zscore(values) if kind == "zscore" else values


def _is_ct(values: NDArray[np.float32], modality: str) -> bool:
    if modality == "unknown":
        return bool(values.min() < -800 and values.max() > 200)
    return modality == "CT"


def _zscore(values: NDArray[np.float32]) -> NDArray[np.float32]:
    low, high = np.percentile(values, (0.5, 99.5), axis=(0, 1, 2), keepdims=True)
    # A constant channel, or one bright voxel in the dark, has no spread to clip by.
    clipped = np.where(high > low, np.clip(values, low, high), values)
    mean = clipped.mean(axis=(0, 1, 2), keepdims=True, dtype=np.float64)
    spread = clipped.std(axis=(0, 1, 2), keepdims=True, dtype=np.float64)
    scaled = (clipped - mean) / np.where(spread > 0, spread, 1.0)
    return np.asarray(scaled, np.float32)
