"""How long a DICOM series takes: its order, its first slice, the whole of it.

    python -m tests.bench.dicom [slices] [folder]

Makes a CT series of 512 x 512 pixels, uncompressed and as RLE, JPEG lossless (where DCMTK is
installed) and times each step once with warm files. The folder is made in the system's
temporary one when not given, and removed.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from medlab.scans import ScanSource, find_home, open_scan, read_slice, series_slices
from medlab.scans._volume import Volume
from tests.support.scans import make_affine, write_dicom_series

_PACKERS = {"jpeg lossless": ["dcmcjpeg"], "jpeg-ls": ["dcmcjpls"], "rle": ["dcmcrle"]}


def main() -> None:
    """Print a line a step."""
    slices = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    try:
        (folder / ".medlab").mkdir(parents=True, exist_ok=True)
        uid = write_dicom_series(folder / "plain", _chest(slices))
        _time("plain", folder, uid, slices)
        for name, command in _PACKERS.items():
            if shutil.which(command[0]) is not None:
                few = min(slices, 40)
                _pack(command, folder / "plain", folder / name, few)
                _time(name, folder, uid, few)
    finally:
        if len(sys.argv) <= 2:
            shutil.rmtree(folder)


def _chest(slices: int) -> Volume:
    """Smooth shapes with noise, which packs about as a chest does."""
    rng = np.random.default_rng(0)
    i, j = np.mgrid[-1:1:512j, -1:1:512j]
    body = np.where(i**2 + j**2 < 0.7, 40, -1000) - 800 * (np.hypot(i, j - 0.1) < 0.3)
    voxels = np.empty((512, 512, slices), np.int16, order="F")
    for k in range(slices):
        voxels[:, :, k] = body + rng.normal(0, 12, body.shape)
    return Volume(voxels, make_affine("LPS"), "CT")


def _pack(command: list[str], plain: Path, packed: Path, count: int) -> None:
    packed.mkdir()
    for path in sorted(plain.iterdir())[:count]:
        subprocess.run([*command, path, packed / path.name], check=True)


def _time(name: str, folder: Path, uid: str, slices: int) -> None:
    home = find_home(folder)
    source = ScanSource(name, uid)
    steps: dict[str, Callable[[], Any]] = {
        "order": lambda: series_slices(source, home),
        "first slice": lambda: read_slice(source, home),
        "whole": lambda: open_scan(folder / name, home=home),
    }
    for step, work in steps.items():
        start = time.perf_counter()
        work()
        print(
            f"{name:14} {slices:4} slices  {step:12} {time.perf_counter() - start:7.3f} s"
        )


if __name__ == "__main__":
    main()
