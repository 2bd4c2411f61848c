"""`medlab convert`: many scans into NIfTI or NRRD files, here or on a cluster."""

import argparse

from medlab.cluster import add_cluster_options, cluster_of, tell_progress
from medlab.scans._convert import convert_scans


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add `medlab convert` to the command line."""
    parser = subparsers.add_parser(
        "convert",
        help="write scans as NIfTI or NRRD files",
        description="Write every scan of some files and folders as NIfTI or NRRD, named by "
        "scan id, with a manifest. Nothing is resampled; what was written is read back and "
        "compared. The same command again goes on where it stopped.",
    )
    parser.add_argument("sources", nargs="+", metavar="SRC", help="scans and folders")
    parser.add_argument("--to", required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--format", choices=("nifti", "nrrd"), default="nifti")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that are there"
    )
    add_cluster_options(parser)
    parser.set_defaults(run=_convert)


def _convert(arguments: argparse.Namespace) -> int:
    report = convert_scans(
        arguments.sources,
        arguments.to,
        format=arguments.format,
        overwrite=arguments.overwrite,
        on_progress=tell_progress,
        **cluster_of(arguments),
    )
    for line in report.lines("converted"):
        print(line)
    return 1 if report.failed else 0
