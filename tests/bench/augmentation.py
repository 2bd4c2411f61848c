"""Augmentation against MONAI, TorchIO and batchgeneratorsv2, samples a second.

    python -m tests.bench.augmentation [--rank 2] [--rounds 5] [--peers torchio ...]

The same transforms everywhere, all at every sample: flip (every other), turn by up to 15
degrees, scale by up to 10 %, elastic displacement, gamma, contrast, noise; image and
labels, drawn anew each time, one process, two threads. 256 x 256 and 96 x 96 x 96.
MONAI once with affine and elastic in one resampling, its best (the base), and once as
two transforms. TorchIO has no contrast and goes without. Marks: at most 0.12 (2D) and
0.17 (3D) of MONAI's time, and faster than the others.
"""

import argparse
import sys
from pathlib import Path

from tests.bench.interleave import Variant, compare, peer_python

WORKERS = Path(__file__).parent / "augmentation_workers"
PEERS = ("monai", "monai-two-steps", "torchio", "batchgeneratorsv2")
BATCH = {2: 8, 3: 2}
MARKS = {2: 0.12, 3: 0.17}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rank", type=int, choices=(2, 3))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--peers", nargs="*", choices=PEERS[1:], default=PEERS[1:])
    told = options.parse_args()
    two_threads = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    for rank in [told.rank] if told.rank else [2, 3]:
        size = [str(rank), str(BATCH[rank])]
        ours = [sys.executable, "-m", "tests.bench.augmentation_workers.medlab_worker"]
        peers = [peer_python(), str(WORKERS / "peers_worker.py")]
        figures = compare(
            {
                "medlab": Variant([*ours, *size]),
                **{
                    name: Variant([*peers, *size, name], two_threads)
                    for name in ("monai", *told.peers)
                },
            },
            base="monai",
            rounds=told.rounds,
            title=f"{rank}D augmentation, {BATCH[rank]} samples a step",
        )
        for name, found in figures.items():
            best = BATCH[rank] / min(found.seconds)
            print(f"{name}: {best:.1f} samples/s at best; {found.info.get('changed')}")
        print(f"mark: {MARKS[rank]}, medlab: {figures['medlab'].ratio:.3f}\n")


if __name__ == "__main__":
    main()
