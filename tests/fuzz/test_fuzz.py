"""A short campaign of each fuzz target: nothing but sentences. Ten minutes each at night."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("atheris")
LONG = os.environ.get("MEDLAB_LONG") == "1"


@pytest.mark.parametrize("target", ["header", "volume", "labels"])
def test_random_bytes_end_in_a_sentence(tmp_path, target):
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
