"""From a recipe to a trained model: what `train`, `launch` and the terminal do."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medlab.scans import find_home
from medlab.train import runs
from medlab.train._build import augmenting, build_model, winner
from medlab.train._checkpoint import load_checkpoint
from medlab.train._fit import carry_on, go_back, memory_watched, parts_of, versions
from medlab.train._log import RunLog, logged, queue_again
from medlab.train._recipe import Recipe
from medlab.train._run import Run, check_resumable, queue
from medlab.train._samples import (
    Plan,
    RecipeBatches,
    make_plan,
    previewed,
    smaller_settings,
    validation_of,
)
from medlab.train._schedules import SCHEDULES
from medlab.train._steering import Steering
from medlab.train._step import Step
from medlab.train._team import (
    ALONE,
    RowsOf,
    Team,
    folder_of_all,
    in_step,
    kind_of_log,
)

_MOST_WORKERS = 4


def train(
    recipe: Recipe,
    home: Any = None,
    *,
    where: str = "inline",
    on_start: Callable[[Run], object] | None = None,
    team: Team = ALONE,
) -> Run:
    """Train here and now; the call returns when the run has ended.

    Args:
        recipe: What to train.
        home: Whose runs it joins; found from the working folder by default.
        where: What the run says about itself: `inline` or `terminal`.
        on_start: Called with the run before it begins, to show it while it trains.
        team: Who trains together; see `_team.py`.

    Returns:
        The run, `finished` or `stopped`.

    Raises:
        MedlabError: If scans, labels and recipe do not fit one another; if loss or
            gradient stop being numbers; if memory runs out.
    """
    home = home or find_home()
    folder = queue(recipe, home, where=where) if team.leads else None
    run = Run(folder_of_all(team, folder, home.runs))
    if on_start is not None:
        on_start(run)
    work(run.folder, home, team=team)
    return run


def work(
    folder: Path,
    home: Any,
    *,
    again: bool = False,
    own_process: bool = False,
    team: Team = ALONE,
) -> None:
    """Do a run that was queued, or go on with one that ended early.

    Args:
        folder: Of the run.
        home: Whose scans and labels it uses.
        again: Go on from the last checkpoint.
        own_process: See `logged`.
        team: Who trains together.
    """
    with (
        logged(folder, own_process=own_process, kind=kind_of_log(team)) as log,
        in_step(team, folder.name),
    ):
        follow(log, home, again=again, team=team)


def follow(log: RunLog, home: Any, *, again: bool = False, team: Team = ALONE) -> None:
    """Follow the recipe of an open run."""
    recipe = Recipe.from_dict(runs.read_folder(log.folder).recipe)
    if not again:
        log.enter("compiling", "Reading the scans.")
    else:
        log.enter("compiling", "Going on from the last checkpoint.")
    plan = make_plan(recipe, home, log.say)
    log.say(
        f"{len(plan.samples)} samples to learn from, {len(plan.held_back)} held back; "
        f"segments: {', '.join(plan.segments)}; {plan.steps} steps an epoch"
    )
    team.check_batch(plan.batch)
    model = build_model(recipe, plan)
    step = Step(model, augmenting(recipe))
    position = load_checkpoint(log.folder / "checkpoints", model) if again else None
    planned = log.agree(go_back(log, position) if again else [])
    if log.writes:
        _record(log, plan, again=again, position=position)
    batches = RecipeBatches(recipe, plan, workers=_workers(recipe), rows=team.rows)
    steering = Steering(
        log,
        step,
        epochs=recipe.epochs,
        position=position,
        planned=planned,
        schedule=SCHEDULES[recipe.schedule],
        learning_rate=recipe.learning_rate,
        preview=previewed(plan) if team.size == 1 else None,
        winner=winner(recipe, plan),
        checkpoint_every_s=recipe.checkpoint_every_s,
        cases_of=batches.cases_of,
    )
    if again:
        log.enter(
            "compiling", f"Goes on from step {steering.step}.", step=steering.step
        )
    validation: Any = validation_of(plan)
    if validation is not None and team.size > 1:
        validation = RowsOf(validation, team)
    parts = parts_of(batches, steering, {"verbose": 0, "shuffle": False})
    with memory_watched(step, lambda needed: smaller_settings(recipe, plan, needed)):
        carry_on(model, steering, step, parts, validation=validation)


def resume_here(run: Run, home: Any, team: Team = ALONE) -> Run:
    """Go on with a run in this process, or in all of a team."""
    if team.leads:
        check_resumable(run)
        queue_again(run.folder)
    folder_of_all(team, run.folder, home.runs)
    work(run.folder, home, again=True, team=team)
    return run


def _record(
    log: RunLog, plan: Plan, *, again: bool, position: dict[str, Any] | None
) -> None:
    """Add to `run.json` what only the data could tell, and the ground it stands on."""
    path = log.folder / "run.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    # Whoever resumes or predicts must not have to decide again.
    about["recipe"].update(
        segments=list(plan.segments),
        patch=plan.patch,
        batch=plan.batch,
        steps_per_epoch=plan.steps,
    )
    ground = {"versions": versions(), "data": plan.hashes}
    if not again:
        about.update(ground)
    else:
        latest = {"versions": about.get("versions"), "data": about.get("data")}
        before = (about.get("resumed") or [latest])[-1]
        for change in _changes(before, ground):
            told = f"Going on exactly is not promised: {change}."
            log.say(told)
            log.enter("compiling", told)
        entry = {"step": int((position or {}).get("step", 0)), **ground}
        about["resumed"] = [*about.get("resumed", []), entry]
    runs.replace_json(path, about)


def _changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs from the ground that the training stood on until now."""
    was, has = before.get("versions") or {}, now["versions"]
    found = [
        f"{name} was {was[name]} and is {has[name]}"
        for name in has
        if name in was and was[name] != has[name]
    ]
    then, data = before.get("data") or now["data"], now["data"]
    changed = [
        str(n + 1) for n, (a, b) in enumerate(zip(then, data, strict=False)) if a != b
    ]
    if changed:
        found.append(f"scan or labels changed in case {', '.join(changed)}")
    if len(then) != len(data):
        found.append(f"there were {len(then)} cases and are {len(data)}")
    return found


def _workers(recipe: Recipe) -> int:
    if recipe.workers is not None:
        return recipe.workers
    return max(1, min(_MOST_WORKERS, (os.cpu_count() or 2) - 1))
