"""A Jupyter server extension for tests: every route of medlab has a fault on request.

A request with the header `X-Fault` is received, and then an error is raised as a mistake of
the program or of the disk would be: its text holds what must reach nobody.
"""

from typing import Any

PRIVATE = "Zzyzx^Quentin 19370412"
"""Stands in each error, with the path of the root."""

FAULTS = ("program", "disk", "unicode", "chain")


def _load_jupyter_server_extension(app: Any) -> None:
    from medlab.server._base import MedlabHandler

    receive = MedlabHandler.receive

    async def faulty(self: Any) -> None:
        await receive(self)
        if fault := self.request.headers.get("X-Fault"):
            _fail(fault, f"{self.workplace.home.root}/{PRIVATE}.nii.gz")

    MedlabHandler.receive = faulty  # type: ignore[method-assign]


def _fail(fault: str, path: str) -> None:
    if fault == "disk":
        raise OSError(5, "Input/output error", path)
    if fault == "unicode":
        raise UnicodeDecodeError("utf-8", path.encode(), 0, 1, path)
    try:
        raise RuntimeError(f"{path} cannot be read")
    except RuntimeError as error:
        if fault == "chain":
            raise KeyError(path) from error
        raise
