"""A layer's folder: its name, and `layer.json`, which is written once and never changed.

`.medlab/labels/<scan>/<name>/` holds

- `layer.json`: which scan, its grid, the segments the layer began with;
- `edits.mlj`: the journal, one `Delta` a record, never rewritten;
- `snapshot-<rev>.mls`: the whole map at a revision, so that opening does not replay
  everything. A snapshot may vanish or break without harm: the journal holds it all.
"""

import json
import re
from pathlib import Path
from typing import Any

from filelock import FileLock

from medlab.errors import MedlabError
from medlab.labels._segment import Segment, segments_to_json
from medlab.scans import Home, ScanSource, Volume, volume_cache, write_atomically

_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,62}[A-Za-z0-9_-])?")


class LayerNotFound(MedlabError, LookupError):
    """The scan has no layer of that name."""

    code = "layer-not-found"


def list_layers(home: Home, scan_id: str) -> list[str]:
    """Names of the layers that a scan has."""
    folder = home.labels / scan_id
    return sorted(path.parent.name for path in folder.glob("*/layer.json"))


def check_layer_name(name: str) -> None:
    """Refuse a name that cannot be a folder everywhere."""
    if not _NAME.fullmatch(name):
        raise MedlabError(
            "A layer's name must be up to 64 letters, digits, blanks, _ or -, "
            f"got {name!r}. Choose a simpler one.",
            code="bad-name",
        )


def make_folder(
    folder: Path,
    home: Home,
    scan: ScanSource | Volume,
    source: ScanSource,
    segments: tuple[Segment, ...],
) -> None:
    """Begin a layer on the grid of `scan`; one that another process began stays."""
    if isinstance(scan, Volume):
        shape, affine = scan.shape, scan.affine.tolist()
    else:
        info = volume_cache(source, home).info
        shape, affine = info["shape"], info["affine"]
    description = {
        "format": _FORMAT,
        "scan": source.scan_id,
        "layer": folder.name,
        **{"shape": list(shape), "affine": affine},
        "dtype": "u2" if any(segment.id > 255 for segment in segments) else "u1",
        "segments": segments_to_json(segments),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not (folder / "layer.json").exists():
            text = json.dumps(description, indent=2)
            write_atomically(folder / "layer.json", text.encode())


def read_description(folder: Path) -> dict[str, Any]:
    """What `layer.json` says.

    Raises:
        MedlabError: If it is damaged, or of a format that this medlab does not know.
    """
    try:
        told: dict[str, Any] = json.loads((folder / "layer.json").read_text("utf-8"))
        number = told["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise MedlabError(
            f"layer.json of the layer {folder.name!r} must be the JSON that medlab wrote, "
            "got something else. Restore it from a backup; the edits beside it are whole.",
            code="layer-damaged",
        ) from error
    if number != _FORMAT:
        raise MedlabError(
            f"The layer {folder.name!r} must be of format {_FORMAT}, got {number}. "
            "It was made by a newer medlab: update this one.",
            code="layer-format",
        )
    return told
