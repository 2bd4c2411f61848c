"""A process that opens scans for the tests of hostile files, and tells what each cost.

Run as `python -m tests.support.hostile_reader ROOT`: a line of JSON in (a path), a line out.
`Reader` is the other end: it ends a process that hangs or dies, and goes on with another.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 30.0


class Reader:
    """Opens scans in a process that is kept as long as it answers."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: Path) -> dict[str, Any]:
        """What came of opening that file: see `_read`; or `{"ended": why}`."""
        if self._process is None or self._process.poll() is not None:
            self._process = self._start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(os.fspath(path)).encode() + b"\n")
        self._process.stdin.flush()
        line = self._line()
        if line is not None:
            return dict(json.loads(line))
        ended = self._process.poll()
        self.end()
        return {"ended": "hung" if ended is None else f"ended with {ended}"}

    def end(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "tests.support.hostile_reader",
            str(self._root),
        ]
        return subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )

    def _line(self) -> bytes | None:
        assert self._process is not None
        assert self._process.stdout is not None
        handle, got = self._process.stdout.fileno(), b""
        until = time.monotonic() + PATIENCE_S
        while not got.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                return None
            piece = os.read(handle, 1 << 16)
            if not piece:
                assert self._process.wait(10) is not None
                return None
            got += piece
        return got


def _read(path: str, root: Path) -> dict[str, Any]:
    """`{"error": reply}`, `{"scan": geometry}` or `{"uncaught": class}`, `mb` and `s`."""
    from medlab.errors import MedlabError
    from medlab.scans import Home, open_scan

    told: dict[str, Any] = {}
    before = _memory_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # The highest memory, anew.
    began = time.process_time()
    volume = None
    try:
        volume = open_scan(path, home=Home(root, root / ".medlab"))
        told["scan"] = {
            "shape": list(volume.shape),
            "spacing": list(volume.spacing_mm),
            "unit": volume.spacing_unit,
            "affine": volume.affine.tolist(),
            "warnings": list(volume.warnings),
            "crc": zlib.crc32(volume.voxels.tobytes()),
        }
    except MedlabError as error:
        told["error"] = error.reply()
    except Exception as error:
        told["uncaught"] = f"{type(error).__name__}: {error}"
    told["s"] = time.process_time() - began
    told["mb"] = max(_memory_kb("VmHWM") - before, 0) / 1024
    return told


def _memory_kb(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def _warm_up() -> None:
    """Load what readers load when first used: that is no file's fault."""
    import tempfile

    from tests.support.hostile._cuts import whole_files

    with tempfile.TemporaryDirectory() as folder:
        for kind, (_, files) in whole_files().items():
            room = Path(folder) / kind
            room.mkdir()
            for name, content in files.items():
                (room / name).write_bytes(content)
            _read(str(room / sorted(files)[0]), Path(folder))


def main() -> None:
    """Open what standard input names."""
    import resource

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    root = Path(sys.argv[1])
    _warm_up()
    # Far above what is allowed: it only keeps the machine alive while a test fails.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    for line in sys.stdin:
        answers.write(json.dumps(_read(json.loads(line), root)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
