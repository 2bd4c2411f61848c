"""Reading NPY: an array as NumPy saves it. Objects are never unpickled.

Three axes are `(I, J, K)`, as medlab's own arrays are; two are a picture `(rows, columns)`,
as NumPy's neighbours hold them; a last axis of 3 or 4 bytes holds colours; a further axis
counts volumes.
"""

import math
import os
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from medlab.scans._affine import affine_without_patient
from medlab.scans._header import (
    Header,
    modality_from_name,
    named_by_intensity,
    pick_frame,
)
from medlab.scans._limits import NotAScan, check_size, cut_short, damaged
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume
from medlab.scans.formats._resolution import ONE_SLICE

_KIND = "NPY"
_HEADER_CHARACTERS = 10_000


class _Array(NamedTuple):
    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype[Any]
    offset: int


def read_header(path: Path, name: str) -> Header:
    """Read the shape and type of a saved array.

    Raises:
        MedlabError: If it is not NPY, holds no numbers, or is no picture or volume.
    """
    return _header(_array(path, name), path, name)


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Read a saved array.

    Raises:
        MedlabError: If it cannot be read, or has volumes and `frame` is None.
    """
    array = _array(path, name)
    header = _header(array, path, name)
    chosen = pick_frame(name, header.frames, frame)
    stored = _stored(path, name, array, chosen if header.frames > 1 else None)
    if stored.ndim == 2 or (stored.ndim == 3 and header.channels > 1):
        stored = np.swapaxes(stored, 0, 1)[:, :, np.newaxis]
    if header.channels > 1:
        stored = stored[..., :3]
    voxels = np.array(stored, dtype=_native(array.dtype))
    return named_by_intensity(header.volume(voxels))


def tags(path: Path, name: str) -> list[TagRow]:
    """Shape, type and order."""
    array = _array(path, name)
    return [
        tag_row("shape", array.shape),
        tag_row("descr", array.dtype.str),
        tag_row("fortran_order", array.is_fortran),
    ]


def _stored(path: Path, name: str, array: _Array, frame: int | None) -> NDArray[Any]:
    """The array, or one index of its last axis.

    Read, not mapped: a mapped file that is cut short meanwhile ends the whole process.
    """
    order: Literal["C", "F"] = "F" if array.is_fortran else "C"
    with path.open("rb") as handle:
        handle.seek(array.offset)
        if frame is None:
            return _next(handle, name, array.dtype, array.shape, order)
        shape = array.shape[:-1]
        if array.is_fortran:
            handle.seek(frame * math.prod(shape) * array.dtype.itemsize, os.SEEK_CUR)
            return _next(handle, name, array.dtype, shape, order)
        voxels = np.empty(shape, array.dtype)
        for i in range(shape[0]):
            slab = _next(handle, name, array.dtype, array.shape[1:], order)
            voxels[i] = slab[..., frame]
        return voxels


def _next(
    handle: BinaryIO,
    name: str,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    order: Literal["C", "F"],
) -> NDArray[Any]:
    count = math.prod(shape)
    values = np.fromfile(handle, dtype, count)
    if values.size < count:
        raise cut_short(name, _KIND)
    return values.reshape(shape, order=order)


def _native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


def _array(path: Path, name: str) -> _Array:
    with path.open("rb") as handle:
        try:
            found = _promised(handle)
        except (ValueError, TypeError, SyntaxError, EOFError, OverflowError) as error:
            raise NotAScan(
                f"{name} must be an array saved by numpy.save, got something else under "
                "that name. Look what it really is; perhaps only its ending is wrong."
            ) from error
    if found.dtype.kind not in "iufb":
        raise NotAScan(
            f"{name} must hold real numbers, got {_words(found.dtype)}. Save the "
            "picture or volume alone: numpy.save(path, array.astype(numpy.float32)).",
            code="no-picture",
        )
    return found


def _promised(handle: BinaryIO) -> _Array:
    version = npy.read_magic(handle)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read(handle, max_header_size=_HEADER_CHARACTERS)
    return _Array(tuple(shape), is_fortran, dtype, handle.tell())


def _words(dtype: np.dtype[Any]) -> str:
    if dtype.hasobject:
        return "Python objects, which are never unpickled"
    return "a table" if dtype.names else f"the type {dtype}"


def _header(array: _Array, path: Path, name: str) -> Header:
    shape, channels, frames = array.shape, 1, 1
    is_colour = array.dtype == np.uint8 and len(shape) > 2 and shape[-1] in (3, 4)
    notes = ["An array gives no distances; they are in pixels."]
    if is_colour:
        channels, shape = 3, shape[:-1]
        notes.append("The last axis is taken for colours.")
    if len(shape) == 2:
        shape = (shape[1], shape[0], 1)
        notes.append(ONE_SLICE)
    else:
        notes.append(
            "An array does not say how it lies in the patient: its axes are taken as "
            "left, posterior, superior."
        )
    if len(shape) == 4 and not is_colour:
        frames, shape = shape[3], shape[:3]
    if len(shape) != 3:
        raise NotAScan(
            f"{name} must have two axes (a picture), three (a volume) or four (volumes), "
            f"got {len(array.shape)}. Save one picture or volume a file.",
            code="no-picture",
        )
    check_size(name, (*shape, channels), array.dtype.itemsize)
    size = int(np.prod(array.shape, dtype=object)) * array.dtype.itemsize
    if path.stat().st_size < array.offset + size:
        raise cut_short(name, _KIND)
    if not size:
        raise damaged(name, _KIND)
    return Header(
        shape=(shape[0], shape[1], shape[2]),
        affine=affine_without_patient((1, 1, 1)),
        modality=modality_from_name(path.name),
        frames=frames,
        channels=channels,
        warnings=tuple(notes),
        spacing_unit="pixels",
        frame_kind="volume" if frames > 1 else "",
    )
