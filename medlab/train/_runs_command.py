"""`medlab runs`: list, steer, export and follow trainings from a terminal."""

import argparse
from datetime import datetime
from typing import Any

from medlab.scans import find_home
from medlab.train import runs

_STEER = {
    "pause": "hold a run after its next step, with a checkpoint",
    "resume": "let a paused run go on",
    "stop": "end a run after its next step, with a checkpoint",
    "checkpoint": "save a run as it is now",
}


def add_parser(subparsers: Any) -> None:
    """Add `medlab runs` and what it can do."""
    parser = subparsers.add_parser(
        "runs",
        help="list, steer or export trainings",
        description="List, steer, export and follow the runs below this folder. Without "
        "a word more, list them.",
    )
    parser.set_defaults(run=_list)
    words = parser.add_subparsers(title="what to do", metavar="")
    words.add_parser("list", help="list the runs, newest first").set_defaults(run=_list)
    for cmd, text in _STEER.items():
        _of_a_run(words, cmd, text).set_defaults(run=_steer, cmd=cmd)
    change = _of_a_run(words, "set", "change a run while it trains")
    change.add_argument("--learning-rate", type=float, metavar="RATE")
    change.add_argument("--epochs", type=int, metavar="N", help="how many in all")
    change.set_defaults(run=_set)
    export = _of_a_run(words, "export", "write the history of a run")
    export.add_argument(
        "--format", default="csv", help="csv, json, tensorboard or mlflow"
    )
    export.add_argument("--to", metavar="PATH", help="file or folder to write")
    export.set_defaults(run=_export)
    follow = _of_a_run(
        words, "follow", "write TensorBoard's event files while a run trains"
    )
    follow.add_argument("--to", metavar="FOLDER", help="folder to write")
    follow.set_defaults(run=_follow)


def _of_a_run(words: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = words.add_parser(name, help=text)
    parser.add_argument("run_id", help="id of the run, as `medlab runs` lists it")
    return parser


def _list(arguments: argparse.Namespace) -> int:
    found = runs.list_runs(find_home())
    for run in found:
        began = datetime.fromtimestamp(run.created).strftime("%Y-%m-%d %H:%M")
        epoch = f"epoch {run.epoch}/{run.epochs}" if run.epochs else ""
        # A run's name is anybody's text: no control characters on a terminal.
        name = "".join(c if c.isprintable() else "?" for c in run.name)
        print(f"{run.id}  {began}  {run.state:<10} {epoch:<14} {name}")
    print(f"{len(found)} runs")
    return 0


def _steer(arguments: argparse.Namespace) -> int:
    folder = runs.run_folder(find_home(), arguments.run_id)
    runs.write_control(folder, arguments.cmd)
    print(f"Asked {arguments.run_id} for: {arguments.cmd}")
    return 0


def _set(arguments: argparse.Namespace) -> int:
    asked = {name: getattr(arguments, name) for name in runs.SETTINGS}
    args = {name: value for name, value in asked.items() if value is not None}
    folder = runs.run_folder(find_home(), arguments.run_id)
    runs.write_control(folder, "set", args)
    told = ", ".join(f"{name} {value}" for name, value in args.items())
    print(f"Asked {arguments.run_id} for: {told}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from medlab.train.export import export_run

    print(export_run(arguments.run_id, arguments.format, arguments.to))
    return 0


def _follow(arguments: argparse.Namespace) -> int:
    from medlab.train.export import follow

    print("Follows the run until it ends; Ctrl+C leaves it alone.", flush=True)
    print(follow(arguments.run_id, arguments.to))
    return 0
