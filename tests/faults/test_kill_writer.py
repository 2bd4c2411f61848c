"""Kill a kernel while it paints: what it was told is on disk, is on disk.

The writer paints one voxel after the other through `Layer.paint` and says so on its standard
output once each call has returned. It is killed (SIGKILL) at a random moment; every voxel it
spoke of must be there, at most one more may be, and the layer opens and goes on.

Ten rounds; `MEDLAB_LONG=1` makes it 200, `MEDLAB_ROUNDS` any number.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from medlab.labels import Layer
from medlab.scans import Home, ScanSource
from tests.support.scans import make_volume, write_nifti_by_nibabel

ROUNDS = int(
    os.environ.get("MEDLAB_ROUNDS", 200 if os.environ.get("MEDLAB_LONG") else 10)
)
# More voxels than two hundred rounds can paint: a writer that has none left says nothing.
SHAPE = (63, 64, 65)

pytestmark = pytest.mark.timeout(60 + 15 * ROUNDS)

WRITER = """
import sys
from pathlib import Path
import numpy as np
from medlab.labels import Layer, _ledger
from medlab.scans import Home, ScanSource

_ledger._SNAPSHOT_EVERY_BYTES = 4000  # Snapshots are killed in the middle too.
root = Path(sys.argv[1])
layer = Layer.open(Home(root, root / ".medlab"), ScanSource("scan.nii.gz", None))
one = np.ones((1, 1, 1), bool)
for n in range(int(sys.argv[2]), layer.voxels.size):
    at = tuple(int(i) for i in np.unravel_index(n, layer.shape))
    layer.paint(1 + n % 3, one, at=at)
    print(n, flush=True)
"""


def _order(voxels: np.ndarray) -> np.ndarray:
    """The voxels in the order in which they are painted."""
    return np.ascontiguousarray(voxels).ravel()


def _expected(count: int, size: int) -> np.ndarray:
    n = np.arange(size)
    return np.where(n < count, 1 + n % 3, 0)


def test_no_voxel_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    volume = make_volume(SHAPE)
    write_nifti_by_nibabel(root / "scan.nii.gz", volume.voxels, volume.affine)
    home, source = Home(root, root / ".medlab"), ScanSource("scan.nii.gz", None)
    Layer.open(home, source, segments=["a", "b", "c"])
    chance, painted, acknowledged = random.Random(7), 0, 0

    for round_number in range(ROUNDS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), str(painted)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert writer.stdout is not None
        first = writer.stdout.readline()
        assert first, f"the writer never painted in round {round_number}"
        time.sleep(chance.uniform(0, 0.4))
        writer.kill()
        told = [first, *writer.stdout]
        writer.wait()
        # The last line can be cut short itself: then its number is not whole.
        whole = [int(line) for line in told if line.endswith("\n")]

        layer = Layer.open(home, source, create=False)
        found = int(np.count_nonzero(layer.voxels))
        assert whole[-1] + 1 <= found <= whole[-1] + 2, f"round {round_number}"
        expected = _expected(found, layer.voxels.size)
        np.testing.assert_array_equal(_order(layer.voxels), expected)
        assert layer.rev == found
        acknowledged += len(whole)
        painted = found

    print(f"{ROUNDS} kills, {acknowledged} acknowledged edits, 0 lost")
    assert acknowledged > ROUNDS
