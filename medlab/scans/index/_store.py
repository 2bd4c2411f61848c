"""Writing an index: what is new, what is known, what is gone."""

import hmac
import json
import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._volume import ScanSource
from medlab.scans.index._file import workplace_salt, writing
from medlab.scans.index._read import Entry
from medlab.scans.index._walk import FolderUnits, Unit

_COLUMNS = (
    "unit", "id", "path", "series", "shown", "problem", "modality", "date", "name",
    "patient", "study", "description", "body_part", "format", "slices", "size_bytes",
    "frames", "patient_key", "study_key", "patient_id", "words",
)  # fmt: skip
_INSERT = f"INSERT INTO scans ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_SEARCHED = (
    "path", "name", "patient", "patient_id", "modality", "date", "study", "description",
    "body_part", "format",
)  # fmt: skip
_MOST_FRAMES = 100_000


def changed_units(
    connection: sqlite3.Connection, found: FolderUnits, refresh: bool = False
) -> tuple[list[Unit], list[str]]:
    """What of a folder must be read, and the keys of what is no longer there."""
    known = dict(
        connection.execute(
            "SELECT key, stamp FROM units WHERE folder = ?", (storable(found.folder),)
        )
    )
    if not known:
        return found.units, []
    changed = []
    for unit in found.units:
        if known.pop(storable(unit.key), None) != unit.stamp or refresh:
            changed.append(unit)
    return changed, list(known)


def store_entries(
    connection: sqlite3.Connection, home: Home, entries: Iterable[Entry]
) -> None:
    """Put what was read in place of what was known of the same units, in one step."""
    salt, linked = workplace_salt(home), False
    with writing(connection):
        for entry in entries:
            linked |= _store_entry(connection, entry, salt)
        _tell_change(connection, linked)


def remove_units(connection: sqlite3.Connection, keys: Sequence[str]) -> None:
    """Forget units that are gone, with everything read of them."""
    with writing(connection):
        for key in keys:
            row = connection.execute(
                "SELECT unit FROM units WHERE key = ?", (key,)
            ).fetchone()
            if row is not None:
                _forget(connection, row[0])
                connection.execute("DELETE FROM units WHERE unit = ?", row)
        _tell_change(connection, True)


def set_error(connection: sqlite3.Connection, scan_id: str, error: MedlabError) -> None:
    """Note that a scan cannot be read, unless a reason is known."""
    with writing(connection):
        row = connection.execute(
            "SELECT scan, summary FROM scans JOIN summaries USING (scan) WHERE id = ?",
            (scan_id,),
        ).fetchone()
        if row is not None:
            summary = json.loads(row[1])
            if summary["error"] is None:
                summary["error"] = str(error)
                summary["error_code"] = error.code
                summary["error_title"] = error.title
                connection.execute(
                    "UPDATE summaries SET summary = ? WHERE scan = ?",
                    (json.dumps(summary), row[0]),
                )
                connection.execute(
                    "UPDATE scans SET problem = 2 WHERE scan = ?", (row[0],)
                )
                _tell_change(connection, False)


def with_keys(row: dict[str, Any], salt: bytes) -> dict[str, Any]:
    """The row as it is shown: with its keys, and without the study's number."""
    told = dict(row)
    study = told.pop("study_uid", "")
    name = told["patient"].rstrip("^ ").casefold()
    if name == told["patient_id"].casefold():
        name = ""  # A reader that found no name gives the number in its place.
    patient = f"{told['patient_id']}\n{name}"
    if not study:
        study = f"{patient}\n{told['date']}\n{told['study']}"
    told["patient_key"] = _key(salt, "patient", patient)
    told["study_key"] = _key(salt, "study", study)
    return told


def storable(text: str) -> str:
    """Text that SQLite can hold: names of files need not be Unicode."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _store_entry(connection: sqlite3.Connection, entry: Entry, salt: bytes) -> bool:
    key, folder = storable(entry.unit.key), storable(entry.folder)
    known = connection.execute(
        "SELECT unit FROM units WHERE key = ?", (key,)
    ).fetchone()
    linked = False
    if known is None:
        unit = connection.execute(
            "INSERT INTO units (key, folder, stamp) VALUES (?, ?, ?)",
            (key, folder, entry.unit.stamp),
        ).lastrowid
    else:
        unit = known[0]
        linked = _forget(connection, unit)
        connection.execute(
            "UPDATE units SET folder = ?, stamp = ? WHERE unit = ?",
            (folder, entry.unit.stamp, unit),
        )
    for row in entry.rows:
        _store_row(connection, unit, with_keys(row, salt))
    for link in entry.links:
        linked = True
        connection.executemany(
            "INSERT INTO links (unit, series, kind, path, name) VALUES (?, ?, ?, ?, ?)",
            [
                (unit, series, link.kind, storable(link.path), link.name)
                for series in link.series
            ],
        )
    return linked


def _store_row(
    connection: sqlite3.Connection, unit: int | None, row: dict[str, Any]
) -> None:
    problem = 2 if row["error"] is not None else 1 if row["warnings"] else 0
    words = "\n".join(str(row[name]) for name in _SEARCHED).casefold()
    values = {
        **row,
        "unit": unit,
        "series": row["series"] or "",
        "shown": 1,
        "problem": problem,
        "words": storable(words),
        "path": storable(row["path"]),
        "name": storable(row["name"]),
    }
    old = connection.execute(
        "SELECT scan FROM scans WHERE id = ?", (row["id"],)
    ).fetchone()
    if old is not None:  # The same scan by another way, such as a link.
        _forget_scans(connection, [old[0]])
    scan = connection.execute(_INSERT, [values[name] for name in _COLUMNS]).lastrowid
    connection.execute(
        "INSERT INTO summaries (scan, summary) VALUES (?, ?)", (scan, json.dumps(row))
    )
    frames = min(int(row["frames"]), _MOST_FRAMES)
    if frames > 1:
        ids = [
            (ScanSource(row["path"], row["series"], frame).scan_id, scan, frame)
            for frame in range(1, frames)
        ]
        connection.executemany("INSERT OR REPLACE INTO frames VALUES (?, ?, ?)", ids)


def _forget(connection: sqlite3.Connection, unit: int) -> bool:
    """Remove the rows and links of a unit; whether there were links."""
    scans = [
        scan
        for (scan,) in connection.execute(
            "SELECT scan FROM scans WHERE unit = ?", (unit,)
        )
    ]
    _forget_scans(connection, scans)
    return connection.execute("DELETE FROM links WHERE unit = ?", (unit,)).rowcount > 0


def _forget_scans(connection: sqlite3.Connection, scans: list[int]) -> None:
    for table in ("scans", "summaries", "frames"):
        connection.executemany(
            f"DELETE FROM {table} WHERE scan = ?", [(scan,) for scan in scans]
        )


def _tell_change(connection: sqlite3.Connection, linked: bool) -> None:
    connection.execute("UPDATE about SET value = value + 1 WHERE name = 'revision'")
    if linked or connection.execute("SELECT 1 FROM links LIMIT 1").fetchone():
        # Labels are lines of their own only where nothing they refer to is there.
        connection.execute(
            "UPDATE scans SET shown = NOT EXISTS ("
            "SELECT 1 FROM links JOIN scans AS others ON others.series = links.series "
            "WHERE links.path = scans.path) "
            "WHERE path IN (SELECT path FROM links)"
        )


def _key(salt: bytes, kind: str, text: str) -> str:
    data = f"{kind}\n{text}".encode("utf-8", "surrogatepass")
    return hmac.new(salt, data, sha256).hexdigest()[:12]
