"""`volumes`: what a viewer must know of a scan, and its voxels slab by slab."""

import numpy as np

from medlab.errors import MedlabError
from medlab.labels import Frame, encode_frame
from medlab.scans import CachedVolume
from medlab.server._base import MedlabHandler, answer

_SLAB_LIMIT_BYTES = 256 << 20


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
        header, payload = await self.workplace.run(
            "quick", cut_slab, scan_id, volume, k0, k1
        )
        self.reply_bytes(header, payload)


def cut_slab(
    scan_id: str, volume: CachedVolume, k0: int, k1: int
) -> tuple[bytes, bytes]:
    """A slab frame in two parts, so that the voxels are copied once.

    Raises:
        MedlabError: If the planes are not in the scan, or too many for one reply.
    """
    i, j, k = volume.info["shape"]
    if not 0 <= k0 < k1 <= k:
        raise MedlabError(
            f"Planes must lie in 0 to {k}, got {k0} to {k1}. Ask for some in between.",
            code="outside",
        )
    if (k1 - k0) * volume.info["slab_bytes"] > _SLAB_LIMIT_BYTES:
        raise MedlabError(
            f"A slab must be at most {_SLAB_LIMIT_BYTES >> 20} MiB, got {k1 - k0} planes "
            f"of {volume.info['slab_bytes']} bytes. Ask for fewer planes at once.",
            code="too-large",
        )
    header = {
        "op": "slab",
        "scan": scan_id,
        "box": [0, i, 0, j, k0, k1],
        "dtype": volume.info["dtype"],
        "channels": volume.info["channels"],
        "enc": "raw",
        "crc": None,
    }
    voxels = np.asarray(volume.voxels[..., k0:k1])
    if voxels.dtype.byteorder == ">":
        voxels = voxels.astype(voxels.dtype.newbyteorder("<"))
    return encode_frame(Frame(header)), voxels.tobytes(order="F")


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("volumes/{scan}", VolumeHandler),
    ("volumes/{scan}/slab", SlabHandler),
]
