"""A short campaign of each fuzz target: nothing but sentences. Ten minutes each at night."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LONG = os.environ.get("MEDLAB_LONG") == "1"
FOUND = Path(__file__).parent / "found"
AGAIN = """
import sys
from pathlib import Path
from tests.fuzz.targets import TARGETS

for path in sorted(Path(sys.argv[1]).iterdir()):
    for name in ("header", "volume", "labels"):
        print(path.name, flush=True)
        TARGETS[name](path.read_bytes())
print("all")
"""


def test_what_was_found_once_stays_mended():
    """In a process of its own: some of these ended it."""
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(FOUND)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert len(list(FOUND.iterdir())) >= 4
    assert done.stdout.split()[-1] == "all", (done.stdout[-500:], done.stderr[-2000:])


@pytest.mark.parametrize("target", ["header", "volume", "labels"])
def test_random_bytes_end_in_a_sentence(tmp_path, target):
    pytest.importorskip("atheris")
    limit = ["--seconds", "600"] if LONG else ["--runs", "150"]
    command = [sys.executable, "-m", "tests.fuzz.campaign", target, *limit]

    done = subprocess.run(
        [*command, "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=900,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert "Done" in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_ends_the_process_at_once_is_kept(tmp_path):
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "tests.fuzz.campaign", "mortal", "--runs", "150"]

    done = subprocess.run(
        [*command, "--keep", str(tmp_path)],
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 128 + 9
    assert [path.name for path in tmp_path.iterdir()] == ["died-137"]
    assert len((tmp_path / "died-137").read_bytes()) > 100
