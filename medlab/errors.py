"""The one family of errors that medlab raises for what a user can mend."""

from typing import Any


class MedlabError(ValueError):
    """Something a user can mend: what was expected, what came, what to do next.

    Args:
        message: One or two sentences without patient data or absolute paths.
        code: A short, stable word for programs, such as `"not-a-scan"`.
        told: What else a program needs to go on, such as `{"last_good_rev": 7}`; it
            stands beside `message` and `code` in a reply.
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
