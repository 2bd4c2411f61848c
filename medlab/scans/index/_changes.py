"""What the disk has and the index has not, and the other way round."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from medlab.scans._home import Home
from medlab.scans.index._file import connected
from medlab.scans.index._progress import Progress
from medlab.scans.index._store import changed_units, remove_units, storable
from medlab.scans.index._walk import Unit, is_left_out, is_searched, walk_units


def changes(
    home: Home, top: Path, refresh: bool, progress: Progress
) -> Iterator[tuple[str, Unit]]:
    """What must be read, folder by folder; what is gone is forgotten on the way."""
    seen: set[str] = set()
    with connected(home) as connection:
        is_walked = not any(is_left_out(part) for part in _up_to_the_root(top, home))
        for found in walk_units(top, home) if is_walked else ():
            changed, gone = changed_units(connection, found, refresh)
            seen.add(storable(found.folder))
            if gone:
                there = _keys_in(home, found.folder)
                gone = [key for key in gone if key not in there]
            if gone:
                remove_units(connection, gone)
                progress.removed += len(gone)
            waiting = {unit.key for unit in changed}
            known = (unit for unit in found.units if unit.key not in waiting)
            progress.note_known(sum(len(unit.files) for unit in known))
            for unit in changed:
                yield found.folder, unit
        lost = _lost_folders(connection, storable(home.name(top)), seen)
        for folder in lost:
            there = _keys_in(home, folder)
            rows = connection.execute(
                "SELECT key FROM units WHERE folder = ?", (folder,)
            ).fetchall()
            keys = [key for (key,) in rows if key not in there]
            remove_units(connection, keys)
            progress.removed += len(keys)


def _lost_folders(
    connection: sqlite3.Connection, top: str, seen: set[str]
) -> list[str]:
    rows = connection.execute("SELECT DISTINCT folder FROM units").fetchall()
    below = (
        folder
        for (folder,) in rows
        if top == "." or folder == top or folder.startswith(top + "/")
    )
    return [folder for folder in below if folder not in seen]


def _keys_in(home: Home, folder: str) -> set[str]:
    """The units a folder has by now: another process may have found what arrived since."""
    place = home.locate(folder)
    if not place.is_dir() or any(
        not is_searched(part.name) or is_left_out(part)
        for part in _up_to_the_root(place, home)
    ):
        return set()
    found = next(walk_units(place, home), None)
    return set() if found is None else {storable(unit.key) for unit in found.units}


def _up_to_the_root(place: Path, home: Home) -> Iterator[Path]:
    """A folder and those it lies in, without the root."""
    for part in (place, *place.parents):
        if part in (home.root, home.fetched):
            return
        yield part
