"""Marks in files for other programs: COCO-like JSON and CSV.

Both keep every field of a mark and come back equal. `points_ijk` are voxel coordinates, the
centre of the first voxel is (0, 0, 0); `points_ras_mm` are the same points in RAS+ mm
(`points_ras_px` and so on where the scan tells no spacing). In JSON, `bbox` is COCO's
`[x, y, width, height]` in pixels of the slice, whose first pixel reaches from 0 to 1; x runs
along the earlier voxel axis. CSV cells that a spreadsheet would
take for a formula begin with `'`.

Source:
    COCO, "Data format" (images, annotations, categories).
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._mark_coco import from_coco, to_coco
from medlab.labels._mark_measures import in_unit, measures, points_ras_mm, slice_of
from medlab.labels._marks import Mark, as_marks, marks_to_json
from medlab.labels._plain_text import guarded, unguarded
from medlab.labels._segment import Segment
from medlab.scans import NotWritten, SpacingUnit, replacing

_LARGEST_BYTES = 64 << 20
_UNITS: tuple[SpacingUnit, ...] = ("mm", "pixels")
_TEXT = ("id", "kind", "name", "color", "segment", "plane", "scope", "value", "note")
_MEASURES = ("length_mm", "angle_deg", "area_mm2", "volume_mm3")
_NONSENSE = (
    *(ValueError, KeyError, TypeError, IndexError, AttributeError),
    RecursionError,
)
_COLUMNS = (*_TEXT, "segment_name", "slice", "points_ijk", "points_ras_mm", *_MEASURES)


def write_marks(
    path: Path | str,
    marks: Iterable[Mark],
    affine: NDArray[np.float64],
    segments: Sequence[Segment] = (),
    shape: Sequence[int] | None = None,
    *,
    spacing_unit: SpacingUnit = "mm",
    confirm: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Write marks as COCO-like `.json` or as `.csv`; read back before it counts.

    Args:
        path: Where; the suffix chooses.
        marks: What to write.
        affine: 4x4, voxel to RAS mm, of the scan they were made on.
        segments: What their segment numbers mean.
        shape: Of the scan, `(I, J, K)`, for the sizes of images.
        spacing_unit: What the scan's affine counts; part of the names of what is measured.
        confirm: Called with the new file right before it takes its place.

    Raises:
        MedlabError: If the suffix is another.
    """
    target, listed = Path(path), tuple(marks)
    kind = target.suffix.lower()
    if kind not in (".json", ".csv"):
        raise MedlabError(
            f"Marks are written as .json or .csv, got {target.name!r}. Choose one of these.",
            code="bad-suffix",
        )
    names = {segment.id: segment.name for segment in segments}
    if kind == ".json":
        content = json.dumps(
            to_coco(listed, affine, segments, shape, spacing_unit), indent=1
        )
    else:
        content = _csv(listed, affine, names, spacing_unit)
    with replacing(target) as temporary:
        temporary.write_bytes(content.encode("utf-8", "surrogatepass"))
        if read_marks(temporary, name=target.name) != listed:
            raise NotWritten(
                f"{target.name!r} must read back as it was written, got other marks; the "
                "older file, if any, was kept. Check the disk, and save again."
            )
        confirm(temporary)
    return target


def read_marks(
    path: Path | str,
    affine: NDArray[np.float64] | None = None,
    *,
    name: str | None = None,
) -> tuple[Mark, ...]:
    """Read marks of a file that medlab wrote, or of one that tells as much.

    Args:
        path: `.json` or `.csv`.
        affine: 4x4, voxel to RAS mm, of the scan; needed for rows that give only mm.
        name: What to call the file in messages.

    Raises:
        MedlabError: If it holds no marks, or a mark makes no sense.
    """
    source = Path(path)
    name = name or source.name
    try:
        if source.stat().st_size > _LARGEST_BYTES:
            raise ValueError("size")
        text = (
            source.read_bytes().decode("utf-8", "surrogatepass").removeprefix("\ufeff")
        )
        if source.suffix.lower() == ".csv":
            return as_marks(_from_csv(text, affine))
        return as_marks(from_coco(json.loads(text)))
    except FileNotFoundError as error:
        raise MedlabError(
            f"There must be a file of marks {name!r}, got nothing there. "
            "Look for its name.",
            code="bad-marks",
        ) from error
    except (*_NONSENSE, csv.Error) as error:
        why = f" ({error})" if isinstance(error, MedlabError) else ""
        raise MedlabError(
            f"{name!r} must hold marks as medlab writes them, got something else{why}. "
            "Write it again with medlab, or give each row an id, a kind and points.",
            code="bad-marks",
        ) from error


def _csv(
    marks: Sequence[Mark],
    affine: NDArray[np.float64],
    names: dict[int, str],
    unit: SpacingUnit,
) -> str:
    content = io.StringIO()
    table = csv.DictWriter(content, _COLUMNS, restval="", lineterminator="\r\n")
    table.writerow({name: in_unit(name, unit) for name in _COLUMNS})
    for told, mark in zip(marks_to_json(marks), marks, strict=True):
        ras = points_ras_mm(mark, affine)
        row = {key: "" if told[key] is None else told[key] for key in _TEXT}
        for key in ("name", "value", "note"):
            row[key] = _escaped(str(row[key]))
        # An empty text is not the same as none.
        row["value"] = '""' if mark.value == "" else row["value"]
        row["segment_name"] = _escaped(names.get(mark.segment or 0, ""))
        row["slice"] = slice_of(mark, affine)
        row["points_ijk"] = "; ".join(" ".join(map(repr, p)) for p in told["points"])
        row["points_ras_mm"] = "; ".join(" ".join(f"{n:.4f}" for n in p) for p in ras)
        row.update(measures(mark, affine))
        table.writerow(row)
    return content.getvalue()


def _escaped(text: str) -> str:
    """One line, so that no program takes a note for several rows."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    text = text.replace("\0", "\\0")
    return guarded(f"\\{text}" if text == '""' else text)


def _unescaped(cell: str) -> str:
    parts = unguarded(cell).split("\\\\")
    for escape, character in (("\\n", "\n"), ("\\r", "\r"), ("\\0", "\0")):
        parts = [part.replace(escape, character) for part in parts]
    return "\\".join(
        part.removeprefix("\\") if part == '\\""' else part for part in parts
    )


def _from_csv(text: str, affine: NDArray[np.float64] | None) -> list[dict[str, Any]]:
    found = []
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if not {"kind"} <= set(rows.fieldnames or ()):
        raise ValueError("columns")
    for row in rows:
        told: dict[str, Any] = {key: row.get(key) or None for key in _TEXT}
        for key in ("name", "note"):
            told[key] = _unescaped(row.get(key) or "")
        if told["value"] is not None:
            told["value"] = "" if told["value"] == '""' else _unescaped(told["value"])
        told["segment"] = int(told["segment"]) if told["segment"] else None
        told["points"] = _points(row.get("points_ijk") or "")
        if not told["points"] and affine is not None:
            cells = (row.get(in_unit("points_ras_mm", unit)) for unit in _UNITS)
            told["points"] = _voxels(_points(next(filter(None, cells), "")), affine)
        if told["id"] is None:
            del told["id"]
        found.append(told)
    return found


def _points(cell: str) -> list[list[float]]:
    return [
        [float(number) for number in point.split()]
        for point in cell.split(";")
        if point.strip()
    ]


def _voxels(points: list[list[float]], affine: NDArray[np.float64]) -> list[Any]:
    if not points:
        return []
    inverse = np.linalg.inv(affine)
    found = np.array(points) @ inverse[:3, :3].T + inverse[:3, 3]
    return [list(map(float, point)) for point in found]
