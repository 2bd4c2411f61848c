"""An order: one piece and the name of the function for it, as text; and its answer.

Both are JSON, so that nothing but plain values passes between machines, whatever a data
file held.
"""

import json
import traceback
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError

_PACKAGE = Path(__file__).parents[1]


def name_of(function: Callable[..., Any]) -> str:
    """The name by which any worker finds a function, such as `"medlab.x:work"`.

    Raises:
        MedlabError: If it has no such name: a lambda, a method, a function of a notebook.
    """
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__qualname__", "")
    if module == "__main__" or not name.isidentifier():
        raise MedlabError(
            "Workers import a function by its name, so it must stand at the top of a "
            f"module, got {name or 'something without a name'!r} of {module!r}. "
            "Move it into a file that the workers can import.",
            code="not-importable",
        )
    return f"{module}:{name}"


def write_order(name: str, piece: Any) -> str:
    """The order for one piece.

    Raises:
        MedlabError: If the piece is more than plain values.
    """
    try:
        return json.dumps({"function": name, "piece": piece, "medlab": _version()})
    except (TypeError, ValueError):
        raise MedlabError(
            "A piece must be made of dicts, lists, text, numbers and None, got "
            f"{type(piece).__name__} that is not. Send the plain values it is made from.",
            code="not-plain",
        ) from None


def carry_out(order: str) -> str:
    """Do what an order says, in a worker. Never raises: an error is an answer too."""
    try:
        told = json.loads(order)
        if told["medlab"] != _version():
            raise MedlabError(
                f"Workers must run medlab {told['medlab']} as this machine does, got "
                f"{_version()}. Install the same version on all of them.",
                code="other-version",
            )
        value = _find(told["function"])(told["piece"])
        return json.dumps({"value": value})
    except MedlabError as error:
        wrong = {"message": str(error), "code": error.code, "told": error.told}
    except Exception as error:
        # Its own text may hold a path or a patient's name: only its kind and place go on.
        wrong = {
            "message": f"A piece could not be done: {type(error).__name__} in "
            f"{_place_of(error)}. Run this piece alone to see more.",
            "code": "piece-failed",
            "told": {},
        }
    return json.dumps({"error": wrong}, default=str)


def read_answer(answer: str) -> Any:
    """The result that an answer holds.

    Raises:
        MedlabError: If it holds an error.
    """
    told = json.loads(answer)
    if "error" in told:
        wrong = told["error"]
        raise MedlabError(wrong["message"], code=wrong["code"], told=wrong["told"])
    return told["value"]


def _find(function: str) -> Callable[[Any], Any]:
    module, _, name = function.partition(":")
    try:
        found: Callable[[Any], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise MedlabError(
            f"Workers must find the function {function}, got nothing of that name. "
            "Install the package that holds it on all of them.",
            code="not-importable",
        ) from None
    return found


def _place_of(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        file = Path(frame.filename)
        if file.is_relative_to(_PACKAGE) and file != Path(__file__):
            return (
                f"medlab/{file.relative_to(_PACKAGE).as_posix()}, line {frame.lineno}"
            )
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"


def _version() -> str:
    return metadata.version("medlab")
