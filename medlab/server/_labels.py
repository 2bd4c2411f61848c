"""`labels`: layers, their snapshots, and the edits that people send and fetch.

What is answered is told in `medlab.labels`; a widget without a server answers the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medlab.labels import Layer, answer_labels, list_layers
from medlab.scans import find_scan
from medlab.server._base import MedlabHandler, answer
from medlab.server._jobs import warm_soon
from medlab.server._limits import FRAMES_BYTES
from medlab.server._workplace import Workplace


@dataclass(frozen=True)
class LayersOfScan:
    """The layers of one scan, as the server has them open."""

    workplace: Workplace
    scan_id: str

    def names(self) -> Sequence[str]:
        names = list_layers(self.workplace.home, self.scan_id)
        if not names:
            # No labels is not the same as no scan.
            find_scan(self.scan_id, self.workplace.home)
        return names

    def open(self, name: str, segments: list[Any] | None = None) -> Layer:
        return self.workplace.layer(self.scan_id, name, segments)

    def recover(self, name: str) -> Layer:
        return self.workplace.recover(self.scan_id, name)


class LabelsHandler(MedlabHandler):
    """GET and POST labels/{id} and what lies below; see `answer_labels`."""

    async def _ask(self, scan: str, layer: tuple[str, ...]) -> None:
        layers = LayersOfScan(self.workplace, self.scan_id(scan))
        method = self.request.method or ""
        query = {name: self.get_query_argument(name) for name in self.query_names()}
        # labels/{scan}/{layer}/ops: what comes after the layer says what is asked.
        route = (*layer, *self.template.split("/")[3:])
        # A new layer takes its grid from the scan, which may have to be decoded first.
        is_new = method == "POST" and len(route) == 1
        if is_new:
            warm_soon(self.workplace)
        told = await self.workplace.run(
            "volumes" if is_new else "quick",
            *(answer_labels, layers, method, route, query, self.request.body),
        )
        self.reply(told)


class LayersHandler(LabelsHandler):
    """GET: a list, a snapshot, a history."""

    @answer
    async def get(self, scan: str, *layer: str) -> None:
        await self._ask(scan, layer)


class RecoverHandler(LabelsHandler):
    """POST labels/{id}/{layer}/recover."""

    @answer
    async def post(self, scan: str, *layer: str) -> None:
        await self._ask(scan, layer)


class LayerHandler(LayersHandler):
    """GET and POST labels/{id}/{layer}: opens a layer, and makes it."""

    @answer
    async def post(self, scan: str, *layer: str) -> None:
        await self._ask(scan, layer)


class OpsHandler(LayerHandler):
    """GET and POST labels/{id}/{layer}/ops: edits."""

    body_limit = FRAMES_BYTES


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("labels/{scan}", LayersHandler),
    ("labels/{scan}/{layer}", LayerHandler),
    ("labels/{scan}/{layer}/snapshot", LayersHandler),
    ("labels/{scan}/{layer}/ops", OpsHandler),
    ("labels/{scan}/{layer}/history", LayersHandler),
    ("labels/{scan}/{layer}/recover", RecoverHandler),
]
