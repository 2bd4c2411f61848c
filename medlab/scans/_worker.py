"""The worker process: decodes one scan under limits, so that a bad file hurts nobody else.

Run as `python -m medlab.scans._worker` with one JSON line on standard input; answers with one
JSON line. Memory, time and file size are limited by the operating system.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._home import Home
from medlab.scans._limits import TooLarge, volume_limit_bytes
from medlab.scans._volume import ScanSource

DEFAULT_TIMEOUT_S = 180.0


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
) -> None:
    """Run one task ("volume" or "thumbnail") in a worker process. See `read_in_worker`."""
    order = {
        "task": task,
        "path": source.path,
        "series": source.series,
        "frame": source.frame,
        "root": str(home.root),
        "folder": str(home.folder),
        "out": str(out),
        "timeout_s": timeout_s,
        "memory_bytes": memory_bytes or default_memory_bytes(),
    }
    # -P: a file named numpy.py in the current folder must not be imported.
    command = [sys.executable, "-P", "-m", "medlab.scans._worker"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        answer, _ = process.communicate(json.dumps(order).encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise DecodingFailed(
            f"{source.name} took longer than {timeout_s:g} s to decode and was given up. "
            "Convert it to NIfTI, or copy it to a faster disk."
        ) from None
    finally:
        _end(process)
    _raise_error(answer, source, process.returncode)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _raise_error(answer: bytes, source: ScanSource, returncode: int) -> None:
    lines = answer.strip().splitlines()
    try:
        reply: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    except ValueError:
        reply = {}
    if reply.get("ok"):
        return
    if "message" in reply:
        raise MedlabError(str(reply["message"]), code=str(reply["code"]))
    ended = f"signal {-returncode}" if returncode < 0 else f"status {returncode}"
    raise DecodingFailed(
        f"{source.name} could not be decoded: the reader ended with {ended}. "
        "The file is damaged or needs more memory than allowed; convert it to NIfTI."
    )


def _limit(memory_bytes: int, timeout_s: float) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the timeout still holds.
        return
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: int(timeout_s) + 5,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 2 * volume_limit_bytes() + (1 << 20),
    }
    for kind, value in limits.items():
        # macOS knows RLIMIT_AS but refuses it.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))


def _work(order: dict[str, Any]) -> dict[str, Any]:
    from medlab.scans._cache import store_thumbnail, store_volume

    source = ScanSource(order["path"], order["series"], order["frame"])
    home = Home(Path(order["root"]), Path(order["folder"]))
    store = {"volume": store_volume, "thumbnail": store_thumbnail}[order["task"]]
    try:
        store(source, home, Path(order["out"]))
    except MedlabError as error:
        return {"message": str(error), "code": error.code}
    except MemoryError:
        too_large = TooLarge(
            f"{source.name} needs more memory than one scan may take. "
            "Crop it, or set MEDLAB_MAX_VOLUME_BYTES."
        )
        return {"message": str(too_large), "code": too_large.code}
    return {"ok": True}


def main() -> None:
    """Do what standard input asks."""
    order = json.loads(sys.stdin.readline())
    _limit(int(order["memory_bytes"]), float(order["timeout_s"]))
    sys.stdout.write(json.dumps(_work(order)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
