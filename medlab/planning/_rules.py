"""The rules of a plan that stand alone, each with the reason it gives.

Source:
    Isensee et al., 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z, with its
    Supplementary Note 2. Where a rule is our own, its reason says what for.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from medlab.data import Fingerprint
from medlab.planning._decisions import Decisions
from medlab.planning._spacing import median_shape, target_spacing_mm

_MUCH_EMPTY = 0.75
_LONG_TRAINING = 10_000
_SMALL_SEGMENTS = 0.01
_SIDES = ("left", "right")


def decide_spacing(
    plan: Decisions, fingerprint: Fingerprint, plane: str | None
) -> tuple[int, int, int]:
    target, coarse = usual_spacing(fingerprint)
    reason = "The median of the scans"
    if plane is not None:
        target = _median_mm(fingerprint)
    elif coarse is not None:
        reason += (
            f", but the 10th percentile along {('right', 'front', 'up')[coarse]}, "
        )
        reason += "where voxels are more than 3 times as large"
    if len({case.spacing_mm for case in fingerprint.cases}) == 1:
        reason = "All scans have it"
    chosen = plan.take("spacing_mm", [round(size, 4) for size in target], f"{reason}.")
    return shape_at(fingerprint, chosen or target)


def decide_normalisation(plan: Decisions, fingerprint: Fingerprint) -> None:
    kinds = {case.modality for case in fingerprint.cases}
    inside = fingerprint.foreground
    empty = float(np.median([case.nonzero_share for case in fingerprint.cases]))
    if kinds == {"CT"} and inside and all(c.sd > 0 and c.low < c.high for c in inside):
        figures: dict[str, Any] = {"kind": "ct-percentiles"}
        names = {"low": "low", "high": "high", "mean": "mean", "std": "sd"}
        for name, source in names.items():
            values = [round(float(getattr(c, source)), 3) for c in inside]
            figures[name] = values[0] if len(values) == 1 else values
        plan.take(
            "normalise",
            figures,
            "CT has a unit: clipped at the 0.5 and 99.5 percentiles inside the segments, "
            "then their mean and standard deviation, alike for all scans.",
        )
    elif empty < _MUCH_EMPTY and kinds != {"CT"}:
        plan.take(
            "normalise",
            "zscore-nonzero",
            f"No unit, and {1 - empty:.0%} of a scan lies outside what is not 0: mean "
            "and spread of what is there.",
        )
    else:
        plan.take(
            "normalise",
            "ct" if kinds == {"CT"} else "auto" if kinds == {"unknown"} else "zscore",
            "Intensities without a unit: each scan by its own mean and spread."
            if kinds != {"CT"}
            else "CT has a unit; nothing is known inside the segments.",
        )


def decide_loss(plan: Decisions, fingerprint: Fingerprint, *, few: bool) -> None:
    plan.take(
        "loss",
        "dice+cross-entropy",
        "Dice counts small segments as much as large ones, cross-entropy trains evenly.",
    )
    voxels = sum(sum(case.voxels.values()) for case in fingerprint.cases)
    share = voxels / sum(math.prod(case.shape) for case in fingerprint.cases)
    if few:
        plan.take("foreground", 0.5, "Every other crop shows a segment.")
    elif share < _SMALL_SEGMENTS:
        plan.take(
            "foreground",
            0.5,
            f"Segments fill {share:.2%} of the scans: half of the patches show one.",
        )
    else:
        plan.take(
            "foreground", 0.33, "A third of the patches shows a segment for sure."
        )


def decide_optimiser(plan: Decisions, total: int, *, base: int) -> None:
    long = total >= _LONG_TRAINING
    name = plan.take(
        "optimizer",
        "sgd" if long else "adamw",
        f"{total:,} steps: "
        + (
            "long enough for Nesterov's momentum 0.99, which ends best."
            if long
            else "few, and AdamW learns faster."
        ),
    )
    usual = {"sgd": 1e-2}.get(name, 3e-3 if base <= 8 else 1e-3)
    plan.take("learning_rate", usual, f"Usual for {name} and networks this wide.")
    if name == "sgd":
        plan.take("weight_decay", 3e-5, "As nnU-Net.")
    plan.take("clip_norm", 12.0, "One odd batch must not undo the rest.")
    plan.take(
        "schedule",
        "poly" if long else "cosine",
        "Down to nothing at the last epoch.",
    )
    sided = [n for n in plan.fields.get("segments") or () if _has_side(n)]
    flips = long and not sided
    plan.take(
        "augmentation",
        {"flip_p": 0.5} if flips else "default",
        "Mirrored too: no segment is called left or right, and there is time to learn it."
        if flips
        else f"Not mirrored: {sided[0]} must stay on its side."
        if sided
        else "Moderate: few steps cannot learn mirror images as well.",
    )


def usual_spacing(
    fingerprint: Fingerprint,
) -> tuple[tuple[float, float, float], int | None]:
    cases = fingerprint.cases
    return target_spacing_mm([c.spacing_mm for c in cases], [c.shape for c in cases])


def _median_mm(fingerprint: Fingerprint) -> tuple[float, float, float]:
    sizes = np.median([case.spacing_mm for case in fingerprint.cases], axis=0)
    x, y, z = (float(size) for size in sizes)
    return x, y, z


def shape_at(
    fingerprint: Fingerprint, spacing_mm: Sequence[float]
) -> tuple[int, int, int]:
    cases = fingerprint.cases
    return median_shape(
        [c.spacing_mm for c in cases], [c.shape for c in cases], spacing_mm
    )


def _has_side(name: str) -> bool:
    return any(side in name.lower().replace("_", " ").split() for side in _SIDES)


def duration(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.2g} {unit}"
    return f"{seconds:.2g} s"
