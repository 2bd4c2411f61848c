"""Label files that fit a scan: in its folder, and DICOM objects that refer to its series."""

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.labels._color_tables import find_color_table
from medlab.labels._dicom_seg import LABELMAP, SEG
from medlab.labels._grid import Grid, find_placement
from medlab.labels._plain_text import plain_text
from medlab.labels._rtstruct import RTSTRUCT
from medlab.scans import (
    Home,
    ScanSource,
    is_dicom,
    may_be_dicom,
    read_dicom,
    read_source_header,
)

_MOST_FILES, _LONGEST_S = 4000, 5.0
_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".mha")
# Another scan of the same patient has the same grid; a name tells labels apart.
_NAMED_LABELS = re.compile(
    r"seg|label|mask|annot|struct|roi|truth|(?:^|[^a-z])(?:gt|organs?|tumou?r|lesions?)"
)


def find_label_files(source: ScanSource, home: Home) -> list[dict[str, str]]:
    """Label files that fit the scan.

    Looked at are the scan's folder and, for DICOM, the folders beside it: up to 4000 files
    or 5 s, whichever comes first.

    Returns:
        `path` relative to the root, `format` ("seg.nrrd", "nifti", "nrrd", "dicom-seg",
        "rtstruct", "coco" or "csv") and `name`, sorted by path.

    Raises:
        MedlabError: If the scan cannot be read.
    """
    header = read_source_header(source, home)
    grid = Grid(header.shape, header.affine)
    found: dict[str, dict[str, str]] = {}
    until = time.monotonic() + _LONGEST_S
    for path in itertools.islice(_candidates(source, home), _MOST_FILES):
        if time.monotonic() > until:
            break
        try:
            told = _told(path, source, grid, home)
        except (MedlabError, OSError):
            continue  # What cannot be read is listed among the scans, with its reason.
        if told is not None:
            found[home.name(path)] = {"path": home.name(path), **told}
    return [found[path] for path in sorted(found)]


def _candidates(source: ScanSource, home: Home) -> Iterator[Path]:
    place = home.locate(source.path)
    folder = place if source.series is not None else place.parent
    folders = [folder]
    above = folder.parent
    if source.series is not None and above.resolve().is_relative_to(home.root):
        beside = (p for p in sorted(above.iterdir()) if p.is_dir() and p != folder)
        folders += [above, *(p for p in beside if not p.name.startswith("."))]
    for one in folders:
        for path in sorted(one.iterdir()):
            is_inside = path.resolve().is_relative_to(home.root)
            if is_inside and path.is_file() and not path.name.startswith("."):
                yield path


def _told(
    path: Path, source: ScanSource, grid: Grid, home: Home
) -> dict[str, str] | None:
    name, lower = plain_text(path.name), path.name.lower()
    if lower.endswith((".json", ".csv")):
        kind = _kind_of_marks(path)
        return {"format": kind, "name": name} if kind else None
    if lower.endswith(_VOLUMES):
        if home.name(path) == source.path or not _is_named_labels(path):
            return None
        header = read_source_header(ScanSource(home.name(path)), home)
        find_placement(header.shape, header.affine, grid, name)
        kind = "nrrd" if lower.endswith((".nrrd", ".mha")) else "nifti"
        return {
            "format": "seg.nrrd" if lower.endswith(".seg.nrrd") else kind,
            "name": name,
        }
    if source.series is not None and may_be_dicom(path.name) and is_dicom(path):
        return _dicom(path, source.series)
    return None


def _is_named_labels(path: Path) -> bool:
    if _NAMED_LABELS.search(path.name.lower()):
        return True
    return find_color_table(path) is not None


def _kind_of_marks(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(4096)
    if path.suffix.lower() == ".csv":
        first = start.partition(b"\n")[0].removeprefix(b"\xef\xbb\xbf")
        return "csv" if b"kind" in first and b"points_" in first else None
    return "coco" if b'"affine_ras_mm"' in start else None


def _dicom(path: Path, series: str) -> dict[str, str] | None:
    kinds = {SEG: "dicom-seg", LABELMAP: "dicom-seg", RTSTRUCT: "rtstruct"}
    header = read_dicom(path, path.name).header
    kind = kinds.get(str(header.get("SOPClassUID", "")))
    if kind is None:
        return None
    header = read_dicom(path, path.name, everything=True).header
    if series not in _referenced(header):
        return None
    told = str(header.get("StructureSetLabel") or header.get("SeriesDescription") or "")
    return {"format": kind, "name": plain_text(told, 64) or plain_text(path.name)}


def _referenced(header: Any) -> Iterator[str]:
    """SeriesInstanceUIDs that a segmentation or structure set refers to."""
    for item in header.get("ReferencedSeriesSequence") or []:
        yield str(item.get("SeriesInstanceUID", ""))
    for place in header.get("ReferencedFrameOfReferenceSequence") or []:
        for study in place.get("RTReferencedStudySequence") or []:
            for item in study.get("RTReferencedSeriesSequence") or []:
                yield str(item.get("SeriesInstanceUID", ""))
