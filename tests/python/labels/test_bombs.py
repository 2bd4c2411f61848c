"""A small label file that unpacks to gigabytes is refused before it does.

Opened in a process of its own, which tells how long the refusal took and how much memory
the process ever held.
"""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

TIME_S, MEMORY_MB = 2.0, 300
PACKED_MB = 512

OPEN = """
import re, sys, time
from pathlib import Path
import nrrd
from medlab.errors import MedlabError
from medlab.labels import open_labels

start = time.perf_counter()
try:
    print(open_labels(sys.argv[1]))
except MedlabError as error:
    print(error)
print(time.perf_counter() - start)
# Not ru_maxrss: that begins with what the parent held.
status = Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024)
"""


@pytest.fixture(scope="module")
def packed():
    """Half a GiB of zeros, in half a MB."""
    return gzip.compress(bytes(PACKED_MB << 20), 6, mtime=0)


def write_bomb(path, sizes, packed):
    lines = [
        *("NRRD0005", "type: uint8", f"dimension: {len(sizes)}"),
        f"sizes: {' '.join(map(str, sizes))}",
        "space: left-posterior-superior",
        "space directions: " + "none " * (len(sizes) - 3) + "(1,0,0) (0,1,0) (0,0,1)",
        "kinds: " + "list " * (len(sizes) - 3) + "domain domain domain",
        *("encoding: gzip", "space origin: (0,0,0)"),
        *("Segment0_Name:=lung", "Segment0_LabelValue:=1", "Segment0_Layer:=0"),
    ]
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + packed)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        pytest.param(
            (4096, 4096, 4096),
            "lungs.seg.nrrd would unpack to 64 GiB of voxels, more than the limit of "
            "4 GiB. If it really is that large, set MEDLAB_MAX_VOLUME_BYTES.",
            id="promises more than fits",
        ),
        pytest.param(
            (64, 512, 512, 512),
            "lungs.seg.nrrd would unpack to 8 GiB of voxels, more than the limit of "
            "4 GiB. If it really is that large, set MEDLAB_MAX_VOLUME_BYTES.",
            id="promises more than fits in layers",
        ),
        pytest.param(
            (1200, 1024, 1024),
            "lungs.seg.nrrd would unpack to 1.17 GiB, 400 times its size and more. No "
            "scan packs that well; such a file is usually made to do harm. If it is "
            "yours, save it unpacked (.nii).",
            id="promises what no scan packs into so little",
        ),
        pytest.param(
            (7, 8, 9),
            "'lungs.seg.nrrd' must be a .seg.nrrd file, and could not be read as one. "
            "Save it again from the program that made it.",
            id="holds more than it promises",
        ),
    ],
)
def test_a_bomb_is_refused_at_once(tmp_path, packed, sizes, message):
    write_bomb(tmp_path / "lungs.seg.nrrd", sizes, packed)

    command = [sys.executable, "-c", OPEN, str(tmp_path / "lungs.seg.nrrd")]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)

    told, time_s, memory_mb = done.stdout.splitlines()
    assert told == message
    assert float(time_s) < TIME_S
    assert float(memory_mb) < MEMORY_MB
