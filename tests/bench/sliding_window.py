"""Sliding-window inference against MONAI's, with the same network and weights.

    python -m tests.bench.sliding_window [--size 128 128 112] [--patch 64] [--rounds 5]

MONAI's BasicUNet (5.7 M parameters) with weights drawn from a seed, copied to the same
network of Keras layers. Overlap 0.5, Gaussian weights. First both walk two patches that
stand in the same places, and their probabilities are compared; then they walk the
volume by turns. MONAI adds up logits, medlab probabilities; `labels` is what `predict`
asks for, which leaves out the volume of floating-point numbers.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.bench.interleave import Variant, compare, peer_python

HERE = Path(__file__).parent
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", type=int, nargs=3, default=(128, 128, 112))
    options.add_argument("--patch", type=int, default=64)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--stock", action="store_true", help="stock Keras layers too")
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = [folder, *map(str, told.size), str(told.patch)]
        monai = [peer_python(), str(HERE / "sliding_window_monai.py"), *work]
        ours = [sys.executable, "-m", "tests.bench.sliding_window_medlab", *work]
        variants = {
            "MONAI": Variant([*monai, "default"]),
            "MONAI channels-last huge pages": Variant([*monai, "best"], HUGE_PAGES),
            "medlab probabilities": Variant([*ours, "probabilities"]),
            "medlab labels": Variant([*ours, "labels"]),
        }
        if told.stock:
            stock = {"MEDLAB_CONVOLUTIONS": "stock"}
            variants["stock Keras labels"] = Variant([*ours, "labels"], stock)
        size = " x ".join(map(str, told.size))
        figures = compare(
            variants,
            base="MONAI",
            rounds=told.rounds,
            title=f"Sliding window over {size}, patch {told.patch}",
        )
        theirs, found = (
            np.load(Path(folder) / f"{n}.npy") for n in ("monai", "medlab")
        )
    # MONAI lifts every weight below 0.001 to that, and so averages evenly where patches
    # only meet with their rims: compared is the core, where that moves nothing.
    core = slice(told.patch * 7 // 16, told.patch * 9 // 16)
    apart = np.abs(theirs - found)[core, core].max()
    print(f"\nlargest difference of a probability along the core: {apart:.2g}")
    print(f"labels alike: {(theirs.argmax(-1) == found.argmax(-1)).mean():.6f}")
    base = figures["MONAI"].net_mb
    for name, found_there in figures.items():
        print(f"memory of {name}: {found_there.net_mb / base:.2f} x MONAI's")


if __name__ == "__main__":
    main()
