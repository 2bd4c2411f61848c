"""LayerStack: what one label file holds, before anybody chose a layer of it.

Every format's reader returns one and every writer takes one, so that what was written can be
compared with what is read back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._plain_text import plain_text
from medlab.labels._segment import PALETTE, Segment, as_segments, segments_to_json
from medlab.scans import NotWritten, SpacingUnit

_TOLERANCE_MM = 1e-4


@dataclass(frozen=True, eq=False)
class LayerStack:
    """Layers on one grid.

    Attributes:
        layers: Each `(I, J, K)` of integers; segments of one layer do not overlap.
        affine: 4x4 float64, voxel indices to RAS+ millimetres.
        segments: One tuple a layer: what its integers mean.
        marks: Points, lines, boxes and classes.
        warnings: Sentences about what was doubtful in the file.
        spacing_unit: What the affine counts: "pixels" where no file tells a spacing.
    """

    layers: tuple[NDArray[Any], ...]
    affine: NDArray[np.float64]
    segments: tuple[tuple[Segment, ...], ...]
    marks: tuple[Any, ...] = ()
    warnings: tuple[str, ...] = ()
    spacing_unit: SpacingUnit = "mm"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along I, J and K."""
        i, j, k = self.layers[0].shape
        return i, j, k


def check_stack(stack: LayerStack) -> None:
    """Refuse layers that do not lie on one grid.

    Raises:
        MedlabError: If there is no layer, or their shapes differ.
    """
    shapes = {layer.shape for layer in stack.layers}
    if len(shapes) != 1:
        told = " and ".join(" x ".join(map(str, shape)) for shape in sorted(shapes))
        raise MedlabError(
            "Layers in one file must have the same voxels, got "
            f"{told or 'no layer at all'}. Save layers of one scan together.",
            code="another-shape",
        )


def with_plain_names(stack: LayerStack, limit: int | None = None) -> LayerStack:
    """The same layers under names that are one line of printable text.

    Args:
        stack: What is to be written.
        limit: Most letters that the format has room for.
    """
    told = tuple(
        as_segments(
            {**item, "name": plain_text(item["name"], limit) or f"segment {item['id']}"}
            for item in segments_to_json(listed)
        )
        for listed in stack.segments
    )
    return replace(stack, segments=told)


def check_came_back(stack: LayerStack, back: LayerStack, name: str) -> None:
    """Refuse a file that does not hold what was to be written.

    Raises:
        NotWritten: If voxels, place, ids, names or colours differ.
    """
    what = _difference(stack, back)
    if what:
        raise NotWritten(
            f"{name!r} must read back as it was written, got other {what}; the older file, "
            "if any, was kept. Check the disk, and save again."
        )


def one_map(stack: LayerStack, name: str) -> tuple[NDArray[Any], tuple[Segment, ...]]:
    """All layers as one map, for formats with room for one integer a voxel.

    Raises:
        MedlabError: If segments overlap, or share an id.
    """
    if len(stack.layers) == 1:
        return stack.layers[0], stack.segments[0]
    listed = tuple(segment for layer in stack.segments for segment in layer)
    ids = [segment.id for segment in listed]
    covered = sum(np.count_nonzero(layer) for layer in stack.layers)
    voxels = np.maximum.reduce(stack.layers)
    if len(set(ids)) < len(ids) or covered != np.count_nonzero(voxels):
        raise MedlabError(
            f"{name!r} holds one integer a voxel, got {len(stack.layers)} layers whose "
            "segments overlap or share an id. Save them as .seg.nrrd or DICOM SEG, or each "
            "layer by itself.",
            code="overlap",
        )
    return voxels, listed


def flatten(stack: LayerStack) -> LayerStack:
    """One map of all layers; where segments overlap the later one is kept, and told."""
    if len(stack.layers) == 1:
        return stack
    told = [
        (n, segment) for n, listed in enumerate(stack.segments) for segment in listed
    ]
    is_unique = len({segment.id for _, segment in told}) == len(told)
    ids = [s.id if is_unique else order for order, (_, s) in enumerate(told, start=1)]
    voxels = np.zeros(
        stack.shape, np.uint8 if max(ids, default=0) <= 255 else np.uint16
    )
    overlap = np.zeros(stack.shape, bool)
    for number, (layer, segment) in zip(ids, told, strict=True):
        mask = stack.layers[layer] == segment.id
        overlap |= mask & (voxels > 0)
        voxels[mask] = number
    notes = list(stack.warnings)
    if overlap.any():
        notes.append(
            f"{np.count_nonzero(overlap)} voxels belong to several segments; "
            "the later one was kept."
        )
    unnamed = np.zeros(stack.shape, bool)
    for voxels_there, listed in zip(stack.layers, stack.segments, strict=True):
        unnamed |= ~np.isin(voxels_there, [0, *(segment.id for segment in listed)])
    if unnamed.any():
        notes.append(
            f"{np.count_nonzero(unnamed)} voxels hold a value that no segment of the file "
            "names; they were left out."
        )
    listed = tuple(
        replace(segment, id=number)
        for number, (_, segment) in zip(ids, told, strict=True)
    )
    return LayerStack((voxels,), stack.affine, (listed,), stack.marks, tuple(notes))


def _difference(stack: LayerStack, back: LayerStack) -> str:
    if len(stack.layers) != len(back.layers):
        return "layers"
    pairs = zip(stack.layers, back.layers, strict=True)
    if not all(np.array_equal(ours, theirs) for ours, theirs in pairs):
        return "voxels"
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in stack.shape])).reshape(3, -1)
    apart = (back.affine - stack.affine) @ np.vstack([corners, np.ones(8)])
    if not np.abs(apart).max() <= _TOLERANCE_MM:
        return "places"
    for ours, theirs in zip(stack.segments, back.segments, strict=True):
        if _told(ours) != _told(theirs):
            return "names or colours"
    return ""


def _told(segments: Iterable[Segment]) -> list[tuple[int, str, str]]:
    return [(s.id, s.name, s.color.lower()) for s in segments]


def complete(stack: LayerStack) -> LayerStack:
    """The same layers with a name for every integer that occurs, such as "segment 7"."""
    told = []
    for voxels, listed in zip(stack.layers, stack.segments, strict=True):
        occurs = np.zeros(int(voxels.max(initial=0)) + 1, bool)
        for k in range(voxels.shape[2]):
            occurs[voxels[:, :, k]] = True
        there = np.flatnonzero(occurs)
        named = {segment.id for segment in listed}
        rest = [int(n) for n in there if n and int(n) not in named]
        told.append((*listed, *(_unnamed(number) for number in rest)))
    return replace(stack, segments=tuple(told))


def _unnamed(number: int) -> Segment:
    return Segment(number, f"segment {number}", PALETTE[(number - 1) % len(PALETTE)])
