"""Writing a file so that a reader sees the old content or the new, never a part of it."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = ".writing-"
_LITTER_S = 3600.0


def write_atomically(path: Path | str, data: bytes, *, mode: int | None = None) -> None:
    """Replace a file's content in one step that survives a killed process.

    Written beside the target, synced, renamed over it, then the folder is synced.

    Args:
        path: The file. Its folder is made when missing.
        data: The new content.
        mode: Permission bits of the file. By default what the umask leaves of 0o666.
    """
    with replacing(path, mode=mode) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path | str, *, mode: int | None = None) -> Iterator[Path]:
    """Offer a temporary file beside `path`; put it in its place when the block ends well.

    The temporary name keeps the suffixes of `path`, which writers tell formats by.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(target.suffixes[-2:])
    _remove_litter(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=_PREFIX, suffix=suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask() if mode is None else mode)
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_litter(folder: Path) -> None:
    """Remove what a killed writer left an hour ago or earlier."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(_PREFIX):
                continue
            if time.time() - entry.stat().st_mtime > _LITTER_S:
                Path(entry.path).unlink(missing_ok=True)


def _umask() -> int:
    # Asking for the umask means setting it, which is not safe among threads;
    # Linux also tells it in a file.
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    return 0o022


def _sync(path: Path) -> None:
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) * path.is_dir()
    if os.name == "nt":
        if path.is_dir():
            return
        flags = os.O_RDWR
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
