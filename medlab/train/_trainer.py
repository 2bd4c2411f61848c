"""From a recipe to a trained model: what `train`, `launch` and the terminal do."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medlab.backend import keras
from medlab.data import (
    Case,
    FixedBatches,
    TrainingBatches,
    fitting_patch,
    load_case,
    patient_keys,
    segment_names,
    slice_samples,
    split,
)
from medlab.errors import MedlabError
from medlab.models import TEMPLATES
from medlab.scans import find_home
from medlab.train import runs
from medlab.train._checkpoint import load_checkpoint
from medlab.train._fit import carry_on, versions
from medlab.train._log import RunLog, logged, queue_again
from medlab.train._recipe import Recipe
from medlab.train._run import Run, check_resumable, queue
from medlab.train._steering import Steering, constant, cosine
from medlab.train.losses import LOSSES, SegmentDice

_SLICE_LIMIT, _CUBE_LIMIT = 256, 64
_FEWEST_STEPS, _MOST_STEPS = 10, 250


@dataclass(frozen=True)
class Plan:
    """What a recipe comes to on its data."""

    samples: list[Any]
    held_back: list[Any]
    segments: tuple[str, ...]
    patch: list[int]
    batch: int
    steps: int


def train(
    recipe: Recipe,
    home: Any = None,
    *,
    where: str = "inline",
    on_start: Callable[[Run], object] | None = None,
) -> Run:
    """Train here and now; the call returns when the run has ended.

    Args:
        recipe: What to train.
        home: Whose runs it joins; found from the working folder by default.
        where: What the run says about itself: `inline` or `terminal`.
        on_start: Called with the run before it begins, to show it while it trains.

    Returns:
        The run, `finished` or `stopped`.

    Raises:
        MedlabError: If scans, labels and recipe do not fit one another.
    """
    home = home or find_home()
    run = Run(queue(recipe, home, where=where))
    if on_start is not None:
        on_start(run)
    work(run.folder, home)
    return run


def work(
    folder: Path, home: Any, *, again: bool = False, own_process: bool = False
) -> None:
    """Do a run that was queued, or go on with one that ended early.

    Args:
        folder: Of the run.
        home: Whose scans and labels it uses.
        again: Go on from the last checkpoint.
        own_process: See `logged`.
    """
    with logged(folder, own_process=own_process) as log:
        follow(log, home, again=again)


def follow(log: RunLog, home: Any, *, again: bool = False) -> None:
    """Follow the recipe of an open run."""
    detail = runs.read_folder(log.folder)
    recipe = Recipe.from_dict(detail.recipe)
    if not again:
        log.enter("compiling", "Reading the scans.")
    else:
        log.enter("compiling", "Going on from the last checkpoint.")
    plan = make_plan(recipe, home)
    _record(log.folder, plan)
    log.say(
        f"{len(plan.samples)} samples to learn from, {len(plan.held_back)} held back; "
        f"segments: {', '.join(plan.segments)}; {plan.steps} steps an epoch"
    )
    model = build_model(recipe, plan)
    position = load_checkpoint(log.folder / "checkpoints", model) if again else None
    position = position or {
        "step": 0,
        "epochs": recipe.epochs,
        "learning_rate": recipe.learning_rate,
    }
    steering = Steering(
        log,
        epochs=int(position["epochs"]),
        start_step=int(position["step"]),
        schedule={"cosine": cosine, "constant": constant}[recipe.schedule],
        learning_rate=float(position["learning_rate"]),
        preview=_previewed(plan),
    )
    steering.count_steps(plan.steps)
    if again:
        log.enter(
            "compiling", f"Goes on from step {steering.step}.", step=steering.step
        )
    carry_on(model, steering, _parts(recipe, plan, steering))


def make_plan(recipe: Recipe, home: Any) -> Plan:
    """Read the cases and decide what the recipe leaves open."""
    cases = [_case(entry, home) for entry in recipe.cases]
    segments = tuple(recipe.segments or segment_names(cases, home))
    if not 0 < len(segments) < 255:
        raise MedlabError(
            f"A model learns 1 to 254 segments, got {len(segments)}. Add segments to "
            "the labels, or name those to learn: segments=[...].",
            code="bad-segments",
        )
    scans = [
        load_case(
            case,
            segments=segments,
            plane=recipe.plane or "axial",
            spacing_mm=tuple(recipe.spacing_mm) if recipe.spacing_mm else None,
            normalisation=recipe.normalise,
            home=home,
        )
        for case in cases
    ]
    channels = sorted({scan.image.shape[-1] for scan in scans})
    if len(channels) > 1:
        raise MedlabError(
            "All cases must have as many channels, got some with "
            f"{' and some with '.join(map(str, channels))}. "
            "Leave out those that differ.",
            code="channels-differ",
        )
    groups = [
        slice_samples(scan, recipe.plane)
        if recipe.plane
        else [(scan.image, scan.labels)]
        for scan in scans
    ]
    samples, held_back = split(
        groups,
        recipe.validation,
        recipe.seed,
        patients=patient_keys(cases, home),
        fold=recipe.fold,
        fold_count=recipe.folds,
    )
    limit = _SLICE_LIMIT if recipe.plane else _CUBE_LIMIT
    multiple = _multiple(recipe)
    patch = recipe.patch or fitting_patch(samples + held_back, multiple, limit)
    rank = 2 if recipe.plane else 3
    if len(patch) != rank or any(side % multiple or side < 1 for side in patch):
        raise MedlabError(
            f"patch has {rank} sides, multiples of {multiple} for this template, got "
            f"{patch}. Leave it out to have one chosen.",
            code="bad-patch",
        )
    batch = recipe.batch or (4 if recipe.plane else 2)
    steps = recipe.steps_per_epoch or min(
        max(math.ceil(len(samples) / batch), _FEWEST_STEPS), _MOST_STEPS
    )
    return Plan(samples, held_back, segments, [int(p) for p in patch], batch, steps)


def build_model(recipe: Recipe, plan: Plan) -> keras.Model:
    """Build and compile the template, with weights drawn from the seed."""
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.precision)
    if recipe.template not in TEMPLATES:
        raise MedlabError(
            f"template is one of {', '.join(TEMPLATES)}, got {recipe.template!r}.",
            code="unknown-template",
        )
    rank, channels = len(plan.patch), plan.samples[0][0].shape[-1]
    classes = len(plan.segments) + 1
    try:
        model = TEMPLATES[recipe.template](
            (*(None,) * rank, channels), classes=classes, **recipe.template_args
        )
    except TypeError as error:
        raise MedlabError(
            f"The template {recipe.template} takes other arguments: {error}.",
            code="bad-template-args",
        ) from None
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = {
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9, nesterov=True),
    }[recipe.optimizer](recipe.learning_rate)
    model.compile(optimizer, LOSSES[recipe.loss], metrics=[SegmentDice(classes)])
    optimizer.build(model.trainable_variables)
    return model


def _parts(recipe: Recipe, plan: Plan, steering: Steering) -> list[dict[str, Any]]:
    """The calls of `fit`: the rest of an epoch begun earlier, then whole epochs."""
    batches = TrainingBatches(
        plan.samples,
        patch=plan.patch,
        batch=plan.batch,
        steps=plan.steps,
        seed=recipe.seed,
        augmentation=recipe.augmentation,
    )
    shared: dict[str, Any] = {"verbose": 0, "shuffle": False}
    if plan.held_back:
        shared["validation_data"] = FixedBatches(
            plan.held_back, patch=plan.patch, batch=plan.batch
        )
    epoch, begun = divmod(steering.step, plan.steps)
    parts = []
    if begun:
        rest = {"steps_per_epoch": plan.steps - begun, "epochs": epoch + 1}
        whole = batches.after(steering.step)
        parts.append({"x": whole, **rest, "initial_epoch": epoch, **shared})
        epoch += 1
    if epoch < steering.epochs:
        x = batches.after(epoch * plan.steps)
        steps = {"steps_per_epoch": plan.steps, "initial_epoch": epoch}
        parts.append({"x": x, **steps, **shared})
    return parts


def _previewed(plan: Plan) -> tuple[Any, Any]:
    """The sample an epoch's picture shows: held back if there is one, in the middle."""
    samples = plan.held_back or plan.samples
    drawn = FixedBatches([samples[len(samples) // 2]], patch=plan.patch, batch=1)
    images, labels = drawn[0]
    return images, labels


def _record(folder: Path, plan: Plan) -> None:
    """Add to `run.json` what only the data could tell."""
    path = folder / "run.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    # Whoever resumes or predicts must not have to decide again.
    about["recipe"].update(
        segments=list(plan.segments),
        patch=plan.patch,
        batch=plan.batch,
        steps_per_epoch=plan.steps,
    )
    about["versions"] = versions()
    runs.replace_json(path, about)


def _case(entry: dict[str, Any], home: Any) -> Case:
    slices = entry.get("slices")
    labels = entry.get("labels") or "layer:labels"
    if not labels.startswith("layer:") and not Path(labels).exists():
        labels = str(home.root / labels)
    return Case(
        scan=entry["scan"],
        labels=labels,
        series=entry.get("series"),
        slices=tuple(int(i) for i in slices) if slices is not None else None,
        patient=str(entry["patient"]) if entry.get("patient") is not None else None,
    )


def _multiple(recipe: Recipe) -> int:
    widths = recipe.template_args.get("widths") or (1,) * 4
    return int(2 ** (len(widths) - 1))


def resume_here(run: Run, home: Any) -> Run:
    """Go on with a run in this process."""
    check_resumable(run)
    queue_again(run.folder)
    work(run.folder, home, again=True)
    return run
