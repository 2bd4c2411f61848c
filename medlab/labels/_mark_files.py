"""Marks in files for other programs: COCO-like JSON and CSV.

Both keep every field of a mark and come back equal. `points_ijk` are voxel coordinates, the
centre of the first voxel is (0, 0, 0); `points_ras_mm` are the same points in RAS+ mm. In
JSON, `bbox` is COCO's `[x, y, width, height]` in pixels of the slice, whose first pixel
reaches from 0 to 1; x runs along the earlier voxel axis. CSV cells that a spreadsheet would
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
from medlab.labels._marks import Mark, as_marks, marks_to_json
from medlab.labels._plain_text import guarded, unguarded
from medlab.labels._segment import Segment
from medlab.scans import NotWritten, plane_axes, replacing

_LARGEST_BYTES = 64 << 20
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
    confirm: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Write marks as COCO-like `.json` or as `.csv`; read back before it counts.

    Args:
        path: Where; the suffix chooses.
        marks: What to write.
        affine: 4x4, voxel to RAS mm, of the scan they were made on.
        segments: What their segment numbers mean.
        shape: Of the scan, `(I, J, K)`, for the sizes of images.
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
        content = json.dumps(_coco(listed, affine, segments, shape), indent=1)
    else:
        content = _csv(listed, affine, names)
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
        return as_marks(_from_coco(json.loads(text)))
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


# CSV ------------------------------------------------------------------------------------


def _csv(
    marks: Sequence[Mark], affine: NDArray[np.float64], names: dict[int, str]
) -> str:
    content = io.StringIO()
    table = csv.DictWriter(content, _COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    for told, mark in zip(marks_to_json(marks), marks, strict=True):
        ras = _ras(mark, affine)
        row = {key: "" if told[key] is None else told[key] for key in _TEXT}
        for key in ("name", "value", "note"):
            row[key] = _escaped(str(row[key]))
        # An empty text is not the same as none.
        row["value"] = '""' if mark.value == "" else row["value"]
        row["segment_name"] = _escaped(names.get(mark.segment or 0, ""))
        row["slice"] = _slice_of(mark, affine)
        row["points_ijk"] = "; ".join(" ".join(map(repr, p)) for p in told["points"])
        row["points_ras_mm"] = "; ".join(" ".join(f"{n:.4f}" for n in p) for p in ras)
        row.update(_measures(mark, affine))
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
            told["points"] = _voxels(_points(row.get("points_ras_mm") or ""), affine)
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


# COCO -----------------------------------------------------------------------------------


def _coco(
    marks: Sequence[Mark],
    affine: NDArray[np.float64],
    segments: Sequence[Segment],
    shape: Sequence[int] | None,
) -> dict[str, Any]:
    named = {segment.id: segment for segment in segments}
    categories: dict[str, dict[str, Any]] = {}
    images: dict[tuple[str, int], dict[str, Any]] = {}
    annotations = []
    for number, (told, mark) in enumerate(
        zip(marks_to_json(marks), marks, strict=True), start=1
    ):
        segment = named.get(mark.segment or 0)
        label = mark.value or (segment.name if segment else mark.name) or mark.kind
        category = categories.setdefault(
            label,
            {
                **{
                    "id": len(categories) + 1,
                    "name": label,
                    "supercategory": mark.kind,
                },
                "color": mark.color or (segment.color if segment else None),
            },
        )
        image = _image(mark, affine, shape, images)
        annotations.append(
            {
                **{"id": number, "image_id": image["id"]},
                "category_id": category["id"],
                **_shape(mark, affine),
                "iscrowd": 0,
                "points_ras_mm": np.round(_ras(mark, affine), 4).tolist(),
                **_measures(mark, affine),
                "mark": told,
            }
        )
    return {
        "info": {
            "description": "Marks on a scan. points are voxel coordinates; the centre of "
            "the first voxel is (0, 0, 0).",
            "affine_ras_mm": np.asarray(affine, np.float64).tolist(),
            "shape": list(shape) if shape is not None else None,
        },
        "images": list(images.values()),
        "categories": list(categories.values()),
        "annotations": annotations,
    }


def _image(
    mark: Mark,
    affine: NDArray[np.float64],
    shape: Sequence[int] | None,
    images: dict[tuple[str, int], dict[str, Any]],
) -> dict[str, Any]:
    index = _slice_of(mark, affine)
    plane, place = mark.plane or "", index if isinstance(index, int) else -1
    if place < 0:
        plane = ""
    image = images.get((plane, place))
    if image is None:
        axes = _axes(plane, affine) if plane else (0, 1)
        name = f"{plane}-{place:04d}" if plane else "volume"
        image = {"id": len(images) + 1, "file_name": name}
        if shape is not None:
            image.update(width=int(shape[axes[0]]), height=int(shape[axes[1]]))
        if plane:
            image.update(plane=plane, slice=place)
        images[plane, place] = image
    return image


def _shape(mark: Mark, affine: NDArray[np.float64]) -> dict[str, Any]:
    """What COCO knows of a mark: box, area and key points in the pixels of its slice."""
    if not mark.points:
        return {"bbox": [], "area": 0}
    points = np.array(mark.points, np.float64) + 0.5
    x, y = _axes(mark.plane, affine) if mark.plane else (0, 1)
    low, high = points.min(axis=0), points.max(axis=0)
    size = high - low
    told: dict[str, Any] = {
        "bbox": [float(n) for n in (low[x], low[y], size[x], size[y])],
        "area": float(size[x] * size[y]),
    }
    if mark.kind == "box":
        told["bbox_3d"] = [float(n) for n in (*low, *size)]
    if mark.kind in ("point", "line", "angle"):
        told["keypoints"] = [n for p in points for n in (float(p[x]), float(p[y]), 2)]
        told["num_keypoints"] = len(points)
    return told


def _from_coco(content: Any) -> list[dict[str, Any]]:
    images = {image["id"]: image for image in content.get("images", [])}
    names = {item["id"]: item["name"] for item in content.get("categories", [])}
    affine = (content.get("info") or {}).get("affine_ras_mm")
    found = []
    for item in content["annotations"]:
        if isinstance(item.get("mark"), dict):
            found.append(item["mark"])
            continue
        image = images[item["image_id"]]
        if affine is None or "plane" not in image or len(item.get("bbox") or ()) != 4:
            raise ValueError(
                "an annotation without a mark, or an image without a slice"
            )
        matrix = np.array(affine, np.float64)
        x, y = _axes(image["plane"], matrix)
        left, top, width, height = (float(number) for number in item["bbox"])
        corners = [[float(image["slice"])] * 3 for _ in range(2)]
        corners[0][x], corners[1][x] = left - 0.5, left + width - 0.5
        corners[0][y], corners[1][y] = top - 0.5, top + height - 0.5
        found.append(
            {
                "kind": "rectangle",
                "name": str(names.get(item.get("category_id"), "")),
                "plane": image["plane"],
                "points": corners,
            }
        )
    return found


# Measures -------------------------------------------------------------------------------


def _ras(mark: Mark, affine: NDArray[np.float64]) -> NDArray[np.float64]:
    points = np.array(mark.points, np.float64).reshape(-1, 3)
    matrix = np.asarray(affine, np.float64)
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def _axes(plane: str, affine: NDArray[np.float64]) -> tuple[int, int]:
    across = plane_axes(affine, plane).slices
    first, second = (axis for axis in range(3) if axis != across)
    return first, second


def _slice_of(mark: Mark, affine: NDArray[np.float64]) -> int | str:
    """The slice of a mark that lies in one, counted from 0."""
    if mark.plane is None or not mark.points:
        return ""
    across = plane_axes(affine, mark.plane).slices
    places = {round(point[across]) for point in mark.points}
    return places.pop() if len(places) == 1 else ""


def _measures(mark: Mark, affine: NDArray[np.float64]) -> dict[str, float]:
    """Length, angle, area or volume, in mm and degrees."""
    ras = _ras(mark, affine)
    sides = np.abs(np.subtract(*np.array(mark.points)[:2])) if len(ras) > 1 else None
    lengths = np.linalg.norm(np.asarray(affine, np.float64)[:3, :3], axis=0)
    if mark.kind == "line":
        return {"length_mm": round(float(np.linalg.norm(ras[1] - ras[0])), 4)}
    if mark.kind == "angle":
        arms = ras[0] - ras[1], ras[2] - ras[1]
        norm = float(np.linalg.norm(arms[0]) * np.linalg.norm(arms[1]))
        if not norm:
            return {}
        cosine = float(np.clip(arms[0] @ arms[1] / norm, -1, 1))
        return {"angle_deg": round(float(np.degrees(np.arccos(cosine))), 4)}
    if sides is not None and mark.plane and mark.kind in ("rectangle", "ellipse"):
        x, y = _axes(mark.plane, affine)
        area = float(sides[x] * lengths[x] * sides[y] * lengths[y])
        return {
            "area_mm2": round(area * (np.pi / 4 if mark.kind == "ellipse" else 1), 4)
        }
    if sides is not None and mark.kind == "box":
        volume = np.abs(np.linalg.det(np.asarray(affine)[:3, :3])) * np.prod(sides)
        return {"volume_mm3": round(float(volume), 4)}
    return {}
