"""`medlab labels`: list layers, write them for other programs, and read theirs."""

import argparse
import hashlib
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError


def add_parser(subparsers: Any) -> None:
    """Add `medlab labels` to the command line."""
    labels = subparsers.add_parser(
        "labels",
        help="list, export, import or convert labels",
        description="Layers of a scan, and label files of other programs.",
    )
    jobs = labels.add_subparsers(title="jobs", required=True)
    scan_help = "a scan file or a folder with a DICOM series"

    listing = jobs.add_parser("list", help="list the layers of a scan")
    listing.add_argument("scan", help=scan_help)
    listing.set_defaults(run=_list)

    export = jobs.add_parser("export", help="write layers of a scan to one file")
    export.add_argument("scan", help=scan_help)
    export.add_argument(
        "file", help=".seg.nrrd, .nii.gz, .nii, .dcm (SEG), or .json, .csv for marks"
    )
    export.add_argument("--layer", action="append", help="default: labels; repeatable")
    export.add_argument(
        "--replace",
        action="store_true",
        help="replace a file that another program wrote; it is kept beside",
    )
    export.set_defaults(run=_export)

    importing = jobs.add_parser("import", help="read a label file into a scan's layer")
    importing.add_argument("scan", help=scan_help)
    importing.add_argument("file", help="a label file, a DICOM SEG or RTSTRUCT")
    importing.add_argument("--layer", default="labels", help="default: labels")
    importing.set_defaults(run=_import)

    convert = jobs.add_parser("convert", help="write a label file in another format")
    convert.add_argument("source", help="a label file")
    convert.add_argument("target", help="the file to write; its suffix is the format")
    convert.add_argument("--scan", help=f"{scan_help}: for DICOM SEG and RTSTRUCT")
    convert.add_argument(
        "--labelmap", action="store_true", help="DICOM SEG as a label map"
    )
    convert.set_defaults(run=_convert)
    for job in (listing, export, importing, convert):
        job.add_argument("--series", help="which series, if the folder holds several")


def _list(arguments: argparse.Namespace) -> int:
    from medlab.labels import Layer, file_state, list_layers
    from medlab.scans import find_home, open_scan

    home = find_home()
    scan = open_scan(arguments.scan, series=arguments.series, home=home)
    assert scan.source is not None
    for name in list_layers(home, scan.source.scan_id):
        layer = Layer.open(home, scan, name, create=False)
        names = ", ".join(_one_line(segment.name) for segment in layer.segments)
        told = file_state(home, layer)
        saved = "" if told["path"] is None else f"  {told['path']} ({told['state']})"
        print(f"{name}  revision {layer.rev}: {names or 'no segments'}{saved}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from medlab.labels import Layer, grid_of, save_layers
    from medlab.scans import find_home, open_scan

    home, target = find_home(), Path(arguments.file).resolve()
    scan = open_scan(arguments.scan, series=arguments.series, home=home)
    names = dict.fromkeys(arguments.layer or ["labels"])
    layers = [Layer.open(home, scan, name, create=False) for name in names]
    replace = None
    if arguments.replace and target.is_file():
        replace = hashlib.sha256(target.read_bytes()).hexdigest()
    grid = grid_of(scan, home)
    told = save_layers(home, layers, target, grid, replace=replace)
    print(f"{told['path']}: revision {told['rev']}")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from medlab.labels import Layer, list_layers, open_label_layers
    from medlab.scans import find_home, open_scan

    home = find_home()
    scan = open_scan(arguments.scan, series=arguments.series, home=home)
    assert scan.source is not None
    found = open_label_layers(arguments.file, scan, home=home)
    there = set(list_layers(home, scan.source.scan_id))
    names = [
        arguments.layer if number == 1 else f"{arguments.layer}-{number}"
        for number in range(1, len(found) + 1)
    ]
    taken = sorted(there & set(names))
    if taken:
        raise MedlabError(
            f"The layers to import into must be new, got {', '.join(taken)} already "
            "there. Choose another name with --layer.",
            code="exists",
        )
    for name, labels in zip(names, found, strict=True):
        layer = Layer.open(home, scan, name, segments=labels.segments)
        layer.replace(labels)
        if labels.marks:
            layer.set_marks(labels.marks)
        for warning in labels.warnings:
            print(f"warning  {_one_line(warning)}")
        print(f"{name}  {', '.join(_one_line(s.name) for s in labels.segments)}")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from medlab.labels import open_label_layers, save_labels
    from medlab.scans import find_home, open_scan

    home, target = find_home(), Path(arguments.target)
    if target.exists():
        raise MedlabError(
            f"There is a file {target.name!r} already. Choose another name, or remove it.",
            code="exists",
        )
    scan = None
    if arguments.scan:
        scan = open_scan(arguments.scan, series=arguments.series, home=home)
    found = open_label_layers(arguments.source, scan, home=home)
    for labels in found:
        for warning in labels.warnings:
            print(f"warning  {_one_line(warning)}")
    save_labels(target, found, scan, labelmap=arguments.labelmap, home=home)
    count = sum(len(labels.segments) for labels in found)
    print(f"{_one_line(target.name)}: {count} segments in {len(found)} layers")
    return 0


def _one_line(text: str) -> str:
    # Names come from files of anybody: no control characters on a terminal.
    return "".join(c if c.isprintable() else "?" for c in text)
