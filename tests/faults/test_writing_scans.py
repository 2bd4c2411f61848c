"""A process killed while it writes a scan leaves the old file or the new one, whole."""

import os
import random
import signal
import subprocess
import sys
import time

import nibabel
import numpy as np

from medlab.scans import write_nifti

KILLS = 100 if os.environ.get("MEDLAB_LONG") else 8

_WRITER = """
import sys, numpy as np
from medlab.scans import write_nifti
print("ready", flush=True)
n = 1
while True:
    n = n % 200 + 1
    write_nifti(sys.argv[1], np.full((64, 64, 64), n, np.uint8), np.eye(4))
"""


def test_no_kill_leaves_a_file_that_cannot_be_read(tmp_path):
    path = tmp_path / "labels.nii.gz"
    write_nifti(path, np.full((64, 64, 64), 1, np.uint8), np.eye(4))
    rng, seen = random.Random(5), set()

    for _ in range(KILLS):
        command = [sys.executable, "-c", _WRITER, str(path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(rng.uniform(0.3, 1.0))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        voxels = np.asarray(nibabel.load(path).dataobj)
        assert voxels.min() == voxels.max()
        seen.add(int(voxels.max()))

    # Killed at different moments of the work, not before it began.
    assert len(seen) > 1
