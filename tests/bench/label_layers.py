"""Time a label layer of 512 x 512 x 600: reading it, painting, and opening it.

Painting includes the journal's fdatasync, so it measures the disk of `--folder` as well.

    python -m tests.bench.label_layers --folder .
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medlab.labels import Layer, _journal
from medlab.scans import Home, ScanSource, Volume
from tests.support.scans import make_affine

SHAPE = (512, 512, 600)
EDITS = 20_000
BALL_VOXELS = 21


def make_layer(root: Path) -> Layer:
    """A new layer on a large scan that says it lies on disk."""
    voxels = np.broadcast_to(np.int16(0), SHAPE)
    scan = Volume(voxels, make_affine(), "CT", source=ScanSource("scan.nii", None))
    return Layer.open(Home(root, root / ".medlab"), scan, segments=["a", "b"])


def open_again(root: Path) -> Layer:
    home = Home(root, root / ".medlab")
    return Layer.open(home, ScanSource("scan.nii", None), create=False)


def make_ball() -> np.ndarray:
    """A brush of `BALL_VOXELS` voxels across, `(I, J, K)` booleans."""
    axis = np.arange(BALL_VOXELS) - BALL_VOXELS // 2
    i, j, k = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.asarray(i**2 + j**2 + k**2 <= (BALL_VOXELS // 2) ** 2)


def paint(layer: Layer, count: int, seed: int) -> list[float]:
    """Paint balls at random; seconds that each took."""
    rng, ball, times = np.random.default_rng(seed), make_ball(), []
    limits = np.array(SHAPE) - BALL_VOXELS
    for number in range(count):
        i, j, k = (int(n) for n in rng.integers(limits))
        start = time.perf_counter()
        layer.paint(1 + number % 2, ball, at=(i, j, k))
        times.append(time.perf_counter() - start)
    return times


@contextmanager
def without_sync() -> Iterator[None]:
    """Only to fill a journal quickly; what is timed keeps its sync."""
    real = _journal._sync_data
    _journal._sync_data = lambda _: None
    try:
        yield
    finally:
        _journal._sync_data = real


def tell(what: str, times_s: list[float]) -> None:
    middle, slow = np.percentile(times_s, [50, 95])
    print(
        f"{what:42} median {middle * 1e3:9.3f} ms   95 % {slow * 1e3:9.3f} ms   "
        f"most {max(times_s) * 1e3:9.3f} ms   n={len(times_s)}"
    )


def repeat(count: int, act: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", help="a folder on the disk to measure")
    parser.add_argument("--edits", type=int, default=EDITS)
    arguments = parser.parse_args()
    print(
        platform.platform(), platform.processor(), f"Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        root = Path(scratch).resolve()
        layer = make_layer(root)
        timed = min(1000, arguments.edits)
        times = paint(layer, timed, 1)
        tell(f"paint a ball of {BALL_VOXELS} voxels, synced", times)
        tell("Layer.voxels, nothing new", repeat(10_000, lambda: layer.voxels))
        with without_sync():
            paint(layer, arguments.edits - timed, 2)
        layer.settled()
        folder = root / ".medlab" / "labels" / layer.scan_id / layer.name
        size = (folder / "edits.mlj").stat().st_size
        snapshots = sorted(folder.glob("snapshot-*.mls"))
        print(
            f"after {layer.rev} edits: journal {size / 2**20:.1f} MiB, "
            f"{len(snapshots)} snapshots, newest {snapshots[-1].name if snapshots else '-'}"
        )
        tell("open, with snapshots", repeat(3, lambda: open_again(root).voxels))
        for path in snapshots:
            path.unlink()
        tell("open, from the journal alone", repeat(1, lambda: open_again(root).voxels))


if __name__ == "__main__":
    main()
