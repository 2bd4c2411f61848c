"""Memory that a long compilation leaves to the C library goes back to the system."""

import subprocess
import sys

import pytest

PROGRAM = """
from medlab.backend import jax

def resident_mb():
    [line] = [l for l in open("/proc/self/status") if l.startswith("VmRSS")]
    return int(line.split()[1]) / 1024

# Holes between blocks that stay: nothing is given back by itself.
blocks = [bytes(2000) for _ in range(100_000)]
blocks = blocks[::1000]
before = resident_mb()
for seconds in SECONDS:
    jax.monitoring.record_event_duration_secs(
        "/jax/core/compile/backend_compile_duration", seconds
    )
    print(before - resident_mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="malloc_trim is glibc's")
def test_memory_goes_back_after_a_long_compilation_only():
    program = PROGRAM.replace("SECONDS", "(0.2, 5.0)")
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    after_short, after_long = map(float, told.stdout.split())
    assert after_short < 20
    assert after_long > 100
