"""Run: a training as seen from outside, and how to start one in its own process.

Nothing here imports Keras until a model is asked for: the kernel that steers a training
in another process need not hold a second copy of JAX.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans import find_home
from medlab.train import runs
from medlab.train._log import new_run_folder, queue_again
from medlab.train._recipe import Recipe


class Run:
    """A training, wherever it runs, live or past.

    Args:
        folder: Folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        # Kept so that a child that ended is not left behind as a zombie.
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def summary(self) -> runs.RunSummary:
        """Everything the list of runs shows about it, read anew."""
        if self._process is not None:
            self._process.poll()
        return runs.read_folder(self.folder).summary

    @property
    def state(self) -> str:
        return self.summary.state

    @property
    def recipe(self) -> Recipe:
        """The recipe it follows.

        Raises:
            MedlabError: If it came from `fit`, which needs none.
        """
        content = runs.read_folder(self.folder).recipe
        if not content:
            raise MedlabError(
                "This run was started by medlab.train.fit and has no recipe. Pass the "
                "recipe or the plane yourself; fit(..., resume=RUN_ID) goes on with it.",
                code="no-recipe",
            )
        return Recipe.from_dict(content)

    def control(self, cmd: str, *, at_step: int | None = None, **args: Any) -> int:
        """Ask for pause, resume, stop, checkpoint or set; see `write_control`."""
        return runs.write_control(self.folder, cmd, args, at_step=at_step)

    def wait(self, timeout_s: float | None = None) -> "Run":
        """Wait until the run has ended.

        Raises:
            TimeoutError: If it has not within that time. It goes on.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while self.state not in runs.ENDED:
            if end is not None and time.monotonic() > end:
                raise TimeoutError(
                    f"The run is still {self.state} after {timeout_s} s."
                )
            time.sleep(0.2)
        if self._process is not None:
            self._process.wait()
        return self

    def metrics(self) -> list[dict[str, Any]]:
        """All lines of the run log so far, as one consistent history, oldest first."""
        return runs.read_history(self.folder)

    def model(self, *, best: bool = False) -> Any:
        """Load the trained model as it is at the last checkpoint: a `keras.Model`.

        Of several heads (deep supervision) it keeps the finest.

        Args:
            best: As it was when validation was best, where there was one.
        """
        from medlab.models import inference_model
        from medlab.train._checkpoint import load_model

        return inference_model(load_model(self.folder, best=best))

    def load_weights_into(self, model: Any, *, best: bool = False) -> None:
        """Put the weights of the last checkpoint, or the best, into a model.

        Raises:
            MedlabError: If there is no checkpoint, or it is that of another model.
        """
        from medlab.train._checkpoint import load_weights

        load_weights(self.folder, model, best=best)

    def __repr__(self) -> str:
        summary = self.summary
        return f"<Run {self.id}: {summary.state}, epoch {summary.epoch}>"


def launch(recipe: Recipe, home: Any = None) -> Run:
    """Train in a process of its own, which outlives this one.

    Args:
        recipe: What to train.
        home: Whose runs it joins; found from the working folder by default.

    Returns:
        The run, `queued` or further. Wait for it, or watch the sidebar.

    Raises:
        MedlabError: If the recipe has no case.
    """
    home = home or find_home()
    folder = queue(recipe, home, where="process")
    return _start(folder, home, [])


def list_runs(home: Any = None) -> list[runs.RunSummary]:
    """List all runs below the home, newest first."""
    return runs.list_runs(home or find_home())


def open_run(run: "str | Path | Run", home: Any = None) -> Run:
    """Open a run by its id or its folder.

    Raises:
        RunNotFound: If there is none.
    """
    if isinstance(run, Run):
        return run
    if (Path(run) / "run.json").is_file():
        return Run(Path(run))
    return Run(runs.run_folder(home or find_home(), str(run)))


def resume(run: "str | Run", home: Any = None) -> Run:
    """Go on, in a new process, with a run that was lost, stopped or failed.

    It goes on from its last whole checkpoint, to the same end as if uninterrupted.

    Raises:
        MedlabError: If the run is still active, or has finished.
    """
    home = home or find_home()
    found = open_run(run, home)
    check_resumable(found)
    queue_again(found.folder)
    return _start(found.folder, home, ["--resume"])


def check_resumable(run: Run) -> None:
    """Raise a `MedlabError` unless the run was lost, stopped or failed."""
    check_ended(run)
    _ = run.recipe


def check_ended(run: Run) -> None:
    """Raise a `MedlabError` if the run is active, or has come to its end."""
    if run.state not in ("lost", "stopped", "failed"):
        raise MedlabError(
            "Only a run that was lost, stopped or failed can be resumed, and this one "
            f"is {run.state}. "
            + ("Start a new run." if run.state == "finished" else "It needs no help."),
            code="not-resumable",
        )


def queue(recipe: Recipe, home: Any, *, where: str) -> Path:
    """Make the run folder of a recipe."""
    if not recipe.cases:
        raise MedlabError(
            "A recipe names at least one case, got none. Give cases="
            '[{"scan": "chest.nrrd", "labels": "layer:labels"}].',
            code="no-cases",
        )
    recipe = rooted(recipe, home)
    about = {
        "name": recipe.name or Path(recipe.cases[0]["scan"]).name,
        "template": recipe.template,
        "seed": recipe.seed,
        "recipe": recipe.to_dict(),
        "where": where,
    }
    return new_run_folder(home.runs, about, epochs=recipe.epochs)


def rooted(recipe: Recipe, home: Any) -> Recipe:
    """Name files from the root, so that the run can be resumed from any folder."""
    cases = []
    for case in recipe.cases:
        named = dict(case)
        for part in ("scan", "labels"):
            given = Path(named.get(part) or "").expanduser()
            if named.get(part) and given.exists():
                named[part] = home.name(given)
        cases.append(named)
    return recipe.replace(cases=cases)


def _start(folder: Path, home: Any, options: list[str]) -> Run:
    command = [sys.executable, "-m", "medlab", "train", "--run", folder.name, *options]
    # Output goes to a file, never a pipe: nobody may be there to empty it.
    with (folder / "stdout.log").open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                **os.environ,
                "MEDLAB_HOME": str(home.folder),
                "PYTHONUNBUFFERED": "1",
            },
        )
    run = Run(folder)
    run._process = process
    return run
