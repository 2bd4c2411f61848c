"""Marks as COCO-like JSON; see `_mark_files` for what its numbers mean."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels._mark_measures import (
    in_unit,
    measures,
    points_ras_mm,
    slice_axes,
    slice_of,
)
from medlab.labels._marks import Mark, marks_to_json
from medlab.labels._segment import Segment
from medlab.scans import SpacingUnit


def to_coco(
    marks: Sequence[Mark],
    affine: NDArray[np.float64],
    segments: Sequence[Segment],
    shape: Sequence[int] | None,
    spacing_unit: SpacingUnit,
) -> dict[str, Any]:
    """One annotation a mark, one image a slice that holds one."""
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
        measured = {
            "points_ras_mm": np.round(points_ras_mm(mark, affine), 4).tolist(),
            **measures(mark, affine),
        }
        annotations.append(
            {
                **{"id": number, "image_id": image["id"]},
                "category_id": category["id"],
                **_shape(mark, affine),
                "iscrowd": 0,
                **{in_unit(name, spacing_unit): n for name, n in measured.items()},
                "mark": told,
            }
        )
    return {
        "info": {
            "description": "Marks on a scan. points are voxel coordinates; the centre of "
            "the first voxel is (0, 0, 0).",
            "affine_ras_mm": np.asarray(affine, np.float64).tolist(),
            "spacing_unit": spacing_unit,
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
    index = slice_of(mark, affine)
    plane, place = mark.plane or "", index if isinstance(index, int) else -1
    if place < 0:
        plane = ""
    image = images.get((plane, place))
    if image is None:
        axes = slice_axes(plane, affine) if plane else (0, 1)
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
    x, y = slice_axes(mark.plane, affine) if mark.plane else (0, 1)
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


def from_coco(content: Any) -> list[dict[str, Any]]:
    """The fields of each mark; a box without them becomes a rectangle of its slice.

    Raises:
        ValueError: If a box lies in no slice; and whatever odd content leads to.
    """
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
        x, y = slice_axes(image["plane"], matrix)
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
