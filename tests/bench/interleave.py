"""Compare programs by turns: A B C A B C ..., each in a process of its own that stays.

What is measured at one time of day, after another thing, or while the machine is busy
is no ratio. So every variant is started and warmed up first, and then each round runs
all of them once; a ratio is taken within its round. A worker calls `serve(step)`; the
comparing program calls `compare(...)`. Only the standard library is needed, as peers
live in environments of their own (see `peer_python`).
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
QUIET_CORES = 0.3
"""How many cores others may use while a round still counts as quiet."""


@dataclass(frozen=True)
class Variant:
    """One way of doing the work.

    Args:
        command: Starts its worker, which calls `serve`.
        env: Added to the environment.
    """

    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Figures:
    """What came of one variant, over all rounds.

    Attributes:
        seconds: Of one step, a round each.
        ratios: To the base, a round each.
        info: What the worker told of itself; `first_s` is its first step.
        peak_mb: Largest memory of the process during the rounds.
        net_mb: The same without what it held before its first step.
        others: Cores used by everything else, a round each.
    """

    seconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    info: dict[str, Any] = field(default_factory=dict)
    peak_mb: float = 0.0
    net_mb: float = 0.0
    others: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)


def peer_python() -> str:
    """The Python that has PyTorch, MONAI and the other peers."""
    found = os.environ.get("MEDLAB_PEERS", "")
    if not Path(found).is_file():
        raise SystemExit(
            "Set MEDLAB_PEERS to a Python that has the peers:\n"
            "  python -m venv peers\n"
            "  peers/bin/pip install torch==2.13.0 monai torchio batchgeneratorsv2\n"
            "  export MEDLAB_PEERS=$PWD/peers/bin/python"
        )
    return found


def serve(
    step: Callable[[], Any], info: dict[str, Any] | None = None, *, warm: int = 2
) -> None:
    """Be a worker: warm up, then do as many steps as each line of the input says.

    Args:
        step: Does the work and waits for its end. A number that it returns is kept.
        info: Told to the comparing program, for example first losses.
        warm: Steps before the first measurement; compiling happens there.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints must not disturb the answers
    before_mb = _memory_mb("VmRSS")
    firsts, results = [], []
    for _ in range(warm):
        began = time.perf_counter()
        results.append(_number(step()))
        firsts.append(time.perf_counter() - began)
    told = {"first_s": firsts[0], "before_mb": before_mb, "first_results": results}
    print(json.dumps({**told, **(info or {})}), file=answers, flush=True)
    _forget_peak()
    for line in sys.stdin:
        steps, cpu, began = int(line), time.process_time(), time.perf_counter()
        for _ in range(steps):
            step()
        answer = {
            "seconds": (time.perf_counter() - began) / steps,
            "cpu": time.process_time() - cpu,
            "peak_mb": _memory_mb("VmHWM"),
        }
        print(json.dumps(answer), file=answers, flush=True)


def compare(
    variants: dict[str, Variant],
    *,
    base: str,
    rounds: int = 7,
    steps: int = 1,
    title: str = "",
    errors: Path = Path("test-results/bench"),
) -> dict[str, Figures]:
    """Run all variants by turns and print a table of ratios to the base.

    Args:
        variants: By name.
        base: What the others are compared with.
        rounds: How often each runs.
        steps: Steps a variant does in one round.
        title: Printed above the table.
        errors: Folder for what the workers print.
    """
    errors.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Figures] = {}
    workers: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, variant in variants.items():  # one after the other: undisturbed
            log = errors / f"{'-'.join(name.split()).replace('/', '-')}.log"
            with log.open("w") as file:
                worker = subprocess.Popen(
                    variant.command,
                    env={**os.environ, **variant.env},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    text=True,
                    cwd=ROOT,
                )
            told = _answer(worker)
            if told is None:
                print(f"{name}: did not start, see {log}", flush=True)
                continue
            workers[name], figures[name] = worker, Figures(info=told)
        for _ in range(rounds):
            _round(workers, figures, base, steps)
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
    print(table(figures, base=base, title=title), flush=True)
    return figures


def table(figures: dict[str, Figures], *, base: str, title: str = "") -> str:
    """Lay the figures out in Markdown."""
    lines = [f"## {title}", ""] if title else []
    lines += [
        f"| variant | median s | ratio to {base} (min-max) | first s | net MB | others |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in figures.items():
        if not found.seconds:
            continue
        ratio = "-"
        if found.ratios:
            low, high = min(found.ratios), max(found.ratios)
            ratio = f"{found.ratio:.3f} ({low:.3f}-{high:.3f})"
        lines.append(
            f"| {name} | {statistics.median(found.seconds):.4g} | {ratio} | "
            f"{found.info.get('first_s', 0):.1f} | {found.net_mb:.0f} | "
            f"{statistics.median(found.others):.2f} |"
        )
    return "\n".join(lines)


def _round(
    workers: dict[str, subprocess.Popen[str]],
    figures: dict[str, Figures],
    base: str,
    steps: int,
) -> None:
    _wait_for_quiet(8)
    taken: dict[str, float] = {}
    for name, worker in list(workers.items()):
        busy, began = _busy_s(), time.perf_counter()
        assert worker.stdin is not None
        worker.stdin.write(f"{steps}\n")
        worker.stdin.flush()
        answer = _answer(worker)
        if answer is None:
            print(f"{name}: ended in the middle of a round", flush=True)
            del workers[name]
            continue
        wall = time.perf_counter() - began
        found = figures[name]
        taken[name] = answer["seconds"]
        found.seconds.append(answer["seconds"])
        found.others.append(max(0.0, _busy_s() - busy - answer["cpu"]) / wall)
        found.peak_mb = max(found.peak_mb, answer["peak_mb"])
        found.net_mb = found.peak_mb - found.info["before_mb"]
    if base in taken:
        for name, seconds in taken.items():
            figures[name].ratios.append(seconds / taken[base])


def _answer(worker: "subprocess.Popen[str]") -> dict[str, Any] | None:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    return json.loads(line) if line else None


def _number(result: Any) -> float | None:
    try:
        return float(result)
    except (TypeError, ValueError):
        return None


def _memory_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _busy_s() -> float:
    """Seconds of CPU that everything on the machine has used."""
    fields = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def _wait_for_quiet(longest_s: float) -> None:
    until = time.monotonic() + longest_s
    while time.monotonic() < until:
        before = _busy_s()
        time.sleep(0.3)
        if (_busy_s() - before) / 0.3 < QUIET_CORES:
            return
