"""What a recipe comes to on its data: samples, patch, batch and steps."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medlab.data import (
    Case,
    FixedBatches,
    LabelledScan,
    TrainingBatches,
    fitting_patch,
    load_cases,
    patient_keys,
    prefetched,
    present_segments,
    sampling_weights,
    scan_samples,
    segment_names,
    split,
)
from medlab.errors import MedlabError
from medlab.scans import open_scan
from medlab.train._recipe import Recipe

_SLICE_LIMIT, _CUBE_LIMIT = 256, 64
_FEWEST_STEPS, _MOST_STEPS = 10, 250
_DEPTH = 4


@dataclass(frozen=True)
class Plan:
    """What a recipe comes to on its data."""

    samples: list[Any]
    held_back: list[Any]
    segments: tuple[str, ...]
    patch: list[int]
    batch: int
    steps: int
    hashes: list[dict[str, str]] = field(default_factory=list)


def make_plan(
    recipe: Recipe, home: Any, say: Callable[[str], object] | None = None
) -> Plan:
    """Read the cases and decide what the recipe leaves open.

    Args:
        recipe: What to train.
        home: Whose scans and labels it names.
        say: Told in a sentence what went otherwise than usual.
    """
    cases, segments, scans = load_scans(recipe, home, say)
    channels = sorted({scan.image.shape[-1] for scan in scans})
    if len(channels) > 1:
        raise MedlabError(
            "All cases must have as many channels, got some with "
            f"{' and some with '.join(map(str, channels))}. "
            "Leave out those that differ.",
            code="channels-differ",
        )
    groups = [scan_samples(scan, recipe.plane) for scan in scans]
    samples, held_back = split(
        groups,
        recipe.validation,
        recipe.seed,
        patients=patient_keys(cases, home),
        present=present_segments(scans),
        fold=recipe.fold,
        fold_count=recipe.folds,
    )
    limit = _SLICE_LIMIT if recipe.plane else _CUBE_LIMIT
    multiples = _multiples(recipe)
    patch = recipe.patch or fitting_patch(samples + held_back, max(multiples), limit)
    rank = 2 if recipe.plane else 3
    fits = len(patch) == rank and not any(
        side % multiple or side < 1
        for side, multiple in zip(patch, multiples, strict=True)
    )
    if not fits:
        each = " x ".join(map(str, dict.fromkeys(multiples)))
        raise MedlabError(
            f"patch has {rank} sides, multiples of {each} for this template, got "
            f"{patch}. Leave it out to have one chosen.",
            code="bad-patch",
        )
    batch = recipe.batch or (4 if recipe.plane else 2)
    steps = recipe.steps_per_epoch or min(
        max(math.ceil(len(samples) / batch), _FEWEST_STEPS), _MOST_STEPS
    )
    hashes = [dict(scan.hashes) for scan in scans]
    sides = [int(side) for side in patch]
    return Plan(samples, held_back, segments, sides, batch, steps, hashes)


def load_scans(
    recipe: Recipe, home: Any, say: Callable[[str], object] | None = None
) -> tuple[list[Case], tuple[str, ...], list[LabelledScan]]:
    """Prepare what a recipe names, or map it from the cache.

    Returns:
        The cases, the segments to learn, and the cases' scans.
    """
    cases = [case_of(entry, home) for entry in recipe.cases]
    segments = tuple(recipe.segments or segment_names(cases, home))
    if not 0 < len(segments) < 255:
        raise MedlabError(
            f"A model learns 1 to 254 segments, got {len(segments)}. Add segments to "
            "the labels, or name those to learn: segments=[...].",
            code="bad-segments",
        )
    scans = load_cases(
        cases,
        segments=segments,
        plane=recipe.plane,
        spacing_mm=recipe.spacing_mm,
        normalisation=recipe.normalise,
        extras=_first_stage(recipe, cases, home),
        home=home,
        say=say,
    )
    return cases, segments, scans


class RecipeBatches:
    """The batches of a recipe, prepared ahead; augmentation is the step's business.

    Args:
        recipe: Decides seed, sampling and how many workers.
        plan: What it comes to.
        workers: How many threads prepare batches.
        rows: From a batch to what this process learns from of it.
    """

    def __init__(
        self,
        recipe: Recipe,
        plan: Plan,
        *,
        workers: int,
        rows: Callable[[Any], Any] = lambda batch: batch,
    ) -> None:
        self._batches = TrainingBatches(
            plan.samples,
            patch=plan.patch,
            batch=plan.batch,
            steps=plan.steps,
            seed=recipe.seed,
            foreground=recipe.foreground,
            sampling=sampling_weights(recipe.sampling, plan.segments),
        )
        self._seed, self._workers, self._size = recipe.seed, workers, plan.batch
        self._rows = rows
        self.steps = plan.steps

    def after(self, step: int) -> Iterator[tuple[Any, Any, Any]]:
        """Go on after so many steps over all epochs, without end.

        Yields:
            Images `(B, *patch, C)`, labels `(B, *patch)`, and marks `(B, 3)`: seed,
            epoch and place, which augmentation is drawn from.
        """
        source = prefetched(
            self._batches, step, self._workers, _DEPTH, take=self._marked
        )
        with source:
            yield from source

    def cases_of(self, step: int) -> str:
        """Say from which cases the batch of a step, from 1, is made: by place."""
        epoch, within = divmod(step - 1, self.steps)
        cases = sorted({case + 1 for case in self._batches.cases(epoch, within)})
        first = within * self._size + 1
        several = "cases" if len(cases) > 1 else "case"
        return (
            f"{several} {', '.join(map(str, cases))} of the recipe, places {first} to "
            f"{first + self._size - 1} of the epoch"
        )

    def _marked(self, epoch: int, step: int) -> tuple[Any, Any, Any]:
        images, labels, places = self._batches.raw(epoch, step)
        marks = np.empty((len(places), 3), np.int32)
        marks[:, 0], marks[:, 1], marks[:, 2] = self._seed, epoch, places
        rows: tuple[Any, Any, Any] = self._rows((images, labels, marks))
        return rows


def validation_of(plan: Plan) -> FixedBatches | None:
    """The samples held back, as batches; None if there are none."""
    if not plan.held_back:
        return None
    return FixedBatches(plan.held_back, patch=plan.patch, batch=plan.batch)


def previewed(plan: Plan) -> tuple[Any, Any]:
    """The sample an epoch's picture shows: held back if there is one, in the middle."""
    samples = plan.held_back or plan.samples
    drawn = FixedBatches([samples[len(samples) // 2]], patch=plan.patch, batch=1)
    images, labels = drawn[0]
    return images, labels


def smaller_settings(
    recipe: Recipe, plan: Plan, needed: int | None = None
) -> list[str]:
    """Name three settings that need less memory.

    Args:
        recipe, plan: That need too much.
        needed: Bytes they need, to tell what is left of that.
    """
    found: list[tuple[str, float]] = []
    if plan.batch > 1:
        half = plan.batch // 2
        found.append((f"batch: {half}", half / plan.batch))
    multiples = _multiples(recipe)
    sides = list(plan.patch)
    longest = max(range(len(sides)), key=lambda axis: sides[axis])
    side = max(sides[longest] // 2 // multiples[longest], 1) * multiples[longest]
    if side < sides[longest]:
        found.append(
            (
                f"patch: {[*sides[:longest], side, *sides[longest + 1 :]]}",
                side / sides[longest],
            )
        )
    if recipe.precision == "float32":
        found.append(("precision: mixed_bfloat16", 0.6))
    widths = recipe.template_args.get("widths")
    if widths:
        narrow = [max(1, width // 2) for width in widths]
        found.append((f"template_args: widths {narrow}", 0.5))
    found.append(("template_args: one width less", 0.9))
    return [
        f"{setting} (about {needed * share / (1 << 30):.3g} GiB)" if needed else setting
        for setting, share in found[:3]
    ]


def _first_stage(
    recipe: Recipe, cases: Sequence[Case], home: Any
) -> list[np.ndarray[Any, Any]] | None:
    """What the first stage of a cascade sees on each scan's grid, a channel a segment."""
    if recipe.first_stage is None:
        return None
    # Prediction stands above training; a second stage asks what the first one found.
    from medlab.infer import predict

    channels = []
    for case in cases:
        volume = open_scan(case.scan, series=case.series, home=home)
        found = predict(recipe.first_stage, volume, home=home)
        numbers = np.array([segment.id for segment in found.segments])
        seen = np.asarray(found.voxels)[..., None] == numbers
        channels.append(seen.astype(np.float32))
    return channels


def case_of(entry: dict[str, Any], home: Any) -> Case:
    """Read a case as a recipe names it; label files may be named from the root."""
    slices = entry.get("slices")
    labels = entry.get("labels") or "layer:labels"
    if not labels.startswith("layer:") and not Path(labels).exists():
        labels = str(home.root / labels)
    return Case(
        scan=entry["scan"],
        labels=labels,
        series=entry.get("series"),
        slices=tuple(int(i) for i in slices) if slices is not None else None,
        patient=entry.get("patient"),
    )


def _multiples(recipe: Recipe) -> list[int]:
    """What each side of a patch is a multiple of, for this template."""
    rank = 2 if recipe.plane else 3
    strides: Sequence[Any] | None = recipe.template_args.get("strides")
    if strides is None:
        widths = recipe.template_args.get("widths") or (1,) * 4
        return [int(2 ** (len(widths) - 1))] * rank
    each = [[s] * rank if isinstance(s, int) else list(s) for s in strides]
    return [math.prod(step[axis] for step in each) for axis in range(rank)]
