"""The one family of errors that medlab raises for what a user can mend."""

import re
from typing import Any

from medlab._error_titles import TITLES

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(]|medlab\b|open_scan\b)")
_NO_ADVICE = "Correct what is named here, and try again."


class MedlabError(ValueError):
    """Something a user can mend: what was expected, what came, what to do next.

    Args:
        message: Two or three sentences without patient data or absolute paths; the last
            says what to do next.
        code: A short, stable word for programs, such as `"not-a-scan"`.
        told: What else a program needs to go on, such as `{"last_good_rev": 7}`; it
            stands beside `message` and `code` in a reply.

    Example:
        >>> error = MedlabError("k must be 0 to 8, got 9. Choose another slice.", code="plane")
        >>> error.title, error.detail, error.hint
        ('No such plane', 'k must be 0 to 8, got 9.', 'Choose another slice.')
    """

    code = "invalid"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        told: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.told: dict[str, Any] = told or {}
        if code is not None:
            self.code = code

    @property
    def title(self) -> str:
        """A few words that name the kind of error, the same for each of its code."""
        words = self.code.replace("-", " ")
        return TITLES.get(self.code, words[:1].upper() + words[1:])

    @property
    def detail(self) -> str:
        """What was expected and what came: the message without its last sentence."""
        return self._parts()[0]

    @property
    def hint(self) -> str:
        """What to do next: the last sentence of the message."""
        return self._parts()[1]

    def reply(self) -> dict[str, Any]:
        """Everything as a program is told it: message, code, title, detail, hint, told."""
        return {
            "message": str(self),
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "hint": self.hint,
            **self.told,
        }

    def _parts(self) -> tuple[str, str]:
        message = str(self).strip()
        ends = [gap.span() for gap in _BETWEEN_SENTENCES.finditer(message)]
        if not ends:
            return message, _NO_ADVICE
        before, after = ends[-1]
        return message[:before], message[after:]
