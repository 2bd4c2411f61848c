"""`medlab index` lists scans below a folder; `medlab info` tells about one."""

import argparse
import json
import sys
from pathlib import Path
from typing import TextIO

from medlab.cluster import add_cluster_options, cluster_of
from medlab.errors import MedlabError
from medlab.scans._home import find_home
from medlab.scans._open import open_scan
from medlab.scans._summary import ScanSummary
from medlab.scans.index._find import list_scans
from medlab.scans.index._progress import IndexProgress
from medlab.scans.index._update import update_index


def add_parser(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Add both sub-commands."""
    index = subparsers.add_parser(
        "index",
        help="list the scans below a folder",
        description="List the scans below a folder and remember them.",
    )
    index.add_argument("folder", nargs="?", default=".")
    index.add_argument("--json", action="store_true", help="one JSON object")
    index.add_argument("--refresh", action="store_true", help="read all headers again")
    add_cluster_options(index)
    index.set_defaults(run=_index)
    info = subparsers.add_parser(
        "info",
        help="tell what a scan holds",
        description="Decode a scan and tell what it holds (nothing about the patient).",
    )
    info.add_argument("path", help="a file, or a folder with a DICOM series")
    info.add_argument("--series", help="SeriesInstanceUID, when there are several")
    info.add_argument("--frame", type=int, help="which volume of a 4D scan")
    info.set_defaults(run=_info)


def _index(arguments: argparse.Namespace) -> int:
    bar, where, is_new = _ProgressBar(sys.stderr), cluster_of(arguments), False
    try:
        if any(value is not None for value in where.values()):
            folder = Path(arguments.folder).expanduser().resolve()
            update_index(
                find_home(),
                folder,
                refresh=arguments.refresh,
                on_progress=bar.show,
                **where,
            )
            is_new = True
        found = list_scans(
            arguments.folder,
            refresh=arguments.refresh and not is_new,
            on_progress=bar.show,
        )
    finally:
        bar.clear()
    if arguments.json:
        print(json.dumps({"scans": [scan.to_json() for scan in found]}, indent=1))
        return 0
    for scan in found:
        print(_line(scan))
    broken = sum(scan.error is not None for scan in found)
    print(f"{len(found)} scans" + (f", {broken} cannot be read" if broken else ""))
    return 0


class _ProgressBar:
    """One line on a terminal that is drawn over; nothing where there is no terminal."""

    _CELLS = 30

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._drawn = 0

    def show(self, progress: IndexProgress) -> None:
        """Draw how many files were looked at, and how many scans were read."""
        if progress.total:
            part = min(progress.done / progress.total, 1.0)
            cells = round(part * self._CELLS)
            bar = "#" * cells + "-" * (self._CELLS - cells)
            text = f"[{bar}] {part:4.0%} of {progress.total} files"
        else:
            text = f"{progress.done} files"
        self._draw(f"{text}, {progress.found} scans read")

    def clear(self) -> None:
        """Leave an empty line, for what is printed next."""
        if self._drawn:
            self._draw("")

    def _draw(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write("\r" + text.ljust(self._drawn))
            if not text:
                self._stream.write("\r")
            self._stream.flush()
            self._drawn = len(text)


def _line(scan: ScanSummary) -> str:
    # File names are hostile text too: no control characters on a terminal.
    path = "".join(c if c.isprintable() else "?" for c in scan.path)
    if scan.error is not None:
        return f"{path}: {scan.error}"
    shape = " x ".join(map(str, scan.shape))
    spacing = " x ".join(f"{mm:.3g}" for mm in scan.spacing_mm)
    labels = f"  labels: {', '.join(scan.layers)}" if scan.labels else ""
    unit = "mm" if scan.spacing_unit == "mm" else "px"
    volumes = f"  {scan.frames} volumes" if scan.frames > 1 else ""
    place = f"{shape}  {spacing} {unit}  {scan.orientation}"
    return f"{path}  {scan.modality}  {place}{volumes}{labels}"


def _info(arguments: argparse.Namespace) -> int:
    volume = open_scan(arguments.path, series=arguments.series, frame=arguments.frame)
    if volume.source is None:
        raise MedlabError("The scan has no place on disk.")
    unit = f" {volume.unit}" if volume.unit else ""
    home = find_home()
    print(f"id           {volume.source.scan_id}")
    print(f"root         {home.root}")
    print(f"modality     {volume.modality}")
    print(
        f"voxels       {' x '.join(map(str, volume.voxels.shape))} {volume.voxels.dtype}"
    )
    print(f"spacing      {' x '.join(f'{mm:.5g}' for mm in volume.spacing_mm)} mm")
    print(f"orientation  {volume.orientation}")
    print(f"range        {volume.voxels.min()} to {volume.voxels.max()}{unit}")
    for row in volume.affine:
        print("affine       " + "  ".join(f"{value:10.4f}" for value in row))
    for warning in volume.warnings:
        print(f"warning      {warning}")
    return 0
