"""How much longer indexing takes when hostile files lie beside the good ones.

    python -m tests.bench.hostile_index

Prints the time to index 2000 good files, the time with a tenth of them replaced by hostile
ones, and their ratio (1.2 at most is the mark).
"""

import shutil
import tempfile
import time
from pathlib import Path

from medlab.scans import find_home, list_scans
from tests.support.hostile import make_hostile_files
from tests.support.hostile._whole import nifti_header, voxel_bytes

GOOD, HOSTILE, ROUNDS = 2000, 200, 3


def _timed(root: Path) -> tuple[float, int]:
    (root / ".medlab").mkdir()
    home = find_home(root)
    began = time.perf_counter()
    listed = list_scans(home=home)
    took = time.perf_counter() - began
    shutil.rmtree(root / ".medlab")
    return took, sum(scan.error is None for scan in listed)


def main() -> None:
    """Measure, the two in turn."""
    content = bytes(nifti_header()) + voxel_bytes()
    with tempfile.TemporaryDirectory() as place:
        good, mixed = Path(place) / "good", Path(place) / "mixed"
        for folder in (good, mixed):
            folder.mkdir()
            for n in range(GOOD - (HOSTILE if folder is mixed else 0)):
                (folder / f"good-{n}.nii").write_bytes(content)
        for n in range(HOSTILE):
            (good / f"more-{n}.nii").write_bytes(content)
        cases = make_hostile_files(Path(place) / "zoo")
        files = [c.path for c in cases if c.path.is_file() and not c.path.is_symlink()]
        for n, path in enumerate(files[:: len(files) // HOSTILE][:HOSTILE]):
            shutil.move(path, mixed / f"bad-{n}{''.join(path.suffixes)}")
        for _ in range(ROUNDS):
            (plain, found), (with_bad, left) = _timed(good), _timed(mixed)
            print(
                f"good alone {plain:.2f} s ({found}), with hostile ones {with_bad:.2f} s "
                f"({left}), ratio {with_bad / plain:.2f}"
            )


if __name__ == "__main__":
    main()
