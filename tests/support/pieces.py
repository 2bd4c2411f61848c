"""Pieces of work for workers that are other processes: they find these by name."""

import os
import signal
import time
from pathlib import Path
from typing import Any


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    from medlab.errors import MedlabError

    if number == 3:
        raise MedlabError("Three is refused. Take another.", code="three")
    return number


def stumble(text: str) -> str:
    raise ValueError(f"a secret: {text}")


def count_and_square(piece: dict[str, Any]) -> int:
    """Leave a mark for each try in the folder `tries`, then square `number`."""
    number = int(piece["number"])
    tries = Path(piece["tries"])
    mark = tries / f"{number}-{os.getpid()}-{time.monotonic_ns()}"
    mark.write_text(str(os.getpid()))
    if number == piece.get("kills_once"):
        first = tries / "first"
        if not first.exists():
            first.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if number == piece.get("kills_always"):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(float(piece.get("takes_s", 0)))
    return number * number


def is_object(piece: Any) -> Any:
    return object()
