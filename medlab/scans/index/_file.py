"""The file an index lies in: `.medlab/index.sqlite`, opened, made, or set aside.

It can be made again at any time, so what is damaged or of somebody else is put aside under
another name and made anew. Where nothing at all can be written it lies in memory.
"""

import contextlib
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from medlab.scans._home import Home

VERSION = 2
_APPLICATION = 0x4D444C49  # "MDLI"
_WAIT_S = 60.0
_SHARED_DISKS = ("nfs", "cifs", "smb", "fuse", "9p", "lustre", "ceph", "gpfs", "beegfs")

_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO about VALUES ('revision', 0), ('identity', lower(hex(randomblob(8))));
CREATE TABLE units (
  unit INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, folder TEXT NOT NULL,
  stamp TEXT NOT NULL
);
CREATE INDEX units_folder ON units (folder);
CREATE TABLE scans (
  scan INTEGER PRIMARY KEY AUTOINCREMENT, unit INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL, series TEXT NOT NULL, shown INTEGER NOT NULL,
  problem INTEGER NOT NULL, modality TEXT NOT NULL, date TEXT NOT NULL,
  name TEXT NOT NULL, patient TEXT NOT NULL, study TEXT NOT NULL,
  description TEXT NOT NULL, body_part TEXT NOT NULL, format TEXT NOT NULL,
  slices INTEGER NOT NULL, size_bytes INTEGER NOT NULL, frames INTEGER NOT NULL,
  patient_key TEXT NOT NULL, study_key TEXT NOT NULL, patient_id TEXT NOT NULL,
  words TEXT NOT NULL
);
CREATE INDEX scans_unit ON scans (unit);
CREATE INDEX scans_path ON scans (path, series);
CREATE INDEX scans_series ON scans (series);
CREATE INDEX scans_hidden ON scans (shown) WHERE shown = 0;
CREATE TABLE summaries (scan INTEGER PRIMARY KEY, summary TEXT NOT NULL);
CREATE TABLE frames (id TEXT PRIMARY KEY, scan INTEGER NOT NULL, frame INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE INDEX frames_scan ON frames (scan);
CREATE TABLE links (
  unit INTEGER NOT NULL, series TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
  name TEXT NOT NULL
);
CREATE INDEX links_unit ON links (unit);
CREATE INDEX links_series ON links (series);
CREATE INDEX links_path ON links (path);
"""

_T = TypeVar("_T")
_in_memory: dict[str, tuple[sqlite3.Connection, threading.RLock]] = {}
_salts: dict[str, bytes] = {}


class _Foreign(Exception):
    """The file is no index of medlab's."""


def index_folder(home: Home) -> Path | None:
    """The folder for the index, made if need be; None where nothing can be written."""
    folder = home.remade
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def index_file(home: Home) -> Path | None:
    """Where the index lies. Patient names are in it: for its owner's eyes only."""
    folder = index_folder(home)
    return None if folder is None else folder / "index.sqlite"


def with_index(home: Home, work: Callable[[sqlite3.Connection], _T]) -> _T:
    """Do something with the index; done again with a new one if it proves damaged."""

    def opened() -> _T:
        with connected(home) as connection:
            return work(connection)

    return mending(home, opened)


def mending(home: Home, work: Callable[[], _T]) -> _T:
    """Do something that opens the index, once more if the file proves damaged."""
    try:
        return work()
    except (_Foreign, sqlite3.DatabaseError) as error:
        if not _is_damage(error):
            raise
    _set_aside(home)
    return work()


@contextlib.contextmanager
def connected(home: Home) -> Iterator[sqlite3.Connection]:
    """An open index; where nothing can be written, one in memory for this process.

    Every use has a connection of its own, so threads and forks need not care.
    """
    if str(home.folder) not in _in_memory:
        connection = _opened(home)
        if connection is not None:
            try:
                yield connection
            finally:
                connection.close()
            return
        kept = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
        kept.executescript(_SCHEMA)
        _in_memory.setdefault(str(home.folder), (kept, threading.RLock()))
    shared, lock = _in_memory[str(home.folder)]
    with lock:
        yield shared


def workplace_salt(home: Home) -> bytes:
    """Sixteen bytes that only this workplace knows: keys made with them tell nobody else."""
    with contextlib.suppress(OSError):
        found = (home.folder / "salt").read_bytes()
        if len(found) == 16:
            return found
    folder = index_folder(home)
    if folder is None:
        return _salts.setdefault(str(home.folder), secrets.token_bytes(16))
    path = folder / "salt"
    with contextlib.suppress(OSError):
        found = path.read_bytes()
        if len(found) == 16:
            return found
    salt = _salts.setdefault(str(home.folder), secrets.token_bytes(16))
    try:
        temporary = path.with_name(f".salt-{os.getpid()}-{threading.get_ident()}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, salt)
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(temporary, path)  # Only the first of several writers wins.
        except FileExistsError:
            if path.stat().st_size != 16:
                temporary.replace(path)
        except OSError:
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path.read_bytes()
    except OSError:
        return salt


def _opened(home: Home) -> sqlite3.Connection | None:
    file = index_file(home)
    try:
        if file is not None and not file.exists():
            _make_empty(file)
    except OSError:
        return None
    if file is None or not os.access(file, os.W_OK):
        return None
    connection = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None)
    try:
        _prepare(connection, home)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_empty(file: Path) -> None:
    """Make the file under its mode before SQLite does.

    It is never opened under its own name but by SQLite: closing it again would end the
    locks of every connection of this process.
    """
    temporary = file.with_name(f".index-{secrets.token_hex(8)}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
    except OSError:  # A disk without links: the umask decides until the mode is set.
        file.touch(mode=0o600)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it; other writers wait."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _prepare(connection: sqlite3.Connection, home: Home) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION or version != VERSION:
        if application == 0 and version == 0:
            _create(connection, home)
        else:
            raise _Foreign
    (tables,) = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN "
        "('about', 'units', 'scans', 'summaries', 'frames', 'links')"
    ).fetchone()
    if tables != 6:
        raise _Foreign
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA mmap_size = 1073741824")
    connection.execute("PRAGMA temp_store = MEMORY")


def _create(connection: sqlite3.Connection, home: Home) -> None:
    journal = "DELETE" if _is_shared_disk(index_folder(home) or home.folder) else "WAL"
    with contextlib.suppress(sqlite3.OperationalError):
        connection.execute(f"PRAGMA journal_mode = {journal}")
    with writing(connection):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application == 0:
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables[0]:
                raise _Foreign
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
    # What earlier versions kept; it is made anew.
    with contextlib.suppress(OSError):
        (home.folder / "index.json").unlink(missing_ok=True)


def _set_aside(home: Home) -> None:
    """Rename a file that is no index, unless another process just did."""
    from filelock import FileLock

    file = index_file(home)
    if file is None:
        return
    with FileLock(file.with_name("index.mending")):
        try:
            connection = sqlite3.connect(file, timeout=_WAIT_S, isolation_level=None)
            try:
                _prepare(connection, home)
                sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if sound == "ok":
                    return
            finally:
                connection.close()
        except (_Foreign, sqlite3.DatabaseError) as error:
            if not _is_damage(error):
                raise
        when = time.strftime("%Y%m%dT%H%M%S") + f"-{secrets.token_hex(2)}"
        for ending in ("", "-wal", "-shm", "-journal"):
            part = file.with_name(file.name + ending)
            with contextlib.suppress(FileNotFoundError):
                part.rename(file.with_name(f"index-damaged-{when}.sqlite{ending}"))


def _is_damage(error: Exception) -> bool:
    """Whether the file is to blame, and neither the disk nor another process."""
    return isinstance(error, _Foreign) or type(error) is sqlite3.DatabaseError


def _is_shared_disk(folder: Path) -> bool:
    """Whether other machines may write there: they cannot share a write-ahead log."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return False
    best, kind = "", ""
    for line in lines:
        parts = line.split()
        place, after = parts[4], line.partition(" - ")[2].split()
        if str(folder).startswith(place.rstrip("/") + "/") and len(place) > len(best):
            best, kind = place, after[0]
    return kind.startswith(_SHARED_DISKS)
