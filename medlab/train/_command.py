"""`medlab train`: a recipe in a terminal, in the same run folder as from a notebook."""

import argparse
import traceback
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
    team = parser.add_argument_group(
        "several processes or machines",
        "The same command everywhere, each with a number of its own, and the same "
        "files: one GPU to many hosts.",
    )
    team.add_argument(
        "--coordinator", metavar="HOST:PORT", help="where process 0 listens"
    )
    team.add_argument("--num-processes", type=int, metavar="N", default=1)
    team.add_argument("--process-id", type=int, metavar="I", default=0)
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
    from medlab.train._team import ALONE, join, leave
    from medlab.train._trainer import resume_here, train

    team = ALONE
    if arguments.coordinator or arguments.num_processes > 1:
        size, number = arguments.num_processes, arguments.process_id
        team = join(arguments.coordinator or "", size, number)
    try:
        if arguments.resume:
            found = Run(runs.run_folder(home, arguments.resume))
            run = resume_here(found, home, team)
        else:
            from medlab.train._recipe import Recipe

            recipe = Recipe.load(arguments.recipe)
            run = train(recipe, home, where="terminal", team=team)
    except KeyboardInterrupt:
        print("Stopped. medlab train --resume RUN_ID goes on from here.")
        return 130
    except Exception as error:
        if team.size == 1:
            raise
        if not isinstance(error, MedlabError):
            traceback.print_exc()
        leave(error)
    if team.leads:
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
