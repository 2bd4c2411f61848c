"""Reading NIfTI 1 and 2: `.nii`, `.nii.gz`, and `.hdr` with its `.img`.

An `.hdr` of Analyze 7.5, NIfTI's parent, is read too: it knows sizes, but no patient.
"""

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
    modality_from_name,
    named_by_intensity,
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
from medlab.scans.formats._nifti_frames import frames_of
from medlab.scans.formats._nifti_place import Place, place, without_forms

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
        proxy = nibabel.arrayproxy.ArrayProxy(_data(path, name), raw, mmap=False)
        outer = tuple(raw.get_data_shape())[3:]
        index: tuple[Any, ...] = (slice(None),) * len(proxy.shape)
        if header.frames > 1:
            index = index[:3] + np.unravel_index(chosen, outer, order="F")
        stored = proxy.get_unscaled() if header.frames == 1 else _frame(proxy, index)
    except EOFError as error:
        raise cut_short(name, _KIND) from error
    except _BROKEN as error:
        short = "Expected" in str(error) and "bytes" in str(error)
        raise (cut_short if short else damaged)(name, _KIND) from error
    voxels = _shaped(np.asarray(stored), header)
    if slope is not None and voxels.dtype.kind in "iuf":
        voxels = rescaled(voxels, float(slope), float(intercept or 0.0))
    return named_by_intensity(header.volume(voxels))


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
    for kind in _kinds(nibabel, start, path):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                block = io.BytesIO(start[: kind.sizeof_hdr])
                raw = kind.from_fileobj(block, check=False)
                raw.get_data_shape(), raw.get_data_dtype(), raw.get_slope_inter()
        except Exception as error:
            raise damaged(name, _KIND) from error
        single = not _is_header_of_pair(path)
        offset = raw.get_data_offset()
        if not 0 <= offset <= HEADER_BYTES or (single and 0 < offset < kind.sizeof_hdr):
            raise damaged(name, _KIND)
        return raw
    raise _no_nifti(name, "no-picture" if _is_header_of_pair(path) else None)


def _kinds(nibabel: Any, start: bytes, path: Path) -> list[Any]:
    """The header that the file holds, by its magic word; none if it is another file."""
    is_pair = _is_header_of_pair(path)
    word = b"ni" if is_pair else b"n+"
    if is_pair:
        first = nibabel.nifti1.Nifti1PairHeader
        second = nibabel.nifti2.Nifti2PairHeader
    else:
        first, second = nibabel.Nifti1Header, nibabel.Nifti2Header
    if start[344:348] == word + b"1\0" and first.may_contain_header(start):
        return [first]
    if start[4:8] == word + b"2\0" and second.may_contain_header(start):
        return [second] if len(start) >= second.sizeof_hdr else []
    analyze = nibabel.Spm2AnalyzeHeader
    if is_pair and len(start) >= 348 and analyze.may_contain_header(start):
        return [analyze]
    return []


def _is_header_of_pair(path: Path) -> bool:
    return path.name.lower().endswith(".hdr")


def _data(path: Path, name: str) -> Path:
    """The file that holds the voxels.

    Raises:
        NotAScan: If it is missing.
    """
    if not _is_header_of_pair(path):
        return path
    for ending in (".img", ".IMG", ".img.gz"):
        beside = path.with_name(path.name[:-4] + ending)
        if beside.is_file():
            return beside
    raise NotAScan(
        f"{name} must have its voxels in an .img file of the same name beside it, got "
        "none. Put both in one folder."
    )


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


def _no_nifti(name: str, code: str | None = None) -> NotAScan:
    return NotAScan(
        f"{name} must be a NIfTI file, got something else under that name. "
        "Look what it really is; perhaps only its ending is wrong.",
        code=code,
    )


def _header(raw: Any, path: Path, name: str) -> Header:
    dtype, shape = raw.get_data_dtype(), tuple(int(n) for n in raw.get_data_shape())
    if dtype.kind not in "iufV" or (dtype.kind == "V" and dtype.names is None):
        raise NotAScan(
            f"{name} must hold real numbers or RGB colours, got {dtype}. "
            "Save its magnitude (or another real part) as NIfTI first."
        )
    if "intent_code" in raw and 3000 <= int(raw["intent_code"]) < 3100:
        raise NotAScan(
            f"{name} must hold voxels, got CIFTI: values on a surface. "
            "Open the volume that it was made from.",
            code="no-picture",
        )
    check_size(name, shape, dtype.itemsize)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    data = _data(path, name)
    if _is_packed(data):
        check_ratio(name, size, data.stat().st_size)
    elif data.stat().st_size < raw.get_data_offset() + size:
        raise cut_short(name, _KIND)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    frames = frames_of(raw, shape, dtype)
    i, j, k = (*shape[:3], 1, 1)[:3]
    where, notes = _placed(raw, (i, j, k), path, name)
    if k == 1 or j == 1 or i == 1:
        notes.append("The scan has only one slice.")
    if (dtype.kind == "V" and len(dtype.names) > 3) or shape[3:] == (1, 4):
        notes.append("Transparency was left out.")
    modality = modality_from_name(path.name)
    if modality == "unknown" and _begins_like_ct(raw, path):
        modality = "CT"
    return Header(
        shape=(i, j, k),
        affine=check_affine(where.affine, name),
        modality=modality,
        frames=frames.volumes,
        channels=frames.channels,
        warnings=tuple(notes),
        spacing_unit=where.unit,
        frame_kind=frames.kind,
        frame_values=frames.values,
    )


def _placed(
    raw: Any, shape: tuple[int, int, int], path: Path, name: str
) -> tuple[Place, list[str]]:
    if "qform_code" in raw:
        where = place(raw, shape, name)
        return where, list(where.notes)
    where = without_forms(raw, shape)
    notes = list(where.notes)
    if path.with_suffix(".mat").is_file():
        notes.append("The .mat file beside it, which may place the scan, is not read.")
    return where, notes


def _begins_like_ct(raw: Any, path: Path) -> bool:
    """Whether the first voxels are air in HU, as in the corner of a CT."""
    dtype, offset = raw.get_data_dtype(), int(raw.get_data_offset())
    slope, intercept = raw.get_slope_inter()
    if dtype.kind not in "if" or dtype.itemsize == 1:
        return False
    try:
        start = _first_bytes(_data(path, path.name), offset + 4096 * dtype.itemsize)[
            offset:
        ]
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
    elif header.channels > 1:
        stored = stored[..., :3]
    shape = header.shape if header.channels == 1 else (*header.shape, header.channels)
    native = stored.reshape(shape, order="F" if header.channels == 1 else "A")
    return native.astype(native.dtype.newbyteorder("="), copy=False)
