"""Workers that are processes of this machine, one order at a time each."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

from medlab.cluster._crew import Answered, Died

_CLOSING_S = 5.0


class LocalCrew:
    """Processes that are started when there is work, and again when one dies.

    Args:
        count: How many; by default one for each core that this process may use.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = count or _cores()
        self._happened: queue.SimpleQueue[tuple[_Worker, str]] = queue.SimpleQueue()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()

    @property
    def width(self) -> int:
        """One order a process."""
        return self._count

    def start(self, ticket: int, order: str) -> None:
        """Hand an order to an idle process, or to a new one."""
        worker = self._idle.pop() if self._idle else _Worker(self._happened)
        self._all.add(worker)
        worker.give(ticket, order)

    def drop(self, ticket: int) -> None:
        """End the process that holds the order, if one does."""
        for worker in [each for each in self._all if each.ticket == ticket]:
            self._all.discard(worker)
            worker.ticket = None
            worker.end()

    def next(self, timeout_s: float) -> Answered | Died | None:
        """What happened next."""
        try:
            worker, answer = self._happened.get(timeout=timeout_s)
        except queue.Empty:
            return None
        ticket, worker.ticket = worker.ticket, None
        if answer:
            if worker in self._all:
                self._idle.append(worker)
            return None if ticket is None else Answered(ticket, answer)
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        worker.end()
        return None if ticket is None else Died((ticket,))

    def close(self) -> None:
        """End all processes."""
        for worker in self._all:
            worker.end()
        self._all.clear()
        self._idle.clear()


class _Worker:
    """One process, and the thread that listens to it."""

    def __init__(self, happened: "queue.SimpleQueue[tuple[_Worker, str]]") -> None:
        self.ticket: int | None = None
        # -P: nor does the working folder come first while the process starts.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "medlab.cluster._process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl+C is for the process that asked.
        )
        self._tell(json.dumps(_places()))
        listener = threading.Thread(target=self._listen, args=(happened,), daemon=True)
        listener.start()

    def give(self, ticket: int, order: str) -> None:
        self.ticket = ticket
        self._tell(order)

    def end(self) -> None:
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSING_S)
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        # A process that is gone is noticed by its listener.
        with contextlib.suppress(OSError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _listen(self, happened: "queue.SimpleQueue[tuple[_Worker, str]]") -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                # Killed while it wrote: half a line is no answer.
                if line.endswith("\n"):
                    happened.put((self, line))
        happened.put((self, ""))


def _places() -> list[str]:
    # The working folder last: a file named numpy.py in it must not be imported.
    named = [place for place in sys.path if place]
    return [*named, str(Path.cwd())] if "" in sys.path else named


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
