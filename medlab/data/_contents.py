"""SHA-256 of what a case is made of, so that a run can say on what it was trained."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medlab.data._case import Case
from medlab.labels import Layer, find_color_table, segments_to_json
from medlab.scans import Home, ScanSource, dicom_candidates, series_files

_WITH_DATA_BESIDE = (".mhd", ".nhdr")
_DATA_ENDINGS = (".raw", ".zraw", ".raw.gz")


def scan_sha256(source: ScanSource, home: Home) -> str:
    """Of a scan's file, as `sha256sum` tells it; of several files, of their hashes.

    Names are left out: the same images under other names give the same.
    """
    if source.series is not None:
        return _of_files([file.path for file in series_files(source, home)])
    return _of_files(_with_data(home.locate(source.path)))


def labels_sha256(case: Case, source: ScanSource, home: Home) -> str:
    """Of a case's labels: their file and the table of names beside it, or the layer."""
    if case.labels.startswith("layer:"):
        name = case.labels.removeprefix("layer:")
        return _of_layer(Layer.open(home, source, name=name, create=False))
    given = Path(case.labels).expanduser()
    path = given if given.exists() else home.root / given
    if path.is_dir():
        return _of_files(dicom_candidates(path))
    table = find_color_table(path)
    return _of_files([*_with_data(path), *([table] if table is not None else [])])


def _of_layer(layer: Layer) -> str:
    told = json.dumps([list(layer.shape), segments_to_json(layer.segments)])
    digest = hashlib.sha256(told.encode())
    voxels: Any = np.ascontiguousarray(layer.voxels)
    digest.update(voxels.astype("<u2", copy=False))
    return digest.hexdigest()


def _with_data(path: Path) -> list[Path]:
    """The file, and where it is only a header the voxels beside it."""
    if path.suffix.lower() not in _WITH_DATA_BESIDE:
        return [path]
    beside = [path.with_suffix(ending) for ending in _DATA_ENDINGS]
    return [path, *(file for file in beside if file.exists())]


def _of_files(paths: Sequence[Path]) -> str:
    digests = []
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
