"""Asking an index: words, filters, order, pages."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._summary import ScanSummary
from medlab.scans.index._file import with_index
from medlab.scans.index._labelled import labelled_scans
from medlab.scans.index._rows import Places, Rows, rows_of
from medlab.scans.index._summaries import summaries_of

SORTS = (
    "path", "name", "patient", "date", "modality", "description", "study", "body_part",
    "format", "slices", "size_bytes", "frames", "labels", "problem",
)  # fmt: skip
_MOST = 10_000
_MOST_WORDS = 20
_LABELLED, _UNLABELLED = "labelled", "unlabelled"


@dataclass(frozen=True)
class Query:
    """What to look for, and which part of it to show.

    Attributes:
        words: Each must be found somewhere: in patient, number, modality, date,
            description, study, body part, path or format; "labelled" and "unlabelled" stand
            for the state of labels. Upper and lower case are the same.
        sort: One of `SORTS`.
        descending: The other way round.
        offset, limit: Which lines of all that were found.
        problems: Only those with an error, or with warnings.
        modality: Only this one.
        labels: Only those with labels, or only those without.
        patient, study: Only those with this key.
    """

    words: str = ""
    sort: str = "path"
    descending: bool = False
    offset: int = 0
    limit: int = 200
    problems: Literal["errors", "warnings"] | None = None
    modality: str | None = None
    labels: bool | None = None
    patient: str | None = None
    study: str | None = None


@dataclass(frozen=True)
class Page:
    """Part of what was found.

    Attributes:
        total: How many were found.
        all: How many there are without any filter.
        revision: Grows with every change of the index.
    """

    scans: list[ScanSummary]
    total: int
    all: int
    revision: int


def search_scans(home: Home, query: Query = Query()) -> Page:
    """The scans that a query finds in the index, which is taken as it is.

    Raises:
        MedlabError: If the query sorts by something unknown, or asks for impossible lines.
    """
    check(query)
    return with_index(home, lambda connection: _page(connection, home, query))


def _page(connection: sqlite3.Connection, home: Home, query: Query) -> Page:
    with rows_of(connection, home) as rows:
        found = places_found(rows, connection, home, query)
        every, total, revision = len(rows.by_path), len(found), rows.revision
        ordered = _in_order(rows, connection, home, query, found)
        shown = rows.scans(ordered[query.offset : query.offset + query.limit])
        # Within the same look at the index: its rows may be gone a moment later.
        return Page(summaries_of(connection, shown, home), total, every, revision)


def places_found(
    rows: Rows, connection: sqlite3.Connection, home: Home, query: Query
) -> Places:
    """The rows that a query finds, by path and series."""
    found = rows.by_path
    for name, wanted in _equal(query).items():
        (values,) = rows.columns(connection, name)
        found = [place for place in found if values[place] == wanted]
    words = query.words.casefold().split()[:_MOST_WORDS]
    labelled: set[int] = set()
    if query.labels is not None or any(_state(word) for word in words):
        labelled = rows.with_ids(connection, labelled_scans(home))
    if query.labels is not None:
        found = [place for place in found if (place in labelled) == query.labels]
    if words:
        (texts,) = rows.columns(connection, "words")
    for word in words:
        state = _state(word)
        if state is None:
            found = [place for place in found if word in texts[place]]
        else:
            is_wanted = state == _LABELLED
            found = [
                place
                for place in found
                if (place in labelled) == is_wanted or word in texts[place]
            ]
    return found


def _equal(query: Query) -> dict[str, str | int]:
    """The columns that must have one value."""
    told: dict[str, str | int | None] = {
        "problem": {"errors": 2, "warnings": 1, None: None}[query.problems],
        "modality": query.modality,
        "patient_key": query.patient,
        "study_key": query.study,
    }
    return {name: value for name, value in told.items() if value is not None}


def _in_order(
    rows: Rows,
    connection: sqlite3.Connection,
    home: Home,
    query: Query,
    found: Places,
) -> Places:
    if query.sort == "labels":
        labelled = rows.with_ids(connection, labelled_scans(home))
        first = [place for place in found if (place in labelled) == query.descending]
        chosen = set(first)
        return first + [place for place in found if place not in chosen]
    order = rows.order(connection, query.sort, query.descending)
    if len(found) == len(order):
        return order
    wanted = set(found)
    return [place for place in order if place in wanted]


def _state(word: str) -> str | None:
    """The state of labels that a word begins to name."""
    if len(word) < 3:
        return None
    return next((s for s in (_LABELLED, _UNLABELLED) if s.startswith(word)), None)


def check(query: Query) -> None:
    if query.sort not in SORTS:
        raise MedlabError(
            f"Scans are sorted by one of {', '.join(SORTS)}, got "
            f"{query.sort[:20]!r}. Choose one of these."
        )
    if query.offset < 0 or not 0 <= query.limit <= _MOST:
        raise MedlabError(
            f"A page must begin at 0 or later and hold at most {_MOST} scans, got "
            f"{query.limit} from {query.offset}. Ask for fewer at once."
        )
    if query.problems not in (None, "errors", "warnings"):
        raise MedlabError(
            f'problems must be "errors" or "warnings", got {query.problems[:20]!r}. '
            "Choose one, or leave it out."
        )
