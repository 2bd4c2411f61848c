"""Read and steer runs from outside: the sidebar, the widget, a second terminal.

A run is a folder below `.medlab/runs/`. The trainer, and nobody else, writes
`metrics.jsonl`, `status.json`, `preview/` and `checkpoints/`; whoever steers writes
`control.json` through `write_control`. So a reader needs no connection to the trainer,
and any of the two may die without harm to the other.

The Jupyter server imports this module: only the standard library is allowed here.

A trainer that was killed cannot say so. A run that claims to be active is therefore
read as `lost` when its heartbeat (every 2 s) is older than 10 s and its process is
gone, or, where the process cannot be asked because it ran on another machine, 60 s.
"""

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from medlab.errors import MedlabError

COMMANDS = ("pause", "resume", "stop", "checkpoint", "set")
ACTIVE = ("queued", "compiling", "running", "validating", "paused", "stopping")
ENDED = ("finished", "stopped", "failed", "lost")
SETTINGS = ("learning_rate", "epochs")
"""What `set` may change while a run trains."""

HEARTBEAT_S = 2.0
_GONE_S, _SILENT_S = 10.0, 60.0
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_PREVIEW = re.compile(r"[a-z0-9-]{1,64}\.png")
_KEPT_COMMANDS = 32
_CHUNK_BYTES = 4 << 20


class RunNotFound(MedlabError, LookupError):
    """No run of that id lies below the home."""

    code = "run-not-found"


class HasRuns(Protocol):
    """A home of medlab, as far as runs go: it knows their folder."""

    @property
    def runs(self) -> Path: ...


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs, as in `tests/contract/run.json`. Unix seconds.

    Args:
        state: One of `ACTIVE` or `ENDED`.
        step: Optimiser steps taken so far, over all epochs.
        eta_s: Seconds to go by the trainer's own estimate, or None.
        metrics: Latest value of each metric, such as `{"val_dice": 0.95}`.
        where: `process`, `inline` or `terminal`.
    """

    id: str
    name: str
    state: str
    template: str
    created: float
    updated: float
    epoch: int
    epochs: int
    step: int
    steps_per_epoch: int
    eta_s: float | None
    loss: float | None
    val_loss: float | None
    metrics: dict[str, float]
    message: str
    host: str
    where: str


@dataclass(frozen=True)
class RunDetail:
    """A run with the recipe it follows and the trainer's own last words."""

    summary: RunSummary
    recipe: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)


def list_runs(home: HasRuns) -> list[RunSummary]:
    """List the runs below a home, newest first. A folder that is no run is left out."""
    if not home.runs.is_dir():
        return []
    names = sorted((p.name for p in home.runs.iterdir()), reverse=True)
    found = []
    for name in filter(_RUN_ID.fullmatch, names):
        with contextlib.suppress(RunNotFound):
            found.append(read_run(home, name).summary)
    return found


def run_folder(home: HasRuns, run_id: str) -> Path:
    """Find the folder of a run.

    Raises:
        RunNotFound: If the id has not the form of one, or no such run exists.
    """
    if not _RUN_ID.fullmatch(run_id):
        raise RunNotFound(
            "A run id looks like 20261121T013000Z-0a1b2c. Choose one from the list of "
            "runs in the sidebar, or from medlab.train.list_runs()."
        )
    folder = home.runs / run_id
    if not (folder / "run.json").is_file():
        raise RunNotFound(
            f"There is no run {run_id} below this home. It may have been deleted: "
            "refresh the list of runs."
        )
    return folder


def read_run(home: HasRuns, run_id: str) -> RunDetail:
    """Read one run.

    Raises:
        RunNotFound: If there is none of that id.
    """
    return read_folder(run_folder(home, run_id))


def read_folder(folder: Path) -> RunDetail:
    """Read the run in a folder. `status["state"]` is as the trainer left it."""
    about = _read_json(folder / "run.json")
    status = _read_json(folder / "status.json")
    recipe = about.get("recipe") or {}
    summary = RunSummary(
        id=folder.name,
        name=str(about.get("name") or folder.name),
        state=state_of(status),
        template=str(about.get("template") or ""),
        created=float(about.get("created") or 0.0),
        updated=float(status.get("heartbeat") or about.get("created") or 0.0),
        epoch=int(status.get("epoch") or 0),
        epochs=int(status.get("epochs") or 0),
        step=int(status.get("step") or 0),
        steps_per_epoch=int(status.get("steps_per_epoch") or 0),
        eta_s=status.get("eta_s"),
        loss=status.get("loss"),
        val_loss=status.get("val_loss"),
        metrics=dict(status.get("metrics") or {}),
        message=str(status.get("message") or ""),
        host=str(status.get("host") or about.get("host") or ""),
        where=str(about.get("where") or ""),
    )
    told = {"wait_share": None, "alert": None, "compile_s": None, **status}
    return RunDetail(summary, recipe, {**told, "state": summary.state})


def state_of(status: dict[str, Any], *, now: float | None = None) -> str:
    """Say which state a run is in, `lost` included.

    Args:
        status: The content of `status.json`.
        now: Unix seconds; the clock's by default.
    """
    state = str(status.get("state") or "lost")
    if state not in ACTIVE:
        return state
    silent_s = (time.time() if now is None else now) - float(status.get("heartbeat", 0))
    if silent_s <= _GONE_S:
        return state
    here = status.get("host") == socket.gethostname()
    if here and status.get("pid") and _is_alive(int(status["pid"])):
        # A machine that swaps or sleeps beats late; the process is the better witness.
        return state
    if here and status.get("pid"):
        return "lost"
    return "lost" if silent_s > _SILENT_S else state


def tail_metrics(folder: Path, from_byte: int = 0) -> tuple[int, list[dict[str, Any]]]:
    """Read what was appended to `metrics.jsonl` since a byte.

    Args:
        folder: Folder of the run.
        from_byte: Where the last reading ended, 0 for the beginning.

    Returns:
        Where the next reading begins, and the lines in between. A partial last line
        waits for the next call; a line that is not JSON is left out. At most 4 MiB are
        read a call: ask again until no line comes. A `rewind` line says that the
        history counts up to a step only, and goes on from there (see `read_history`).
    """
    end, data = _read_from(folder / "metrics.jsonl", from_byte)
    whole = data.rfind(b"\n") + 1
    lines = []
    for line in data[:whole].splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                lines.append(entry)
    return end - len(data) + whole, lines


def read_history(folder: Path) -> list[dict[str, Any]]:
    """Read the whole log as one consistent history, oldest line first.

    A trainer that goes on from a checkpoint does again what came after it: the lines
    that told of that before are left out.
    """
    history: list[dict[str, Any]] = []
    place, lines = tail_metrics(folder)
    while lines:
        for line in lines:
            if line.get("kind") == "rewind":
                del history[int(line.get("lines", 0)) :]
            else:
                history.append(line)
        place, lines = tail_metrics(folder, place)
    return history


def tail_log(folder: Path, from_byte: int = 0) -> tuple[int, str]:
    """Read `stdout.log` since a byte: where the next reading begins, and the text."""
    end, data = _read_from(folder / "stdout.log", from_byte)
    return end, data.decode("utf-8", "replace")


def preview_path(folder: Path, file: str) -> Path:
    """Find a preview picture by the name its `preview` line tells.

    Raises:
        RunNotFound: If there is none of that name.
    """
    path = folder / "preview" / file
    if not _PREVIEW.fullmatch(file) or not path.is_file():
        raise RunNotFound("This run has no preview picture of that name.")
    return path


def write_control(
    folder: Path,
    cmd: str,
    args: dict[str, Any] | None = None,
    *,
    at_step: int | None = None,
) -> int:
    """Ask the trainer for something.

    Args:
        folder: Folder of the run.
        cmd: One of `COMMANDS`.
        args: For `set`, the new values of some of `SETTINGS`.
        at_step: After which step to act, over all epochs; None for at once. A step
            that is over counts as at once.

    Returns:
        The number of the command. The trainer has acted once `status.json` shows an
        `ack_seq` as high as that; with `at_step`, it has taken note of it.

    Raises:
        MedlabError: If the command is unknown, or the run has ended.
    """
    args = dict(args or {})
    _check_command(cmd, args)
    if at_step is not None and not (isinstance(at_step, int) and at_step >= 0):
        raise MedlabError(
            f"at_step is a whole number of steps, got {at_step!r}.", code="bad-setting"
        )
    state = state_of(_read_json(folder / "status.json"))
    if state in ENDED:
        raise MedlabError(
            f"Only an active run takes commands, and this one is {state}. "
            f"To go on from its last checkpoint: medlab train --resume {folder.name}",
            code="run-ended",
        )
    with _locked(folder / "control.lock"):
        before = _read_json(folder / "control.json")
        seq = int(before.get("seq", 0)) + 1
        entry: dict[str, Any] = {"seq": seq, "cmd": cmd, "args": args}
        if at_step is not None:
            entry["at_step"] = at_step
        # Commands in quick succession must not swallow one another.
        seen = int(_read_json(folder / "status.json").get("ack_seq") or 0)
        old = before.get("recent", [])
        unseen = [c for c in old if int(c.get("seq", 0)) > seen]
        recent = [*max(old[-_KEPT_COMMANDS:], unseen, key=len), entry]
        replace_json(folder / "control.json", {**entry, "recent": recent})
    return seq


def read_commands(folder: Path, after_seq: int) -> list[dict[str, Any]]:
    """Read the commands numbered above `after_seq`, oldest first."""
    recent = _read_json(folder / "control.json").get("recent", [])
    return [c for c in recent if int(c.get("seq", 0)) > after_seq]


def replace_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a small file at one stroke: a reader sees the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        temporary.write_text(json.dumps(content, allow_nan=False), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check_command(cmd: str, args: dict[str, Any]) -> None:
    if cmd not in COMMANDS:
        raise MedlabError(
            f"A command is one of {', '.join(COMMANDS)}, got {cmd!r}.",
            code="unknown-command",
        )
    if cmd != "set":
        return
    unknown = sorted(set(args) - set(SETTINGS))
    if unknown or not args:
        raise MedlabError(
            f"set takes {' and '.join(SETTINGS)}, got "
            f"{', '.join(unknown) or 'nothing'}. "
            "Other settings need a new run.",
            code="unknown-setting",
        )
    for name, value in args.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 < value < float("inf"):
            raise MedlabError(
                f"{name} must be a number above 0, got {value!r}.", code="bad-setting"
            )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _read_from(path: Path, from_byte: int) -> tuple[int, bytes]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, from_byte))
            data = file.read(_CHUNK_BYTES)
            return max(0, from_byte) + len(data), data
    except OSError:
        return max(0, from_byte), b""


def _is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        # A killed child whose parent has not asked for it yet is a zombie: gone.
        with contextlib.suppress(OSError, IndexError):
            return stat.read_text().rpartition(")")[2].split()[0] not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # Windows: two people steering one run in one instant may clash
        yield
        return
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
