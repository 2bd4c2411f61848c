"""The ways to learn a data set: slice by slice, in 3D, in 3D at a lower resolution.

Source:
    Isensee et al., 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z, with its
    Supplementary Note 2; Isensee et al., 2024, https://arxiv.org/abs/2404.09556, for what
    matters and what does not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medlab.data import Fingerprint
from medlab.errors import MedlabError
from medlab.planning._cost import Cost, step_cost
from medlab.planning._decisions import Decisions, Reason
from medlab.planning._network import CostOf, Network, fitted_network
from medlab.planning._resources import MOST_STEPS, Resources
from medlab.planning._rules import (
    decide_loss,
    decide_normalisation,
    decide_optimiser,
    decide_spacing,
    duration,
    shape_at,
    usual_spacing,
)
from medlab.planning._spacing import low_resolution
from medlab.planning._topology import Topology
from medlab.train import Recipe

_PLANE_ACROSS = ("sagittal", "coronal", "axial")
_STEPS_AN_EPOCH, _EPOCHS_WANTED, _FEWEST_AN_EPOCH = 250, 50, 10
_ENOUGH_SEEN = 0.25
_SLICE_WIDTHS = (8, 16, 32, 64, 128)
_SLICE_LIMIT, _SLICE_BATCH, _SLICE_EPOCHS = 256, 4, 30


@dataclass(frozen=True)
class Configuration:
    """One way to learn a data set.

    Args:
        name: `2d`, `3d` or `3d_low`.
        recipe: What to train.
        reasons: Every decision with its reason.
        cost: Of a training step.
        step_s: Seconds of a step, roughly.
        shape: Of the middle scan at the recipe's voxel size.
        seen: Share of that scan which a patch covers.
    """

    name: str
    recipe: Recipe
    reasons: tuple[Reason, ...]
    cost: Cost
    step_s: float
    shape: tuple[int, int, int]
    seen: float


def is_few_slices(fingerprint: Fingerprint) -> bool:
    """Whether a person labelled a few slices here and there, not whole scans."""
    return any(2 * case.labelled_slices < case.slices for case in fingerprint.cases)


def configurations(
    fingerprint: Fingerprint,
    cases: list[dict[str, Any]],
    resources: Resources,
    fixed: dict[str, Any],
) -> dict[str, Configuration]:
    """Plan every configuration that makes sense, by name."""
    names = {"segments": list(fingerprint.segments)}
    given = {"cases": cases, **names, **fixed}
    if is_few_slices(fingerprint):
        return {"2d": _few_slices(fingerprint, resources, given)}
    two, three = _ranks(fixed)
    found = {}
    if two:
        found["2d"] = _two_d(fingerprint, resources, given)
    if three:
        full = _three_d("3d", fingerprint, resources, given, None)
        found["3d"] = full
        patch = full.recipe.patch or full.shape
        if full.seen < _ENOUGH_SEEN and "spacing_mm" not in fixed:
            spacing = full.recipe.spacing_mm or (1.0, 1.0, 1.0)
            x, y, z = spacing
            coarse, shape = low_resolution((x, y, z), full.shape, patch, _ENOUGH_SEEN)
            # Half as many voxels at least, or it would be the same again.
            if 2 * math.prod(shape) < math.prod(full.shape):
                found["3d_low"] = _three_d(
                    "3d_low", fingerprint, resources, given, coarse
                )
    return found


def _ranks(fixed: dict[str, Any]) -> tuple[bool, bool]:
    """Whether 2D, and whether 3D, go with what a person decided."""
    sides = len(fixed.get("patch") or ())
    plane = fixed.get("plane", "either")
    two, three = sides in (0, 2) and plane is not None, sides in (0, 3)
    three = three and plane in (None, "either")
    if not two and not three:
        raise MedlabError(
            "A patch has 2 sides in a plane and 3 without one, got the patch "
            f"{fixed['patch']} and the plane {plane if sides in (2, 3) else 'free'}. "
            "Change one of them.",
            code="bad-plan",
        )
    return two, three


def _few_slices(
    fingerprint: Fingerprint, resources: Resources, given: dict[str, Any]
) -> Configuration:
    plan = Decisions(given)
    plane = plan.take(
        "plane", "axial", "A few slices are labelled: learn slice by slice."
    )
    shape = decide_spacing(plan, fingerprint, plane)
    decide_normalisation(plan, fingerprint)
    axes = _in_plane(plane)
    template = plan.take(
        "template_args",
        {"widths": list(_SLICE_WIDTHS)},
        "Few slices teach a narrow network as much as a wide one, in a minute or two.",
    )
    widths = list(template.get("widths") or _SLICE_WIDTHS)
    multiple = 2 ** (len(widths) - 1)
    patch = plan.take(
        "patch",
        [min(-(-shape[axis] // multiple) * multiple, _SLICE_LIMIT) for axis in axes],
        f"Whole slices, up to {_SLICE_LIMIT} a side.",
    )
    batch = plan.take("batch", _SLICE_BATCH, "Small steps, more of them.")
    plain = Topology(((2, 2),) * (len(widths) - 1), ((3, 3),) * len(widths))
    cost = _cost_of(fingerprint, 4)(patch, batch, plain, widths)
    decide_loss(plan, fingerprint, few=True)
    labelled = sum(case.labelled_slices for case in fingerprint.cases)
    steps = given.get("steps_per_epoch") or min(
        max(math.ceil(labelled / batch), _FEWEST_AN_EPOCH), _STEPS_AN_EPOCH
    )
    decide_optimiser(plan, _SLICE_EPOCHS * steps, base=widths[0])
    plan.take("steps_per_epoch", steps, "Once through the slices, 10 steps at least.")
    plan.take("epochs", _SLICE_EPOCHS, "Enough for a few slices; the buttons add more.")
    return _configuration("2d", plan, resources, cost, shape, fingerprint)


def _two_d(
    fingerprint: Fingerprint, resources: Resources, given: dict[str, Any]
) -> Configuration:
    plan = Decisions(given)
    spacing, _ = usual_spacing(fingerprint)
    coarsest = int(np.argmax(spacing)) if max(spacing) > 1.1 * min(spacing) else 2
    plane = plan.take(
        "plane",
        _PLANE_ACROSS[coarsest],
        "Slices are sharpest across the axis with the largest voxels, "
        f"{spacing[coarsest]:g} mm."
        if max(spacing) > 1.1 * min(spacing)
        else "Voxels are alike along all axes: axial, as most scans are read.",
    )
    shape = decide_spacing(plan, fingerprint, plane)
    decide_normalisation(plan, fingerprint)
    axes = _in_plane(plane)
    spacing_mm = plan.fields["spacing_mm"] or spacing
    return _full(
        "2d",
        plan,
        fingerprint,
        resources,
        shape,
        [shape[axis] for axis in axes],
        [spacing_mm[axis] for axis in axes],
    )


def _three_d(
    name: str,
    fingerprint: Fingerprint,
    resources: Resources,
    given: dict[str, Any],
    coarse_mm: tuple[float, float, float] | None,
) -> Configuration:
    plan = Decisions(given)
    plan.take("plane", None, "Patches of the volume: neighbouring slices help.")
    if coarse_mm is None:
        shape = decide_spacing(plan, fingerprint, None)
    else:
        plan.take(
            "spacing_mm",
            [round(size, 3) for size in coarse_mm],
            "Coarser, until a patch shows a quarter of the scan: sees the whole, "
            "and a cascade sharpens it.",
        )
        shape = shape_at(fingerprint, plan.fields["spacing_mm"])
    decide_normalisation(plan, fingerprint)
    spacing_mm = plan.fields["spacing_mm"] or usual_spacing(fingerprint)[0]
    return _full(name, plan, fingerprint, resources, shape, shape, spacing_mm)


def _full(
    name: str,
    plan: Decisions,
    fingerprint: Fingerprint,
    resources: Resources,
    shape: tuple[int, int, int],
    sides: Sequence[int],
    spacing_mm: Sequence[float],
) -> Configuration:
    """Decide what 2D and 3D have in common, once voxels and axes are known."""
    on_gpu = resources.machine.device == "gpu"
    precision = plan.take(
        "precision",
        "mixed_bfloat16" if on_gpu else "float32",
        "Half the memory, and faster on a GPU." if on_gpu else "Fastest on a CPU.",
    )
    network = _network(plan, fingerprint, resources, precision, sides, spacing_mm)
    _describe(plan, network, resources, sides)
    decide_loss(plan, fingerprint, few=False)
    given_steps = plan.fixed.get("steps_per_epoch"), plan.fixed.get("epochs")
    total = resources.steps(network.cost)
    if all(given_steps):
        total = math.prod(given_steps)  # type: ignore[arg-type]
    decide_optimiser(plan, total, base=network.widths[0])
    an_epoch = plan.take(
        "steps_per_epoch",
        min(max(total // _EPOCHS_WANTED, _FEWEST_AN_EPOCH), _STEPS_AN_EPOCH),
        "A picture and a validation figure now and then, 250 steps apart at most.",
    )
    plan.take(
        "epochs",
        max(1, total // an_epoch),
        f"What fits {duration(resources.budget_s)}"
        + (
            ", and no more than nnU-Net's 250,000 steps."
            if total == MOST_STEPS
            else "."
        ),
    )
    return _configuration(name, plan, resources, network.cost, shape, fingerprint)


def _network(
    plan: Decisions,
    fingerprint: Fingerprint,
    resources: Resources,
    precision: str,
    sides: Sequence[int],
    spacing_mm: Sequence[float],
) -> Network:
    cost_of = _cost_of(fingerprint, 2 if precision == "mixed_bfloat16" else 4)
    labelled = sum(
        math.prod(case.shape) * case.labelled_slices / case.slices
        for case in fingerprint.cases
    )
    return fitted_network(
        sides,
        spacing_mm,
        labelled,
        cost_of,
        resources.allow,
        patch=plan.fixed.get("patch"),
        batch=plan.fixed.get("batch"),
        template_args=plan.fixed.get("template_args"),
    )


def _describe(
    plan: Decisions, network: Network, resources: Resources, sides: Sequence[int]
) -> None:
    whole = all(p >= s for p, s in zip(network.patch, sides, strict=True))
    limit = f"{resources.memory_bytes / 1e9:.3g} GB and {duration(resources.budget_s)}"
    plan.take(
        "patch",
        network.patch,
        "The whole of it fits." if whole else f"The largest that fits {limit}.",
    )
    plan.take(
        "template_args",
        {
            "widths": network.widths,
            "strides": [list(stride) for stride in network.steps.strides],
            "kernels": [list(kernel) for kernel in network.steps.kernels],
            "deep_supervision": len(network.widths) > 2,
        },
        f"{len(network.widths)} resolutions leave 4 voxels a side at the coarsest; "
        "finer axes are halved first, and coarse ones get kernels of 1 until then; "
        f"{network.widths[0]} channels, doubled each time, as time and memory allow.",
    )
    plan.take(
        "batch",
        network.batch,
        "At most a twentieth of all voxels a step, and what memory and time leave.",
    )


def _configuration(
    name: str,
    plan: Decisions,
    resources: Resources,
    cost: Cost,
    shape: tuple[int, int, int],
    fingerprint: Fingerprint,
) -> Configuration:
    patients = len({case.patient for case in fingerprint.cases})
    if patients > 1:
        plan.take(
            "folds", min(5, patients), f"{patients} patients, each held back once."
        )
    plan.take(
        "largest_only",
        [],
        "Decided on held-back cases: medlab.train.cross_validate(recipe).",
    )
    recipe = Recipe.from_dict(plan.fields)
    step_s, memory = resources.step_s(cost), cost.memory_bytes / 1e9
    reasons = [
        *plan.taken,
        Reason(
            "memory",
            f"{memory:.2g} GB",
            f"Of {resources.memory_bytes / 1e9:.3g} GB for a step of "
            f"{cost.parameters / 1e6:.2g} million weights.",
        ),
        Reason(
            "time",
            duration(step_s * (recipe.steps_per_epoch or 1) * recipe.epochs),
            f"{step_s:.2g} s a step on {resources.machine.name}, roughly.",
        ),
    ]
    patch = recipe.patch or list(shape)
    whole = patch if len(patch) == 3 else _with_slice(patch, recipe.plane)
    seen = math.prod(
        min(1.0, side / size) for side, size in zip(whole, shape, strict=True)
    )
    return Configuration(name, recipe, tuple(reasons), cost, step_s, shape, seen)


def _cost_of(fingerprint: Fingerprint, value_bytes: int) -> CostOf:
    def cost(
        patch: Sequence[int], batch: int, steps: Topology, widths: Sequence[int]
    ) -> Cost:
        return step_cost(
            patch,
            batch,
            steps,
            widths,
            channels=fingerprint.cases[0].channels,
            classes=len(fingerprint.segments) + 1,
            value_bytes=value_bytes,
        )

    return cost


def _in_plane(plane: str) -> list[int]:
    return [axis for axis in range(3) if _PLANE_ACROSS[axis] != plane]


def _with_slice(patch: Sequence[int], plane: str | None) -> list[int]:
    whole = list(patch)
    whole.insert(_PLANE_ACROSS.index(plane or "axial"), 1)
    return whole
