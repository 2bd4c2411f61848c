"""What searching asks of every row of an index, kept in memory between questions.

Looking for part of a word in a hundred thousand texts takes Python 10 ms and SQLite 150 ms,
most of them for reading the texts from its pages again at each keystroke. So the texts and
the columns that were ever sorted or grouped by stay here, about 0.4 KB a row. An index that
grew since is caught up with: rows never change, they go and come under new numbers.
"""

import contextlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from medlab.scans._home import Home

_MOST_HOMES = 4
_CHANGING = ("problem",)
"""Columns in which rows do change: read anew with each revision."""
_FEW = 10_000

Places = list[int]
"""Rows, each by the place that it was given when it was first read."""


class Rows:
    """Columns of the rows of one index, as of its `revision`.

    Attributes:
        identity: Of the index; a new one made in its place has another.
        by_path: The rows that are shown, by path and series.
    """

    def __init__(self) -> None:
        self.identity: str | None = None
        self.revision = -1
        self.by_path: Places = []
        self._scans: list[int] = []
        self._places: dict[int, int] = {}
        self._columns: dict[str, list[Any]] = {}
        self._orders: dict[tuple[str, bool], Places] = {}

    def scans(self, places: Iterable[int]) -> list[int]:
        """The numbers of rows in the index."""
        return [self._scans[place] for place in places]

    def columns(
        self, connection: sqlite3.Connection, *names: str
    ) -> tuple[list[Any], ...]:
        """The values of columns, by place; those that are asked for first are read now."""
        missing = [name for name in names if name not in self._columns]
        if missing:
            for name in missing:
                self._columns[name] = [None] * len(self._scans)
            self._read(connection, missing, -1)
        return tuple(self._columns[name] for name in names)

    def order(
        self, connection: sqlite3.Connection, sort: str, descending: bool
    ) -> Places:
        """All rows in the order of a column; upper and lower case alike, ties by path."""
        if sort == "path":
            return self.by_path[::-1] if descending else self.by_path
        order = self._orders.get((sort, descending))
        if order is None:
            (values,) = self.columns(connection, sort)
            if self.by_path and isinstance(values[self.by_path[0]], str):
                # Rows that are gone may have no value any more.
                values = [value and value.casefold() for value in values]
            order = sorted(self.by_path, key=values.__getitem__, reverse=descending)
            self._orders[sort, descending] = order
        return order

    def with_ids(self, connection: sqlite3.Connection, ids: Iterable[str]) -> set[int]:
        """The places of the scans with these ids, as far as there are any."""
        asked = "SELECT scan FROM scans WHERE id = ?"
        found = (connection.execute(asked, (one,)).fetchone() for one in ids)
        return {self._places[row[0]] for row in found if row is not None}

    def catch_up(self, connection: sqlite3.Connection) -> bool:
        """Take in what changed since the last question; False if that is another index."""
        told = dict(connection.execute("SELECT name, value FROM about"))
        if self.identity not in (None, told["identity"]):
            return False
        if told["revision"] == self.revision:
            return True
        is_older = told["revision"] < self.revision
        if is_older or len(self._scans) > 2 * len(self.by_path) + _FEW:
            return False
        self.identity, self.revision = told["identity"], told["revision"]
        self._orders.clear()
        for name in _CHANGING:
            self._columns.pop(name, None)
        self._append(connection)
        hidden = set(connection.execute("SELECT scan FROM scans WHERE shown = 0"))
        rows = connection.execute("SELECT scan FROM scans ORDER BY path, series")
        self.by_path = [self._places[row[0]] for row in rows if row not in hidden]
        return True

    def _append(self, connection: sqlite3.Connection) -> None:
        last, first_new = (self._scans[-1] if self._scans else -1), len(self._scans)
        self._scans += [
            scan
            for (scan,) in connection.execute(
                "SELECT scan FROM scans WHERE scan > ? ORDER BY scan", (last,)
            )
        ]
        for place in range(first_new, len(self._scans)):
            self._places[self._scans[place]] = place
        for values in self._columns.values():
            values += [None] * (len(self._scans) - first_new)
        if self._columns and first_new < len(self._scans):
            self._read(connection, list(self._columns), last)

    def _read(
        self, connection: sqlite3.Connection, names: list[str], after: int
    ) -> None:
        """Fill columns in for all rows with numbers above `after`."""
        known: dict[Any, Any] = {}  # Most values come often: each is kept once.
        places = self._places
        for name in names:
            column = self._columns[name]
            # A column at a time: tuples of one are made without the memory's help.
            for scan, value in connection.execute(
                f"SELECT scan, {name} FROM scans WHERE scan > ?", (after,)
            ):
                column[places[scan]] = known.setdefault(value, value)


@contextlib.contextmanager
def rows_of(connection: sqlite3.Connection, home: Home) -> Iterator[Rows]:
    """The rows of an index as it is now, which it stays until the block ends.

    One question at a time: in Python two at once would both take twice as long.
    """
    with _guard:
        kept = _kept.setdefault(str(home.folder), _Kept())
        _kept.move_to_end(str(home.folder))
        while len(_kept) > _MOST_HOMES:
            _kept.popitem(last=False)
    with kept.lock:
        connection.execute("BEGIN")
        try:
            if not kept.rows.catch_up(connection):
                kept.rows = Rows()
                kept.rows.catch_up(connection)
            yield kept.rows
        except BaseException:
            kept.rows = Rows()  # It may have ended half way.
            raise
        finally:
            if connection.in_transaction:
                connection.execute("COMMIT")


class _Kept:
    def __init__(self) -> None:
        self.lock, self.rows = threading.Lock(), Rows()


_kept: OrderedDict[str, _Kept] = OrderedDict()
_guard = threading.Lock()
