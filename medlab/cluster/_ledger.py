"""The ledger: which piece waits, which one is where, and on which ones workers died.

A piece on which a worker died is put aside and tried again when everything else is done,
by itself: then its neighbours are not blamed for it, nor it for them. One that has ended
three workers, the last one alone, is given up.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

DEATHS = 3
"""So many workers may die on a piece."""


@dataclass(eq=False)
class Task:
    """A piece, and how many workers have died on it."""

    piece: Any
    deaths: int = 0


class Ledger:
    """Hands out pieces under a ticket each; a ticket is one try.

    Args:
        pieces: Taken as they are needed.

    Example:
        >>> ledger = Ledger(["a", "b", "c"])
        >>> [(ticket, task.piece) for ticket, task in ledger.take(2)]
        [(0, 'a'), (1, 'b')]
        >>> ledger.died([1])
        []
        >>> [ledger.finish(0).piece, ledger.finish(1)]
        ['a', None]
        >>> [(ticket, task.piece) for ticket, task in ledger.take(2)]
        [(2, 'c')]
    """

    def __init__(self, pieces: Iterable[Any]) -> None:
        self._waiting = iter(pieces)
        self._aside: deque[Task] = deque()
        self._flying: dict[int, Task] = {}
        self._lost: dict[int, Task] = {}
        self._next = 0

    @property
    def flying(self) -> list[int]:
        """Tickets that are out."""
        return list(self._flying)

    def take(self, width: int) -> Iterator[tuple[int, Task]]:
        """What may go out now: so many at a time, suspects one at a time at the end."""
        while len(self._flying) < width:
            try:
                task = Task(next(self._waiting))
            except StopIteration:
                break
            yield self._send(task)
        if not self._flying and self._aside:
            yield self._send(self._aside.popleft())

    def finish(self, ticket: int) -> Task | None:
        """Settle a ticket; None if it no longer counts, as when it was sent out again."""
        self._lost.pop(ticket, None)
        return self._flying.pop(ticket, None)

    def died(self, tickets: Iterable[int]) -> list[Task]:
        """A worker died that held these; which pieces are given up now?"""
        held = {t: self._flying.get(t) or self._lost.get(t) for t in tickets}
        tasks = {ticket: task for ticket, task in held.items() if task is not None}
        given_up = []
        for ticket, task in tasks.items():
            task.deaths += 1
            if self._flying.pop(ticket, None) is None:
                continue
            # Somewhere it may have been started anew, and end another worker.
            self._lost[ticket] = task
            if task.deaths >= DEATHS and len(tasks) == 1:
                given_up.append(task)
            else:
                self._aside.append(task)
        return given_up

    def _send(self, task: Task) -> tuple[int, Task]:
        ticket = self._next
        self._next += 1
        self._flying[ticket] = task
        return ticket, task
