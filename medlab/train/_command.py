"""`medlab train`: a recipe in a terminal, in the same run folder as from a notebook."""

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add `medlab train` to the command line."""
    parser = subparsers.add_parser(
        "train",
        help="train a model by a recipe",
        description="Train by a recipe file, or go on with a run that was interrupted. "
        "The sidebar and medlab.train.open_run(ID) show and steer it meanwhile; "
        "Ctrl+C stops it after saving a checkpoint.",
    )
    parser.add_argument("recipe", nargs="?", help="a .yaml or .json recipe")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN_ID",
        help="go on from the last checkpoint of a run that was lost, stopped or failed",
    )
    parser.add_argument("--run", dest="run_id", help=argparse.SUPPRESS)
    parser.set_defaults(run=command)


def command(arguments: argparse.Namespace) -> int:
    """Train, and return the exit status: 0 finished or stopped on request, 1 failed."""
    from medlab.errors import MedlabError
    from medlab.scans import find_home
    from medlab.train import runs
    from medlab.train._run import Run

    home = find_home()
    if arguments.run_id:
        return _work_for_another(
            runs.run_folder(home, arguments.run_id), home, arguments
        )
    if bool(arguments.recipe) == bool(arguments.resume):
        raise MedlabError(
            "medlab train takes either a recipe file or --resume RUN_ID.",
            code="usage",
        )
    try:
        if arguments.resume:
            from medlab.train._trainer import resume_here

            run = resume_here(Run(runs.run_folder(home, arguments.resume)), home)
        else:
            from medlab.train._recipe import Recipe
            from medlab.train._trainer import train

            recipe = Recipe.load(arguments.recipe)
            run = train(recipe, home, where="terminal")
    except KeyboardInterrupt:
        print("Stopped. medlab train --resume RUN_ID goes on from here.")
        return 130
    print(f"{run.state}: {run.id}")
    return 0


def _work_for_another(folder: Any, home: Any, arguments: argparse.Namespace) -> int:
    """Be the process that `launch` or `resume` started for a run folder."""
    from medlab.train._log import logged

    # The log opens before Keras is imported: the run shows as alive, and takes a Stop,
    # while imports and compilation still go on.
    with logged(folder, own_process=True) as log:
        log.enter("compiling", "Starting.")
        from medlab.train._trainer import follow

        follow(log, home, again=arguments.resume is not None)
    return 0
