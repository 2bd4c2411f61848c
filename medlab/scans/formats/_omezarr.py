"""Reading OME-Zarr 0.4: a folder with a picture at several levels of detail.

The finest level whose volume fits in memory is read; `cells.ome.zarr/2` names a level
outright. Only folders on disk are read, never a network store, and only plain numbers in
codecs that hold nothing but data.

Source:
    https://ngff.openmicroscopy.org/0.4/, "multiscales" and "coordinateTransformations".
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from medlab.errors import MedlabError
from medlab.scans._affine import affine_without_patient, check_affine
from medlab.scans._header import Header, modality_from_name, pick_frame, plain
from medlab.scans._limits import (
    HEADER_BYTES,
    NotAScan,
    check_size,
    damaged,
    volume_limit_bytes,
)
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import FrameKind, SpacingUnit, Volume
from medlab.scans.formats._resolution import ONE_SLICE, UNPLACED, mm_per
from medlab.scans.formats._zarr_chunks import CODECS, read_chunks

_KIND = "OME-Zarr"
_SECONDS = {
    "second": 1.0, "millisecond": 1e-3, "microsecond": 1e-6, "minute": 60.0,
    "hour": 3600.0, "day": 86400.0,
}  # fmt: skip


@dataclass(frozen=True)
class _Level:
    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: tuple[float, ...]
    translation: tuple[float, ...]


@dataclass(frozen=True)
class _Picture:
    root: Path
    axes: tuple[tuple[str, str, str], ...]
    """Name, type and unit of each."""
    levels: tuple[_Level, ...]
    chosen: int
    notes: tuple[str, ...]
    channels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.axes)


def is_level(path: Path) -> bool:
    """Whether the folder is one level of an OME-Zarr picture."""
    return path.is_dir() and not (path / ".zattrs").is_file() and _root(path) != path


def read_header(path: Path, name: str) -> Header:
    """Read what a picture says about itself; no chunk is decoded.

    Raises:
        MedlabError: If it is not OME-Zarr 0.4, or no level of it fits in memory.
    """
    return _header(_picture(path, name), name)


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode one level of a picture.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    picture = _picture(path, name)
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
        raise damaged(name, _KIND) from error
    left = [n for n in picture.names if n in "xyz"]
    array = np.asarray(array).transpose([left.index(a) for a in "xyz" if a in left])
    return Volume(
        array.reshape(header.shape).astype(level.dtype.newbyteorder("="), copy=False),
        header.affine,
        header.modality,
        header.warnings,
        spacing_unit=header.spacing_unit,
    )


def tags(path: Path, name: str) -> list[TagRow]:
    """Axes, levels, and the attributes of the folder."""
    picture = _picture(path, name)
    rows = [tag_row("axes", [" ".join(filter(None, axis)) for axis in picture.axes])]
    for level in picture.levels:
        rows.append(tag_row(f"level {level.path}", level.shape))
        rows.append(tag_row("scale", level.scale, depth=1))
        rows.append(tag_row("translation", level.translation, depth=1))
    for key, value in _json(picture.root / ".zattrs", name).items():
        if key != "multiscales":
            text = json.dumps(value, ensure_ascii=False)
            rows.append(tag_row(key, text, identifies=True, is_private=key != "omero"))
    return rows


def _header(picture: _Picture, name: str) -> Header:
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


def _frame_axes(picture: _Picture) -> list[int]:
    return [n for n, axis in enumerate(picture.names) if axis not in ("x", "y", "z")]


def _frame_names(
    picture: _Picture, others: list[int], counts: list[int]
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


def _picture(path: Path, name: str) -> _Picture:
    root = _root(path)
    if (root / "zarr.json").is_file():
        raise NotAScan(
            f"{name} must be OME-Zarr 0.4 (zarr 2), got a later version. "
            "Convert it: ome2024-ngff-challenge and bioformats2raw write either."
        )
    attributes = _json(root / ".zattrs", name)
    scales = attributes.get("multiscales")
    if not isinstance(scales, list) or not scales:
        raise NotAScan(
            f"{name} must be an OME-Zarr picture, got a zarr folder without "
            "'multiscales'. Choose the folder of one picture in it.",
            code="no-picture",
        )
    try:
        return _understood(root, scales[0], attributes, path, name)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, MedlabError):
            raise
        raise damaged(name, _KIND) from error


def _understood(
    root: Path, scale: dict[str, Any], attributes: dict[str, Any], path: Path, name: str
) -> _Picture:
    axes = tuple(_axis(axis) for axis in scale.get("axes", "tczyx"))
    names = [axis for axis, _, _ in axes]
    if not {"x", "y"} <= set(names) or len(set(names)) != len(names):
        raise NotAScan(
            f"{name} must have the axes y and x, got {plain(' '.join(names))}. "
            "Mend the axes in its .zattrs file."
        )
    whole = _transform(scale.get("coordinateTransformations"), len(axes), name)
    levels = [_level(root, one, whole, len(axes), name) for one in scale["datasets"]]
    if not levels:
        raise damaged(name, _KIND)
    notes = []
    if path != root:
        wanted = path.relative_to(root).as_posix()
        chosen = next((n for n, one in enumerate(levels) if one.path == wanted), -1)
        if chosen < 0:
            raise NotAScan(
                f"{root.name} has the levels "
                f"{', '.join(one.path for one in levels)}, got another folder in it. "
                "Open the picture itself, or one of these."
            )
        _check_level(levels[chosen], names, name)
    else:
        chosen = _level_that_fits(levels, names, name)
    if chosen or (path != root and len(levels) > 1):
        why = "" if path != root else ": a finer one does not fit in memory"
        notes.append(
            f"Level {chosen} of 0 (finest) to {len(levels) - 1} is shown{why}."
        )
    return _Picture(
        root, axes, tuple(levels), chosen, tuple(notes), _channel_names(attributes)
    )


def _axis(axis: Any) -> tuple[str, str, str]:
    if isinstance(axis, str):
        return axis.lower(), "", ""
    name, kind, unit = (str(axis.get(key, "")) for key in ("name", "type", "unit"))
    return name.lower(), kind, unit


def _level(
    root: Path,
    dataset: dict[str, Any],
    whole: tuple[tuple[float, ...], tuple[float, ...]],
    count: int,
    name: str,
) -> _Level:
    place = str(dataset["path"])
    if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
        raise NotAScan(
            f"{name} must keep its levels inside its own folder, got another place. "
            "Such a file may be made to do harm: leave it out."
        )
    told = _json(root / place / ".zarray", name)
    shape = tuple(int(n) for n in told["shape"])
    chunks = [int(n) for n in told["chunks"]]
    dtype = np.dtype(str(told["dtype"]))
    codec = (told.get("compressor") or {}).get("id")
    if (codec is not None and codec not in CODECS) or told.get("filters"):
        raise NotAScan(
            f"{name} must be packed with one of {', '.join(CODECS)}, got "
            f"another codec. Save it again with one of these."
        )
    if dtype.kind not in "iufb" or len(shape) != count or len(chunks) != count:
        raise damaged(name, _KIND)
    if min(chunks) < 1:
        raise damaged(name, _KIND)
    check_size(f"A chunk of {name}", chunks, dtype.itemsize)
    scale, translation = _transform(dataset["coordinateTransformations"], count, name)
    return _Level(
        place,
        shape,
        dtype,
        tuple(a * b for a, b in zip(scale, whole[0], strict=True)),
        tuple(
            t * s + u for t, s, u in zip(translation, whole[0], whole[1], strict=True)
        ),
    )


def _transform(
    listed: Any, count: int, name: str
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scale and translation that one list of transformations makes, in its order."""
    scale, translation = np.ones(count), np.zeros(count)
    for one in listed or []:
        kind = one["type"]
        if kind == "identity":
            continue
        if kind not in ("scale", "translation") or kind not in one:
            raise NotAScan(
                f"{name} must be placed by scale and translation, got another "
                "transformation. Save it with numbers in its .zattrs file."
            )
        numbers = np.array(one[kind], np.float64)
        if numbers.shape != (count,) or not np.isfinite(numbers).all():
            raise damaged(name, _KIND)
        if kind == "scale":
            scale, translation = scale * numbers, translation * numbers
        else:
            translation = translation + numbers
    return tuple(scale.tolist()), tuple(translation.tolist())


def _level_that_fits(levels: list[_Level], names: list[str], name: str) -> int:
    for number, level in enumerate(levels):
        if _bytes(level, names) <= volume_limit_bytes() // 4:
            return number
    _check_level(levels[-1], names, name)
    return len(levels) - 1


def _check_level(level: _Level, names: list[str], name: str) -> None:
    shape = [n for n, axis in zip(level.shape, names, strict=True) if axis in "xyz"]
    check_size(name, [*shape, *(n for n in level.shape if n < 1)], level.dtype.itemsize)


def _bytes(level: _Level, names: list[str]) -> int:
    shape = [n for n, axis in zip(level.shape, names, strict=True) if axis in "xyz"]
    return math.prod(shape) * level.dtype.itemsize


def _channel_names(attributes: dict[str, Any]) -> tuple[str, ...]:
    omero = attributes.get("omero")
    listed = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(listed, list):
        return ()
    return tuple(plain(one.get("label")) for one in listed if isinstance(one, dict))


def _root(path: Path) -> Path:
    """The folder of the picture that a folder is, or is a level of."""
    for folder in (path, *path.parents[:2]):
        if (folder / ".zattrs").is_file() or (folder / "zarr.json").is_file():
            return folder
    return path


def _json(file: Path, name: str) -> dict[str, Any]:
    try:
        with file.open("rb") as handle:
            text = handle.read(HEADER_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotAScan(
            f"{name} must be an OME-Zarr picture, got a folder without its .zattrs and "
            ".zarray files. Copy it again with its hidden files.",
            code="no-picture",
        ) from error
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged(name, _KIND) from error
    if not isinstance(told, dict):
        raise damaged(name, _KIND)
    return told
