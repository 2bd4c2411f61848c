"""`medlab predict`: label a scan, or many, in a terminal."""

import argparse
from pathlib import Path
from typing import Any

from medlab.cluster import add_cluster_options, cluster_of, tell_progress
from medlab.errors import MedlabError


def add_parser(subparsers: Any) -> None:
    """Add `medlab predict` to the command line."""
    parser = subparsers.add_parser(
        "predict",
        help="segment a scan with a trained model",
        description="Label a scan with the model of a run, and write the labels on the "
        "scan's own grid.",
    )
    parser.add_argument(
        "run_id",
        metavar="RUN_ID",
        help="id or folder of a run; several, with commas between, are averaged",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a scan file or a folder with a DICOM series, and the .nii.gz, .nii or "
        ".seg.nrrd file to write; with --to, any number of scans and folders of scans",
    )
    parser.add_argument(
        "--to", metavar="DIR", help="label all scans there are, into this folder"
    )
    parser.add_argument(
        "--format", choices=("nifti", "nrrd"), default="nifti", help="with --to"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="with --to: replace files"
    )
    parser.add_argument("--series", help="which series, if the folder holds several")
    parser.add_argument(
        "--largest-only",
        action="store_true",
        help="keep only the largest connected part of each segment, not only of those "
        "that the recipe names",
    )
    parser.add_argument(
        "--overlap",
        type=float,
        default=0.5,
        help="share of a patch that the next one sees again (0.5)",
    )
    parser.add_argument(
        "--mirror",
        action="store_true",
        help="average over mirrored scans too: eight times the time in 3D",
    )
    parser.add_argument(
        "--memory-mb", type=float, help="most memory that adding up patches may take"
    )
    add_cluster_options(parser)
    parser.set_defaults(run=command)


def command(arguments: argparse.Namespace) -> int:
    """Predict, write, and say how much was found."""
    runs = [run.strip() for run in arguments.run_id.split(",")]
    if arguments.to is not None:
        return _many(runs, arguments)
    where = [name for name, value in cluster_of(arguments).items() if value is not None]
    if len(arguments.paths) != 2 or where:
        raise MedlabError(
            f"Without --to, predict takes one scan and one file to write, got "
            f"{len(arguments.paths)} paths{' and a cluster' if where else ''}. "
            "Name a folder for the labels of many scans: --to DIR.",
            code="bad-arguments",
        )
    from medlab.infer._predict import predict
    from medlab.scans import open_scan

    scan = open_scan(arguments.paths[0], series=arguments.series)
    labels = predict(
        runs,
        scan,
        largest_only=arguments.largest_only or None,
        overlap=arguments.overlap,
        mirror=arguments.mirror,
        memory_mb=arguments.memory_mb,
    )
    labels.save(Path(arguments.paths[1]))
    for segment in labels.segments:
        print(f"{segment.name}: {int((labels.voxels == segment.id).sum())} voxels")
    return 0


def _many(runs: list[str], arguments: argparse.Namespace) -> int:
    from medlab.infer._predict_scans import predict_scans

    if arguments.series is not None:
        raise MedlabError(
            "With --to all series are labelled, got --series too. Leave one of them out.",
            code="bad-arguments",
        )
    report = predict_scans(
        runs,
        arguments.paths,
        arguments.to,
        format=arguments.format,
        largest_only=arguments.largest_only or None,
        overlap=arguments.overlap,
        mirror=arguments.mirror,
        memory_mb=arguments.memory_mb,
        overwrite=arguments.overwrite,
        on_progress=tell_progress,
        **cluster_of(arguments),
    )
    for line in report.lines("labelled"):
        print(line)
    return 1 if report.failed else 0
