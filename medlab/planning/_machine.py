"""The machine a plan is for: how much memory it has, and how fast it trains.

Asks the system, not JAX: whoever only plans shall not take the GPU from who trains.
"""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from medlab.errors import MedlabError

DEVICES = ("cpu", "gpu")
_SHARE_OF_RAM = 0.6
"""The rest is for the notebook, the cached scans and the browser."""
_SHARE_OF_GPU = 0.85
_OPERATIONS_A_CORE_S = {"avx512f": 1.4e11, "avx2": 1e11, "arm": 8e10, "other": 3e10}
"""Peak of one core, roughly."""
_ACHIEVED, _ACHIEVED_ELSEWHERE = 0.55, 0.35
"""How much of it a step reaches, with oneDNN's convolutions and without."""
_GPU_OPERATIONS_A_S = 2e13
"""Assumed: of what GPUs are used for training, about what a mid-sized one reaches."""
_FALLBACK_BYTES = 8 << 30


@dataclass(frozen=True)
class Machine:
    """What a plan has to fit.

    Args:
        device: `cpu` or `gpu`.
        name: For the reader.
        memory_bytes: What a training may use.
        operations_a_s: Floating point operations a second that a training reaches.
    """

    device: str
    name: str
    memory_bytes: int
    operations_a_s: float

    @classmethod
    def here(cls, device: str | None = None, *, elsewhere: bool = False) -> "Machine":
        """Look at this machine.

        Args:
            device: `cpu` or `gpu`; by default the GPU where JAX can use one.
            elsewhere: A GPU that is not here is in another machine, of unknown memory.

        Raises:
            MedlabError: If there is no such device, or none that can be asked.
        """
        if device not in (*DEVICES, None):
            raise MedlabError(
                f"device is one of {', '.join(DEVICES)}, got {device!r}.",
                code="unknown-device",
            )
        gpu = _gpu() if device != "cpu" else None
        if device == "gpu" and gpu is None and elsewhere:
            return cls("gpu", "a GPU elsewhere", 0, _GPU_OPERATIONS_A_S)
        if device == "gpu" and gpu is None:
            raise MedlabError(
                "There is no GPU here that can be asked for its memory. To plan for "
                "another machine, pass memory_gb as well.",
                code="no-gpu",
            )
        if gpu is not None and (device == "gpu" or _jax_uses_gpu()):
            name, memory = gpu
            usable = int(memory * _SHARE_OF_GPU)
            return cls("gpu", name, usable, _GPU_OPERATIONS_A_S)
        cores = _cores()
        return cls(
            "cpu",
            f"{cores} {platform.machine()} core{'s' * (cores != 1)}",
            int(_free_ram_bytes() * _SHARE_OF_RAM),
            _cpu_operations_a_s(cores),
        )


def _gpu() -> tuple[str, int] | None:
    if shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=name,memory.total"]
    try:
        told = subprocess.run(
            [*query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout.splitlines()
        name, memory_mib = told[0].rsplit(",", 1)
        return name.strip(), int(memory_mib) << 20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _jax_uses_gpu() -> bool:
    wanted = os.environ.get("JAX_PLATFORMS", "")
    if wanted and not {"cuda", "gpu"} & set(wanted.split(",")):
        return False
    plugins = (f"jax_cuda{version}_plugin" for version in (12, 13, 14))
    return any(importlib.util.find_spec(plugin) for plugin in plugins)


def _cores() -> int:
    with_affinity = getattr(os, "sched_getaffinity", None)
    return len(with_affinity(0)) if with_affinity else os.cpu_count() or 1


def _free_ram_bytes() -> int:
    free = _FALLBACK_BYTES
    told = Path("/proc/meminfo")
    if told.exists():
        lines = dict(line.split(":", 1) for line in told.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) << 10
    elif "SC_PHYS_PAGES" in os.sysconf_names:
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    # A container may be given less than the machine has.
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        free = min(free, int(text))
    return free


def _cpu_operations_a_s(cores: int) -> float:
    """Estimate from the kind of core: a measurement would differ with every moment."""
    machine, flags = platform.machine().lower(), set()
    told = Path("/proc/cpuinfo")
    if told.exists():
        lines = told.read_text().splitlines()
        flags = set(next((x for x in lines if x.startswith("flags")), "").split())
    kind = "avx512f" if "avx512f" in flags else "avx2" if "avx2" in flags else "other"
    if machine in ("arm64", "aarch64"):
        kind = "arm"
    fast = sys.platform == "linux" and machine == "x86_64"
    share = _ACHIEVED if fast else _ACHIEVED_ELSEWHERE
    return cores * _OPERATIONS_A_CORE_S[kind] * share
