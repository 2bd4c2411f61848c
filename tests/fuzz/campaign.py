"""Feed one target with ever new bytes, led by coverage.

    python -m tests.fuzz.campaign volume --seconds 600      # a night: each target ten minutes
    python -m tests.fuzz.campaign header --runs 2000 --seed 1

Ends with status 0 if nothing was found, else with the trace of what was; the bytes that made it
are kept in `crash-*` in the folder named by --keep (or a temporary one, which is told).
"""

import argparse
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str] | None = None) -> None:
    """Run a campaign. Does not return: atheris ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=("header", "volume", "labels"))
    parser.add_argument(
        "--seconds", type=int, default=0, help="how long; 0 is no limit"
    )
    parser.add_argument("--runs", type=int, default=-1, help="how many; -1 is no limit")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers")
    parser.add_argument("--keep", type=Path, default=None, help="folder for findings")
    asked = parser.parse_args(arguments)
    import atheris

    # Only what is medlab's, and only where it pays: to instrument takes a while.
    wanted = ["medlab.scans", "medlab.labels"] if asked.seconds else ["nothing"]
    with atheris.instrument_imports(include=wanted):
        from tests.fuzz.targets import TARGETS, seeds

    keep = asked.keep or Path(tempfile.mkdtemp(prefix="medlab-found-"))
    keep.mkdir(parents=True, exist_ok=True)
    corpus = Path(tempfile.mkdtemp(prefix="medlab-corpus-"))
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
        f"-artifact_prefix={keep}/",
        str(corpus),
    ]
    print(f"findings are kept in {keep}", flush=True)
    atheris.Setup(options, TARGETS[asked.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
