"""Reading TIFF: pictures, stacks of pages, ImageJ and OME hyperstacks, pyramids.

Axes named by the file are followed: Z (or the pages, when nothing names them) is K, S holds
colours, time and channels are volumes of a 4D scan. Distances come from OME's and ImageJ's
own fields, else from the resolution tag as far as it is believed.
"""

import contextlib
import math
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import affine_without_patient
from medlab.scans._header import Header, modality_from_name, pick_frame
from medlab.scans._limits import (
    NotAScan,
    TooLarge,
    check_packing,
    check_ratio,
    check_size,
    cut_short,
    damaged,
    volume_limit_bytes,
)
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume
from medlab.scans.formats._resolution import ONE_SLICE, UNPLACED
from medlab.scans.formats._tiff_spacing import Spacing, frame_names, spacing_of

_KIND = "TIFF"
_TURNED = (5, 6, 7, 8)
_DEFLATE = (8, 32946, 50013)


def read_header(path: Path, name: str) -> Header:
    """Read what a TIFF file says about itself.

    Raises:
        MedlabError: If it is not TIFF, or no level of it fits in memory.
    """
    with _opened(path, name) as tif:
        return _Layout(tif, path, name).header


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode a TIFF file; of a pyramid the finest level that fits in memory.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    with _opened(path, name) as tif:
        layout = _Layout(tif, path, name)
        chosen = pick_frame(name, layout.header.frames, frame)
        try:
            voxels = layout.decode(chosen)
        except MemoryError:
            raise
        except Exception as error:
            short = "read" in str(error) and "bytes" in str(error)
            raise (cut_short if short else damaged)(name, _KIND) from error
    header = layout.header
    return header.volume(voxels, is_inverted=layout.is_inverted)


def tags(path: Path, name: str) -> list[TagRow]:
    """The tags of the first page, and what ImageJ adds."""
    with _opened(path, name) as tif:
        rows = [tag_row("Pages", len(tif.pages)), tag_row("Axes", tif.series[0].axes)]
        for tag in list(tif.pages[0].tags)[:200]:
            value = tag.value
            if isinstance(value, bytes | tuple) and len(value) > 64:
                value = f"{len(value)} values"
            text = isinstance(value, str | dict)
            rows.append(tag_row(tag.name, str(value), identifies=text))
        for key, value in (tif.imagej_metadata or {}).items():
            if not isinstance(value, np.ndarray | bytes):
                rows.append(tag_row(f"ImageJ {key}", str(value), identifies=True))
    return rows


class _Layout:
    """One series of a TIFF file, and how its axes become a volume."""

    def __init__(self, tif: Any, path: Path, name: str) -> None:
        self._tif, self._path, self._name = tif, path, name
        try:
            # Counted first, pages that point in a circle end; walked over, they would not.
            len(tif.pages)
            series = tif.series[0]
            self._level = _level_that_fits(series, name)
            self._series = series.levels[self._level]
            self._page = self._series.keyframe
            axes = str(self._series.axes)
            shape = tuple(int(n) for n in self._series.shape)
            dtype = np.dtype(self._series.dtype)
        except (NotAScan, TooLarge):
            raise
        except Exception as error:
            raise damaged(name, _KIND) from error
        self._axes, self._shape = axes, shape
        self.is_inverted = int(self._page.photometric or 0) == 0
        self._is_palette = int(self._page.photometric or 0) == 3
        if dtype.kind not in "iufb" or not {"X", "Y"} <= set(axes):
            raise NotAScan(
                f"{name} must hold grey values or colours, got {dtype} with the axes "
                f"{axes}. Save its magnitude as TIFF or NIfTI first."
            )
        self._samples = shape[axes.index("S")] if "S" in axes else 1
        self._through = _slice_axis(axes)
        others = [
            n for n, a in enumerate(axes) if a not in "XYS" and n != self._through
        ]
        self._frame_axes = others
        self.header = self._header(dtype)

    def _header(self, dtype: np.dtype[Any]) -> Header:
        size = dict(zip(self._axes, self._shape, strict=True))
        i, j = size["X"], size["Y"]
        k = self._shape[self._through] if self._through is not None else 1
        channels = 3 if self._samples > 2 or self._is_palette else 1
        check_size(self._name, (i, j, k, channels), dtype.itemsize)
        # Also where nothing is packed: strips that are left out are read as zeros.
        check = check_packing if int(self._page.compression) == 1 else check_ratio
        unpacked = i * j * k * channels * dtype.itemsize
        check(self._name, unpacked, self._path.stat().st_size)
        spacing = spacing_of(self._tif, k)
        notes = [note for note in spacing.notes if note] + [UNPLACED]
        if min(i, j, k) == 1:
            notes.append(ONE_SLICE)
        if self._samples not in (1, 3):
            notes.append("Transparency and further samples were left out.")
        turn = _orientation(self._page)
        steps = self._scaled(spacing)
        if turn != 1:
            notes.append("The picture was turned as its orientation tag says.")
        if turn in _TURNED:
            i, j, steps = j, i, (steps[1], steps[0], steps[2])
        if self._level:
            notes.append(
                f"Level {self._level} of the pyramid is shown (0 is the finest): "
                "a finer one does not fit in memory (MEDLAB_MAX_VOLUME_BYTES)."
            )
        counts = [self._shape[axis] for axis in self._frame_axes]
        kinds = "".join(self._axes[axis] for axis in self._frame_axes)
        kind, values = frame_names(self._tif, kinds, counts)
        return Header(
            shape=(i, j, k),
            affine=affine_without_patient(steps),
            modality=modality_from_name(self._path.name),
            frames=math.prod(counts),
            channels=channels,
            warnings=tuple(notes),
            spacing_unit=spacing.unit,
            frame_kind=kind,
            frame_values=values,
        )

    def _scaled(self, spacing: Spacing) -> tuple[float, float, float]:
        """The steps of the level that is read."""
        finest = self._tif.series[0]
        whole = dict(zip(finest.axes, finest.shape, strict=True))
        here = dict(zip(self._axes, self._shape, strict=True))
        return (
            spacing.i * whole["X"] / here["X"],
            spacing.j * whole["Y"] / here["Y"],
            spacing.k,
        )

    def decode(self, frame: int) -> NDArray[Any]:
        """One volume `(I, J, K[, 3])`."""
        counts = tuple(self._shape[axis] for axis in self._frame_axes)
        where = np.unravel_index(frame, counts) if counts else ()
        picked: list[Any] = [slice(None)] * len(self._axes)
        for axis, index in zip(self._frame_axes, where, strict=True):
            picked[axis] = int(index)
        array = self._pages(picked)
        order = [a for n, a in enumerate(self._axes) if n not in self._frame_axes]
        if self._through is not None:
            order[order.index(self._axes[self._through])] = "Z"
        wanted = [a for a in "XYZS" if a in order]
        array = array.transpose([order.index(a) for a in wanted])
        if "Z" not in order:
            array = np.expand_dims(array, 2)
        return self._coloured(_turned(array, _orientation(self._page)))

    def _pages(self, picked: list[Any]) -> NDArray[Any]:
        """The stored numbers at those places of the outer axes, other pages unread."""
        inner = len(self._page.shape)
        outer = self._shape[:-inner] if inner < len(self._shape) else ()
        whole = len(self._series.pages) != math.prod(outer)
        whole = whole or tuple(self._shape[len(outer) :]) != tuple(self._page.shape)
        if whole:
            check_size(self._name, self._shape, np.dtype(self._series.dtype).itemsize)
            array = _decoded(self._series, None, self._path)
            return np.asarray(array.reshape(self._shape)[tuple(picked)])
        numbers = np.arange(math.prod(outer)).reshape(outer)[
            tuple(picked[: len(outer)])
        ]
        array = _decoded(self._series, numbers.ravel().tolist(), self._path)
        array = array.reshape(*numbers.shape, *self._page.shape)
        left = (slice(None),) * numbers.ndim
        return np.asarray(array[left + tuple(picked[len(outer) :])])

    def _coloured(self, array: NDArray[Any]) -> NDArray[Any]:
        if self._is_palette:
            table = np.asarray(self._page.colormap)
            return (table[:, array] >> 8).astype(np.uint8).transpose(1, 2, 3, 0)
        if array.ndim == 4:
            array = array[..., :3] if array.shape[3] > 2 else array[..., 0]
        wanted = "u1" if array.dtype == bool else array.dtype.newbyteorder("=")
        return array.astype(wanted, copy=False)


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    tifffile: Any = import_module("tifffile")

    try:
        # Other files that an OME header names are not opened.
        tif = tifffile.TiffFile(path, _multifile=False)
    except (PermissionError, FileNotFoundError):
        raise
    except Exception as error:
        raise NotAScan(
            f"{name} must be a TIFF file, got something else under that name. "
            "Look what it really is; perhaps only its ending is wrong."
        ) from error
    with tif:
        yield tif


def _level_that_fits(series: Any, name: str) -> int:
    """The finest level of which a volume takes at most a quarter of the limit."""
    sizes = []
    for number, level in enumerate(series.levels):
        axes = str(level.axes)
        through = _slice_axis(axes)
        shape = [
            int(n)
            for a, (axis, n) in enumerate(zip(axes, level.shape, strict=True))
            if axis in "XYS" or a == through
        ]
        size = math.prod(shape) * np.dtype(level.dtype).itemsize
        if size <= volume_limit_bytes() // 4 and number < len(series.levels) - 1:
            return number
        sizes.append(shape)
    check_size(name, sizes[-1], np.dtype(series.dtype).itemsize)
    return len(series.levels) - 1


def _slice_axis(axes: str) -> int | None:
    """Which axis steps through slices: Z, or the first that the file does not name."""
    if "Z" in axes:
        return axes.index("Z")
    unnamed = [n for n, axis in enumerate(axes) if axis in "QIO"]
    return unnamed[-1] if unnamed else None


def _orientation(page: Any) -> int:
    tag = page.tags.get(274)
    value = int(tag.value) if tag is not None and isinstance(tag.value, int) else 1
    return value if 1 <= value <= 8 else 1


def _turned(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn `(I, J, ...)` upright.

    Source:
        TIFF 6.0, section 8, Orientation: where the 0th row and column lie.
    """
    if orientation in _TURNED:
        array = np.swapaxes(array, 0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[::-1]
    if orientation in (3, 4, 7, 8):
        array = array[:, ::-1]
    return array


def _bounded_inflate(data: bytes, *, out: Any = None) -> bytes:
    """Unpack a strip or tile, no further than its size when that is told."""
    if not isinstance(out, int):
        return zlib.decompress(data)
    return zlib.decompressobj().decompress(data, max(out, 1))


def _decoded(series: Any, pages: list[int] | None, path: Path) -> NDArray[Any]:
    try:
        for number in _DEFLATE:
            # tifffile's own unpacks everything that is there, however much.
            codecs = import_module("tifffile.tifffile").TIFF.DECOMPRESSORS
            codecs[number]
            codecs._codecs[number] = _bounded_inflate
        keyframe = series.keyframe
        keyframe.decode  # noqa: B018  (raises where a codec is missing)
        if pages is None:
            return np.asarray(series.asarray(maxworkers=1))
        return np.stack([series.pages[n].asarray(maxworkers=1) for n in pages])
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
    found = [series.pages[n] for n in pages] if pages is not None else series.pages
    return _decoded_by_pillow([int(page.index) for page in found], path)


def _decoded_by_pillow(numbers: list[int], path: Path) -> NDArray[Any]:
    """Pages packed in ways that tifffile needs another library for (LZW, JPEG, ...)."""
    PIL: Any = import_module("PIL.Image")

    pictures = []
    with PIL.open(path, formats=("TIFF",)) as picture:
        for number in numbers:
            picture.seek(number)
            pictures.append(np.array(picture))
    return np.stack(pictures)
