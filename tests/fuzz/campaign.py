"""Feed one target with ever new bytes, led by coverage.

    python -m tests.fuzz.campaign volume --seconds 600      # a night: each target ten minutes
    python -m tests.fuzz.campaign header --runs 2000 --seed 1

Ends with status 0 if nothing was found, else with the trace of what was; the bytes that made it
are kept in the folder named by --keep (or a temporary one, which is told): in `crash-*` or
`timeout-*` by atheris, and in `died-*` where the process ended before it could do that.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

Target = Callable[[bytes], None]


def main(arguments: list[str] | None = None) -> None:
    """Run a campaign in a process of its own, and keep what it was fed with last."""
    asked = _parser().parse_args(arguments)
    if asked.journal is not None:
        _feed(asked)
    keep = asked.keep or Path(tempfile.mkdtemp(prefix="medlab-found-"))
    keep.mkdir(parents=True, exist_ok=True)
    print(f"findings are kept in {keep}", flush=True)
    before = set(keep.iterdir())
    with tempfile.TemporaryDirectory(prefix="medlab-journal-") as folder:
        journal = Path(folder) / "last"
        given = sys.argv[1:] if arguments is None else arguments
        command = [sys.executable, "-m", "tests.fuzz.campaign", *given]
        command += ["--keep", str(keep), "--journal", str(journal)]
        status = subprocess.run(command, check=False).returncode
        status = 128 - status if status < 0 else status
        if status and set(keep.iterdir()) == before and journal.exists():
            (keep / f"died-{status}").write_bytes(_last_of(journal))
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=("header", "volume", "labels", "mortal"))
    parser.add_argument(
        "--seconds", type=int, default=0, help="how long; 0 is no limit"
    )
    parser.add_argument("--runs", type=int, default=-1, help="how many; -1 is no limit")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    parser.add_argument("--keep", type=Path, default=None, help="folder for findings")
    parser.add_argument(
        "--corpus", type=Path, default=None, help="folder to go on from, and to add to"
    )
    parser.add_argument("--journal", type=Path, default=None, help=argparse.SUPPRESS)
    return parser


def _feed(asked: argparse.Namespace) -> None:
    """Does not return: atheris ends the process."""
    import atheris

    # Only what is medlab's, and only where it pays: to instrument takes a while.
    wanted = ["medlab.scans", "medlab.labels"] if asked.seconds else ["nothing"]
    with atheris.instrument_imports(include=wanted):
        from tests.fuzz.targets import TARGETS, seeds

    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix="medlab-corpus-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for n, content in enumerate(seeds()):
        (corpus / f"seed-{n}").write_bytes(content)
    options = [
        sys.argv[0],
        f"-runs={asked.runs}",
        f"-seed={asked.seed}",
        f"-max_total_time={asked.seconds}",
        "-max_len=20000",
        "-timeout=20",
        "-rss_limit_mb=4096",
        f"-artifact_prefix={asked.keep}/",
        str(corpus),
    ]
    atheris.Setup(options, _written_down(TARGETS[asked.target], asked.journal))
    atheris.Fuzz()


def _written_down(target: Target, journal: Path) -> Target:
    """The target, with each input in a file before it is tried: its length, and it."""
    file = os.open(journal, os.O_CREAT | os.O_WRONLY)

    def feed(data: bytes) -> None:
        os.pwrite(file, len(data).to_bytes(8, "little") + data, 0)
        target(data)

    return feed


def _last_of(journal: Path) -> bytes:
    told = journal.read_bytes()
    return told[8 : 8 + int.from_bytes(told[:8], "little")]


if __name__ == "__main__":
    main()
