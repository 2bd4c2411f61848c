"""A layer's folder: its name, and `layer.json`, which is written once and never changed.

`.medlab/labels/<scan>/<name>/` holds

- `layer.json`: which scan, its grid, the segments the layer began with; and
  `layer.copy.json`, the same again, for the day on which the first is damaged;
- `edits.mlj`: the journal, one `Delta` a record, never rewritten;
- `snapshot-<rev>.mls`: the whole map at a revision, so that opening does not replay
  everything. A snapshot may vanish or break without harm: the journal holds it all;
- `*.damaged-<time>`: what a recovery put aside.
"""

import contextlib
import re
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from medlab.errors import MedlabError
from medlab.labels._journal import sync_folder
from medlab.labels._sealed_json import is_sealed, seal, unseal
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
    if name.lower() == "files":
        raise MedlabError(
            f"A layer's name must not be {name!r}: its address lists the label files of a "
            "scan. Choose another one.",
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
    _make_synced(folder)
    with FileLock(folder / ".lock"):
        if not (folder / "layer.json").exists():
            write_description(folder, description)


def write_description(folder: Path, description: dict[str, Any]) -> None:
    """Write `layer.json` and its copy; only for who holds the layer's lock."""
    data = seal(description)
    # The copy first: a layer that is there has both.
    for name in ("layer.copy.json", "layer.json"):
        write_atomically(folder / name, data)


def read_description(folder: Path) -> dict[str, Any]:
    """What `layer.json` says; where that is damaged, its copy takes its place.

    Raises:
        MedlabError: If both are damaged, or of a format that this medlab does not know.
    """
    told = _read_whole(folder / "layer.json")
    if told is None:
        told = _read_whole(folder / "layer.copy.json")
        if told is None:
            raise MedlabError(
                f"layer.json of the layer {folder.name!r} must be the JSON that medlab "
                "wrote, got something else, and so is its copy. Restore one of them from "
                "a backup; the edits beside it are whole.",
                code="layer-damaged",
            )
        # Nothing is lost: the copy has a checksum. A folder that cannot be written
        # keeps the damaged file, and is read by its copy every time.
        with contextlib.suppress(OSError), FileLock(folder / ".lock", timeout=5):
            if _read_whole(folder / "layer.json") is None:
                put_aside(folder / "layer.json")
                write_description(folder, told)
    if told["format"] != _FORMAT:
        raise MedlabError(
            f"The layer {folder.name!r} must be of format {_FORMAT}, got "
            f"{told['format']}. It was made by a newer medlab: update this one.",
            code="layer-format",
        )
    _seal_older(folder, told)
    return told


def put_aside(path: Path) -> None:
    """Keep a damaged file beside, under a name that nobody reads."""
    with contextlib.suppress(FileNotFoundError):
        path.rename(free_name_beside(path))


def free_name_beside(path: Path) -> Path:
    """A name for a damaged file: its own, and the moment at which it was put aside."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    number = 0
    while True:
        end = f"-{number}" if number else ""
        beside = path.with_name(f"{path.name}.damaged-{moment}{end}")
        if not beside.exists():
            return beside
        number += 1


def _read_whole(path: Path) -> dict[str, Any] | None:
    try:
        told = unseal(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    needed = {"format"}
    if told.get("format") == _FORMAT:
        needed |= {"scan", "layer", "shape", "affine", "dtype", "segments"}
    return told if needed <= told.keys() else None


def _seal_older(folder: Path, told: dict[str, Any]) -> None:
    """Give a layer that an older medlab made a checksum and a copy."""
    with contextlib.suppress(OSError, ValueError):
        if is_sealed((folder / "layer.json").read_bytes()):
            return
        with FileLock(folder / ".lock", timeout=5):
            write_description(folder, told)


def _make_synced(folder: Path) -> None:
    """Make a folder and the ones it lies in, each with its name on disk."""
    if folder.is_dir():
        return
    _make_synced(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
