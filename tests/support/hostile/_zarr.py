"""NPY files and OME-Zarr folders that lie."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import SHAPE, VOXELS, npy, zlib_of_zeros


class Bad:
    """Makes a file beside the hostile one as soon as it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (open, (str(self.mark), "w"))


def _npy(header: str, data: bytes = b"", *, size: int | None = None) -> bytes:
    text = header.encode().ljust(118) + b"\n"
    length = len(text) if size is None else size
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text + data


def _header(
    shape: str = "(7, 8, 9)", descr: str = "'<i2'", order: str = "False"
) -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def add_numpy(zoo: Zoo) -> None:
    """Arrays that lie, and one that runs code when it is unpickled."""
    data = VOXELS.tobytes()
    for what, content in (
        ("shape-huge", _npy(_header("(99999999999, 99999999999, 9)"), data)),
        ("shape-large", _npy(_header("(1290, 1290, 1290)"), data)),
        ("shape-negative", _npy(_header("(-7, 8, 9)"), data)),
        ("shape-zero", _npy(_header("(0, 8, 9)"), data)),
        ("shape-nested", _npy(_header("(" * 60 + ")" * 60), data)),
        ("shape-float", _npy(_header("(7.0, 8, 9)"), data)),
        ("shape-text", _npy(_header("'789'"), data)),
        ("shape-empty", _npy(_header("()"), data)),
        ("shape-seven", _npy(_header("(1, 1, 1, 1, 1, 1, 7)"), data)),
        ("type-object", _npy(_header(descr="'|O'"), data)),
        ("type-void", _npy(_header(descr="'|V2'"), data)),
        ("type-text", _npy(_header(descr="'<U1'"), data)),
        ("type-complex", _npy(_header(descr="'<c8'"), data)),
        ("type-nonsense", _npy(_header(descr="'nonsense'"), data)),
        ("type-table", _npy(_header(descr="[('a', '<i2')]"), data)),
        ("type-huge", _npy(_header(descr="'|V2147483647'"), data)),
        ("header-beyond", _npy(_header(), data, size=60_000)),
        ("header-empty", _npy("", data)),
        ("header-code", _npy("__import__('os').system('true')", data)),
        ("header-long", _npy("{" + "'a':1," * 9000, data)),
        ("version", b"\x93NUMPY\x09\x00" + _npy(_header(), data)[8:]),
    ):
        zoo.add(f"npy/{what}", "a.npy", content)
    room = zoo.room("npy/pickle")
    (room / "a.npy").write_bytes(npy(np.array([Bad(room / "ran")], object)))
    zoo.note("npy/pickle", room / "a.npy")
    room = zoo.room("npy/only-pickle")
    (room / "a.npy").write_bytes(pickle.dumps(Bad(room / "ran")))
    zoo.note("npy/only-pickle", room / "a.npy")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../../slipped.npy", npy(VOXELS))
    zoo.add("zip/slip-npz", "a.npz", out.getvalue())
    zoo.add("zip/slip-as-nii", "a.nii", out.getvalue())
    zoo.add("zip/slip-as-zarr", "a.ome.zarr", out.getvalue())


_ARRAY: dict[str, Any] = {
    "zarr_format": 2,
    "shape": [9, 8, 7],
    "chunks": [9, 8, 7],
    "dtype": "<i2",
    "compressor": None,
    "fill_value": 0,
    "order": "C",
    "filters": None,
    "dimension_separator": "/",
}
_CHUNK = VOXELS.T.tobytes(order="C")
_OWN = Accepted(SHAPE, (0.75, 1.25, 2.5), "what is odd does not touch the geometry")


def _images(
    path: str = "0", scale: Any = (2.5, 1.25, 0.75), **more: Any
) -> dict[str, Any]:
    level = {
        "path": path,
        "coordinateTransformations": [{"type": "scale", "scale": list(scale)}],
    }
    axes = [{"name": n, "type": "space", "unit": "millimeter"} for n in "zyx"]
    return {
        "multiscales": [{"version": "0.4", "axes": axes, "datasets": [level], **more}]
    }


def add_zarr(zoo: Zoo) -> None:
    """Metadata and chunks that lie, and a filter that runs code."""
    nan = float("nan")
    arrays: dict[str, dict[str, Any]] = {
        "shape-huge": {"shape": [1 << 40, 1 << 40, 1 << 40]},
        "shape-large": {"shape": [1300, 1300, 1300]},
        "shape-negative": {"shape": [-9, 8, 7]},
        "shape-zero": {"shape": [0, 8, 7]},
        "shape-text": {"shape": "987"},
        "chunks-zero": {"chunks": [0, 0, 0]},
        "chunks-negative": {"chunks": [-1, 8, 7]},
        "chunks-huge": {"chunks": [1 << 31, 1 << 31, 1 << 31]},
        "chunks-large": {"chunks": [1300, 1300, 1300]},
        "chunks-few": {"chunks": [9]},
        "type-object": {"dtype": "|O"},
        "type-nonsense": {"dtype": "nonsense"},
        "type-wider": {"dtype": "<f8"},
        "no-such-packing": {"compressor": {"id": "nonsense"}},
        "called-gzip": {"compressor": {"id": "gzip", "level": 1}},
        "called-blosc": {"compressor": {"id": "blosc", "cname": "lz4", "clevel": 5}},
        "called-zlib": {"compressor": {"id": "zlib", "level": 1}},
        "format-9": {"zarr_format": 9},
    }
    for what, changes in arrays.items():
        accepted = _OWN if what == "format-9" else None
        _write(zoo, f"zarr/{what}", array={**_ARRAY, **changes}, accepted=accepted)
    for what, images in {
        "scale-nan": _images(scale=(nan, 1, 1)),
        "scale-zero": _images(scale=(0, 1, 1)),
        "scale-negative": _images(scale=(-1, 1, 1)),
        "scale-huge": _images(scale=(1e308, 1e308, 1)),
        "scale-few": _images(scale=(1,)),
        "scale-text": _images(scale="abc"),
        "path-above": _images("../../../secret"),
        "path-absolute": _images("/etc"),
        "path-missing": _images("7"),
        "no-levels": _images(datasets=[]),
        "no-images": {"multiscales": []},
        "images-text": {"multiscales": "none"},
        "axes-missing": _images(axes=[]),
        "axes-text": _images(axes=["t", "t", "t"]),
    }.items():
        _write(zoo, f"zarr/{what}", images=images)
    _write(zoo, "zarr/chunk-short", chunk=_CHUNK[:90])
    _write(zoo, "zarr/chunk-empty", chunk=b"")
    blosc = (
        b"\x02\x01\x21\x02" + (1 << 31).to_bytes(4, "little") + bytes(8) + b"\x10\0\0\0"
    )
    packing = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}
    lying = {**_ARRAY, "compressor": packing}
    _write(zoo, "zarr/blosc-lies", array=lying, chunk=blosc)

    bomb = {**_ARRAY, "compressor": {"id": "zlib", "level": 9}}
    _write(zoo, "zarr/bomb", array=bomb, chunk=zlib_of_zeros(900))
    room = _write(zoo, "zarr/pickle", array={
        **_ARRAY, "dtype": "|O", "filters": [{"id": "pickle", "protocol": 5}]})  # fmt: skip
    chunk = pickle.dumps([Bad(room / "ran"), "|O", [9, 8, 7]])
    (room / "a.ome.zarr" / "0" / "0" / "0" / "0").write_bytes(chunk)
    for what, file, text in (
        ("array-nested", "0/.zarray", "[" * 200_000),
        ("array-list", "0/.zarray", "[]"),
        ("images-nested", ".zattrs", "[" * 200_000),
        ("images-huge", ".zattrs", '{"multiscales": "' + "9" * (80 << 20) + '"}'),
        ("images-list", ".zattrs", "[]"),
    ):
        room = _write(zoo, f"zarr/{what}")
        (room / "a.ome.zarr" / file).write_text(text)


def _write(
    zoo: Zoo,
    name: str,
    *,
    array: dict[str, Any] | None = None,
    images: dict[str, Any] | None = None,
    chunk: bytes = _CHUNK,
    accepted: Accepted | None = None,
) -> Path:
    room = zoo.room(name)
    scan = room / "a.ome.zarr"
    (scan / "0" / "0" / "0").mkdir(parents=True)
    (scan / ".zgroup").write_text('{"zarr_format": 2}')
    (scan / ".zattrs").write_text(json.dumps(images or _images()))
    (scan / "0" / ".zarray").write_text(json.dumps(array or _ARRAY))
    (scan / "0" / "0" / "0" / "0").write_bytes(chunk)
    zoo.note(name, scan, accepted)
    return room
