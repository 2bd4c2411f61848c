"""Training: a recipe, a run folder that tells how it goes, and ways to steer it.

The trainer may be this kernel (`train`), a process of its own (`launch`) or a terminal
(`medlab train recipe.yaml`): all three write the same run folder, and whoever wants to
know or to steer reads and writes files in it. No comm, no socket: progress survives a
page reload and a busy kernel, and a click on Stop reaches the trainer within a batch.

`medlab.train.runs` reads and steers with the standard library alone; everything that
needs Keras is loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlab.train._cross_validation import CrossValidation as CrossValidation
    from medlab.train._cross_validation import best_configuration as best_configuration
    from medlab.train._fit import fit as fit
    from medlab.train._folds import cross_validate as cross_validate
    from medlab.train._recipe import Recipe as Recipe
    from medlab.train._run import Run as Run
    from medlab.train._run import launch as launch
    from medlab.train._run import list_runs as list_runs
    from medlab.train._run import open_run as open_run
    from medlab.train._run import resume as resume
    from medlab.train._trainer import train as train

_FILES = {
    "CrossValidation": "_cross_validation",
    "Recipe": "_recipe",
    "Run": "_run",
    "best_configuration": "_cross_validation",
    "cross_validate": "_folds",
    "fit": "_fit",
    "launch": "_run",
    "list_runs": "_run",
    "open_run": "_run",
    "resume": "_run",
    "train": "_trainer",
}

__all__ = [
    "CrossValidation",
    "Recipe",
    "Run",
    "best_configuration",
    "cross_validate",
    "fit",
    "launch",
    "list_runs",
    "open_run",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _FILES:
        return getattr(import_module(f"medlab.train.{_FILES[name]}"), name)
    raise AttributeError(f"medlab.train has no {name!r}. It has: {', '.join(__all__)}.")
