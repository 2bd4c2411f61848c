"""Summaries as an index holds them: of one scan, of a folder, of a page."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from medlab.scans._home import Home
from medlab.scans._summary import ScanSummary
from medlab.scans.index._labelled import labelled_scans, with_labels


def summaries_of(
    connection: sqlite3.Connection, scans: Iterable[int], home: Home
) -> list[ScanSummary]:
    """The summaries of some rows, in their order, with the labels that there are now."""
    asked = "SELECT summary FROM summaries WHERE scan = ?"
    texts = [connection.execute(asked, (scan,)).fetchone()[0] for scan in scans]
    return [with_labels(_shown(connection, text, {}), home) for text in texts]


def summaries_below(
    connection: sqlite3.Connection, folder: str, home: Home
) -> list[ScanSummary]:
    """All scans whose unit was found in a folder or below it, "." for the root."""
    where, values = "", []
    if folder != ".":
        where = "AND (units.folder = ? OR units.folder GLOB ?)"
        values = [folder, _literal(folder) + "/*"]
    rows = connection.execute(
        "SELECT summary FROM units JOIN scans USING (unit) JOIN summaries USING (scan) "
        f"WHERE shown {where} ORDER BY scans.path, series",
        values,
    )
    labelled = labelled_scans(home)
    texts = [text for (text,) in rows]
    return [_shown(connection, text, labelled) for text in texts]


def summary_of(
    connection: sqlite3.Connection, scan_id: str, home: Home
) -> tuple[ScanSummary, int | None] | None:
    """The scan with that id, or the 4D scan one of whose frames has it, and which."""
    row = connection.execute(
        "SELECT summary, NULL FROM scans JOIN summaries USING (scan) WHERE id = ? "
        "UNION ALL SELECT summary, frame FROM frames JOIN summaries USING (scan) "
        "WHERE id = ?",
        (scan_id, scan_id),
    ).fetchone()
    if row is None:
        return None
    scan = _shown(connection, row[0], {})
    return with_labels(scan, home), row[1]


def _shown(
    connection: sqlite3.Connection, text: str, labelled: dict[str, list[str]]
) -> ScanSummary:
    scan = ScanSummary.from_json(json.loads(text))
    if scan.series is not None:
        links = connection.execute(
            "SELECT DISTINCT kind, path, name FROM links WHERE series = ? ORDER BY path",
            (scan.series.partition("#")[0],),
        ).fetchall()
        if links:
            names = ("kind", "path", "name")
            told = [dict(zip(names, link, strict=True)) for link in links]
            scan = replace(scan, attachments=told)
    layers = labelled.get(scan.id, [])
    return replace(scan, labels=True, layers=layers) if layers else scan


def _literal(text: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in text)
