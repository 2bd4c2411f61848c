"""`medlab samples`: list real public scans, or copy one to a folder."""

import argparse

from medlab.samples._catalog import catalog, find_sample
from medlab.samples._fetch import fetch, place


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "samples",
        help="list real public scans, or fetch one",
        description="List real public scans, or fetch one (offline afterwards).",
    )
    parser.add_argument("name", nargs="?", help="which sample; without it, list them")
    parser.add_argument("--to", metavar="FOLDER", help="copy its files there")
    parser.add_argument(
        "--cache-only", action="store_true", help="fetch into the cache, copy nothing"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.name is None:
        for sample in catalog().values():
            print(f"{sample.name:15} {sample.size_mb:5.1f} MB  {sample.what}")
            print(f"{'':15} {sample.licence}. {sample.source}")
        return 0
    sample = find_sample(arguments.name)
    if arguments.cache_only:
        fetch(sample.name)
        print(f"{sample.name} is in the cache.")
    else:
        print(f"{sample.name} is in {place(sample.name, arguments.to)}")
    print(f"Licence: {sample.licence}. Source: {sample.source}")
    return 0
