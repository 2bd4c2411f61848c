"""Reading NRRD: `.nrrd`, and `.nhdr` with its data file beside it."""

import bz2
import io
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import check_affine, swap_lps_ras
from medlab.scans._header import Header, looks_like_ct, modality_from_name, pick_frame
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

_KIND = "NRRD"
_SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
_PLAIN = {
    "type", "dimension", "space", "space dimension", "sizes", "spacings", "thicknesses",
    "axis mins", "axismins", "axis maxs", "axismaxs", "centers", "centerings", "kinds",
    "endian", "encoding", "space origin", "space directions", "measurement frame",
    "block size", "blocksize", "min", "max", "old min", "oldmin", "old max", "oldmax",
    "line skip", "lineskip", "byte skip", "byteskip",
}  # fmt: skip
_FIELDS = _PLAIN | {
    "content", "data file", "datafile", "labels", "units", "sample units", "sampleunits",
    "space units", "number",
}  # fmt: skip
_COLOURS = ("rgb-color", "rgb-colour", "3-color", "3-colour", "vector", "3-vector")


def read_header(path: Path, name: str) -> Header:
    """Read what a NRRD file says about itself.

    Raises:
        MedlabError: If it is not NRRD, has no usable affine, or is too large.
    """
    fields, _ = read_nrrd_fields(path, name)
    return _header(fields, path, name)[0]


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode a NRRD file; never more of it than its header promises.

    Raises:
        MedlabError: If it cannot be read, or is 4D and `frame` is None.
    """
    fields, offset = read_nrrd_fields(path, name)
    header, other_axis = _header(fields, path, name)
    chosen = pick_frame(name, header.frames, frame)
    stored = read_nrrd_array(fields, path, name, offset)
    dtype = stored.dtype
    if other_axis is not None:
        stored = np.moveaxis(stored, other_axis, -1)
        stored = stored if header.channels > 1 else stored[..., chosen]
    voxels = stored.reshape(
        (*header.shape, header.channels) if header.channels > 1 else header.shape,
        order="F",
    ).astype(dtype.newbyteorder("="))
    modality = header.modality
    if modality == "unknown" and dtype.kind in "if" and dtype.itemsize > 1:
        ct = looks_like_ct(float(voxels.min()), float(voxels.max()))
        modality = "CT" if ct and header.channels == 1 else "unknown"
    return Volume(voxels, header.affine, modality, header.warnings)


def tags(path: Path, name: str) -> list[TagRow]:
    """The fields of the header, in their order; those of the standard hide nothing."""
    fields, _ = read_nrrd_fields(path, name)
    return [
        tag_row(key, value, identifies=key not in _PLAIN, is_private=key not in _FIELDS)
        for key, value in fields.items()
    ]


def read_nrrd_array(
    fields: dict[str, Any], path: Path, name: str, offset: int
) -> NDArray[Any]:
    """The numbers of a NRRD file, in the sizes and the type of its header.

    The sizes are checked before anything is unpacked, and no more is unpacked than they
    promise.

    Args:
        fields: The header.
        path: The file.
        name: What to call it in messages.
        offset: Where in the file the data begin.

    Raises:
        MedlabError: If it is too large, ends early, or cannot be unpacked.
    """
    sizes, dtype = _check_fields(fields, path, name)
    try:
        content = _content(fields, path, offset, math.prod(sizes) * dtype.itemsize)
        if content is None:
            raise cut_short(name, _KIND)
        return np.frombuffer(content, dtype).reshape(sizes, order="F")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, NotAScan):
            raise
        raise damaged(name, _KIND) from error


def _check_fields(
    fields: dict[str, Any], path: Path, name: str
) -> tuple[list[int], np.dtype[Any]]:
    """Sizes and type of what the header promises, once they are believed."""
    sizes, dtype = [int(n) for n in fields["sizes"]], _dtype(fields, name)
    check_size(name, sizes, dtype.itemsize)
    if str(fields["encoding"]).lower() != "raw" and "data file" not in fields:
        check_ratio(name, math.prod(sizes) * dtype.itemsize, path.stat().st_size)
    return sizes, dtype


def read_nrrd_fields(path: Path, name: str) -> tuple[dict[str, Any], int]:
    """The header as pynrrd reads it, and where in the file the data begin.

    Raises:
        MedlabError: If it is not NRRD.
    """
    import nrrd

    with path.open("rb") as handle:
        start = handle.read(HEADER_BYTES)
    if not start.startswith(b"NRRD"):
        raise NotAScan(
            f"{name} must be a NRRD file, got something else under that name. "
            "Look what it really is; perhaps only its ending is wrong."
        )
    ends = [
        start.find(gap) + len(gap) for gap in (b"\n\n", b"\r\n\r\n") if gap in start
    ]
    header_end = min(ends, default=len(start))
    try:
        # pynrrd drops letters that are not ASCII from bytes, not from text.
        text = start[:header_end].decode("utf-8", "replace")
        fields = dict(nrrd.read_header(io.StringIO(text, newline="\n")))
        if len(fields["sizes"]) != fields["dimension"] or "encoding" not in fields:
            raise damaged(name, _KIND)
    except NotAScan:
        raise
    except Exception as error:
        raise damaged(name, _KIND) from error
    return fields, header_end


def _dtype(fields: dict[str, Any], name: str) -> np.dtype[Any]:
    import nrrd

    try:
        dtype: np.dtype[Any] = np.dtype(nrrd.reader._determine_datatype(fields))
    except Exception as error:
        raise damaged(name, _KIND) from error
    if dtype.kind not in "iuf":
        raise NotAScan(
            f"{name} must hold numbers, got {dtype}. Save it as NIfTI first."
        )
    return dtype


def _header(fields: dict[str, Any], path: Path, name: str) -> tuple[Header, int | None]:
    """The header, and which axis is not one of space (colour or time), if any."""
    sizes, _ = _check_fields(fields, path, name)
    kinds = [str(k).lower() for k in fields.get("kinds", [])] or ["domain"] * len(sizes)
    directions = fields.get("space directions")
    other: int | None = None
    if len(sizes) == 4:
        rows = np.full((4, 3), np.nan) if directions is None else np.array(directions)
        none = [axis for axis in range(4) if np.isnan(rows[axis]).all()]
        listed = [
            axis for axis, kind in enumerate(kinds) if kind not in ("domain", "space")
        ]
        other = (listed or none or [3])[0]
    elif len(sizes) not in (2, 3):
        raise NotAScan(
            f"{name} must have three axes (four with colour or time), got {len(sizes)}. "
            "Split it into 3D files first."
        )
    colour = other is not None and sizes[other] == 3 and kinds[other] in _COLOURS
    spatial = [axis for axis in range(len(sizes)) if axis != other]
    affine, notes = _affine(fields, spatial)
    i, j, k = (*(sizes[axis] for axis in spatial), 1)[:3]
    if min(i, j, k) == 1:
        notes.append("The scan has only one slice.")
    header = Header(
        shape=(i, j, k),
        affine=check_affine(affine, name),
        modality=modality_from_name(path.name),
        frames=1 if other is None or colour else sizes[other],
        channels=3 if colour else 1,
        warnings=tuple(notes),
    )
    return header, other


def _affine(
    fields: dict[str, Any], spatial: list[int]
) -> tuple[NDArray[np.float64], list[str]]:
    notes: list[str] = []
    space = str(fields.get("space", "")).lower()
    signs = _SPACES.get(space)
    if signs is None:
        notes.append(
            "The file does not say how the scan lies in the patient; "
            "left and right may be swapped."
        )
    lps = np.eye(4)
    directions = fields.get("space directions")
    if directions is not None:
        rows = np.array(directions, np.float64)
        vectors = [rows[axis] for axis in spatial if axis < len(rows)]
        for axis, vector in enumerate(vectors[:3]):
            lps[: len(vector), axis] = vector[:3]
        if len(vectors) == 2 and len(vectors[0]) == 3:
            lps[:3, 2] = np.cross(vectors[0], vectors[1])
            lps[:3, 2] /= np.linalg.norm(lps[:3, 2]) or 1
    elif fields.get("spacings") is not None:
        spacings = [float(fields["spacings"][axis]) for axis in spatial]
        lps[range(len(spacings)), range(len(spacings))] = spacings
        notes.append("The file gives no directions; the axes are taken as LPS.")
    else:
        notes.append("The file gives no voxel size; 1 mm is assumed.")
    origin = fields.get("space origin")
    if origin is not None:
        lps[: len(origin), 3] = origin
    if signs is None:
        return swap_lps_ras(lps), notes
    return np.diag([*signs, 1.0]) @ lps, notes


def _content(
    fields: dict[str, Any], path: Path, offset: int, expected: int
) -> bytes | None:
    """Exactly the bytes the header promises, or None if the file has fewer.

    Raises:
        ValueError: If packed voxels are more than it promises, as pynrrd does as well.
    """
    datafile = fields.get("data file", fields.get("datafile"))
    where = path if datafile is None else _beside(path, str(datafile))
    skip = int(fields.get("byte skip", fields.get("byteskip", 0)))
    encoding = str(fields["encoding"]).lower()
    with where.open("rb") as handle:
        handle.seek(offset if datafile is None else 0)
        for _ in range(int(fields.get("line skip", fields.get("lineskip", 0)))):
            handle.readline(HEADER_BYTES)
        if encoding == "raw":
            handle.seek(*((-expected, 2) if skip == -1 else (skip, 1)))
            content = handle.read(expected)
        elif encoding in ("gzip", "gz"):
            unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
            content = _unpack(handle, unpacker, max(skip, 0) + expected + 1)
            content = content[max(skip, 0) :]
        elif encoding in ("bzip2", "bz2"):
            squeezed = bz2.BZ2Decompressor()
            content = _unpack(handle, squeezed, max(skip, 0) + expected + 1)
            content = content[max(skip, 0) :]
        elif encoding in ("ascii", "text", "txt"):
            text = handle.read(32 * expected)
            dtype = _dtype(fields, path.name)
            content = np.array(text.split(), np.float64).astype(dtype).tobytes()
        else:
            raise ValueError("unknown encoding")
    if len(content) > expected and encoding not in ("ascii", "text", "txt"):
        raise ValueError("more voxels than the header promises")
    return content if len(content) >= expected else None


def _unpack(handle: BinaryIO, unpacker: Any, expected: int) -> bytes:
    parts, have, pending = [], 0, b""
    while have < expected and not unpacker.eof:
        pending = pending or handle.read(1 << 20)
        part = unpacker.decompress(pending, min(expected - have, 64 << 20))
        pending = getattr(unpacker, "unconsumed_tail", b"")
        if not part and not pending and not handle.peek(1):  # type: ignore[attr-defined]
            break
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def _beside(path: Path, datafile: str) -> Path:
    # A header may name any file of the machine; only one beside it is its own.
    if Path(datafile).name != datafile or "%" in datafile or datafile == "LIST":
        raise NotAScan(
            f"{path.name} must keep its voxels in one file beside it, got another place. "
            "Put both in one folder, or save the scan as one .nrrd file."
        )
    return path.with_name(datafile)
