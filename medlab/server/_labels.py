"""`labels`: layers, their snapshots, and the edits that people send and fetch.

Several edits in one body are written one after the other. Where one is refused, those before
it are on disk and acknowledged; the sender sends the rest again and is told what was wrong.
"""

from typing import Any

from medlab.errors import MedlabError
from medlab.labels import (
    Layer,
    LayerNotFound,
    decode_frame,
    from_frame,
    join_frames,
    list_layers,
    segments_to_json,
    split_frames,
)
from medlab.scans import find_scan
from medlab.server._base import MedlabHandler, answer
from medlab.server._workplace import Workplace


class LayersHandler(MedlabHandler):
    """GET labels/{id}: the layers of a scan."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id = self.scan_id(scan)
        layers = await self.workplace.run(
            "quick", _describe_all, self.workplace, scan_id
        )
        self.reply_json({"layers": layers})


class LayerHandler(MedlabHandler):
    """GET labels/{id}/{layer} describes a layer; POST makes it where there is none."""

    @answer
    async def get(self, scan: str, name: str) -> None:
        scan_id = self.scan_id(scan)
        self.reply_json(
            await self.workplace.run(
                "quick", lambda: self.workplace.layer(scan_id, name).describe()
            )
        )

    @answer
    async def post(self, scan: str, name: str) -> None:
        scan_id = self.scan_id(scan)
        segments = self.json_body().get("segments") or []
        if not isinstance(segments, list):
            raise MedlabError(
                "segments must be a list. Send [] for none.", code="bad-request"
            )
        # A new layer takes its grid from the scan, which may have to be decoded first.
        self.reply_json(
            await self.workplace.run(
                "volumes",
                lambda: self.workplace.layer(scan_id, name, segments).describe(),
            )
        )


class SnapshotHandler(MedlabHandler):
    """GET labels/{id}/{layer}/snapshot: the whole map as one frame."""

    @answer
    async def get(self, scan: str, name: str) -> None:
        scan_id = self.scan_id(scan)
        frame = await self.workplace.run(
            "quick", lambda: self.workplace.layer(scan_id, name).snapshot()
        )
        self.reply_bytes(frame)


class OpsHandler(MedlabHandler):
    """GET labels/{id}/{layer}/ops?from=REV: later edits; POST: writes edits."""

    @answer
    async def get(self, scan: str, name: str) -> None:
        scan_id, rev = self.scan_id(scan), self.whole_number("from", 0)
        frames = await self.workplace.run(
            "quick", lambda: self.workplace.layer(scan_id, name).since(rev)
        )
        self.reply_bytes(join_frames(frames))

    @answer
    async def post(self, scan: str, name: str) -> None:
        scan_id, body = self.scan_id(scan), self.request.body
        acks = await self.workplace.run(
            "quick", lambda: _write_edits(self.workplace.layer(scan_id, name), body)
        )
        self.reply_bytes(join_frames(acks))


def _describe_all(workplace: Workplace, scan_id: str) -> list[dict[str, Any]]:
    names = list_layers(workplace.home, scan_id)
    if not names:
        find_scan(scan_id, workplace.home)  # No labels is not the same as no scan.
    described = []
    for name in names:
        try:
            layer = workplace.layer(scan_id, name)
        except LayerNotFound:
            continue
        segments = segments_to_json(layer.segments)
        described.append({"name": name, "rev": layer.rev, "segments": segments})
    return described


def _write_edits(layer: Layer, body: bytes) -> list[bytes]:
    # All are read before the first is written: a body cut short writes nothing.
    edits = [from_frame(decode_frame(data)) for data in split_frames(body)]
    acks: list[bytes] = []
    for edit in edits:
        try:
            acks.append(layer.apply(edit).encode())
        except MedlabError:
            if not acks:
                raise
            break
    return acks


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    (r"labels/([^/]+)", LayersHandler),
    (r"labels/([^/]+)/([^/]+)", LayerHandler),
    (r"labels/([^/]+)/([^/]+)/snapshot", SnapshotHandler),
    (r"labels/([^/]+)/([^/]+)/ops", OpsHandler),
]
