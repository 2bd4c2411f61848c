"""`scans`: the list of scans, one of them, its thumbnail."""

from medlab.scans import find_scan, find_summary, list_scans, thumbnail_png
from medlab.server._base import MedlabHandler, answer


class ScansHandler(MedlabHandler):
    """GET scans?folder=PATH&refresh=0|1: the scans in a folder and below it."""

    @answer
    async def get(self) -> None:
        folder = self.workplace.inside(self.get_query_argument("folder", ""))
        refresh = self.get_query_argument("refresh", "0") == "1"
        home = self.workplace.home
        found = await self.workplace.run(
            "listing", lambda: list_scans(folder, home=home, refresh=refresh)
        )
        self.reply_json({"scans": [scan.to_json() for scan in found], "root": ""})


class ScanHandler(MedlabHandler):
    """GET scans/{id}: one line of the list."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id, home = self.scan_id(scan), self.workplace.home
        found = await self.workplace.run("listing", find_summary, scan_id, home)
        self.reply_json(found.to_json())


class ThumbnailHandler(MedlabHandler):
    """GET scans/{id}/thumbnail: the middle axial slice as a PNG."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id, home = self.scan_id(scan), self.workplace.home
        picture = await self.workplace.run(
            "listing", lambda: thumbnail_png(find_scan(scan_id, home), home)
        )
        self.reply_bytes(picture, content_type="image/png")


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("scans", ScansHandler),
    ("scans/{scan}", ScanHandler),
    ("scans/{scan}/thumbnail", ThumbnailHandler),
]
