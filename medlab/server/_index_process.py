"""The process that reads headers for a server: `python -m medlab.server._index_process`.

Reads one JSON line a command on standard input: first `{"root", "folder", "watch"}`, then
`{"cmd": "start" | "refresh" | "cancel"}`. Writes one JSON line whenever there is news. It ends
when standard input does, so it never outlives its server.
"""

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans import Home, IndexProgress, update_index
from medlab.scans._confine import confine_process
from medlab.scans.index._watch import watch

_APART = 20
"""More changed folders than this are looked through together, with all others."""


@dataclass(frozen=True)
class _Work:
    what: str | list[str]
    """"start", "refresh", or folders that changed."""
    cancelled: threading.Event = field(default_factory=threading.Event)


class Indexer:
    """Does one command after the other, and tells how far it is.

    Cancelled, it rests until somebody starts it again: what changes on disk does not.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._guard = threading.Lock()
        self._rests = False
        self._works: list[_Work] = []
        self._queue: queue.Queue[_Work | None] = queue.Queue()

    def order(self, cmd: str | list[str] | None) -> None:
        """Take a command, or folders that changed; `None` ends everything.

        May be called from any thread.
        """
        with self._guard:
            if cmd in (None, "cancel"):
                self._rests = True
                for work in self._works:
                    work.cancelled.set()
            elif not isinstance(cmd, list):
                self._rests = False
            if cmd is not None and not self._rests:
                self._works.append(_Work(cmd))
                self._queue.put(self._works[-1])
        if cmd is None:
            self._queue.put(None)

    def run(self) -> None:
        """Do what is ordered until the end is."""
        while (work := self._queue.get()) is not None:
            _tell(self._done(work))
            with self._guard:
                self._works.remove(work)

    def _done(self, work: _Work) -> dict[str, Any]:
        """Do one thing; the news that it ends with."""
        cmd, is_cancelled = work.what, work.cancelled.is_set
        if is_cancelled():
            return {"state": "cancelled"}
        _tell({"state": "running", "done": 0, "total": None, "found": 0})
        folders = cmd if isinstance(cmd, list) and len(cmd) <= _APART else [None]
        try:
            ended = any(
                self._update(f, cmd == "refresh", is_cancelled) for f in folders
            )
        except MedlabError as error:
            return {"state": "failed", "error": str(error)}
        except Exception as error:
            # Its text can hold what a file says, so only its kind is told.
            return {"state": "failed", "error": _sentence(error)}
        return {"state": "cancelled" if ended else "idle"}

    def _update(
        self, folder: str | None, refresh: bool, cancelled: Callable[[], bool]
    ) -> bool:
        report = update_index(
            *(self._home, folder),
            refresh=refresh,
            on_progress=_progress,
            cancelled=cancelled,
        )
        return report.cancelled


def _progress(so_far: IndexProgress) -> None:
    _tell(asdict(so_far))


def _sentence(error: Exception) -> str:
    return (
        f"The index could not be brought up to date ({type(error).__name__}). Try again; "
        "if that does not help, remove .medlab/index.sqlite, which is made anew."
    )


def _tell(news: dict[str, Any]) -> None:
    # The server is gone if nobody reads: standard input ends then, too.
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


def _listen(indexer: Indexer) -> None:
    for line in sys.stdin:
        with contextlib.suppress(ValueError, AttributeError):
            indexer.order(str(json.loads(line).get("cmd")))
    indexer.order(None)


def main() -> None:
    """Do what standard input asks, until it ends."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # Whoever looks at a scan comes first.
    start = json.loads(sys.stdin.readline())
    home = Home(Path(start["root"]), Path(start["folder"]))
    with contextlib.suppress(OSError):
        home.remade.mkdir(parents=True, exist_ok=True)
    confine_process([home.root, home.folder, home.remade])
    indexer = Indexer(home)
    if start.get("watch"):
        threading.Thread(target=watch, args=(home, indexer.order), daemon=True).start()
    threading.Thread(target=_listen, args=(indexer,), daemon=True).start()
    indexer.run()
    sys.stdout.flush()
    os._exit(0)  # Threads that wait for the disk keep nobody up.


if __name__ == "__main__":
    main()
