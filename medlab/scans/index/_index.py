"""The index: the scans below a root, remembered between calls.

What was read of a file is used again while its size and time stay the same. It is kept in
batches while reading goes on: an update that was ended, even killed, goes on where it was.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medlab.cluster import Tls
from medlab.errors import MedlabError
from medlab.scans._home import Home, find_home
from medlab.scans._limits import NotAScan
from medlab.scans._source_files import ScanNotFound
from medlab.scans._summary import ScanSummary
from medlab.scans._volume import ScanSource
from medlab.scans.index._cluster import read_pieces_on_cluster
from medlab.scans.index._file import (
    connected,
    index_folder,
    mending,
    with_index,
    workplace_salt,
)
from medlab.scans.index._labelled import with_labels
from medlab.scans.index._pool import read_pieces
from medlab.scans.index._read import Entry, Piece, cut, read_piece
from medlab.scans.index._store import (
    changed_units,
    remove_units,
    set_error,
    storable,
    store_entries,
    with_keys,
)
from medlab.scans.index._summaries import summaries_below, summary_of
from medlab.scans.index._walk import (
    Unit,
    count_files,
    is_searched,
    walk_units,
)

_BATCH_S = 0.5
_BATCH_ENTRIES = 500
_WAIT_S = 0.1

Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class IndexProgress:
    """How far an update is.

    Attributes:
        done: Files looked at.
        total: Files there are; None while they are being counted.
        found: Scans and errors read so far in this update.
    """

    done: int
    total: int | None
    found: int


@dataclass(frozen=True)
class IndexReport:
    """What an update did.

    Attributes:
        listed: Scans in the index below the folder, errors included.
        read: Files read.
        removed: Files (or folders of DICOM files) that are gone.
        errors: Scans that cannot be read, of those listed.
        seconds: How long it took.
        cancelled: Whether it was ended before it was through.
    """

    listed: int
    read: int
    removed: int
    errors: int
    seconds: float
    cancelled: bool


def update_index(
    home: Home,
    folder: Path | str | None = None,
    *,
    refresh: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
    cancelled: Cancelled | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    tls: Tls | None = None,
) -> IndexReport:
    """Bring the index up to what is on disk; only files that changed are read.

    Args:
        home: Whose index.
        folder: Only this folder and those below it; relative to the root. It must lie
            below the root.
        refresh: Read every header again.
        on_progress: Told a few times a second.
        cancelled: Asked often; once it says yes, what was read is kept and the rest left.
        workers: Processes that read; 0 for none, None for as many as there are cores once
            there is enough to read.
        scheduler: `host:port` of a Dask scheduler whose workers see the same folder, to
            read there; its certificates as `tls`.

    Raises:
        ScanNotFound: If there is no such folder.
        MedlabError: If the cluster cannot be used; what was read until then is kept.
    """
    started = time.perf_counter()
    top, stop = _top(home, folder), cancelled or (lambda: False)
    with _one_at_a_time(home, top == home.root, stop) as mine:
        progress = _Progress(on_progress)
        if on_progress is not None and mine:
            progress.total = count_files(top)

        def read(pieces: Iterable[Piece]) -> Generator[list[Entry], None, None]:
            if scheduler is None:
                return read_pieces(pieces, workers, stop)
            return read_pieces_on_cluster(pieces, scheduler, tls, stop)

        if mine:
            mending(home, lambda: _update(home, top, refresh, progress, stop, read))
        ended = stop()
        progress.tell(last=not ended)
    listed, errors = with_index(home, lambda c: _counts(c, home, top))
    seconds = time.perf_counter() - started
    return IndexReport(listed, progress.read, progress.removed, errors, seconds, ended)


def _update(
    home: Home,
    top: Path,
    refresh: bool,
    progress: "_Progress",
    stop: Cancelled,
    read: Callable[[Iterable[Piece]], Generator[list[Entry], None, None]],
) -> None:
    entries: list[Entry] = []
    last = time.perf_counter()
    pieces = cut(_changes(home, top, refresh, progress), home)
    try:
        with contextlib.closing(read(pieces)) as reading:
            for found in reading:
                entries += found
                progress.note_read(found)
                now = time.perf_counter()
                is_full = len(entries) >= _BATCH_ENTRIES
                if is_full or now - last > _BATCH_S or stop():
                    store(home, entries)
                    entries, last = [], now
    finally:
        store(home, entries)


def index_pieces(
    home: Home,
    folder: Path | str | None = None,
    *,
    refresh: bool = False,
) -> Iterator[Piece]:
    """The pieces of work that an update needs; `read_piece` does one of them anywhere.

    What is gone from the disk leaves the index when the pieces have been asked for to the
    end.

    Raises:
        ScanNotFound: If there is no such folder.
    """
    top = _top(home, folder)
    with_index(home, lambda c: _counts(c, home, top))  # Mends what is damaged.
    return cut(_changes(home, top, refresh, _Progress(None)), home)


def store(home: Home, entries: Iterable[Entry]) -> None:
    """Put what `read_piece` found into the index, in one step. Twice does no harm."""
    kept = list(entries)
    if kept:
        with_index(home, lambda c: store_entries(c, home, kept))


def list_scans(
    folder: Path | str = ".",
    *,
    home: Home | None = None,
    refresh: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> list[ScanSummary]:
    """List the scans in a folder and the folders below it.

    A scan that cannot be read is listed with its `error`. Hidden folders, `.medlab`,
    environments and label files (`*.seg.nrrd`, and files with a `.labels.json` table) are
    left out, and so are links that lead out of the root.

    Args:
        folder: Relative to the root when `home` is given, else to the current folder.
        home: Where the workplace lies; found by itself when not given.
        refresh: Read every header again.
        on_progress: Told a few times a second how far it is.

    Returns:
        Sorted by path. Paths are relative to the root of the workplace.

    Raises:
        ScanNotFound: If there is no such folder.
    """
    asked = Path(folder).expanduser()
    base = home.root if home is not None else Path.cwd()
    home = home or find_home()
    top = _existing((base / asked).resolve(), asked.name)
    if not top.is_relative_to(home.root):
        return _list_outside(top, home)
    update_index(home, top, refresh=refresh, on_progress=on_progress)
    name = storable(home.name(top))
    found = with_index(home, lambda c: summaries_below(c, name, home))
    return sorted(found, key=_by_path)


def find_scan(scan_id: str, home: Home) -> ScanSource:
    """The scan with that id, or the volume of a 4D scan with it, from the index.

    The root is looked through when the id is new.

    Raises:
        ScanNotFound: If no scan below the root has that id.
    """
    scan, frame = _found(scan_id, home)
    return ScanSource(scan.path, scan.series, frame)


def find_summary(scan_id: str, home: Home) -> ScanSummary:
    """As `find_scan`, with everything the index knows about the scan."""
    return _found(scan_id, home)[0]


def note_error(source: ScanSource, home: Home, sentence: str) -> None:
    """Remember that a scan cannot be decoded, until its files change.

    A header can be whole where the voxels are not; lists show it once it is known.
    """
    whole = ScanSource(source.path, source.series)
    with_index(home, lambda c: set_error(c, whole.scan_id, NotAScan(sentence)))


class _Progress:
    """Counts for a report, told to whoever wants to know, a few times a second."""

    def __init__(self, tell: Callable[[IndexProgress], None] | None) -> None:
        self.total: int | None = None
        self.done = self.found = self.read = self.removed = 0
        self._tell, self._told = tell, 0.0

    def note_known(self, files: int) -> None:
        self.done += files
        self.tell()

    def note_read(self, entries: list[Entry]) -> None:
        files = sum(len(entry.unit.files) for entry in entries)
        self.done, self.read = self.done + files, self.read + files
        self.found += sum(len(entry.rows) for entry in entries)
        self.tell()

    def tell(self, last: bool = False) -> None:
        now = time.perf_counter()
        if self._tell is None or (now - self._told < _WAIT_S and not last):
            return
        self._told = now
        total = self.done if last else self.total
        done = self.done if total is None else min(self.done, total)
        self._tell(IndexProgress(done, total, self.found))


def _changes(
    home: Home, top: Path, refresh: bool, progress: _Progress
) -> Iterator[tuple[str, Unit]]:
    """What must be read, folder by folder; what is gone is forgotten on the way."""
    seen: set[str] = set()
    with connected(home) as connection:
        for found in walk_units(top, home):
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
    for part in (place, *place.parents):
        if part in (home.root, home.fetched):
            break
        if not is_searched(part.name) or (part / "pyvenv.cfg").exists():
            return set()
    found = next(walk_units(place, home), None) if place.is_dir() else None
    return set() if found is None else {storable(unit.key) for unit in found.units}


def _top(home: Home, folder: Path | str | None) -> Path:
    asked = home.root if folder is None else (home.root / Path(folder)).resolve()
    top = _existing(asked, Path(folder or ".").name)
    if not top.is_relative_to(home.root):
        raise ScanNotFound(
            f"The folder {top.name!r} must lie below the root of the notebooks. "
            "Start from a folder that holds both, or copy the scans below the root."
        )
    return top


def _existing(top: Path, name: str) -> Path:
    if not top.is_dir():
        raise ScanNotFound(
            f"There must be a folder {name!r}, got nothing there. "
            "Folders are given relative to the root of the notebooks."
        )
    return top


@contextlib.contextmanager
def _one_at_a_time(home: Home, whole: bool, stop: Cancelled) -> Iterator[bool]:
    """Wait until no other process updates the whole index; False if told to stop.

    Without the wait nothing would break, but both would read the same files.
    """
    from filelock import FileLock, Timeout

    if not whole:
        yield True
        return
    try:
        folder = index_folder(home)
        if folder is None:
            yield True  # Nobody else can write the index, which lies in memory.
            return
        lock = FileLock(folder / "index.lock")
        while True:
            try:
                lock.acquire(timeout=_WAIT_S)
                break
            except Timeout:
                if stop():
                    yield False
                    return
    except OSError:
        yield True  # Nothing can be written here, so nobody else does either.
        return
    try:
        yield True
    finally:
        lock.release()


def _counts(connection: sqlite3.Connection, home: Home, top: Path) -> tuple[int, int]:
    name = storable(home.name(top))
    where, values = "1", []
    if name != ".":
        where, values = (
            "(folder = ? OR substr(folder, 1, ?) = ?)",
            [name, len(name) + 1, name + "/"],
        )
    listed, errors = connection.execute(
        "SELECT count(*), total(problem = 2) FROM units JOIN scans USING (unit) "
        f"WHERE shown AND {where}",
        values,
    ).fetchone()
    return listed, int(errors)


def _list_outside(top: Path, home: Home) -> list[ScanSummary]:
    """Scans outside the root are listed when asked for, but never found by their ids."""
    units = (
        (found.folder, unit) for found in walk_units(top, home) for unit in found.units
    )
    salt = workplace_salt(home)
    found = [
        ScanSummary.from_json(with_keys(row, salt))
        for piece in cut(units, home)
        for entry in read_piece(piece)
        for row in entry.rows
    ]
    return sorted((with_labels(scan, home) for scan in found), key=_by_path)


def _found(scan_id: str, home: Home) -> tuple[ScanSummary, int | None]:
    for attempt in (1, 2):
        found = with_index(home, lambda c: summary_of(c, scan_id, home))
        if found is not None and home.locate(found[0].path).exists():
            return found
        if attempt == 1:
            with contextlib.suppress(MedlabError):
                update_index(home)
    raise ScanNotFound(
        "There is no scan with that id below the root. Refresh the list of scans."
    )


def _by_path(scan: ScanSummary) -> tuple[str, str]:
    return scan.path, scan.series or ""
