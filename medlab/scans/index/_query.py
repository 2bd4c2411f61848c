"""Asking an index: words, filters, order, pages, groups."""

import json
import os
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._summary import ScanSummary
from medlab.scans.index._file import with_index

SORTS = (
    "path", "name", "patient", "date", "modality", "description", "study", "body_part",
    "format", "slices", "size_bytes", "frames", "labels", "problem",
)  # fmt: skip
_MOST = 10_000
_FEW = 5_000
# The plus keeps SQLite from an index that says nothing: nearly every line is shown.
_ALL = "+shown"
_LABELLED, _UNLABELLED = "labelled", "unlabelled"


@dataclass(frozen=True)
class Query:
    """What to look for, and which part of it to show.

    Attributes:
        words: Each must be found somewhere: in patient, number, modality, date,
            description, study, body part, path or format; "labelled" and "unlabelled" stand
            for the state of labels. Upper and lower case are the same.
        sort: One of `SORTS`.
        descending: The other way round.
        offset, limit: Which lines of all that were found.
        problems: Only those with an error, or with warnings.
        modality: Only this one.
        labels: Only those with labels, or only those without.
        patient, study: Only those with this key.
    """

    words: str = ""
    sort: str = "path"
    descending: bool = False
    offset: int = 0
    limit: int = 200
    problems: Literal["errors", "warnings"] | None = None
    modality: str | None = None
    labels: bool | None = None
    patient: str | None = None
    study: str | None = None


@dataclass(frozen=True)
class Page:
    """Part of what was found.

    Attributes:
        total: How many were found.
        all: How many there are without any filter.
        revision: Grows with every change of the index.
    """

    scans: list[ScanSummary]
    total: int
    all: int
    revision: int


@dataclass(frozen=True)
class Group:
    """A patient or a study.

    Attributes:
        key: What `Query.patient` or `Query.study` takes.
        label: Name of the patient or the study: private text.
        detail: Number of the patient, or the patient of the study: private text.
        scans: How many of the found scans are in it.
        date: Of the newest.
        modalities: Sorted.
    """

    key: str
    label: str
    detail: str
    scans: int
    date: str
    modalities: list[str]


def search_scans(home: Home, query: Query = Query()) -> Page:
    """The scans that a query finds in the index, which is taken as it is.

    Raises:
        MedlabError: If the query sorts by something unknown, or asks for impossible lines.
    """
    _check(query)
    return with_index(home, lambda connection: _page(connection, home, query))


def scan_groups(
    home: Home, query: Query = Query(), by: Literal["patient", "study"] = "patient"
) -> list[Group]:
    """The patients or studies of everything a query finds; `offset` and `limit` aside.

    Raises:
        MedlabError: If `by` or the query's order is unknown.
    """
    _check(query)
    if by not in ("patient", "study"):
        raise MedlabError(
            f'Scans are grouped by "patient" or "study", got {str(by)[:20]!r}. '
            "Choose one of these."
        )
    return with_index(home, lambda connection: _groups(connection, home, query, by))


def labelled_scans(home: Home) -> dict[str, list[str]]:
    """The layers of each scan that has any, by its id."""
    try:
        folders = list(Path(home.labels).iterdir())
    except OSError:
        return {}
    return {f.name: layers for f in folders if (layers := layers_in(f))}


def layers_in(folder: Path) -> list[str]:
    """The names of the label layers in a scan's folder, sorted."""
    try:
        with os.scandir(folder) as listing:
            names = [entry.name for entry in listing]
    except OSError:
        return []
    return sorted(name for name in names if (folder / name / "layer.json").exists())


def with_labels(scan: ScanSummary, home: Home) -> ScanSummary:
    """The summary with the layers that there are now."""
    layers = layers_in(home.labels / scan.id)
    return replace(scan, labels=bool(layers), layers=layers)


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


def _page(connection: sqlite3.Connection, home: Home, query: Query) -> Page:
    where, values = _where(connection, home, query)
    connection.execute("BEGIN")
    try:
        every = total = connection.execute(
            "SELECT count(*) FROM scans WHERE shown = 1"
        ).fetchone()[0]
        if where != _ALL:
            found = connection.execute(
                f"SELECT scan FROM scans WHERE {where} LIMIT {_FEW}", values
            ).fetchall()
            total = len(found)
            if total < _FEW:  # Looked up one by one, not among all once more.
                where = "scan IN (SELECT value FROM json_each(?))"
                values = [json.dumps([scan for (scan,) in found])]
            else:
                (total,) = connection.execute(
                    f"SELECT count(*) FROM scans WHERE {where}", values
                ).fetchone()
        (revision,) = connection.execute(
            "SELECT value FROM about WHERE name = 'revision'"
        ).fetchone()
        rows = connection.execute(
            f"SELECT scan FROM scans WHERE {where} {_order(query)} LIMIT ? OFFSET ?",
            [*values, query.limit, query.offset],
        ).fetchall()
        asked = "SELECT summary FROM summaries WHERE scan = ?"
        texts = [connection.execute(asked, row).fetchone()[0] for row in rows]
        scans = [with_labels(_shown(connection, text, {}), home) for text in texts]
    finally:
        connection.execute("COMMIT")
    return Page(scans, total, every, revision)


def _groups(
    connection: sqlite3.Connection, home: Home, query: Query, by: str
) -> list[Group]:
    where, values = _where(connection, home, query)
    label, detail = {
        "patient": ("max(patient)", "max(patient_id)"),
        "study": ("max(study)", "max(patient)"),
    }[by]
    rows = connection.execute(
        f"SELECT {by}_key, {label}, {detail}, count(*), max(date), "
        "group_concat(DISTINCT modality) "
        f"FROM scans WHERE {where} GROUP BY {by}_key",
        values,
    ).fetchall()
    groups = [
        Group(key, label, detail, scans, date, sorted(modalities.split(",")))
        for key, label, detail, scans, date, modalities in rows
    ]
    if query.sort == "date":
        return sorted(groups, key=lambda g: (g.date, g.key), reverse=query.descending)
    return sorted(
        groups,
        key=lambda g: (g.label.casefold(), g.date, g.key),
        reverse=query.descending,
    )


def _where(
    connection: sqlite3.Connection, home: Home, query: Query
) -> tuple[str, list[Any]]:
    """The condition of a query, and its values."""
    parts, values = [_ALL], []
    labelled = "id IN (SELECT id FROM temp.labelled)"
    words = query.words.casefold().split()[:20]
    states = [(word, _state(word)) for word in words]
    if query.labels is not None or query.sort == "labels" or any(s for _, s in states):
        _note_labelled(connection, home)
    for word, state in states:
        if state is None:
            parts.append("instr(words, ?) > 0")
        else:
            not_ = "" if state == _LABELLED else "NOT "
            parts.append(f"(instr(words, ?) > 0 OR {not_}{labelled})")
        values.append(word)
    if query.labels is not None:
        parts.append(labelled if query.labels else f"NOT {labelled}")
    if query.problems is not None:
        parts.append("problem = 2" if query.problems == "errors" else "problem = 1")
    for column, value in (
        ("modality", query.modality),
        ("patient_key", query.patient),
        ("study_key", query.study),
    ):
        if value is not None:
            parts.append(f"{column} = ?")
            values.append(value)
    return " AND ".join(parts), values


def _state(word: str) -> str | None:
    """The state of labels that a word begins to name."""
    if len(word) < 3:
        return None
    return next((s for s in (_LABELLED, _UNLABELLED) if s.startswith(word)), None)


def _note_labelled(connection: sqlite3.Connection, home: Home) -> None:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS labelled (id TEXT PRIMARY KEY)")
    connection.execute("DELETE FROM temp.labelled")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO temp.labelled VALUES (?)",
        [(scan_id,) for scan_id in labelled_scans(home)],
    )
    connection.execute("COMMIT")


def _order(query: Query) -> str:
    way = "DESC" if query.descending else "ASC"
    if query.sort == "path":
        return f"ORDER BY path {way}, series {way}"
    column = {
        "labels": "(id IN (SELECT id FROM temp.labelled))",
        "slices": "slices",
        "size_bytes": "size_bytes",
        "frames": "frames",
        "problem": "problem",
    }.get(query.sort, f"{query.sort} COLLATE NOCASE")
    return f"ORDER BY {column} {way}, path, series"


def _check(query: Query) -> None:
    if query.sort not in SORTS:
        raise MedlabError(
            f"Scans are sorted by one of {', '.join(SORTS)}, got "
            f"{query.sort[:20]!r}. Choose one of these."
        )
    if query.offset < 0 or not 0 <= query.limit <= _MOST:
        raise MedlabError(
            f"A page must begin at 0 or later and hold at most {_MOST} scans, got "
            f"{query.limit} from {query.offset}. Ask for fewer at once."
        )
    if query.problems not in (None, "errors", "warnings"):
        raise MedlabError(
            f'problems must be "errors" or "warnings", got {query.problems[:20]!r}. '
            "Choose one, or leave it out."
        )


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
