"""`medlab predict`: label a scan in a terminal."""

import argparse
from pathlib import Path
from typing import Any


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
    parser.add_argument("scan", help="a scan file or a folder with a DICOM series")
    parser.add_argument("output", help="a .nii.gz, .nii or .seg.nrrd file to write")
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
    parser.set_defaults(run=command)


def command(arguments: argparse.Namespace) -> int:
    """Predict, write, and say how much was found."""
    from medlab.infer import predict
    from medlab.scans import open_scan

    scan = open_scan(arguments.scan, series=arguments.series)
    labels = predict(
        [run.strip() for run in arguments.run_id.split(",")],
        scan,
        largest_only=arguments.largest_only or None,
        overlap=arguments.overlap,
        mirror=arguments.mirror,
        memory_mb=arguments.memory_mb,
    )
    labels.save(Path(arguments.output))
    for segment in labels.segments:
        print(f"{segment.name}: {int((labels.voxels == segment.id).sum())} voxels")
    return 0
