"""Asking a server from a process of its own.

A long list, a file made to do harm, or a slow line then costs that process time and memory and
not the Jupyter server. Ending it loses nothing: a fetch goes on where it broke off.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medlab.dicomweb._search import SeriesQuery
from medlab.dicomweb._servers import Server
from medlab.errors import MedlabError
from medlab.scans import Home

_ANSWER_BYTES = 8 << 20
_GRACE_S = 5.0


class Errand:
    """One order to a server: find, fetch or send.

    Args:
        on_progress: Called in the thread that runs the errand, with
            `{done, total, received_bytes}`.
    """

    def __init__(
        self,
        order: dict[str, Any],
        on_progress: Callable[[dict[str, int]], None] = lambda _: None,
    ) -> None:
        self._order = order
        self._on_progress = on_progress
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._is_cancelled = False

    @classmethod
    def find(cls, server: Server, query: SeriesQuery) -> "Errand":
        """Look for series; answers with a list of `FoundSeries` as JSON."""
        return cls({"do": "find", "server": asdict(server), "query": asdict(query)})

    @classmethod
    def fetch(
        cls,
        server: Server,
        study: str,
        series: str,
        home: Home,
        on_progress: Callable[[dict[str, int]], None],
    ) -> "Errand":
        """Fetch and index a series; answers with `{scan, path, instances, kept}`."""
        place = {"root": str(home.root), "folder": str(home.folder)}
        what = {"do": "fetch", "study": study, "series": series}
        return cls({**what, "server": asdict(server), **place}, on_progress)

    @classmethod
    def send(cls, server: Server, path: Path) -> "Errand":
        """Send a file; answers with a list of `SentInstance` as JSON."""
        return cls({"do": "send", "server": asdict(server), "path": str(path)})

    def run(self) -> Any:
        """Carry it out; returns the answer.

        Raises:
            MedlabError: What went wrong, as the process told it; "cancelled" if it was.
        """
        with self._guard:
            if self._is_cancelled:
                raise _ended(is_cancelled=True)
            process = subprocess.Popen(
                [sys.executable, "-m", "medlab.dicomweb._worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(OSError, ValueError):
                process.stdin.write(json.dumps(self._order).encode() + b"\n")
                process.stdin.flush()
            while line := process.stdout.readline(_ANSWER_BYTES):
                told = json.loads(line)
                if "progress" in told:
                    self._on_progress(told["progress"])
                elif "error" in told:
                    error = told["error"]
                    raise MedlabError(
                        error["message"], code=error["code"], told=error["told"]
                    )
                else:
                    return told["answer"]
            raise _ended(self._is_cancelled)
        except ValueError as error:
            if isinstance(error, MedlabError):
                raise
            raise _ended(self._is_cancelled) from None
        finally:
            _end(process)

    def cancel(self) -> None:
        """Break it off; returns at once."""
        with self._guard:
            self._is_cancelled = True
            process = self._process
        if process is not None and process.poll() is None:
            threading.Thread(target=_end, args=(process,), daemon=True).start()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Let the process end by itself, or end it."""
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):
        process.stdin.close()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ended(is_cancelled: bool) -> MedlabError:
    if is_cancelled:
        return MedlabError(
            "Cancelled, as asked. Start again to go on.", code="cancelled"
        )
    return MedlabError(
        "The process that asks the server must end with an answer, got none. "
        "Try again; what was fetched is kept.",
        code="worker-died",
    )
