"""spread: a function over many pieces, each result once to one writer."""

import contextlib
import time
from collections.abc import Callable, Generator, Iterable, Sized
from dataclasses import dataclass
from typing import Any

from medlab.cluster._crew import Answered, Crew
from medlab.cluster._dask import DaskCrew
from medlab.cluster._ledger import DEATHS, Ledger, Task
from medlab.cluster._local import LocalCrew
from medlab.cluster._order import name_of, read_answer, write_order
from medlab.cluster._tls import Tls
from medlab.errors import MedlabError

_TICK_S = 0.2


@dataclass(frozen=True)
class Done:
    """A piece and its result."""

    piece: Any
    result: Any


@dataclass(frozen=True)
class Failure:
    """A piece that has no result, and why."""

    piece: Any
    error: MedlabError


@dataclass(frozen=True)
class WorkerDied:
    """A worker died that held pieces; they are tried again."""


@dataclass(frozen=True)
class Report:
    """How it went.

    Attributes:
        done: Pieces whose result was written.
        failed: Pieces without one.
        cancelled: Whether it was ended before all pieces were done.
        deaths: Workers that died while they held a piece.
        elapsed_s: How long it took.
    """

    done: int
    failed: tuple[Failure, ...]
    cancelled: bool
    deaths: int
    elapsed_s: float


def spread(
    function: Callable[[Any], Any],
    pieces: Iterable[Any],
    scheduler: str | None = None,
    on_result: Callable[[Any, Any], None] = lambda piece, result: None,
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    tls: Tls | None = None,
) -> Report:
    """Do pieces of work elsewhere, and write their results here.

    Only a bounded number of pieces is out at a time. A worker that is killed costs time,
    no result: its pieces are done again, and what came twice is written once. A piece on
    which three workers died is reported as failed, as is one that raises an error.

    Args:
        function: `function(piece)`, at the top of a module that workers can import. It may
            run twice for a piece when a worker dies, so it should do no harm twice.
        pieces: Plain values (as JSON has them), taken as they are needed.
        scheduler: `host:port` of a Dask scheduler; None for processes of this machine.
        on_result: `on_result(piece, result)`, called here, in this thread, once a piece,
            in the order they come. If it raises, everything ends.
        on_progress: `on_progress(ended, total)` after each piece; `total` is None where
            the pieces do not say how many they are.
        cancelled: Asked several times a second; True ends it.
        workers: Processes, without a scheduler; by default one a core.
        tls: Certificates for the scheduler.

    Returns:
        What was done, what failed and how long it took.

    Raises:
        MedlabError: If Dask is not installed, the scheduler does not answer, the workers
            have no medlab or are all gone; what was written until then stays.

    Example:
        >>> found = {}
        >>> spread(len, ["CT", "PET"], None, found.__setitem__, workers=1).done
        2
        >>> found
        {'CT': 2, 'PET': 3}
    """
    started = time.monotonic()
    total = len(pieces) if isinstance(pieces, Sized) else None
    failed, deaths, done, was_told = list[Failure](), 0, 0, False

    def stop() -> bool:
        nonlocal was_told
        was_told = was_told or (cancelled is not None and cancelled())
        return was_told

    coming = outcomes(
        function, pieces, scheduler, cancelled=stop, workers=workers, tls=tls
    )
    with contextlib.closing(coming):
        for outcome in coming:
            if isinstance(outcome, WorkerDied):
                deaths += 1
                continue
            if isinstance(outcome, Done):
                on_result(outcome.piece, outcome.result)
                done += 1
            else:
                failed.append(outcome)
            if on_progress is not None:
                on_progress(done + len(failed), total)
    elapsed_s = time.monotonic() - started
    return Report(done, tuple(failed), was_told, deaths, elapsed_s)


def outcomes(
    function: Callable[[Any], Any],
    pieces: Iterable[Any],
    scheduler: str | None = None,
    *,
    cancelled: Callable[[], bool] | None = None,
    workers: int | None = None,
    tls: Tls | None = None,
) -> Generator[Done | Failure | WorkerDied, None, None]:
    """As `spread`, for who rather asks: what became of each piece, as it comes.

    Close it to end the work early.
    """
    name, ledger = name_of(function), Ledger(pieces)
    crew: Crew = LocalCrew(workers) if scheduler is None else DaskCrew(scheduler, tls)
    try:
        while cancelled is None or not cancelled():
            for ticket, task in ledger.take(crew.width):
                crew.start(ticket, write_order(name, task.piece))
            if not ledger.flying:
                break
            event = crew.next(_TICK_S)
            if isinstance(event, Answered):
                settled = ledger.finish(event.ticket)
                if settled is not None:
                    yield _outcome(settled.piece, event.answer)
            elif event is not None:
                given_up = ledger.died(event.tickets)
                for ticket in event.tickets:
                    crew.drop(ticket)
                yield WorkerDied()
                yield from map(_killer, given_up)
    finally:
        crew.close()


def _outcome(piece: Any, answer: str) -> Done | Failure:
    try:
        return Done(piece, read_answer(answer))
    except MedlabError as error:
        return Failure(piece, error)


def _killer(task: Task) -> Failure:
    return Failure(
        task.piece,
        MedlabError(
            f"A piece may end {DEATHS - 1} workers at most, got {task.deaths} that died "
            "on it. It needs more memory than they have, or its file is damaged: look at "
            "it alone.",
            code="workers-died",
        ),
    )
