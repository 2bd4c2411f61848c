"""Indexing: the index of a workplace, kept up to date by a process below the server.

The server itself never reads a header: a hundred thousand files, one of them hostile, are
another process's business, and the event loop stays free.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import weakref
from typing import Any, Literal

from medlab.errors import MedlabError
from medlab.scans import Home

Command = Literal["start", "refresh", "cancel"]
COMMANDS: tuple[Command, ...] = ("start", "refresh", "cancel")

_IDLE = {"state": "idle", "done": 0, "total": None, "found": 0, "error": None}
_DIED = (
    "The process that reads the headers ended unexpectedly. What it had read is kept; "
    "start it again."
)


class Indexing:
    """Steers the process, and knows how far it is.

    Every method returns at once and may be called from the event loop.

    Args:
        home: Whose index it is.
        watch: Whether changes on disk start it again.
    """

    def __init__(self, home: Home, *, watch: bool = True) -> None:
        self._home = home
        self._watch = watch
        self._idle = {**_IDLE, "read_only": not home.is_writable}
        self._state: dict[str, Any] = dict(self._idle)
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: list[str] = []
        self._is_followed = False
        self._is_closed = False
        _all.add(self)

    @property
    def state(self) -> dict[str, Any]:
        """`{state, done, total, found, error, read_only}`, as `GET scans/index` answers.

        `read_only` is whether nobody could write below the root when the server started.
        """
        with self._guard:
            return dict(self._state)

    @property
    def has_begun(self) -> bool:
        """Whether it was ever started since the server was."""
        return self._is_followed

    def order(self, cmd: Command) -> dict[str, Any]:
        """Start, start anew or cancel; the state right after.

        Raises:
            MedlabError: If there is no such command.
        """
        if cmd not in COMMANDS:
            raise MedlabError(
                f"cmd must be one of {', '.join(COMMANDS)}. Send {{'cmd': 'start'}}.",
                code="bad-request",
            )
        with self._guard:
            if self._is_closed or (cmd == "cancel" and not self._is_followed):
                return dict(self._state)
            if cmd != "cancel":
                self._state = {**self._idle, "state": "running"}
            self._orders.append(cmd)
            if not self._is_followed:
                self._is_followed = True
                threading.Thread(
                    target=self._follow, name="medlab-indexing", daemon=True
                ).start()
            elif self._process is not None:
                self._send()
        return self.state

    def close(self) -> None:
        """End the process. What it has read is kept."""
        with self._guard:
            self._is_closed = True
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _follow(self) -> None:
        """Start the process and hear what it tells, until it ends."""
        try:
            process = _start(self._home, self._watch)
        except OSError:
            with self._guard:
                self._state = {**self._idle, "state": "failed", "error": _DIED}
                self._is_followed = False
            return
        with self._guard:
            if self._is_closed:
                _end(process)
                return
            self._process = process
            self._send()
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError), self._guard:
                self._hear(json.loads(line))
        _end(process)
        with self._guard:
            self._process, self._is_followed = None, False
            self._orders.clear()
            if self._state["state"] == "running" and not self._is_closed:
                self._state.update(state="failed", error=_DIED)

    def _hear(self, news: dict[str, Any]) -> None:
        if news.get("state") == "running":
            self._state = dict(self._idle)
        self._state.update({key: news[key] for key in _IDLE if key in news})

    def _send(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        orders, self._orders = self._orders, []
        with contextlib.suppress(OSError):  # It ends: `_follow` hears of it.
            for cmd in orders:
                self._process.stdin.write(json.dumps({"cmd": cmd}).encode() + b"\n")
            self._process.stdin.flush()


def close_all() -> None:
    """End the processes of every workplace."""
    for indexing in list(_all):
        indexing.close()


_all: "weakref.WeakSet[Indexing]" = weakref.WeakSet()


def _start(home: Home, watch: bool) -> subprocess.Popen[bytes]:
    # -P: a file named json.py in the current folder must not be imported.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "medlab.server._index_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    place = {"root": str(home.root), "folder": str(home.folder), "watch": watch}
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(place).encode() + b"\n")
        process.stdin.flush()
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close its input; it stops by itself, or is stopped."""
    with contextlib.suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
