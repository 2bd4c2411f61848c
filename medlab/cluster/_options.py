"""The options of a command that can be spread, and its line of progress."""

import argparse
import sys
from typing import Any

from medlab.cluster._tls import Tls


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Add `--dask`, `--workers` and the certificates to a command."""
    group = parser.add_argument_group("where it runs")
    group.add_argument(
        "--dask",
        metavar="HOST:PORT",
        help="a Dask scheduler, whose workers see the same folders; "
        "without it, processes of this machine",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="processes on this machine"
    )
    for name, what in (
        ("ca", "certificate of the authority"),
        ("cert", "certificate of this client"),
        ("key", "its key"),
    ):
        group.add_argument(
            f"--tls-{name}", metavar="FILE", help=f"{what}, for a scheduler with TLS"
        )


def cluster_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """What those options say, as `spread` takes it: scheduler, workers and tls."""
    files = (arguments.tls_ca, arguments.tls_cert, arguments.tls_key)
    return {
        "scheduler": arguments.dask,
        "workers": arguments.workers,
        "tls": Tls(*files) if any(files) else None,
    }


def tell_progress(ended: int, total: int | None) -> None:
    """Keep one line of a terminal up to date; nothing where nobody looks."""
    if sys.stderr.isatty():
        of_all = f" of {total}" if total is not None else ""
        end = "\n" if ended == total else ""
        print(f"\r{ended}{of_all}", end=end, file=sys.stderr, flush=True)
