"""find_series: what a server has, found by words (QIDO-RS).

DICOM's search has no "or", so each word is looked for in one attribute after the other, and
the lists are joined. A word that is a date or a modality narrows the search instead.

Source:
    DICOM PS3.18, 10.6 (search transaction).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from medlab.dicomweb._connection import Connection, ServerFault
from medlab.dicomweb._json import count_of, text_of
from medlab.dicomweb._limits import LIMITS, Limits
from medlab.dicomweb._servers import Server, find_server
from medlab.dicomweb._uids import check_uid, is_uid
from medlab.errors import MedlabError

_STUDY_DATE, _MODALITY, _PATIENT_NAME = "00080020", "00080060", "00100010"
_STUDY_DESCRIPTION, _SERIES_DESCRIPTION = "00081030", "0008103E"
_PATIENT_ID, _BODY_PART, _SERIES_NUMBER = "00100020", "00180015", "00200011"
_STUDY_UID, _SERIES_UID, _INSTANCES = "0020000D", "0020000E", "00201209"
_FIELDS = (
    *(_STUDY_DESCRIPTION, _SERIES_DESCRIPTION, _BODY_PART, _STUDY_DATE, _INSTANCES),
    *(_PATIENT_NAME, _PATIENT_ID),
)
_LOOKED_INTO = (_PATIENT_NAME, _PATIENT_ID, _STUDY_DESCRIPTION, _SERIES_DESCRIPTION)
_MODALITIES = frozenset(
    [
        *("CT", "MR", "PT", "NM", "US", "CR", "DX", "MG", "RF", "XA", "OT", "SC", "SM"),
        *("OP", "OPT", "ES", "ECG", "SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR"),
    ]
)
_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
_OTHER_LETTERS = re.compile(r"[^A-Za-z0-9._-]+")
_WILD = str.maketrans("", "", "*?\\")
_WORDS, _LETTERS = 8, 64


@dataclass(frozen=True)
class SeriesQuery:
    """What to look for on a server.

    Attributes:
        words: Every word must be found in the patient's name or id, the descriptions, the
            body part, the date (20240131 or 2024-01-31) or the modality (CT, MR, ...).
        modality: "CT", "MR", ...; empty for all.
        date: One day `20240131`, or a range `20240101-20240131`; empty for all.
        study: A StudyInstanceUID, to see one study.
        limit: At most so many series.
    """

    words: str = ""
    modality: str = ""
    date: str = ""
    study: str = ""
    limit: int = 100

    def check(self, limits: Limits = LIMITS) -> None:
        """See that it can be asked.

        Raises:
            MedlabError: If something in it is of another type or form.
        """
        _checked(self, limits)


@dataclass(frozen=True)
class FoundSeries:
    """One series of a server.

    `patient`, `patient_id`, `study_description` and `description` are private and hostile
    text: for the screen only.
    """

    study: str
    series: str
    modality: str = ""
    date: str = ""
    instances: int = 0
    number: str = ""
    body_part: str = ""
    description: str = ""
    study_description: str = ""
    patient: str = ""
    patient_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields as plain strings and numbers."""
        return asdict(self)


def find_series(
    server: Server | str,
    query: SeriesQuery | str = "",
    *,
    cancelled: Callable[[], bool] | None = None,
    limits: Limits = LIMITS,
) -> list[FoundSeries]:
    """Look for series on a server.

    Args:
        server: A name of the administrator's table.
        query: Words, or more exactly a `SeriesQuery`.
        cancelled: Asked often; when true, the search ends with an error "cancelled".
        limits: How much of the answer is believed.

    Returns:
        At most `query.limit` series, newest study first. When there are as many as that,
        there may be more: narrow the search.

    Raises:
        MedlabError: If no such server is allowed, or it does not answer as it must.
    """
    if isinstance(server, str):
        server = find_server(server)
    query = SeriesQuery(query) if isinstance(query, str) else query
    limit, filters, words = _checked(query, limits)
    found: dict[str, FoundSeries] = {}
    with Connection(server, cancelled=cancelled, limits=limits) as connection:
        client = connection.client()
        for searched in _searches(filters, words):
            with connection.asking():
                answer = client.search_for_series(
                    fields=_FIELDS,
                    limit=limit if not words else limits.series,
                    search_filters=searched,
                )
                for one in _read(answer, server, limits):
                    if _matches(one, query, words):
                        found.setdefault(one.series, one)
    newest = sorted(found.values(), key=lambda one: (one.study, _number(one)))
    newest.sort(key=lambda one: one.date, reverse=True)
    return newest[:limit]


def _checked(
    query: SeriesQuery, limits: Limits
) -> tuple[int, dict[str, str], list[str]]:
    """The limit, the filters that the query names, and the words that are left."""
    texts = (query.words, query.modality, query.date, query.study)
    is_whole = isinstance(query.limit, int) and not isinstance(query.limit, bool)
    if not all(isinstance(text, str) for text in texts) or not is_whole:
        raise _bad("A search is made of texts and a whole number as limit")
    if not 1 <= query.limit <= limits.series:
        raise _bad(f"The limit must be 1 to {limits.series}, got {query.limit}")
    filters = {}
    if query.study:
        filters["StudyInstanceUID"] = check_uid("study", query.study)
    if query.modality:
        if not re.fullmatch(r"[A-Za-z]{2,16}", query.modality):
            raise _bad("The modality must be letters such as CT")
        filters["Modality"] = query.modality.upper()
    if query.date:
        filters["StudyDate"] = _date_range(query.date)
    words = []
    for word in query.words.translate(_WILD).split()[:_WORDS]:
        day = _DATE.fullmatch(word)
        if day and "StudyDate" not in filters:
            filters["StudyDate"] = "".join(day.groups())
        elif word.upper() in _MODALITIES and "Modality" not in filters:
            filters["Modality"] = word.upper()
        elif printable := "".join(c for c in word if c.isprintable())[:_LETTERS]:
            words.append(printable)
    return query.limit, filters, words


def _searches(filters: dict[str, str], words: list[str]) -> Iterator[dict[str, str]]:
    """One search for each attribute that the longest word may stand in."""
    if not words:
        yield filters
        return
    # Some servers (Orthanc 1.10) do not decode addresses: other letters become wildcards,
    # and `_matches` looks at the whole word.
    patterns = [_OTHER_LETTERS.sub("*", word) for word in words]
    clear = max(patterns, key=lambda text: len(text.replace("*", "")))
    sought = clear if clear.strip("*") else words[0]
    for tag in _LOOKED_INTO:
        yield {**filters, tag: f"*{sought.strip('*')}*"}


def _read(answer: Any, server: Server, limits: Limits) -> Iterator[FoundSeries]:
    if not isinstance(answer, list):
        raise ValueError("no list")
    if len(answer) > limits.series * 4:
        raise ServerFault(
            f"The server {server.called!r} must send at most {limits.series} series, as "
            f"asked, got {len(answer)}. Narrow the search.",
            "too-large",
        )
    for item in answer:
        study, series = text_of(item, _STUDY_UID), text_of(item, _SERIES_UID)
        if is_uid(study) and is_uid(series):
            yield FoundSeries(
                study=study,
                series=series,
                modality=text_of(item, _MODALITY),
                date=text_of(item, _STUDY_DATE),
                instances=count_of(item, _INSTANCES),
                number=text_of(item, _SERIES_NUMBER),
                body_part=text_of(item, _BODY_PART),
                description=text_of(item, _SERIES_DESCRIPTION),
                study_description=text_of(item, _STUDY_DESCRIPTION),
                patient=text_of(item, _PATIENT_NAME),
                patient_id=text_of(item, _PATIENT_ID),
            )


def _matches(one: FoundSeries, query: SeriesQuery, words: list[str]) -> bool:
    """Servers that do not know a filter ignore it; what they send is looked through."""
    if query.study and one.study != query.study:
        return False
    shown = (one.patient, one.patient_id, one.study_description, one.description)
    text = "\n".join((*shown, one.body_part)).casefold()
    return all(word.casefold() in text for word in words)


def _number(one: FoundSeries) -> int:
    return int(one.number) if one.number.isascii() and one.number.isdigit() else 0


def _date_range(text: str) -> str:
    days = text.replace(" ", "")
    if not re.fullmatch(r"\d{8}|\d{8}-|-\d{8}|\d{8}-\d{8}", days):
        raise _bad("The date must be 20240131 or 20240101-20240131")
    return days


def _bad(sentence: str) -> MedlabError:
    return MedlabError(f"{sentence}. Correct the search.", code="bad-request")
