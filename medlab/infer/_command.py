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
    parser.add_argument("run_id", metavar="RUN_ID", help="id or folder of a run")
    parser.add_argument("scan", help="a scan file or a folder with a DICOM series")
    parser.add_argument("output", help="a .nii.gz, .nii or .seg.nrrd file to write")
    parser.add_argument("--series", help="which series, if the folder holds several")
    parser.add_argument(
        "--largest-only",
        action="store_true",
        help="keep only the largest connected part of each segment",
    )
    parser.set_defaults(run=command)


def command(arguments: argparse.Namespace) -> int:
    """Predict, write, and say how much was found."""
    from medlab.infer import predict
    from medlab.scans import open_scan

    scan = open_scan(arguments.scan, series=arguments.series)
    labels = predict(arguments.run_id, scan, largest_only=arguments.largest_only)
    labels.save(Path(arguments.output))
    for segment in labels.segments:
        print(f"{segment.name}: {int((labels.voxels == segment.id).sum())} voxels")
    return 0
