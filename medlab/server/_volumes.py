"""`volumes`: what a viewer must know of a scan, and its voxels slab by slab."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from typing import Any

import numpy as np

from medlab.errors import MedlabError
from medlab.labels import Frame, encode_frame
from medlab.scans import CachedVolume, Home, find_scan, find_summary, first_slice
from medlab.server._base import OCTETS, MedlabHandler, answer

_SLAB_LIMIT_BYTES = 256 << 20
_PART_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Slab:
    """Planes of a decoded scan, as bytes of the file that holds them.

    Attributes:
        header: The frame before the voxels.
        volume: The scan.
        start, length: Where the planes lie behind the first voxel.
    """

    header: bytes
    volume: CachedVolume
    start: int
    length: int


class VolumeHandler(MedlabHandler):
    """GET volumes/{id}: decodes the scan where that has not been done."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id = self.scan_id(scan)
        volume = await self.workplace.run("volumes", self.workplace.volume, scan_id)
        self.reply_json({"id": scan_id, **volume.info})


class SlabHandler(MedlabHandler):
    """GET volumes/{id}/slab?k0=&k1=: the planes k0 <= k < k1 as one frame."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id = self.scan_id(scan)
        k0, k1 = self.whole_number("k0"), self.whole_number("k1")
        volume = await self.workplace.run("volumes", self.workplace.volume, scan_id)
        slab = cut_slab(scan_id, volume, k0, k1)
        with self.workplace.places.one("slabs"), open_slab(slab) as file:
            await self._send(slab, file)

    async def _send(self, slab: Slab, file: FileIO | None) -> None:
        """Part by part: the loop is free in between, and a slow client waits alone."""
        self.set_header("Content-Type", OCTETS)
        self.set_header("Content-Length", str(len(slab.header) + slab.length))
        self.write(slab.header)
        for start in range(0, slab.length, _PART_BYTES):
            length = min(_PART_BYTES, slab.length - start)
            part = await self.workplace.run(
                "quick", read_part, slab, file, start, length
            )
            self.write(part)
            await self.flush()
        self.finish(set_content_type=OCTETS)


class FirstHandler(MedlabHandler):
    """GET volumes/{id}/first?k=: one plane as a frame, decoded before the whole scan is.

    Its header is a slab's with `info`: what a viewer must know of the whole scan, as far as
    one plane tells it (`window`, `range`, `dtype` and `warnings` are the plane's). Nothing,
    with status 204, where the format has no quicker way than to decode all of it.
    """

    @answer
    async def get(self, scan: str) -> None:
        scan_id, k = self.scan_id(scan), self.whole_number("k", -1)
        told = await self.workplace.run(
            "volumes", _first, scan_id, k, self.workplace.home
        )
        if told is None:
            self.set_status(204)
            self.finish()
        else:
            self.reply_bytes(*told)


def _first(scan_id: str, k: int, home: Home) -> tuple[bytes, bytes] | None:
    planes = (find_summary(scan_id, home).shape or [0])[-1]
    asked = planes // 2 if k == -1 else k
    if planes and not 0 <= asked < planes:
        raise MedlabError(
            f"The plane must lie in 0 to {planes}, got {asked}. Ask for one in between.",
            code="outside",
        )
    volume = first_slice(find_scan(scan_id, home), home, asked)
    if volume is None:
        return None
    affine = volume.affine.copy()
    affine[:3, 3] -= asked * affine[:3, 2]
    whole = {"shape": [*volume.info["shape"][:2], planes], "affine": affine.tolist()}
    header = {
        **_slab_header(scan_id, volume, asked, asked + 1),
        "info": {**volume.info, "id": scan_id, **whole},
    }
    voxels = np.asarray(volume.voxels)
    voxels = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    return encode_frame(Frame(header)), voxels.tobytes(order="F")


def cut_slab(scan_id: str, volume: CachedVolume, k0: int, k1: int) -> Slab:
    """Where some planes of a scan lie.

    Raises:
        MedlabError: If the planes are not in the scan, or too many for one reply.
    """
    k = volume.info["shape"][2]
    if not 0 <= k0 < k1 <= k:
        raise MedlabError(
            f"Planes must lie in 0 to {k}, got {k0} to {k1}. Ask for some in between.",
            code="outside",
        )
    plane = volume.info["slab_bytes"]
    if (k1 - k0) * plane > _SLAB_LIMIT_BYTES:
        raise MedlabError(
            f"A slab must be at most {_SLAB_LIMIT_BYTES >> 20} MiB, got {k1 - k0} planes "
            f"of {plane} bytes. Ask for fewer planes at once.",
            code="too-large",
        )
    header = encode_frame(Frame(_slab_header(scan_id, volume, k0, k1)))
    return Slab(header, volume, k0 * plane, (k1 - k0) * plane)


def _slab_header(
    scan_id: str, volume: CachedVolume, k0: int, k1: int
) -> dict[str, Any]:
    i, j, _ = volume.info["shape"]
    return {
        "op": "slab",
        "scan": scan_id,
        "box": [0, i, 0, j, k0, k1],
        "dtype": volume.info["dtype"],
        "channels": volume.info["channels"],
        "enc": "raw",
        "crc": None,
    }


@contextmanager
def open_slab(slab: Slab) -> Iterator[FileIO | None]:
    """The file with the voxels, or None where it can only be read through its mapping.

    Reading the file leaves the interpreter to others meanwhile; touching a page of the
    mapping that is not in memory does not.
    """
    voxels, file = slab.volume.voxels, None
    with ExitStack() as opened:
        if isinstance(voxels, np.memmap) and voxels.dtype.byteorder != ">":
            with suppress(OSError):  # Cleared from the cache, but still mapped.
                file = opened.enter_context(FileIO(str(voxels.filename)))
        yield file


def read_part(slab: Slab, file: FileIO | None, start: int, length: int) -> bytes:
    """Some bytes of a slab; `start` counts from its first voxel.

    Raises:
        OSError: If the file ends before.
    """
    voxels, place = slab.volume.voxels, slab.start + start
    if file is None:
        flat = np.asarray(voxels).reshape(-1, order="F")
        step = flat.itemsize
        part = flat[place // step : -(-(place + length) // step)]
        return part.astype(part.dtype.newbyteorder("<"), copy=False).tobytes()
    assert isinstance(voxels, np.memmap)
    file.seek(voxels.offset + place)
    read = file.read(length)
    if len(read) != length:
        raise OSError(5, "the decoded scan ends early")
    return read


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("volumes/{scan}", VolumeHandler),
    ("volumes/{scan}/slab", SlabHandler),
    ("volumes/{scan}/first", FirstHandler),
]
