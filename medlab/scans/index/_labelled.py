"""Which scans have labels: asked of the disk at every look, never remembered."""

import os
from dataclasses import replace
from pathlib import Path

from medlab.scans._home import Home
from medlab.scans._summary import ScanSummary


def labelled_scans(home: Home) -> dict[str, list[str]]:
    """The layers of each scan that has any, by its id."""
    try:
        folders = list(Path(home.labels).iterdir())
    except OSError:
        return {}
    return {f.name: layers for f in folders if (layers := layers_in(f))}


def layers_in(folder: Path) -> list[str]:
    """The names of the label layers in a scan's folder, sorted."""
    try:
        with os.scandir(folder) as listing:
            names = [entry.name for entry in listing]
    except OSError:
        return []
    return sorted(name for name in names if (folder / name / "layer.json").exists())


def with_labels(scan: ScanSummary, home: Home) -> ScanSummary:
    """The summary with the layers that there are now."""
    layers = layers_in(home.labels / scan.id)
    return replace(scan, labels=bool(layers), layers=layers)
