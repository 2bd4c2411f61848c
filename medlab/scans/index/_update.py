"""Bring the index up to what is on disk.

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
from medlab.scans._home import Home
from medlab.scans._source_files import ScanNotFound
from medlab.scans.index._changes import changes
from medlab.scans.index._cluster import read_pieces_on_cluster
from medlab.scans.index._file import index_folder, mending, with_index
from medlab.scans.index._pool import read_pieces
from medlab.scans.index._progress import IndexProgress, Progress
from medlab.scans.index._read import Entry, Piece, cut
from medlab.scans.index._store import storable, store_entries
from medlab.scans.index._walk import count_files

_BATCH_S = 0.5
_BATCH_ENTRIES = 500
_WAIT_S = 0.1

Cancelled = Callable[[], bool]


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
        progress = Progress(on_progress)
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
    progress: Progress,
    stop: Cancelled,
    read: Callable[[Iterable[Piece]], Generator[list[Entry], None, None]],
) -> None:
    entries: list[Entry] = []
    last = time.perf_counter()
    pieces = cut(changes(home, top, refresh, progress), home)
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
    return cut(changes(home, top, refresh, Progress(None)), home)


def store(home: Home, entries: Iterable[Entry]) -> None:
    """Put what `read_piece` found into the index, in one step. Twice does no harm."""
    kept = list(entries)
    if kept:
        with_index(home, lambda c: store_entries(c, home, kept))


def existing(top: Path, name: str) -> Path:
    """The folder itself, if there is one; `name` is what to call it otherwise."""
    if not top.is_dir():
        raise ScanNotFound(
            f"There must be a folder {name!r}, got nothing there. "
            "Folders are given relative to the root of the notebooks."
        )
    return top


def _top(home: Home, folder: Path | str | None) -> Path:
    asked = home.root if folder is None else (home.root / Path(folder)).resolve()
    top = existing(asked, Path(folder or ".").name)
    if not top.is_relative_to(home.root):
        raise ScanNotFound(
            f"The folder {top.name!r} must lie below the root of the notebooks. "
            "Start from a folder that holds both, or copy the scans below the root."
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
