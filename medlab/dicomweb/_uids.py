"""Unique identifiers of DICOM, as they come from people and servers."""

import re
from typing import Any

from medlab.errors import MedlabError

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def is_uid(text: Any) -> bool:
    """Whether something is a UID; a few archives write leading zeros, which is let pass.

    Example:
        >>> is_uid("1.2.840"), is_uid("../1"), is_uid("1." * 40 + "1")
        (True, False, False)
    """
    return isinstance(text, str) and len(text) <= 64 and bool(_UID.fullmatch(text))


def check_uid(what: str, text: Any) -> str:
    """The UID itself.

    Raises:
        MedlabError: If it is none.
    """
    if not is_uid(text):
        raise MedlabError(
            f"{what} must be a DICOM UID (digits and dots, at most 64), got another text. "
            "Take it from the list of series.",
            code="bad-request",
        )
    return str(text)
