"""Reading pieces for an index on a Dask cluster whose workers see the same folders.

Each thread of a worker reads through a process of its own, as on one machine: a bad file
ends that process, not the worker.
"""

import threading
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medlab.cluster import Done, Failure, Tls, outcomes
from medlab.errors import MedlabError
from medlab.scans.index._pool import PieceReader, read_pieces
from medlab.scans.index._read import Entry, Link, Piece
from medlab.scans.index._walk import Unit

_OWN = threading.local()


def read_pieces_on_cluster(
    pieces: Iterable[Piece],
    scheduler: str,
    tls: Tls | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Generator[list[Entry], None, None]:
    """As `read_pieces`, by the workers of a cluster; each piece comes once.

    A piece on which workers keep dying is read on this machine, file by file.

    Raises:
        MedlabError: If the cluster cannot be used, or its workers do not see the folder.
    """
    plain = (asdict(piece) for piece in pieces)
    for outcome in outcomes(
        read_plain_piece, plain, scheduler, cancelled=cancelled, tls=tls
    ):
        if isinstance(outcome, Done):
            yield [_entry(told) for told in outcome.result]
        elif isinstance(outcome, Failure):
            if outcome.error.code != "workers-died":
                raise outcome.error
            yield from read_pieces([_piece(outcome.piece)], 1, cancelled)


def read_plain_piece(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Read a piece in a worker; both ways as plain values."""
    piece = _piece(told)
    if not Path(piece.root).is_dir():
        raise MedlabError(
            "Workers must see the scans under the same path as the machine that asks, got "
            "a worker that does not. Put them on a disk that all of them mount.",
            code="not-shared",
        )
    if not hasattr(_OWN, "reader"):
        _OWN.reader = PieceReader()
    reader: PieceReader = _OWN.reader
    return [asdict(entry) for entry in reader.read(piece)]


def _piece(told: dict[str, Any]) -> Piece:
    units = tuple((folder, _unit(unit)) for folder, unit in told["units"])
    return Piece(told["root"], told["home"], units)


def _entry(told: dict[str, Any]) -> Entry:
    links = [
        Link(**{**link, "series": tuple(link["series"])}) for link in told["links"]
    ]
    return Entry(told["folder"], _unit(told["unit"]), told["rows"], links)


def _unit(told: dict[str, Any]) -> Unit:
    files, skipped = tuple(told["files"]), tuple(told["skipped"])
    return Unit(**{**told, "files": files, "skipped": skipped})
