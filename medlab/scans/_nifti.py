"""Reading NIfTI: `.nii` and `.nii.gz`."""

import gzip
import io
import warnings
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import check_affine
from medlab.scans._header import (
    Header,
    looks_like_ct,
    modality_from_name,
    pick_frame,
    rescaled,
)
from medlab.scans._limits import (
    HEADER_BYTES,
    NotAScan,
    check_ratio,
    check_size,
    cut_short,
    damaged,
)
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume

_KIND = "NIfTI"
_BROKEN = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
)


def read_header(path: Path, name: str) -> Header:
    """Read what a NIfTI file says about itself; at most a few kilobytes are unpacked.

    Raises:
        MedlabError: If it is not NIfTI, has no usable affine, or is too large.
    """
    return _header(_raw_header(path, name), path, name)


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode a NIfTI file.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    nibabel: Any = import_module("nibabel")

    raw = _raw_header(path, name)
    header = _header(raw, path, name)
    chosen = pick_frame(name, header.frames, frame)
    slope, intercept = raw.get_slope_inter()
    try:
        # nibabel's proxy reads one frame without unpacking the ones behind it.
        proxy = nibabel.arrayproxy.ArrayProxy(path, raw, mmap=False)
        shape = tuple(raw.get_data_shape())
        where = (slice(None),) * 3 + np.unravel_index(chosen, shape[3:4] or (1,))
        index = where[: len(shape)] if header.channels == 1 else (slice(None),) * 3
        stored = proxy.get_unscaled() if header.frames == 1 else _frame(proxy, index)
    except EOFError as error:
        raise cut_short(name, _KIND) from error
    except _BROKEN as error:
        short = "Expected" in str(error) and "bytes" in str(error)
        raise (cut_short if short else damaged)(name, _KIND) from error
    voxels = _shaped(np.asarray(stored), header)
    if slope is not None and voxels.dtype.kind in "iuf":
        voxels = rescaled(voxels, float(slope), float(intercept or 0.0))
    modality = header.modality
    if modality == "unknown" and _is_ct(voxels):
        modality = "CT"
    return Volume(voxels, header.affine, modality, header.warnings)


def tags(path: Path, name: str) -> list[TagRow]:
    """The fields of the header, in their order."""
    raw = _raw_header(path, name)
    free = ("descrip", "aux_file", "intent_name", "db_name", "data_type")
    return [tag_row(key, raw[key], identifies=key in free) for key in raw]


def _frame(proxy: Any, index: tuple[Any, ...]) -> NDArray:
    fileslice = import_module("nibabel.fileslice").fileslice
    with proxy._get_fileobj() as handle:
        found = fileslice(
            handle, index, proxy.shape, proxy.dtype, proxy.offset, order="F"
        )
    return np.asarray(found)


def _raw_header(path: Path, name: str) -> Any:
    nibabel: Any = import_module("nibabel")

    try:
        start = _first_bytes(path, 540)
    except EOFError as error:
        raise cut_short(name, _KIND) from error
    except (OSError, zlib.error) as error:
        raise _no_nifti(name) from error
    for kind, size in ((nibabel.Nifti1Header, 348), (nibabel.Nifti2Header, 540)):
        if len(start) < size or not kind.may_contain_header(start):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                raw = kind.from_fileobj(io.BytesIO(start[:size]), check=False)
                raw.get_data_shape(), raw.get_data_dtype(), raw.get_slope_inter()
        except Exception as error:
            raise damaged(name, _KIND) from error
        if not 0 <= raw.get_data_offset() <= HEADER_BYTES:
            raise damaged(name, _KIND)
        return raw
    raise _no_nifti(name)


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as handle:
        if handle.read(2) != b"\x1f\x8b":
            handle.seek(0)
            if path.name.lower().endswith(".gz"):
                raise OSError("not gzip")
            return handle.read(count)
        handle.seek(0)
        with gzip.open(handle) as unpacked:
            return unpacked.read(count)


def _is_packed(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def _no_nifti(name: str) -> NotAScan:
    return NotAScan(
        f"{name} must be a NIfTI file, got something else under that name. "
        "Look what it really is; perhaps only its ending is wrong."
    )


def _header(raw: Any, path: Path, name: str) -> Header:
    dtype, shape = raw.get_data_dtype(), tuple(int(n) for n in raw.get_data_shape())
    if dtype.kind not in "iufV" or (dtype.kind == "V" and dtype.names is None):
        raise NotAScan(
            f"{name} must hold real numbers or RGB colours, got {dtype}. "
            "Save its magnitude (or another real part) as NIfTI first."
        )
    check_size(name, shape, dtype.itemsize)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if _is_packed(path):
        check_ratio(name, size, path.stat().st_size)
    elif path.stat().st_size < raw.get_data_offset() + size:
        raise cut_short(name, _KIND)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    channels, frames = 1, 1
    if dtype.kind == "V":
        channels = 3
    if len(shape) == 5 and shape[3] == 1 and shape[4] == 3:
        channels = 3
    elif len(shape) > 3:
        frames = int(np.prod(shape[3:]))
    if channels == 1 and len(shape) > 4:
        raise NotAScan(
            f"{name} must have up to four axes, got {len(shape)}. "
            "Split it into 3D or 4D files first."
        )
    i, j, k = (*shape[:3], 1, 1)[:3]
    notes = []
    if not raw["qform_code"] and not raw["sform_code"]:
        notes.append(
            "The file does not say how the scan lies in the patient; "
            "left and right may be swapped."
        )
    if k == 1 or j == 1 or i == 1:
        notes.append("The scan has only one slice.")
    with np.errstate(all="ignore"):
        try:
            affine = raw.get_best_affine()
        except Exception:
            affine = np.full((4, 4), np.nan)
    modality = modality_from_name(path.name)
    if modality == "unknown" and _begins_like_ct(raw, path):
        modality = "CT"
    return Header(
        shape=(i, j, k),
        affine=check_affine(affine, name),
        modality=modality,
        frames=frames,
        channels=channels,
        warnings=tuple(notes),
    )


def _begins_like_ct(raw: Any, path: Path) -> bool:
    """Whether the first voxels are air in HU, as in the corner of a CT."""
    dtype, offset = raw.get_data_dtype(), int(raw.get_data_offset())
    slope, intercept = raw.get_slope_inter()
    if dtype.kind not in "if" or dtype.itemsize == 1:
        return False
    try:
        start = _first_bytes(path, offset + 4096 * dtype.itemsize)[offset:]
    except (OSError, EOFError, zlib.error):
        return False
    count = len(start) // dtype.itemsize
    if not count:
        return False
    with np.errstate(all="ignore"):
        voxels = np.frombuffer(start, dtype, count) * (slope or 1.0) + (
            intercept or 0.0
        )
        low, high = float(voxels.min()), float(voxels.max())
    return -4096 <= low <= -900 and high <= 40000


def _shaped(stored: NDArray, header: Header) -> NDArray:
    if stored.dtype.names:
        stored = np.stack([stored[c] for c in stored.dtype.names[:3]], axis=-1)
    shape = header.shape if header.channels == 1 else (*header.shape, header.channels)
    native = stored.reshape(shape, order="F" if header.channels == 1 else "A")
    return native.astype(native.dtype.newbyteorder("="), copy=False)


def _is_ct(voxels: NDArray) -> bool:
    if voxels.dtype.kind not in "if" or voxels.dtype.itemsize == 1 or voxels.ndim != 3:
        return False
    return looks_like_ct(float(voxels.min()), float(voxels.max()))
