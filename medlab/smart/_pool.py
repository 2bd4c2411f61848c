"""Pool: worker processes that stay, the jobs they do, and what happens when one dies."""

import atexit
import contextlib
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from medlab.errors import MedlabError
from medlab.smart._pipe import receive, send

_KINDS = {"tools": 2, "model": 1}
_LIMIT_S = {"tools": 300.0, "model": 3600.0}
_IDLE_S = {"tools": 3600.0, "model": 900.0}
_SOFTLY_S = 0.1
_MOST_WAITING = 32


class WorkerDied(MedlabError):
    """The process ended in the middle of a job."""

    code = "worker-died"


class TooManyJobs(MedlabError):
    """More is waiting than anybody can want."""

    code = "too-many"


class Missing(MedlabError, LookupError):
    """What a job is about is not there."""


@dataclass(eq=False)
class Job:
    """One thing that was asked for, on its way.

    Attributes:
        order: What the worker is told.
        progress: 0 to 1.
        message: What is being done.
        content: `"frame"` or `"json"` once it is done.
        payload: The result.
        error: Why there is none.
    """

    order: dict[str, Any]
    kind: str
    limit_s: float
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    progress: float = 0.0
    message: str = "Waiting"
    content: str = ""
    payload: bytes = b""
    error: MedlabError | None = None
    is_cancelled: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)
    _listeners: list[Callable[[], None]] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; tells whether it has come."""
        return self._ended.wait(seconds)

    def when_over(self, listener: Callable[[], None]) -> None:
        """Call back from another thread at the end; at once if that has passed."""
        with self._guard:
            if not self._ended.is_set():
                self._listeners.append(listener)
                return
        listener()

    def end(
        self, content: str = "", payload: bytes = b"", error: MedlabError | None = None
    ) -> None:
        with self._guard:
            if self._ended.is_set():
                return
            self.content, self.payload, self.error = content, payload, error
            self._ended.set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()


class Pool:
    """Two workers for the tools and one for models, started when first needed.

    Args:
        limits_s: Longest time a job of a kind may take.
    """

    def __init__(self, limits_s: dict[str, float] | None = None) -> None:
        self._limits_s = {**_LIMIT_S, **(limits_s or {})}
        self._waiting: dict[str, queue.Queue[Job | None]] = {
            kind: queue.Queue() for kind in _KINDS
        }
        self._slots: dict[str, list[_Slot]] = {kind: [] for kind in _KINDS}
        self._guard = threading.Lock()
        self._is_closed = False
        atexit.register(_close, weakref.ref(self))

    def warm(self, kind: str = "tools") -> None:
        """Start the workers, so that the first job need not wait for imports."""
        with self._guard:
            if self._slots[kind] or self._is_closed:
                return
            for _ in range(_KINDS[kind]):
                self._slots[kind].append(_Slot(kind, self._waiting[kind]))

    def submit(self, kind: str, order: dict[str, Any]) -> Job:
        """Have an order done.

        Raises:
            TooManyJobs: If too many wait already.
        """
        if self._waiting[kind].qsize() >= _MOST_WAITING or self._is_closed:
            raise TooManyJobs(
                f"At most {_MOST_WAITING} previews wait at a time, and that many do. "
                "Wait a little, and ask again."
            )
        self.warm(kind)
        job = Job(order, kind, self._limits_s[kind])
        self._waiting[kind].put(job)
        return job

    def cancel(self, job: Job) -> None:
        """Give a job up. A worker that does not stop by itself is ended and replaced."""
        job.is_cancelled = True
        for slot in self._slots[job.kind]:
            slot.wake(job)
        if not any(slot.job is job for slot in self._slots[job.kind]):
            job.end(error=_cancelled())

    def processes(self, kind: str = "tools") -> list[int]:
        """Ids of the worker processes that run."""
        found = [slot.pid for slot in self._slots[kind]]
        return [pid for pid in found if pid is not None]

    def close(self) -> None:
        """End all workers."""
        with self._guard:
            self._is_closed = True
            slots = [slot for found in self._slots.values() for slot in found]
        for slot in slots:
            slot.close()


def _close(pool: "weakref.ref[Pool]") -> None:
    found = pool()
    if found is not None:
        found.close()


def _cancelled() -> MedlabError:
    return MedlabError("The preview was cancelled. Ask again.", code="cancelled")


class _Slot:
    """A thread that keeps one worker process and hands it one job after the other."""

    def __init__(self, kind: str, waiting: "queue.Queue[Job | None]") -> None:
        self._kind, self._waiting = kind, waiting
        self._process: subprocess.Popen[bytes] | None = None
        # Messages of the process that runs; None from the thread that reads: it ended.
        self._heard: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
        self._is_closed = False
        self.job: Job | None = None
        threading.Thread(target=self._run, name=f"medlab-{kind}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def wake(self, job: Job) -> None:
        """A job was cancelled: look up."""
        if self.job is job:
            self._heard.put(({"job": job.id, "woken": True}, b""))

    def close(self) -> None:
        self._is_closed = True
        self._waiting.put(None)
        self._end_process()

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # Told when there is a job to do.
            self._start()
        while not self._is_closed:
            try:
                job = self._waiting.get(timeout=_IDLE_S[self._kind])
            except queue.Empty:
                self._end_process()  # A model's memory is needed elsewhere.
                continue
            if job is None:
                continue
            self.job = job
            try:
                if not job.is_cancelled:
                    self._do(job)
            except Exception:
                self._end_process()
                raise
            finally:
                self.job = None
                job.end(error=_cancelled())  # Does nothing where it has ended.
            if self.pid is None and not self._is_closed:
                # At once: the next preview shall not wait for imports.
                with contextlib.suppress(OSError):
                    self._start()

    def _do(self, job: Job) -> None:
        job.message = "Starting"
        try:
            if self.pid is None:
                self._start()
            process = self._process
            if process is None:
                return
            send(cast(Any, process.stdin), {"job": job.id, **job.order})
        except OSError:
            self._died(job)
            return
        until = time.monotonic() + job.limit_s
        while not job.is_over:
            if job.is_cancelled:
                self._give_up(job)
                return
            try:
                message = self._heard.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                self._end_process()
                sentence = (
                    f"The tool took longer than {job.limit_s:g} s and was given up. Choose "
                    "a smaller region."
                )
                job.end(error=MedlabError(sentence, code="took-too-long"))
                return
            if message is None:
                self._died(job)
                return
            _take(job, *message)

    def _give_up(self, job: Job) -> None:
        """Ask the worker to stop; end it where it does not hear."""
        process = self._process
        job.end(error=_cancelled())
        with contextlib.suppress(OSError, AssertionError):
            assert process is not None
            send(cast(Any, process.stdin), {"cancel": job.id})
        until = time.monotonic() + _SOFTLY_S
        while time.monotonic() < until:
            with contextlib.suppress(queue.Empty):
                message = self._heard.get(timeout=max(0, until - time.monotonic()))
                if message is None:
                    break
                header, _ = message
                if header.get("job") == job.id and {"done", "error"} & set(header):
                    return
        self._end_process()

    def _died(self, job: Job) -> None:
        process = self._process
        code = None
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=5)
        self._end_process()
        ended = "at once" if code is None else f"with status {code}"
        if code is not None and code < 0:
            ended = f"by signal {-code}"
        job.end(
            error=WorkerDied(
                f"The tool's process was ended {ended}, and another one takes its place. "
                "Nothing was changed. It may need more memory: choose a smaller region."
            )
        )

    def _start(self) -> None:
        self._end_process()
        if self._is_closed:
            return
        # -P: a file named numpy.py in the current folder must not be imported.
        command = [sys.executable, "-P", "-m", "medlab.smart._worker", self._kind]
        # A model's worker must leave the GPU's memory to trainings.
        quiet = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_CPP_MIN_LOG_LEVEL": "2"}
        self._process = process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**quiet, **os.environ},
            start_new_session=True,
        )
        heard: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
        self._heard = heard

        def listen() -> None:
            with contextlib.suppress(OSError, ValueError):
                while (message := receive(cast(Any, process.stdout))) is not None:
                    heard.put(message)
            heard.put(None)

        threading.Thread(target=listen, daemon=True).start()

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, AttributeError):
                cast(Any, pipe).close()


def _take(job: Job, header: dict[str, Any], payload: bytes) -> None:
    """What a worker says about a job; anything about another one is old."""
    if header.get("job") != job.id:
        return
    if "error" in header:
        told = header["error"]
        kind = Missing if told["missing"] else MedlabError
        job.end(error=kind(str(told["message"]), code=str(told["code"])))
    elif "done" in header:
        job.progress = 1.0
        job.end(str(header["done"]), payload)
    elif "progress" in header:
        job.progress = float(header["progress"])
        job.message = str(header["message"])
