"""Two processes that paint on one layer at once lose nothing of what they were told is kept."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np

from medlab.labels import Layer, decode_frame, from_frame
from tests.support.scans import write_nifti_by_nibabel

PAINTS = 60

# Each paints its own rows, and the corner that both want; it says which revision it got.
WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from medlab.labels import Layer
from medlab.scans import Home, ScanSource

root, me = Path(sys.argv[1]), int(sys.argv[2])
home, source = Home(root, root / ".medlab"), ScanSource("scan.nii", None)
layer = Layer.open(home, source, create=False)
print(layer.session, flush=True)
sys.stdin.readline()
for n in range(int(sys.argv[3])):
    block = np.zeros(layer.shape, bool)
    block[3 * (me - 1) : 3 * me].flat[n] = True
    block[6, 7, 8] = True
    print(layer.paint(me, block).rev, flush=True)
    time.sleep(0.005)  # Or the first is done before the second looks for the lock again.
"""


def test_two_processes_painting_at_once_lose_nothing(home, scan):
    write_nifti_by_nibabel(home.root / "scan.nii", scan.voxels, scan.affine)
    source = type(scan.source)("scan.nii", None)
    Layer.open(home, source, segments=["first", "second"])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(home.root), str(me), str(PAINTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for me in (1, 2)
    ]
    sessions = [writer.stdout.readline().strip() for writer in writers]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate()[0].split() for writer in writers]

    layer = Layer.open(home, source, create=False)
    edits = [from_frame(decode_frame(frame)) for frame in layer.since(0)]
    assert [len(revs) for revs in told] == [PAINTS, PAINTS]
    assert [edit.rev for edit in edits] == list(range(1, 2 * PAINTS + 1))
    for session, revs in zip(sessions, told, strict=True):
        kept = [edit.rev for edit in edits if edit.session == session]
        assert kept == [int(rev) for rev in revs]
    for me in (1, 2):
        rows = np.zeros(layer.shape, bool)
        rows[3 * (me - 1) : 3 * me].flat[:PAINTS] = True
        np.testing.assert_array_equal((layer.voxels == me)[:6], rows[:6])
    assert layer.voxels[6, 7, 8] == edits[-1].segment
    # They did write at once, not one after the other.
    changes = sum(a.session != b.session for a, b in itertools.pairwise(edits))
    assert changes > 1
