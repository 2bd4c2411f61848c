"""Reading OME-Zarr 0.4: a folder with a picture at several levels of detail.

The finest level whose volume fits in memory is read; `cells.ome.zarr/2` names a level
outright. Only folders on disk are read, never a network store, and only plain numbers in
codecs that hold nothing but data.

Source:
    https://ngff.openmicroscopy.org/0.4/, "multiscales" and "coordinateTransformations".
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from medlab.errors import MedlabError
from medlab.scans._affine import affine_without_patient, check_affine
from medlab.scans._header import Header, modality_from_name, pick_frame
from medlab.scans._limits import (
    NotAScan,
    damaged,
)
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import FrameKind, SpacingUnit, Volume
from medlab.scans.formats._omezarr_levels import (
    KIND,
    Picture,
    picture_of,
    read_json,
    root_of,
)
from medlab.scans.formats._resolution import ONE_SLICE, UNPLACED, mm_per
from medlab.scans.formats._zarr_chunks import read_chunks

_SECONDS = {
    "second": 1.0, "millisecond": 1e-3, "microsecond": 1e-6, "minute": 60.0,
    "hour": 3600.0, "day": 86400.0,
}  # fmt: skip


def is_level(path: Path) -> bool:
    """Whether the folder is one level of an OME-Zarr picture."""
    return path.is_dir() and not (path / ".zattrs").is_file() and root_of(path) != path


def read_header(path: Path, name: str) -> Header:
    """Read what a picture says about itself; no chunk is decoded.

    Raises:
        MedlabError: If it is not OME-Zarr 0.4, or no level of it fits in memory.
    """
    return _header(picture_of(path, name), name)


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode one level of a picture.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    picture = picture_of(path, name)
    header = _header(picture, name)
    chosen = pick_frame(name, header.frames, frame)
    level = picture.levels[picture.chosen]
    others = _frame_axes(picture)
    counts = tuple(level.shape[axis] for axis in others)
    where = np.unravel_index(chosen, counts) if counts else ()
    picked: list[Any] = [slice(None)] * len(level.shape)
    for axis, index in zip(others, where, strict=True):
        picked[axis] = int(index)
    try:
        array = read_chunks(picture.root, level.path, tuple(picked))
    except MedlabError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise damaged(name, KIND) from error
    left = [n for n in picture.names if n in "xyz"]
    array = np.asarray(array).transpose([left.index(a) for a in "xyz" if a in left])
    return header.volume(
        array.reshape(header.shape).astype(level.dtype.newbyteorder("="), copy=False)
    )


def tags(path: Path, name: str) -> list[TagRow]:
    """Axes, levels, and the attributes of the folder."""
    picture = picture_of(path, name)
    rows = [tag_row("axes", [" ".join(filter(None, axis)) for axis in picture.axes])]
    for level in picture.levels:
        rows.append(tag_row(f"level {level.path}", level.shape))
        rows.append(tag_row("scale", level.scale, depth=1))
        rows.append(tag_row("translation", level.translation, depth=1))
    for key, value in read_json(picture.root / ".zattrs", name).items():
        if key != "multiscales":
            text = json.dumps(value, ensure_ascii=False)
            rows.append(tag_row(key, text, identifies=True, is_private=key != "omero"))
    return rows


def _header(picture: Picture, name: str) -> Header:
    level = picture.levels[picture.chosen]
    size = dict(zip(picture.names, level.shape, strict=True))
    shape = (size["x"], size["y"], size.get("z", 1))
    notes = list(picture.notes)
    unit: SpacingUnit = "mm"
    spacing, origin = [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]
    units = {axis: mm_per(word) for axis, _, word in picture.axes if axis in "xyz"}
    if any(millimetres is None for millimetres in units.values()):
        unit = "pixels"
        notes.append("The axes name no unit of length; distances are in pixels.")
    for n, axis in enumerate("xyz"):
        if axis in picture.names:
            place = picture.names.index(axis)
            millimetres = units[axis] if unit == "mm" else 1.0
            spacing[n] = level.scale[place] * (millimetres or 1.0)
            origin[n] = level.translation[place] * (millimetres or 1.0)
    notes.append(UNPLACED)
    if min(shape) == 1:
        notes.append(ONE_SLICE)
    others = _frame_axes(picture)
    counts = [level.shape[axis] for axis in others]
    kind, values = _frame_names(picture, others, counts)
    if min(spacing) <= 0:
        raise NotAScan(
            f"{name} must give steps of more than 0 between its voxels, got "
            f"{min(spacing):.3g}. Mend the scale in its .zattrs file."
        )
    return Header(
        shape=shape,
        affine=check_affine(affine_without_patient(spacing, origin), name),
        modality=modality_from_name(picture.root.name),
        frames=math.prod(counts),
        warnings=tuple(notes),
        spacing_unit=unit,
        frame_kind=kind,
        frame_values=values,
    )


def _frame_axes(picture: Picture) -> list[int]:
    return [n for n, axis in enumerate(picture.names) if axis not in ("x", "y", "z")]


def _frame_names(
    picture: Picture, others: list[int], counts: list[int]
) -> tuple[FrameKind, tuple[float | str, ...]]:
    if math.prod(counts) == 1:
        return "", ()
    axis = next((n for n, c in zip(others, counts, strict=True) if c > 1), others[0])
    several = sum(count > 1 for count in counts) > 1
    name, kind, unit = picture.axes[axis]
    count = picture.levels[picture.chosen].shape[axis]
    if several:
        grid = np.indices(counts).reshape(len(counts), -1).T
        words = [picture.names[n] for n in others]
        return "volume", tuple(
            " ".join(f"{w}{n}" for w, n in zip(words, row, strict=True)) for row in grid
        )
    if kind == "time" or name == "t":
        seconds = _SECONDS.get(unit)
        level = picture.levels[picture.chosen]
        step, start = level.scale[axis], level.translation[axis]
        if seconds is None:
            return "time", ()
        return "time", tuple((start + n * step) * seconds for n in range(count))
    if kind == "channel" or name == "c":
        named = len(picture.channels) == count
        return "component", picture.channels if named else ()
    return "volume", ()
