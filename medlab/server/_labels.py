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

    @answer
    async def get(self, scan: str, *route: str) -> None:
        await self._ask(scan, route)

    @answer
    async def post(self, scan: str, *route: str) -> None:
        await self._ask(scan, route)

    async def _ask(self, scan: str, route: tuple[str, ...]) -> None:
        layers = LayersOfScan(self.workplace, self.scan_id(scan))
        method = self.request.method or ""
        query = {name: self.get_query_argument(name) for name in self.query_names()}
        # A new layer takes its grid from the scan, which may have to be decoded first.
        is_new = method == "POST" and len(route) == 1
        if is_new:
            warm_soon(self.workplace)
        told = await self.workplace.run(
            "volumes" if is_new else "quick",
            *(answer_labels, layers, method, route, query, self.request.body),
        )
        self.reply(told)


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    (r"labels/([^/]+)", LabelsHandler),
    (r"labels/([^/]+)/([^/]+)", LabelsHandler),
    (r"labels/([^/]+)/([^/]+)/(snapshot|ops|history|recover)", LabelsHandler),
]
