"""`scans`: the library: searched, grouped, indexed; one scan, its picture, its header.

With `private` false, which is what a request has that does not say otherwise, nobody is
named: patient names and ids leave as "", groups of patients are numbered.
"""

import asyncio
from dataclasses import asdict, replace
from typing import Any, Literal, cast

from medlab.errors import MedlabError
from medlab.scans import (
    Group,
    Home,
    Query,
    ScanSource,
    ScanSummary,
    find_scan,
    find_summary,
    scan_groups,
    search_scans,
)
from medlab.server._base import MedlabHandler, answer, to_json
from medlab.server._query import LIMIT, flag_of, number_of, query_of, text_of
from medlab.server._workplace import Workplace

_FURTHEST = 10**9

By = Literal["patient", "study"]


class SearchHandler(MedlabHandler):
    """POST scans/search `{words, sort, offset, limit, ..., private}`: rows of the list."""

    @answer
    async def post(self) -> None:
        body = self.json_body()
        query, private = query_of(body, "private"), flag_of(body, "private")
        self.workplace.index_soon()
        told = await self.workplace.run(
            "listing", _search, self.workplace, query, private
        )
        self.reply_text(told)


class GroupsHandler(MedlabHandler):
    """POST scans/groups `{by, ..., private}`: the patients or studies of those rows."""

    @answer
    async def post(self) -> None:
        body = self.json_body()
        by = text_of(body, "by", "patient")
        if by not in ("patient", "study"):
            raise MedlabError(
                "by must be 'patient' or 'study'. Send one of them.", code="bad-request"
            )
        query, private = query_of(body, "private", "by"), flag_of(body, "private")
        self.workplace.index_soon()
        told = await self.workplace.run(
            "listing", _groups, self.workplace.home, query, cast(By, by), private
        )
        self.reply_text(told)


class IndexHandler(MedlabHandler):
    """GET and POST scans/index `{cmd: start|refresh|cancel}`: how far indexing is."""

    @answer
    async def get(self) -> None:
        self.reply_json(self.workplace.indexing.state)

    @answer
    async def post(self) -> None:
        cmd: Any = self.json_body().get("cmd")
        self.reply_json(self.workplace.indexing.order(cmd))


class ScanHandler(MedlabHandler):
    """GET scans/{id}?frame=: one row of the list, or that of a volume of a 4D scan."""

    @answer
    async def get(self, scan: str) -> None:
        scan_id, frame = self.scan_id(scan), self.whole_number("frame", 0)
        home = self.workplace.home
        found = await self.workplace.run("quick", _one, scan_id, frame, home)
        self.reply_json(_row(found, private=False))


class ThumbnailHandler(MedlabHandler):
    """GET scans/{id}/thumbnail: the middle axial slice as a PNG."""

    told: asyncio.Future[bytes] | None = None

    def on_connection_close(self) -> None:
        if self.told is not None:
            self.told.cancel()
        super().on_connection_close()

    @answer
    async def get(self, scan: str) -> None:
        self.told = asyncio.ensure_future(
            self.workplace.thumbnails.picture(self.scan_id(scan))
        )
        try:
            picture = await self.told
        except asyncio.CancelledError:
            return  # Nobody is there to be told.
        self.reply_bytes(picture, content_type="image/png")


class TagsHandler(MedlabHandler):
    """POST scans/{id}/tags `{words, offset, limit, private}`: fields of its header."""

    @answer
    async def post(self, scan: str) -> None:
        scan_id, body = self.scan_id(scan), self.json_body()
        told = await self.workplace.run(
            *("files", _tags, scan_id, self.workplace.home),
            *(text_of(body, "words"), number_of(body, "offset", 0, _FURTHEST)),
            *(number_of(body, "limit", 200, LIMIT), flag_of(body, "private")),
        )
        self.reply_text(told)


def _search(workplace: Workplace, query: Query, private: bool) -> bytes:
    page = search_scans(workplace.home, query)
    return to_json(
        {
            "scans": [_row(scan, private) for scan in page.scans],
            "total": page.total,
            "all": page.all,
            "revision": page.revision,
            "indexing": workplace.indexing.state,
        }
    )


def _groups(home: Home, query: Query, by: By, private: bool) -> bytes:
    groups = scan_groups(home, query, by)
    if not private:
        # In the order of their names they would tell a little about these.
        groups = sorted(groups, key=lambda group: group.key)
    start, end = query.offset, query.offset + query.limit
    part = enumerate(groups[start:end], start=start + 1)
    shown = [_group(n, group, by, private) for n, group in part]
    return to_json({"groups": shown, "total": len(groups)})


def _group(number: int, group: Group, by: By, private: bool) -> dict[str, Any]:
    told = asdict(group)
    if not private:
        told["detail"] = ""
        if by == "patient":
            told["label"] = f"Patient {number}"
    return told


def _row(scan: ScanSummary, private: bool) -> dict[str, Any]:
    return scan.to_json() if private else {**scan.to_json(), **_UNNAMED}


_UNNAMED = {"patient": "", "patient_id": ""}


def _one(scan_id: str, frame: int, home: Home) -> ScanSummary:
    found = find_summary(scan_id, home)
    if frame == 0:
        return found
    if not 0 < frame < found.frames:
        raise MedlabError(
            f"frame must be 0 to {found.frames - 1}, got {frame}. Ask for one of them.",
            code="outside",
        )
    source = ScanSource(found.path, found.series, frame)
    return replace(find_summary(source.scan_id, home), id=source.scan_id)


def _tags(
    scan_id: str, home: Home, words: str, offset: int, limit: int, private: bool
) -> bytes:
    from medlab.scans._tags import scan_tags

    wanted = words.casefold().split()
    rows = []
    for row in scan_tags(find_scan(scan_id, home), home):
        if row["identifies"] and not private:
            row["value"] = "hidden"
        text = f"{row['tag']} {row['keyword']} {row['vr']} {row['value']}".casefold()
        if all(word in text for word in wanted):
            rows.append(row)
    return to_json({"tags": rows[offset : offset + limit], "total": len(rows)})


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("scans/search", SearchHandler),
    ("scans/groups", GroupsHandler),
    ("scans/index", IndexHandler),
    ("scans/{scan}", ScanHandler),
    ("scans/{scan}/thumbnail", ThumbnailHandler),
    ("scans/{scan}/tags", TagsHandler),
]
