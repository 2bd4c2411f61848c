"""Intensities on a common scale, so that one model fits scans of several machines."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError

Normalisation = str | Mapping[str, Any]
"""A word of `KINDS`, or a mapping with `kind` and the figures of that kind."""

_CT_HU = (-1000.0, 1000.0)
KINDS = ("auto", "ct", "zscore", "zscore-nonzero", "none")
_PERCENTILES = "ct-percentiles"
_FIGURES = ("low", "high", "mean", "std")


def normalise(
    voxels: NDArray[Any], *, kind: Normalisation = "auto", modality: str = "unknown"
) -> NDArray[np.float32]:
    """Put intensities on a scale of about -1 to 1.

    Args:
        voxels: `(X, Y, Z[, C])`, any numeric type. Left unchanged.
        kind: `ct`: -1000..1000 HU become -1..1, what lies outside saturates.
            `zscore`: mean 0 and standard deviation 1, channel by channel, after the
            darkest and brightest 0.5 % saturate. `zscore-nonzero`: mean 0 and standard
            deviation 1 of what is not 0 in any channel, and 0 elsewhere: for skulls
            stripped from MR. `none`: as they are. `auto`: `ct` for a CT, and for a scan of
            unknown modality whose values are those of one (air below -800, something
            above 200); `zscore` for all others.
            A mapping `{"kind": "ct-percentiles", "low":, "high":, "mean":, "std":}`
            saturates below `low` and above `high`, then subtracts `mean` and divides by
            `std`: the same figures for all scans of a data set, a number or one for each
            channel. `medlab.plan` finds them.
        modality: As `Volume.modality` tells.

    Returns:
        Same shape, float32. A voxel that is no number becomes the lowest value.

    Raises:
        MedlabError: If there is no such kind, or its figures make no scale.

    Source:
        Isensee et al., 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z,
        Supplementary Note 2 (`ct-percentiles`, `zscore-nonzero`).

    Example:
        >>> ct = {"kind": "ct-percentiles", "low": -50, "high": 150, "mean": 50, "std": 100}
        >>> normalise(np.array([[[-500.0, 50.0, 100.0]]]), kind=ct).ravel()
        array([-1. ,  0. ,  0.5], dtype=float32)
    """
    name, figures = _read(kind)
    values = np.asarray(voxels, np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        lowest = float(values[finite].min()) if finite.any() else 0.0
        values = np.where(finite, values, np.float32(lowest))
    if name == "auto":
        name = "ct" if _is_ct(values, modality) else "zscore"
    if name == "ct":
        low, high = _CT_HU
        return (np.clip(values, low, high) - (low + high) / 2) / ((high - low) / 2)
    if name == _PERCENTILES:
        bottom, top, mean, std = (np.asarray(figures[f], np.float32) for f in _FIGURES)
        return np.asarray((np.clip(values, bottom, top) - mean) / std, np.float32)
    if name == "zscore-nonzero":
        return _zscore_nonzero(values)
    return _zscore(values) if name == "zscore" else values


def _read(kind: Normalisation) -> tuple[str, Mapping[str, Any]]:
    if isinstance(kind, str) and kind in KINDS:
        return kind, {}
    if isinstance(kind, Mapping):
        if set(kind) == {"kind"} and kind["kind"] in KINDS:
            return str(kind["kind"]), {}
        if kind.get("kind") == _PERCENTILES and set(kind) == {"kind", *_FIGURES}:
            _check_figures(kind)
            return _PERCENTILES, kind
    raise MedlabError(
        f"normalise is one of {', '.join(KINDS)}, or a mapping with kind: "
        f"{_PERCENTILES} and the numbers {', '.join(_FIGURES)}, got {kind!r}.",
        code="unknown-normalisation",
    )


def _check_figures(figures: Mapping[str, Any]) -> None:
    try:
        low, high, mean, std = (np.asarray(figures[f], np.float64) for f in _FIGURES)
        fits = bool(np.isfinite(mean).all() and (low < high).all() and (std > 0).all())
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise MedlabError(
            f"{_PERCENTILES} needs numbers with low below high and std above 0, got "
            f"{', '.join(f'{f}: {figures[f]!r}' for f in _FIGURES)}. "
            "medlab.plan(cases) finds them.",
            code="unknown-normalisation",
        )


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


def _zscore_nonzero(values: NDArray[np.float32]) -> NDArray[np.float32]:
    inside = (values != 0).any(axis=-1) if values.ndim == 4 else values != 0
    scaled = np.zeros_like(values)
    if inside.any():
        brain = values[inside]
        spread = brain.std(axis=0, dtype=np.float64)
        mean = brain.mean(axis=0, dtype=np.float64)
        scaled[inside] = (brain - mean) / np.where(spread > 0, spread, 1.0)
    return scaled
