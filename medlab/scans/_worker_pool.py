"""Worker processes: kept alive between scans, ended whenever one misbehaves.

Starting one costs more than a second of Python and NumPy, decoding a slice some milliseconds;
so a worker serves one order after another, each under its own limits. It is ended, and
another started, after an order that took too long, that ended without an answer, or that
raised anything but a sentence: nothing it left behind meets the next scan.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any

_MOST_IDLE = 2
_MOST_ORDERS = 500
_MOST_ANSWER_BYTES = 64 << 20

Reply = dict[str, Any]


class TookTooLong(Exception):
    """The worker gave no answer in time."""


class EndedWithoutAnswer(Exception):
    """The worker died. Holds its return code: negative for a signal."""

    def __init__(self, returncode: int) -> None:
        super().__init__(f"ended with {returncode}")
        self.returncode = returncode


class Worker:
    """One worker process. One order at a time."""

    def __init__(self) -> None:
        # -P: a file named numpy.py in the current folder must not be imported.
        command = [sys.executable, "-P", "-m", "medlab.scans._worker"]
        environment = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        self.served = 0

    @property
    def is_alive(self) -> bool:
        """Whether it can be given an order."""
        return self._process.poll() is None

    def ask(self, order: dict[str, Any], timeout_s: float) -> Reply:
        """Give an order and wait for its answer.

        Raises:
            TookTooLong: No answer in time; the worker was ended.
            EndedWithoutAnswer: It died; with the signal or status it ended with.
        """
        self.served += 1
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            line = self._line(timeout_s)
            reply = json.loads(line)
            if isinstance(reply, dict):
                return reply
        except (BrokenPipeError, ValueError):
            pass
        except BaseException:
            self.end()
            raise
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self.end()
        raise EndedWithoutAnswer(self._process.returncode)

    def end(self) -> None:
        """Kill the process and what it started."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _line(self, timeout_s: float) -> bytes:
        """The next line it writes; what came so far if it ends."""
        assert self._process.stdout is not None
        handle, got = self._process.stdout.fileno(), b""
        until = time.monotonic() + timeout_s
        while not got.endswith(b"\n") and len(got) < _MOST_ANSWER_BYTES:
            left = until - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                raise TookTooLong
            piece = os.read(handle, 1 << 16)
            if not piece:
                break
            got += piece
        return got


class WorkerPool:
    """Idle workers, handed out one an order. Safe to use from several threads."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def ask(self, order: dict[str, Any], timeout_s: float) -> Reply:
        """As `Worker.ask`, by a worker that is idle or new."""
        worker = self._take()
        reply: Reply | None = None
        try:
            reply = worker.ask(order, timeout_s)
        except EndedWithoutAnswer:
            # It may have ended before the order came, for want of work; a new one has not.
            if worker.served == 1:
                raise
            worker = Worker()
            reply = worker.ask(order, timeout_s)
        finally:
            if reply is not None and not reply.get("retire"):
                self._give_back(worker)
            else:
                worker.end()
        return reply

    def end(self) -> None:
        """End all idle workers."""
        with self._lock:
            workers, self._idle = self._idle, []
        if os.getpid() == self._owner:
            for worker in workers:
                worker.end()

    def _take(self) -> Worker:
        with self._lock:
            if os.getpid() != self._owner:  # Forked: they are the parent's.
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive:
                    return worker
                worker.end()
        return Worker()

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if len(self._idle) < _MOST_IDLE and worker.served < _MOST_ORDERS:
                self._idle.append(worker)
                return
        worker.end()


WORKERS = WorkerPool()
"""The workers of this process."""

atexit.register(WORKERS.end)
