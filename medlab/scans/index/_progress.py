"""How far an update of the index is."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from medlab.scans.index._read import Entry

_EVERY_S = 0.1


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


class Progress:
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
        if self._tell is None or (now - self._told < _EVERY_S and not last):
            return
        self._told = now
        total = self.done if last else self.total
        done = self.done if total is None else min(self.done, total)
        self._tell(IndexProgress(done, total, self.found))
