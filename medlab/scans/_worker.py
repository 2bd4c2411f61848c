"""The worker process: decodes scans under limits, so that a bad file hurts nobody else.

Run as `python -m medlab.scans._worker`; each line on standard input is an order in JSON, each
is answered with one line of JSON. Memory, time and file size are limited by the operating
system, anew for each order. A worker that is asked nothing for a minute ends.
"""

import contextlib
import json
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._confine import confined
from medlab.scans._home import Home
from medlab.scans._limits import TooLarge, volume_limit_bytes
from medlab.scans._volume import ScanSource
from medlab.scans._worker_pool import WORKERS, EndedWithoutAnswer, TookTooLong

DEFAULT_TIMEOUT_S = 180.0

_IDLE_S = 60.0
_VOLUME_LIMIT = "MEDLAB_MAX_VOLUME_BYTES"


class DecodingFailed(MedlabError):
    """The worker ended without an answer."""

    code = "decoding-failed"


def default_memory_bytes() -> int:
    """Three times the largest volume and room for the libraries, or most of the machine."""
    wanted = 3 * volume_limit_bytes() + (2 << 30)
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows does not say.
        return wanted
    return min(wanted, max(machine * 3 // 4, 4 << 30))


def read_in_worker(
    source: ScanSource,
    home: Home,
    out: Path,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_bytes: int | None = None,
) -> None:
    """Decode a scan in a limited process and write `<out>.npy` and `<out>.json`.

    Both appear whole or not at all. The array is in Fortran order, `(I, J, K)`, or
    `(3, I, J, K)` for colour.

    Raises:
        MedlabError: The reader's own sentence; or that it took too long or too much.
    """
    run_worker("volume", source, home, out, timeout_s, memory_bytes)


def run_worker(
    task: str,
    source: ScanSource,
    home: Home,
    out: Path,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_bytes: int | None = None,
    k: int | None = None,
) -> None:
    """Run one task ("volume", "slice" or "thumbnail") in a worker process.

    `k` is the index of the slice. See `read_in_worker`.
    """
    order = {
        "task": task,
        "path": source.path,
        "series": source.series,
        "frame": source.frame,
        "k": k,
        "root": str(home.root),
        "folder": str(home.folder),
        "out": str(out),
        "timeout_s": timeout_s,
        "memory_bytes": memory_bytes or default_memory_bytes(),
        "volume_bytes": volume_limit_bytes(),
    }
    try:
        reply = WORKERS.ask(order, timeout_s)
    except TookTooLong:
        raise DecodingFailed(
            f"{source.name} took longer than {timeout_s:g} s to decode and was given up. "
            "Convert it to NIfTI, or copy it to a faster disk."
        ) from None
    except EndedWithoutAnswer as error:
        code = error.returncode
        ended = f"signal {-code}" if code < 0 else f"status {code}"
        raise DecodingFailed(
            f"{source.name} could not be decoded: the reader ended with {ended}. "
            "The file is damaged or needs more memory than allowed; convert it to NIfTI."
        ) from None
    if not reply.get("ok"):
        raise MedlabError(str(reply["message"]), code=str(reply["code"]))


def _limit(memory_bytes: int, timeout_s: float) -> None:
    """Limits for the next order, from what is used up to now."""
    try:
        import resource
    except ImportError:  # Windows has no such limits; the timeout still holds.
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    used_s = int(used.ru_utime + used.ru_stime)
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: used_s + int(timeout_s) + 5,
        resource.RLIMIT_FSIZE: 2 * volume_limit_bytes() + (1 << 20),
    }
    for kind, value in limits.items():
        # macOS knows RLIMIT_AS but refuses it.
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (soft, hard))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _work(order: dict[str, Any]) -> dict[str, Any]:
    from medlab.scans._cache import store_slice, store_thumbnail, store_volume

    source = ScanSource(order["path"], order["series"], order["frame"])
    home = Home(Path(order["root"]), Path(order["folder"]))
    out = Path(order["out"])
    try:
        match order["task"]:
            case "volume":
                store_volume(source, home, out)
            case "slice":
                store_slice(source, home, out, order["k"])
            case "thumbnail":
                store_thumbnail(source, home, out)
    except MedlabError as error:
        # What was half read can be large; a fresh process is the cheapest broom.
        big = error.code == TooLarge.code
        return {"message": str(error), "code": error.code, "retire": big}
    except MemoryError:
        too_large = TooLarge(
            f"{source.name} needs more memory than one scan may take. "
            "Crop it, or set MEDLAB_MAX_VOLUME_BYTES."
        )
        return {"message": str(too_large), "code": too_large.code, "retire": True}
    return {"ok": True}


def _folders(order: dict[str, Any]) -> list[Path]:
    """Where an order's scan lies and its result goes: nothing else is opened."""
    found = [Path(order[name]) for name in ("root", "folder")]
    found.append(Path(order["out"]).parent)
    path = Path(order["path"])
    return [*found, path, path.parent] if path.is_absolute() else found


def _orders() -> Iterator[dict[str, Any]]:
    """Each line of standard input, until it closes or stays silent for a minute."""
    waiting, until = b"", time.monotonic() + _IDLE_S
    while True:
        line, newline, rest = waiting.partition(b"\n")
        if newline:
            waiting = rest
            yield json.loads(line)
            until = time.monotonic() + _IDLE_S
            continue
        left = max(until - time.monotonic(), 0)
        if not select.select([0], [], [], left)[0]:
            return
        piece = os.read(0, 1 << 16)
        if not piece:
            return
        waiting += piece


def main() -> None:
    """Do what standard input asks."""
    # Whatever a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    for order in _orders():
        os.environ[_VOLUME_LIMIT] = str(order["volume_bytes"])
        _limit(int(order["memory_bytes"]), float(order["timeout_s"]))
        reply = confined(_work, order, folders=_folders(order))
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
