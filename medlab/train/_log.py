"""The trainer's half of a run folder: what happened, where it stands, what was asked.

`metrics.jsonl` is append-only and gets one `write()` a line, so that a reader, or a
kill at any moment, finds at most the last line incomplete. `status.json` is replaced
whole every 2 s by a thread of its own: the run shows as alive while JAX compiles.

A disk that is full stops no training: lines wait in memory until there is room again,
and an alert says so.

Renaming without an fsync keeps `status.json` whole when the process dies; checkpoints,
which must outlive a power cut too, are written with one (see `_checkpoint.py`).
"""

import contextlib
import json
import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.train import runs
from medlab.train._alerts import Alert, disk_alert

_BATCH_LINE_S = 0.1
_WATCH_S = 0.05
_MOST_WAITING = 100_000
_NO_METRICS = ("loss", "val_loss", "lr", "seconds", "wait_share")
_FATAL = ("not-finite", "out-of-memory")


def new_run_folder(root: Path, about: dict[str, Any], *, epochs: int = 0) -> Path:
    """Make the folder of a run that is still `queued`.

    Args:
        root: Folder of all runs, `home.runs`.
        about: What `run.json` tells: name, template, recipe, seed, versions, where.
        epochs: How many are planned.
    """
    now = datetime.now(UTC)
    folder = root / f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    for part in ("preview", "checkpoints"):
        (folder / part).mkdir(parents=True)
    status = {
        "state": "queued",
        "heartbeat": now.timestamp(),
        "pid": None,  # no trainer yet: lost, if none has come after a minute
        "host": socket.gethostname(),
        "epoch": 0,
        "epochs": epochs,
        "step": 0,
        "steps_per_epoch": 0,
        "eta_s": None,
        "wait_share": None,
        "compile_s": None,
        "alert": None,
        "ack_seq": 0,
        "message": "",
    }
    runs.replace_json(folder / "status.json", status)
    # A folder without run.json is no run: written last, it makes the folder one.
    about = {"created": now.timestamp(), "host": socket.gethostname(), **about}
    runs.replace_json(folder / "run.json", about)
    return folder


def queue_again(folder: Path) -> None:
    """Put a run that ended back to `queued`, before another trainer takes it up.

    Commands that the last trainer did not live to see are dropped: an old Stop must not
    end the new one.
    """
    status = runs.read_folder(folder).status
    waiting = runs.read_commands(folder, int(status.get("ack_seq") or 0))
    status.update(
        state="queued",
        heartbeat=time.time(),
        pid=None,
        message="",
        alert=None,
        ack_seq=max([int(status.get("ack_seq") or 0), *(c["seq"] for c in waiting)]),
    )
    runs.replace_json(folder / "status.json", status)


class RunLog:
    """Everything a trainer tells about its run. Safe to call from several threads.

    Args:
        folder: Folder of the run, made by `new_run_folder`.
        on_command: Called from the watching thread, every 50 ms, with each command that
            waits; returns whether it was acted upon. For the times when no batch ends:
            imports, compilation.
    """

    writes = True
    """Whether it is this process that writes the folder; see `_team.py`."""

    def __init__(
        self, folder: Path, on_command: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._status: dict[str, Any] = {
            **runs.read_folder(folder).status,
            "pid": os.getpid(),
            "host": socket.gethostname(),
        }
        lines = folder / "metrics.jsonl"
        self._metrics = _open_for_lines(lines) if self.writes else None
        self.lines = len(runs.read_history(folder))
        self._waiting: list[bytes] = []
        self._last_batch_s = -math.inf
        self._control_stamp: tuple[int, int] | None = None
        self._on_command = on_command
        self._closed = threading.Event()
        self._keeps_prints = _is_stdout(folder / "stdout.log")
        self._beat()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="run-log")
        self._thread.start()

    @property
    def state(self) -> str:
        return str(self._status["state"])

    @property
    def step(self) -> int:
        return int(self._status.get("step") or 0)

    @property
    def ack_seq(self) -> int:
        return int(self._status.get("ack_seq") or 0)

    def wants_batch(self) -> bool:
        """Whether a batch line is due: ten a second, as each waits for the device."""
        return time.monotonic() - self._last_batch_s >= _BATCH_LINE_S

    def batch(self, *, epoch: int, step: int, **values: float) -> None:
        self._last_batch_s = time.monotonic()
        self._write("batch", epoch=epoch, step=step, **_finite(values))

    def epoch(self, *, epoch: int, step: int, **values: float) -> None:
        """One epoch is over: a line on disk for good, and the latest metrics."""
        numbers = _finite(values)
        with self._lock:
            self._write("epoch", epoch=epoch, step=step, **numbers)
            self._sync()
            self.update(
                loss=numbers.get("loss"),
                val_loss=numbers.get("val_loss"),
                metrics={
                    name: value
                    for name, value in numbers.items()
                    if name not in _NO_METRICS and value is not None
                },
            )

    def preview(self, *, epoch: int, file: str) -> None:
        self._write("preview", epoch=epoch, file=file)

    def alert(self, alert: Alert, *, step: int) -> None:
        """Say, once, what a person should know at once."""
        with self._lock:
            before = self._status.get("alert") or {}
            self._status["alert"] = {"code": alert.code, "message": alert.message}
            if before.get("code") != alert.code:
                told = {"code": alert.code, "message": alert.message}
                self._write("alert", **told, step=step)
                self._beat()

    def calm(self, *codes: str) -> None:
        """Take an alert of one of these codes back: the cause is gone."""
        with self._lock:
            if (self._status.get("alert") or {}).get("code") in codes:
                self.update(alert=None)

    def rewind(self, *, lines: int, step: int, epoch: int) -> None:
        """Say that the training goes on from an earlier step.

        Args:
            lines: How many lines of the history up to now still count.
            step, epoch: Where it goes on; `epoch` is the number of whole ones.
        """
        with self._lock:
            lines = min(lines, self.lines)
            self._write("rewind", lines=lines, step=step, epoch=epoch)
            self.lines = lines

    def enter(self, state: str, message: str = "", **details: Any) -> None:
        """Go over to another state and say so at once."""
        with self._lock:
            if (state, message) == (self.state, self._status.get("message")):
                return
            self._write("state", state=state, message=message, **details)
            self._status.update(state=state, message=message)
            self._beat()

    def update(self, *, now: bool = True, **status: Any) -> None:
        """Change what `status.json` tells; without `now`, with the next heartbeat."""
        with self._lock:
            self._status.update(status)
            if now:
                self._beat()

    def commands(self) -> list[dict[str, Any]]:
        """Read the commands nobody acted upon yet; one `stat` if there are none."""
        try:
            found = (self.folder / "control.json").stat()
        except OSError:
            return []
        stamp = (found.st_mtime_ns, found.st_ino)
        with self._lock:
            if stamp == self._control_stamp:
                return []
            waiting = runs.read_commands(self.folder, self.ack_seq)
            if not waiting:
                self._control_stamp = stamp
            return waiting

    def agree(self, value: Any) -> Any:
        """Give a plain value that all who train together go by: alone, one's own."""
        return value

    def acknowledge(
        self, command: dict[str, Any], *, step: int = 0, epoch: int = 0
    ) -> None:
        """Tell, at once, that a command was acted upon, and where."""
        with self._lock:
            self._saw(command)
            self._write("control", step=step, epoch=epoch, **command)
            if command["cmd"] == "set":
                self._sync()  # whoever resumes an earlier checkpoint must repeat it

    def note(self, command: dict[str, Any]) -> None:
        """Tell that a command was understood that is for a later step."""
        with self._lock:
            self._saw(command)
            self._write("planned", **command)
            self._sync()

    def say(self, text: str) -> None:
        """Print a line, and keep it in `stdout.log` where printing does not do so."""
        if not self.writes:
            return
        print(text, flush=True)
        if self._keeps_prints:
            return
        with (
            contextlib.suppress(OSError),
            (self.folder / "stdout.log").open("a", encoding="utf-8") as file,
        ):
            file.write(text + "\n")

    def close(self, state: str, message: str = "") -> None:
        """End the run in `finished`, `stopped` or `failed`."""
        with self._lock:
            if self._closed.is_set():
                return
            self.update(now=False, eta_s=0 if state == "finished" else None)
            self.enter(state, message)
            self._closed.set()
            self._sync()
            if self._metrics is not None:
                os.close(self._metrics)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=1)

    def _write(self, kind: str, **content: Any) -> None:
        line = json.dumps({"kind": kind, "t": round(time.time(), 3), **content})
        with self._lock:
            if self._closed.is_set():
                return
            self.lines += 1
            if self._metrics is None:
                return
            self._waiting.append(line.encode() + b"\n")
            self._flush()

    def _flush(self) -> None:
        """Write the lines that wait; on a full disk they wait on, in their order."""
        if self._metrics is None:
            return
        try:
            while self._waiting:
                _append(self._metrics, self._waiting[0])
                del self._waiting[0]
        except OSError as error:
            del self._waiting[:-_MOST_WAITING]
            alert = disk_alert(error, "the log")
            self._status["alert"] = {"code": alert.code, "message": alert.message}

    def _sync(self) -> None:
        with contextlib.suppress(OSError):
            if self._metrics is not None:
                os.fsync(self._metrics)

    def _saw(self, command: dict[str, Any]) -> None:
        if command["seq"] > self.ack_seq:
            self._status["ack_seq"] = command["seq"]
            self._beat()

    def _beat(self) -> None:
        with self._lock:
            if self._closed.is_set() or not self.writes:
                return
            if self._waiting:
                self._flush()
            self._status["heartbeat"] = time.time()
            path = self.folder / "status.json"
            try:
                runs.replace_json(path, self._status)
            except OSError:
                _overwrite(path, json.dumps(self._status).encode())

    def _watch(self) -> None:
        next_beat = time.monotonic() + runs.HEARTBEAT_S
        while not self._closed.wait(_WATCH_S):
            if time.monotonic() >= next_beat:
                next_beat = time.monotonic() + runs.HEARTBEAT_S
                self._beat()
            if self._on_command is None:
                continue
            for command in self.commands():
                if not self._on_command(command):
                    break


@contextlib.contextmanager
def logged(
    folder: Path, *, own_process: bool = False, kind: type[RunLog] = RunLog
) -> Iterator[RunLog]:
    """Open the log of a run, and close it in a truthful state whatever happens.

    Args:
        folder: Of the run.
        own_process: The process has no other business: a Stop that comes while it
            imports or compiles, where no code of ours runs, may end it outright.
        kind: Of log. Only a process that trains alone hears commands before it runs.
    """
    log: RunLog

    def early(command: dict[str, Any]) -> bool:
        if command["cmd"] != "stop" or log.state not in ("queued", "compiling"):
            return False
        if own_process:
            log.acknowledge(command)
            log.close("stopped", "Stopped on request before the first step.")
            os._exit(0)
        log.enter("compiling", "Stops as soon as the compilation is over.")
        return False

    log = kind(folder, on_command=early if kind is RunLog else None)
    try:
        yield log
    except KeyboardInterrupt:
        log.close("stopped", "Interrupted from the keyboard.")
        raise
    except MedlabError as error:
        if error.code in _FATAL:
            step = int(error.told.get("step", log.step))
            log.alert(Alert(error.code, str(error)), step=step)
        log.say(str(error))
        log.close("failed", str(error))
        raise
    except BaseException as error:
        log.say(f"{type(error).__name__}: {error}")
        log.close("failed", _one_sentence(error))
        raise
    finally:
        log.close("failed", "The training ended without a word.")


def _open_for_lines(path: Path) -> int:
    """Open for appending, after closing a last line that a kill tore."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")
    return file


def _append(file: int, line: bytes) -> None:
    """Append a line whole, or leave the file as it was."""
    size = os.fstat(file).st_size
    try:
        written = os.write(file, line)
        while written < len(line):
            written += os.write(file, line[written:])
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(file, size)
        raise


def _overwrite(path: Path, content: bytes) -> None:
    """Write over a small file: a full disk has no room for a second one beside it."""
    with contextlib.suppress(OSError), path.open("r+b") as file:
        size = path.stat().st_size
        file.write(content + b" " * max(0, size - len(content)))


def _is_stdout(path: Path) -> bool:
    """Whether this process was started with its output going to that file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False


def _finite(values: dict[str, Any]) -> dict[str, float | None]:
    """Round to six digits; what JSON has no number for (nan, inf) becomes null."""
    numbers = {name: float(value) for name, value in values.items()}
    return {
        name: float(f"{number:.6g}") if math.isfinite(number) else None
        for name, number in numbers.items()
    }


def _one_sentence(error: BaseException) -> str:
    first = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {first} The log tells more."
