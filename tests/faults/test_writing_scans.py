"""A process killed while it writes a scan leaves the old file or the new one, whole."""

import os
import random
import signal
import subprocess
import sys
import time

import nibabel
import numpy as np

KILLS = 100 if os.environ.get("MEDLAB_LONG") else 8

_WRITER = """
import sys, numpy as np
from medlab.scans import write_nifti
n = int(sys.argv[2])
while True:
    write_nifti(sys.argv[1], np.full((64, 64, 64), n, np.uint8), np.eye(4))
    print("written", flush=True)
    n = n % 250 + 1
"""


def test_no_kill_leaves_a_file_that_cannot_be_read(tmp_path):
    path = tmp_path / "labels.nii.gz"
    rng, litter = random.Random(5), 0

    for kill in range(KILLS):
        command = [sys.executable, "-c", _WRITER, str(path), str(kill % 250 + 1)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()  # It has written once: libraries are loaded.
        time.sleep(rng.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        voxels = np.asarray(nibabel.load(path).dataobj)
        assert voxels.shape == (64, 64, 64)
        assert voxels.min() == voxels.max() > 0
        for left in tmp_path.glob(".writing-*"):
            litter += 1
            left.unlink()

    # Most were killed in the middle of a write, not between two.
    assert litter > KILLS / 4
