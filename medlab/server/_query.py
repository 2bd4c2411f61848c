"""Questions about scans as they come in bodies: checked, and made a `Query`.

Words can be a patient's name, so they never stand in an address.
"""

from collections.abc import Mapping
from typing import Any

from medlab.errors import MedlabError
from medlab.scans import Query

LIMIT = 1000
"""The most rows of one reply."""

_LONGEST_WORDS = 1000
_FURTHEST = 10**9


def query_of(body: Mapping[str, Any], *others: str) -> Query:
    """The query of a body; `others` names fields that are not the query's.

    Raises:
        MedlabError: If a field is unknown or not of its kind.

    Example:
        >>> query_of({"words": "chest", "limit": 5}).limit
        5
    """
    known = {"words", "sort", "descending", "offset", "limit", "problems"}
    known |= {"modality", "labels", "patient", "study", *others}
    if unknown := sorted(set(body) - known):
        raise _bad(f"fields {', '.join(sorted(known))}", f"{len(unknown)} others")
    told = {
        "words": text_of(body, "words"),
        "sort": text_of(body, "sort", "path"),
        "descending": flag_of(body, "descending"),
        "offset": number_of(body, "offset", 0, _FURTHEST),
        "limit": number_of(body, "limit", 200, LIMIT),
        **{key: text_or_none(body, key) for key in ("problems", "modality")},
        **{key: text_or_none(body, key) for key in ("patient", "study")},
        "labels": None if body.get("labels") is None else flag_of(body, "labels"),
    }
    return Query(**told)  # type: ignore[arg-type]


def flag_of(body: Mapping[str, Any], name: str) -> bool:
    """A field that is true or false, and false when it is not there.

    Raises:
        MedlabError: If it is something else.
    """
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise _bad(f"{name} to be true or false", type(value).__name__)
    return value


def number_of(body: Mapping[str, Any], name: str, default: int, most: int) -> int:
    """A field with a whole number from 0 to `most`.

    Raises:
        MedlabError: If it is something else.
    """
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        got = str(value)[:20] if isinstance(value, int) else type(value).__name__
        raise _bad(f"{name} to be a whole number from 0 to {most}", got)
    return value


def text_of(body: Mapping[str, Any], name: str, default: str = "") -> str:
    """A field with text, of at most 1000 characters.

    Raises:
        MedlabError: If it is something else.
    """
    value = body.get(name, default)
    if not isinstance(value, str) or len(value) > _LONGEST_WORDS or "\0" in value:
        got = "more or others" if isinstance(value, str) else type(value).__name__
        raise _bad(f"{name} to be text of up to {_LONGEST_WORDS} characters", got)
    return value


def text_or_none(body: Mapping[str, Any], name: str) -> str | None:
    """As `text_of`; null when it is not asked for."""
    return None if body.get(name) is None else text_of(body, name)


def _bad(expected: str, got: str) -> MedlabError:
    return MedlabError(
        f"The server expects {expected}, got {got}. Send the request again with that.",
        code="bad-request",
    )
