"""Cross-validation by patient: each fold a run of its own, which can be gone on with.

What was done is remembered in `.medlab/folds/<recipe>.json`: which run is which fold, and
how well it did on the cases it never saw. Whoever calls again with the same recipe goes on
where it ended, whatever ended it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

from medlab.data import (
    IGNORE,
    Case,
    folds,
    label_case,
    patient_keys,
    present_segments,
    to_canonical,
)
from medlab.errors import MedlabError
from medlab.scans import Home, find_home, write_atomically
from medlab.train import runs
from medlab.train._cross_validation import CrossValidation, Row, helped_by_largest
from medlab.train._recipe import Recipe
from medlab.train._run import Run, launch, open_run, resume, rooted
from medlab.train._samples import load_scans

_PLACES = ("process", "inline")


def cross_validate(
    recipe: Recipe,
    count: int | None = None,
    *,
    home: Home | None = None,
    where: str = "process",
    which: Iterable[int] | None = None,
) -> CrossValidation:
    """Train each fold, and judge it on the cases that it held back.

    Patients are divided, not scans: nobody is on both sides. Folds that are finished are
    not trained again, and one that was lost, stopped or failed goes on.

    Args:
        recipe: What to train; its `fold` is set for each.
        count: How many folds; those of the recipe by default.
        home: Whose runs they join; found from the working folder by default.
        where: `process`: each in a process of its own; `inline`: here.
        which: Only these folds, from 0; all by default.

    Returns:
        What came of all folds that are done, also from earlier calls.

    Raises:
        MedlabError: If there are fewer patients than folds, if a fold does not come to
            its end, or if another process is at work on the same folds.

    Example:
        >>> found = cross_validate(recipe, 5)  # doctest: +SKIP
        >>> medlab.predict(found.ensemble, scan, recipe=found.recipe)  # doctest: +SKIP
    """
    home = home or find_home()
    recipe = rooted(recipe, home).replace(folds=count or recipe.folds, fold=None)
    if where not in _PLACES:
        raise MedlabError(
            f"where is one of {', '.join(_PLACES)}, got {where!r}.",
            code="unknown-place",
        )
    cases, _, scans = load_scans(recipe, home)
    held_back = folds(
        patient_keys(cases, home),
        recipe.folds,
        recipe.seed,
        present=present_segments(scans),
    )
    chosen = list(range(recipe.folds)) if which is None else sorted(set(which))
    outside = [fold for fold in chosen if not 0 <= fold < recipe.folds]
    if outside:
        raise MedlabError(
            f"The folds are numbered 0 to {recipe.folds - 1}, got "
            f"{', '.join(map(str, outside))}.",
            code="no-such-fold",
        )
    with _remembered(recipe, home) as memory:
        for fold in chosen:
            if str(fold) in memory.rows:
                continue
            run = _finished(recipe.replace(fold=fold), memory, home, where)
            memory.rows[str(fold)] = _judged(run, fold, held_back[fold], cases, home)
            memory.save()
        return memory.told(recipe, home)


class _Memory:
    """The file that tells which run is which fold."""

    def __init__(self, path: Path) -> None:
        content: dict[str, Any] = {}
        if path.exists():
            content = json.loads(path.read_text("utf-8"))
        self._path = path
        self.runs: dict[str, str] = dict(content.get("runs") or {})
        self.rows: dict[str, list[Row]] = dict(content.get("rows") or {})
        self._recipe: dict[str, Any] = {}

    def about(self, recipe: Recipe) -> None:
        self._recipe = recipe.to_dict()

    def save(self) -> None:
        # What helps on held-back cases stands in the recipe that predictions follow.
        self._recipe["largest_only"] = helped_by_largest(self._all_rows())
        content = {"recipe": self._recipe, "runs": self.runs, "rows": self.rows}
        write_atomically(self._path, json.dumps(content, indent=1).encode())

    def told(self, recipe: Recipe, home: Home) -> CrossValidation:
        done = {int(fold): open_run(self.runs[fold], home) for fold in self.rows}
        kept = helped_by_largest(self._all_rows())
        missing = tuple(fold for fold in range(recipe.folds) if fold not in done)
        learnt = next((run.recipe for run in done.values()), recipe)
        told = learnt.replace(fold=None, largest_only=kept)
        return CrossValidation(
            told, dict(sorted(done.items())), self._all_rows(), missing
        )

    def _all_rows(self) -> list[Row]:
        order = sorted(self.rows, key=int)
        return [row for fold in order for row in self.rows[fold]]


@contextmanager
def _remembered(recipe: Recipe, home: Home) -> Iterator[_Memory]:
    text = json.dumps(recipe.to_dict(), sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = home.folder / "folds" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(path.with_suffix(".lock"), timeout=0):
            memory = _Memory(path)
            memory.about(recipe)
            yield memory
    except filelock.Timeout:
        raise MedlabError(
            "Another process is at work on the same folds. Wait for it, or watch its runs "
            "in the sidebar.",
            code="folds-busy",
        ) from None


def _finished(recipe: Recipe, memory: _Memory, home: Home, where: str) -> Run:
    """Bring the run of a fold to its end, from wherever it is."""
    fold = str(recipe.fold)
    run = _known(memory.runs.get(fold), home)
    if run is None:
        named = recipe.replace(name=_named(recipe))
        run = _begun(named, memory, home, where)
    elif run.state in ("lost", "stopped", "failed"):
        if where == "inline":
            from medlab.train._trainer import resume_here

            run = resume_here(run, home)
        else:
            run = resume(run, home)
    run.wait()
    if run.state != "finished":
        raise MedlabError(
            f"Fold {fold} is {run.state}: {run.summary.message or 'it says no more.'} "
            "Calling cross_validate again goes on with it.",
            code="fold-not-finished",
        )
    return run


def _begun(recipe: Recipe, memory: _Memory, home: Home, where: str) -> Run:
    def note(run: Run) -> None:
        # Before it trains: whatever ends it, the next call finds it.
        memory.runs[str(recipe.fold)] = run.id
        memory.save()

    if where == "inline":
        from medlab.train._trainer import train

        return train(recipe, home, on_start=note)
    run = launch(recipe, home)
    note(run)
    return run


def _known(run_id: str | None, home: Home) -> Run | None:
    try:
        return open_run(run_id, home) if run_id else None
    except runs.RunNotFound:
        return None  # Somebody deleted it: train it anew.


def _named(recipe: Recipe) -> str:
    fold = f"fold {(recipe.fold or 0) + 1} of {recipe.folds}"
    return f"{recipe.name or Path(recipe.cases[0]['scan']).name}, {fold}"


def _judged(
    run: Run, fold: int, places: list[int], cases: list[Case], home: Home
) -> list[Row]:
    """Compare what the run predicts for each held-back case with its labels."""
    # Prediction stands above training; only here does training ask how well it went.
    from medlab.infer import predict

    recipe = run.recipe.replace(largest_only=[])
    names = tuple(recipe.segments or ())
    rows = []
    for place in places:
        volume, truth, _ = label_case(
            cases[place], segments=names, plane=recipe.plane or "axial", home=home
        )
        found = predict(run, volume, recipe=recipe, home=home)
        labels = to_canonical(np.asarray(found.voxels), volume.affine)
        for number, name in enumerate(names, start=1):
            plain, largest = _dice(labels == number, truth, number)
            rows.append(
                {
                    **{"fold": fold, "case": place, "segment": name},
                    **{"dice": plain, "dice_largest": largest},
                }
            )
    return rows


def _dice(
    found: NDArray[np.bool_], truth: NDArray[np.uint8], number: int
) -> tuple[float | None, float | None]:
    """Dice where somebody labelled: of all that was found, and of its largest part."""
    from medlab.infer import keep_largest

    known = truth != IGNORE
    there = known & (truth == number)
    largest = keep_largest(found.astype(np.uint8)) > 0
    return _overlap(found & known, there), _overlap(largest & known, there)


def _overlap(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> float | None:
    both = int(ours.sum()) + int(theirs.sum())
    return 2 * int((ours & theirs).sum()) / both if both else None
