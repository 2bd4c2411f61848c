"""Reading pieces in other processes, several at once, so that a bad file ends none but one.

The processes are `python -m medlab.scans.index._worker`: started by command, so it matters
neither what else this process runs nor how it was started. They end with it.
"""

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Any

from medlab.scans.index._read import Entry, Piece, read_piece, unreadable, without
from medlab.scans.index._walk import Unit

_ALONE_FILES = 400
"""Fewer files are read in this process: starting another takes as long."""
_MOST_WORKERS = 16
_PIECE_S, _FILE_S = 20.0, 0.5


def default_workers() -> int:
    """One for each core that this process may use."""
    with contextlib.suppress(AttributeError):
        return min(len(os.sched_getaffinity(0)), _MOST_WORKERS)
    return min(os.cpu_count() or 1, _MOST_WORKERS)


def read_pieces(
    pieces: Iterable[Piece],
    workers: int | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[list[Entry], None, None]:
    """Read pieces, in any order; only a few are held at a time.

    Args:
        pieces: Asked for one by one, in the calling thread.
        workers: Processes; 0 reads in this one, None uses all cores once there is enough
            to read.
        cancelled: Asked between pieces: what is read already still comes.
    """
    stop = cancelled or (lambda: False)
    coming = iter(pieces)
    first: list[Piece] = []
    if workers is None:
        while sum(piece.files for piece in first) <= _ALONE_FILES:
            piece = next(coming, None)
            if piece is None:
                workers = 0
                break
            first.append(piece)
    if workers == 0:
        for piece in chain(first, coming):
            if stop():
                return
            yield read_piece(piece, stop)
        return
    count = default_workers() if workers is None else workers
    yield from _read_by_workers(chain(first, coming), count, stop)


def _read_by_workers(
    pieces: Iterator[Piece], count: int, stop: Callable[[], bool]
) -> Generator[list[Entry], None, None]:
    orders: queue.Queue[Piece | None] = queue.Queue()
    results: queue.Queue[list[Entry] | BaseException] = queue.Queue()
    threads = [
        threading.Thread(target=_serve, args=(orders, results), daemon=True)
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    pending = 0
    try:
        for piece in pieces:
            if stop():
                break
            orders.put(piece)
            pending += 1
            while pending > 2 * count:
                pending -= 1
                yield _result(results)
        while pending:
            pending -= 1
            yield _result(results)
    finally:
        with contextlib.suppress(queue.Empty):
            while True:
                orders.get_nowait()
        for _ in threads:
            orders.put(None)
        for thread in threads:
            thread.join()


def _result(results: "queue.Queue[list[Entry] | BaseException]") -> list[Entry]:
    found = results.get()
    if isinstance(found, BaseException):
        raise found
    return found


def _serve(
    orders: "queue.Queue[Piece | None]",
    results: "queue.Queue[list[Entry] | BaseException]",
) -> None:
    reader = PieceReader()
    try:
        while (piece := orders.get()) is not None:
            try:
                results.put(reader.read(piece))
            except BaseException as error:
                results.put(error)
    finally:
        reader.close()


class PieceReader:
    """One worker process; a new one takes the place of one that died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, piece: Piece) -> list[Entry]:
        """The entries of a piece; files that end the process are left out of them."""
        found = self._ask(piece)
        if found is not None:
            return found
        if len(piece.units) > 1:
            alone = [Piece(piece.root, piece.home, (unit,)) for unit in piece.units]
            return [entry for part in alone for entry in self.read(part)]
        folder, unit = piece.units[0]
        if unit.kind != "dicom":
            return [unreadable(folder, unit)]
        return self._without_bad_files(piece, folder, unit)

    def _without_bad_files(self, piece: Piece, folder: str, unit: Unit) -> list[Entry]:
        bad = []
        for name in unit.files:
            one = Unit(unit.key, unit.kind, unit.stamp, (name,))
            if self._ask(Piece(piece.root, piece.home, ((folder, one),))) is None:
                bad.append(name)
        rest = without(unit, bad or unit.files)
        found = self._ask(Piece(piece.root, piece.home, ((folder, rest),)))
        if found is not None:
            return found
        return read_piece(
            Piece(piece.root, piece.home, ((folder, without(unit, unit.files)),))
        )

    def _ask(self, piece: Piece) -> list[Entry] | None:
        """What the process answers; None if it died or was too slow."""
        if self._process is None:
            self._process = _started()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        limit = threading.Timer(_PIECE_S + _FILE_S * piece.files, process.kill)
        limit.start()
        try:
            send(process.stdin, piece)
            found: list[Entry] | Exception = receive(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            self.close()
            return None
        finally:
            limit.cancel()
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def send(pipe: Any, thing: object) -> None:
    """Write one thing to a pipe, its length before it."""
    data = pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(8, "little"))
    pipe.write(data)
    pipe.flush()


def receive(pipe: Any) -> Any:
    """Read one thing from a pipe of a process of our own.

    Raises:
        EOFError: If the pipe ends before the thing does.
    """
    size = pipe.read(8)
    if len(size) < 8:
        raise EOFError
    data = pipe.read(int.from_bytes(size, "little"))
    return pickle.loads(data)


def _started() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    # -P: a file named numpy.py in the current folder must not be imported.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "medlab.scans.index._worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
