"""The patients and studies of what a query finds."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans.index._file import with_index
from medlab.scans.index._query import Query, check, places_found
from medlab.scans.index._rows import Places, rows_of

_EVERYTHING = Query()


@dataclass(frozen=True)
class Group:
    """A patient or a study.

    Attributes:
        key: What `Query.patient` or `Query.study` takes.
        label: Name of the patient or the study: private text.
        detail: Number of the patient, or the patient of the study: private text.
        scans: How many of the found scans are in it.
        date: Of the newest.
        modalities: Sorted.
    """

    key: str
    label: str
    detail: str
    scans: int
    date: str
    modalities: list[str]


def scan_groups(
    home: Home, query: Query = _EVERYTHING, by: Literal["patient", "study"] = "patient"
) -> list[Group]:
    """The patients or studies of everything a query finds; `offset` and `limit` aside.

    Raises:
        MedlabError: If `by` or the query's order is unknown.
    """
    check(query)
    if by not in ("patient", "study"):
        raise MedlabError(
            f'Scans are grouped by "patient" or "study", got {str(by)[:20]!r}. '
            "Choose one of these."
        )
    groups = with_index(home, lambda connection: _groups(connection, home, query, by))
    if query.sort == "date":
        return sorted(groups, key=lambda g: (g.date, g.key), reverse=query.descending)
    return sorted(
        groups,
        key=lambda g: (g.label.casefold(), g.date, g.key),
        reverse=query.descending,
    )


def _groups(
    connection: sqlite3.Connection,
    home: Home,
    query: Query,
    by: Literal["patient", "study"],
) -> list[Group]:
    label = {"patient": ("patient", "patient_id"), "study": ("study", "patient")}[by]
    with rows_of(connection, home) as rows:
        keys, labels, details, dates, modalities = rows.columns(
            connection, f"{by}_key", *label, "date", "modality"
        )
        members: dict[str, Places] = {}
        for place in places_found(rows, connection, home, query):
            members.setdefault(keys[place], []).append(place)
        return [
            Group(
                key,
                max([labels[place] for place in places]),
                max([details[place] for place in places]),
                len(places),
                max([dates[place] for place in places]),
                sorted({modalities[place] for place in places}),
            )
            for key, places in members.items()
        ]
