"""Whether this machine's jaxlib has oneDNN's kernels: tried once, then remembered.

The first convolution under `auto` asks. The answer lies in `convolutions/` of medlab's cache
folder, one file for each version of jaxlib and kind of processor, so that an upgrade or
another machine with the same home is tried anew. A trial that crashes, hangs or computes
something else is an answer too: the fast kernels stay off, and the log says so in one line.
"""

import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TRIAL = (sys.executable, "-P", "-m", "medlab.ops._trial")
TRIAL_S = 60.0
# A trial that took too long met a busy machine: it may be better tomorrow.
SLOW_TRIAL_HOLDS_S = 24 * 3600.0
FALLBACK = "public"

_log = logging.getLogger("medlab")


@dataclass(frozen=True)
class Verdict:
    """What a trial found.

    Attributes:
        path: The formulation to take, `"onednn"` or `"public"`.
        why: The reason, in words for the log.
        tried_at: When, in seconds since 1970.
        holds_s: How long the verdict holds, in seconds; `None` for ever.
    """

    path: str
    why: str
    tried_at: float
    holds_s: float | None = None


@functools.cache
def remembered_verdict() -> str:
    """The path that the trial found for this jaxlib and machine, tried now if need be."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        _log.info("Convolutions use public JAX calls: oneDNN is tried on x86-64 Linux.")
        return FALLBACK
    file = verdict_file()
    verdict = _read(file)
    if verdict is None:
        verdict = try_out()
        _write(file, verdict)
        if verdict.path != "onednn":
            _log.warning(
                "Convolutions use public JAX calls instead of oneDNN: %s.", verdict.why
            )
    return verdict.path


def try_out(command: Sequence[str] = TRIAL, *, limit_s: float = TRIAL_S) -> Verdict:
    """Run a trial in a process of its own and judge what it printed.

    Args:
        command: Prints a line of JSON with `agrees`, `largest_error` and `speed`.
        limit_s: Seconds after which the process is ended.
    """
    no = functools.partial(Verdict, FALLBACK, tried_at=time.time())
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=limit_s,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        return no(f"the trial took more than {limit_s:g} s", holds_s=SLOW_TRIAL_HOLDS_S)
    except OSError as error:
        return no(f"the trial did not start ({error.strerror})")
    if done.returncode != 0:
        return no(f"the trial ended with {done.returncode}")
    try:
        found = json.loads(done.stdout.strip().splitlines()[-1])
        agrees, error_found, speed = (
            found["agrees"],
            float(found["largest_error"]),
            float(found["speed"]),
        )
    except (IndexError, KeyError, TypeError, ValueError):
        return no("the trial printed no result")
    if agrees is not True:
        return no(f"its results differ from XLA's by {error_found:.1g}")
    if speed < 1:
        return no(f"it is {speed:.2g} times as fast here")
    return Verdict("onednn", f"{speed:.2g} times as fast", time.time())


def verdict_file() -> Path:
    """Where the verdict for this jaxlib and kind of processor is remembered."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    jaxlib = importlib.metadata.version("jaxlib")
    return cache / "medlab" / "convolutions" / f"{jaxlib}-{_processor()}.json"


def _processor() -> str:
    try:
        about = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        about = [platform.processor()]
    kind = sorted({line for line in about if line.startswith(("model name", "flags"))})
    return hashlib.sha256("\n".join(kind or about).encode()).hexdigest()[:12]


def _environment() -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    found = os.environ.get("PYTHONPATH")
    return os.environ | {
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join([root, found] if found else [root]),
    }


def _read(file: Path) -> Verdict | None:
    try:
        verdict = Verdict(**json.loads(file.read_text()))
        held_s = time.time() - verdict.tried_at
        holds = verdict.holds_s is None or 0 <= held_s < verdict.holds_s
    except (OSError, TypeError, ValueError):
        return None
    return verdict if holds and verdict.path in ("onednn", FALLBACK) else None


def _write(file: Path, verdict: Verdict) -> None:
    text: dict[str, Any] = asdict(verdict)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, suffix=".new")
        with os.fdopen(handle, "w") as new:
            json.dump(text, new)
        Path(name).replace(file)
    except OSError:
        _log.info(
            "The convolutions' trial is not remembered: no cache folder to write."
        )
