"""Alerts: what a person should know at once, and what helps, in a sentence or two.

An alert stands in `status.json` as `{"code", "message"}`, where the sidebar shows it as
a red banner, and in `metrics.jsonl` as a line of its own.
"""

import errno
import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError

GIB = 1 << 30
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_MEMORY = re.compile(r"RESOURCE_EXHAUSTED|out of memory|bad_alloc", re.IGNORECASE)


@dataclass(frozen=True)
class Alert:
    """One alert.

    Args:
        code: `disk-full`, `disk-failed`, `not-finite` or `out-of-memory`.
        message: What happened, and what to do.
    """

    code: str
    message: str


def disk_alert(error: OSError, what: str) -> Alert:
    """Tell that something could not be written, while the training goes on.

    Args:
        error: Of the write.
        what: That was to be written, such as `the checkpoint of step 20`.
    """
    if error.errno in _FULL:
        return Alert(
            "disk-full",
            f"The disk is full: {what} could not be saved. The training goes on. Free "
            "some space; the next checkpoint tries again.",
        )
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return Alert(
        "disk-failed",
        f"The disk refuses: {what} could not be saved ({reason}). The training goes "
        "on. Look after the disk; the next checkpoint tries again.",
    )


def not_finite(
    *, step: int, epoch: int, loss: float, norm: float, cases: str = ""
) -> MedlabError:
    """Tell in which batch loss or gradient stopped being a number.

    Args:
        step: Over all epochs, from 1.
        epoch: From 1.
        loss, norm: Of that batch: its loss, and the length of its gradient.
        cases: Which samples the batch held, by place; no names.
    """
    what = "loss" if not math.isfinite(loss) else "gradient"
    value = loss if what == "loss" else norm
    held = f" ({cases})" if cases else ""
    return MedlabError(
        f"The {what} must be a finite number, got {value:g} in epoch {epoch}, step "
        f"{step}{held}. The weights of the step before are kept. Look at that batch, "
        "or train anew with a lower learning_rate or with clip_norm=1.",
        code="not-finite",
        told={"step": step, "epoch": epoch},
    )


def out_of_memory(
    settings: Sequence[str], *, needed: int | None, available: int | None
) -> MedlabError:
    """Tell that a step does not fit into memory, and which settings would need less.

    Args:
        settings: Smaller ones, each with its own estimate.
        needed: Bytes that one step takes, by the compiler's count, if it is known.
        available: Bytes that are free, if that is known.
    """
    need = f"about {needed / GIB:.3g} GiB" if needed else "more memory than there is"
    free = f", and {available / GIB:.3g} GiB are free" if available is not None else ""
    return MedlabError(
        f"One training step takes {need}{free}. Settings that need less: "
        f"{'; '.join(settings)}.",
        code="out-of-memory",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, from Python or from XLA, says that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    is_xla = type(error).__name__ in ("XlaRuntimeError", "JaxRuntimeError")
    return is_xla and bool(_NO_MEMORY.search(str(error)))


def free_memory(device: Any) -> int | None:
    """Bytes that a device can still give, or None where it does not tell.

    On a CPU that is what the machine, or the container around it, has left: the system
    would rather kill a process that takes more than tell it so.
    """
    stats = device.memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"]) - int(stats.get("bytes_in_use", 0))
    if device.platform != "cpu":
        return None
    return min((n for n in (_machine(), _container()) if n is not None), default=None)


def _machine() -> int | None:
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _container() -> int | None:
    """What the control group of this process has left, in version 2 or 1."""
    root = Path("/sys/fs/cgroup")
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        most = next(iter(_lines(root / limit)), "max")
        now = next(iter(_lines(root / used)), "")
        if most.isdigit() and now.isdigit():
            # Pages of files that were read count as used, but are given back.
            return int(most) - int(now) + _file_pages((root / used).parent)
    return None


def _file_pages(group: Path) -> int:
    for line in _lines(group / "memory.stat"):
        if line.startswith(("inactive_file ", "total_inactive_file ")):
            return int(line.split()[1])
    return 0


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
