"""What an OME-Zarr folder says: its axes, its levels of detail, and where they lie.

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
from medlab.scans._header import plain
from medlab.scans._limits import (
    HEADER_BYTES,
    NotAScan,
    check_size,
    damaged,
    volume_limit_bytes,
)
from medlab.scans.formats._zarr_chunks import CODECS

KIND = "OME-Zarr"


@dataclass(frozen=True)
class Level:
    """One level of detail; scale and translation in the axes' units."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: tuple[float, ...]
    translation: tuple[float, ...]


@dataclass(frozen=True)
class Picture:
    """What a folder says about itself."""

    root: Path
    axes: tuple[tuple[str, str, str], ...]
    """Name, type and unit of each."""
    levels: tuple[Level, ...]
    chosen: int
    notes: tuple[str, ...]
    channels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.axes)


def picture_of(path: Path, name: str) -> Picture:
    """Read the attributes of a picture, and of all its levels.

    Raises:
        NotAScan: If it is not OME-Zarr 0.4, or no level of it fits in memory.
    """
    root = root_of(path)
    if (root / "zarr.json").is_file():
        raise NotAScan(
            f"{name} must be OME-Zarr 0.4 (zarr 2), got a later version. "
            "Convert it: ome2024-ngff-challenge and bioformats2raw write either."
        )
    attributes = read_json(root / ".zattrs", name)
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
        raise damaged(name, KIND) from error


def _understood(
    root: Path, scale: dict[str, Any], attributes: dict[str, Any], path: Path, name: str
) -> Picture:
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
        raise damaged(name, KIND)
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
    return Picture(
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
) -> Level:
    place = str(dataset["path"])
    if PurePosixPath(place).is_absolute() or ".." in PurePosixPath(place).parts:
        raise NotAScan(
            f"{name} must keep its levels inside its own folder, got another place. "
            "Such a file may be made to do harm: leave it out."
        )
    told = read_json(root / place / ".zarray", name)
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
        raise damaged(name, KIND)
    if min(chunks) < 1:
        raise damaged(name, KIND)
    check_size(f"A chunk of {name}", chunks, dtype.itemsize)
    scale, translation = _transform(dataset["coordinateTransformations"], count, name)
    return Level(
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
            raise damaged(name, KIND)
        if kind == "scale":
            scale, translation = scale * numbers, translation * numbers
        else:
            translation = translation + numbers
    return tuple(scale.tolist()), tuple(translation.tolist())


def _level_that_fits(levels: list[Level], names: list[str], name: str) -> int:
    for number, level in enumerate(levels):
        if _bytes(level, names) <= volume_limit_bytes() // 4:
            return number
    _check_level(levels[-1], names, name)
    return len(levels) - 1


def _check_level(level: Level, names: list[str], name: str) -> None:
    shape = [n for n, axis in zip(level.shape, names, strict=True) if axis in "xyz"]
    check_size(name, [*shape, *(n for n in level.shape if n < 1)], level.dtype.itemsize)


def _bytes(level: Level, names: list[str]) -> int:
    shape = [n for n, axis in zip(level.shape, names, strict=True) if axis in "xyz"]
    return math.prod(shape) * level.dtype.itemsize


def _channel_names(attributes: dict[str, Any]) -> tuple[str, ...]:
    omero = attributes.get("omero")
    listed = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(listed, list):
        return ()
    return tuple(plain(one.get("label")) for one in listed if isinstance(one, dict))


def root_of(path: Path) -> Path:
    """The folder of the picture that a folder is, or is a level of."""
    for folder in (path, *path.parents[:2]):
        if (folder / ".zattrs").is_file() or (folder / "zarr.json").is_file():
            return folder
    return path


def read_json(file: Path, name: str) -> dict[str, Any]:
    """Read an object of attributes, of a bounded size.

    Raises:
        NotAScan: If there is none, or it is damaged.
    """
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
        raise damaged(name, KIND) from error
    if not isinstance(told, dict):
        raise damaged(name, KIND)
    return told
