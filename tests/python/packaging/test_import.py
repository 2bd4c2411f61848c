"""`import medlab` costs next to nothing, and nothing heavy comes with it."""

import subprocess
import sys


def _run(probe: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_medlab_takes_less_than_0_3_seconds():
    probe = (
        "import time; start = time.perf_counter(); import medlab;"
        "print(time.perf_counter() - start)"
    )
    fastest_s = min(float(_run(probe)) for _ in range(3))
    assert fastest_s < 0.3


def test_importing_medlab_loads_nothing_heavy():
    heavy = {"jax", "keras", "numpy", "scipy", "nibabel", "pydicom", "ipywidgets"}
    probe = f"import sys, medlab; print(sorted({heavy!r} & set(sys.modules)))"
    assert _run(probe) == "[]"


def test_every_public_name_can_be_had():
    probe = (
        "import medlab; print([n for n in medlab.__all__ if not hasattr(medlab, n)])"
    )
    assert _run(probe) == "[]"


def test_an_unknown_name_is_answered_with_the_known_ones():
    probe = (
        "import medlab\n"
        "try: medlab.open_scans\n"
        "except AttributeError as error: print(error)"
    )
    assert "no 'open_scans'. It has: " in _run(probe)
