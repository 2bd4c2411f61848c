"""Reading NRRD: `.nrrd`, and `.nhdr` with its data files beside it."""

import bz2
import io
import math
import re
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import check_affine
from medlab.scans._header import (
    Header,
    modality_from_name,
    named_by_intensity,
    pick_frame,
    plain,
)
from medlab.scans._limits import (
    HEADER_BYTES,
    NotAScan,
    check_ratio,
    check_size,
    cut_short,
    damaged,
    data_file,
)
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume
from medlab.scans.formats._metaimage_data import numbered_names
from medlab.scans.formats._nrrd_place import Axes, axes_of, frame_names, place

_KIND = "NRRD"
LIST_FIELD = "medlab data files"
"""Where the names behind `data file: LIST` are kept among the fields."""

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
    header, axes = _header(fields, path, name)
    chosen = pick_frame(name, header.frames, frame)
    stored = read_nrrd_array(fields, path, name, offset)
    dtype = stored.dtype
    stored = stored.transpose(axes.order)
    if axes.frames:
        counts = tuple(stored.shape[len(axes.spatial) :][: len(axes.frames)])
        where = np.unravel_index(chosen, counts, order="F")
        stored = stored[(slice(None),) * len(axes.spatial) + tuple(where)]
    if axes.colour is not None:
        stored = stored[..., :3]
    voxels = stored.reshape(
        (*header.shape, header.channels) if header.channels > 1 else header.shape,
        order="F",
    ).astype(dtype.newbyteorder("="))
    return named_by_intensity(header.volume(voxels))


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
        text, listed = _without_list(text)
        fields = dict(nrrd.read_header(io.StringIO(text, newline="\n")))
        if listed is not None:
            fields[LIST_FIELD] = listed
        if len(fields["sizes"]) != fields["dimension"] or "encoding" not in fields:
            raise damaged(name, _KIND)
    except NotAScan:
        raise
    except Exception as error:
        raise damaged(name, _KIND) from error
    return fields, header_end


def _without_list(text: str) -> tuple[str, str | None]:
    """The header without the names that end it, which pynrrd does not know."""
    found = re.search(r"^data ?file: *LIST[ \d]*\r?\n", text, re.MULTILINE)
    if found is None:
        return text, None
    return text[: found.end()] + "\n", text[found.end() :].strip()


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


def _header(fields: dict[str, Any], path: Path, name: str) -> tuple[Header, Axes]:
    """The header, and which axis is which."""
    sizes, dtype = _check_fields(fields, path, name)
    try:
        axes = axes_of(fields, dtype)
        where = None if axes is None else place(fields, axes.spatial)
        kind, values = ("", ()) if axes is None else frame_names(fields, axes.frames)
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise damaged(name, _KIND) from error
    if axes is None or where is None:
        raise NotAScan(
            f"{name} must have two or three axes of space, got {len(sizes)} axes that are "
            "not told apart. Save it again with 'kinds', or split it into 3D files."
        )
    i, j, k = (*(sizes[axis] for axis in axes.spatial), 1)[:3]
    notes = list(where.notes)
    if min(i, j, k) == 1:
        notes.append("The scan has only one slice.")
    if axes.colour is not None and sizes[axes.colour] == 4:
        notes.append("Transparency was left out.")
    header = Header(
        shape=(i, j, k),
        affine=check_affine(where.affine, name),
        modality=modality_from_name(path.name),
        frames=math.prod(sizes[axis] for axis in axes.frames),
        channels=1 if axes.colour is None else 3,
        warnings=tuple(notes),
        spacing_unit=where.unit,
        description=plain(fields.get("content", "")),
        frame_kind=kind,
        frame_values=values,
    )
    return header, axes


def _content(
    fields: dict[str, Any], path: Path, offset: int, expected: int
) -> bytes | None:
    """Exactly the bytes the header promises, or None if the file has fewer.

    Raises:
        ValueError: If packed voxels are more than it promises, as pynrrd does as well.
    """
    files = data_files(fields, path)
    if len(files) > 1:
        parts = [_part(fields, file, 0, expected // len(files)) for file in files]
        if expected % len(files):
            raise ValueError("the voxels cannot be shared out among the files")
        return None if None in parts else b"".join(part or b"" for part in parts)
    if files:
        return _part(fields, files[0], 0, expected)
    return _part(fields, path, offset, expected)


def _part(
    fields: dict[str, Any], where: Path, offset: int, expected: int
) -> bytes | None:
    lines = int(fields.get("line skip", fields.get("lineskip", 0)))
    skip = int(fields.get("byte skip", fields.get("byteskip", 0)))
    encoding = str(fields["encoding"]).lower()
    if lines < 0 or skip < -1 or skip > where.stat().st_size:
        raise ValueError("a skip that leads out of the file")
    with where.open("rb") as handle:
        handle.seek(offset)
        for _ in range(lines):
            if not handle.readline(HEADER_BYTES):
                break
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
            dtype = _dtype(fields, where.name)
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


def data_files(fields: dict[str, Any], path: Path) -> list[Path]:
    """The files that hold the voxels of a detached header; empty if they follow it.

    Raises:
        NotAScan: If one lies elsewhere, or is missing.
    """
    told = fields.get("data file", fields.get("datafile"))
    if told is None:
        return []
    words = str(told).split()
    names = [str(told)]
    if words and words[0] == "LIST":
        names = str(fields.get(LIST_FIELD, "")).splitlines()
    elif len(words) in (4, 5) and "%" in words[0]:
        names = numbered_names(words[0], words[1:4])
    if not names or any(Path(n).name != n or "%" in n or n == ".." for n in names):
        raise NotAScan(
            f"{path.name} must keep its voxels in files beside it, got another place. "
            "Put them in one folder, or save the scan as one .nrrd file."
        )
    return [data_file(path, n, path.name, ".nrrd") for n in names]
