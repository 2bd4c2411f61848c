"""`medlab plan`: look at scans and labels, print a plan with its reasons, write a recipe."""

import argparse
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add `medlab plan` to the command line."""
    parser = subparsers.add_parser(
        "plan",
        help="propose how to learn scans and labels",
        description="Look at scans and labels, and propose how to learn them: every "
        "decision with its reason. --out writes the recipe, which can be edited.",
    )
    parser.add_argument("cases", help="a folder with scans and labels, or a recipe")
    parser.add_argument("--out", metavar="RECIPE", help="write the recipe to this file")
    parser.add_argument(
        "--configuration", choices=("2d", "3d", "3d_low"), help="instead of the best"
    )
    parser.add_argument("--memory-gb", type=float, help="what a step may use")
    parser.add_argument("--minutes", type=float, help="time for the training")
    parser.add_argument("--device", choices=("cpu", "gpu"), help="where it will run")
    parser.set_defaults(run=command)


def command(arguments: argparse.Namespace) -> int:
    """Plan, print, and write."""
    from medlab.planning._plan import plan
    from medlab.train import Recipe

    given = Path(arguments.cases)
    found = plan(
        given if given.is_dir() else Recipe.load(given),
        memory_gb=arguments.memory_gb,
        device=arguments.device,
        budget_s=arguments.minutes * 60 if arguments.minutes is not None else None,
        configuration=arguments.configuration,
    )
    print(found)
    if arguments.out:
        print(
            f"Written to {found.save(arguments.out).name}. Edit it, then: "
            f"medlab train {arguments.out}"
        )
    return 0
