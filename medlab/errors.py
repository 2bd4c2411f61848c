"""The one family of errors that medlab raises for what a user can mend."""


class MedlabError(ValueError):
    """Something a user can mend: what was expected, what came, what to do next.

    Args:
        message: One or two sentences without patient data or absolute paths.
        code: A short, stable word for programs, such as `"not-a-scan"`.
    """

    code = "invalid"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
