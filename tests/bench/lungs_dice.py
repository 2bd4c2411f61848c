"""Dice of both lungs on the slices nobody labelled, default recipe, five slices.

    python -m tests.bench.lungs_dice [--seeds 1 2 3] [--slices 7 13 19 25 31]

Trains on the real chest CT `ct-chest-small` (128 x 128 x 34) in an own process for each
seed, as a user would, and prints a table. The mark: 0.93 for each lung, 2 minutes.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import medlab
from medlab.samples import place
from medlab.train import launch

LUNGS = ["right lung", "left lung"]


def measure(seed: int, slices: list[int], folder: Path) -> dict[str, float]:
    """Train one seed: Dice of each lung, seconds in all and up to the first step."""
    scan = medlab.open_scan(folder / "CTChest4.nrrd")
    truth = medlab.open_labels(folder / "Segmentation.seg.nrrd")
    # Only the five slices are in the file the training gets to see.
    few = truth.select(LUNGS)
    few.voxels[:, :, [k for k in range(few.shape[2]) if k not in slices]] = 0
    labels = few.save(folder / "five-slices.seg.nrrd")
    recipe = medlab.Recipe(
        cases=[
            {
                "scan": str(folder / "CTChest4.nrrd"),
                "labels": str(labels),
                "slices": slices,
            }
        ],
        seed=seed,
    )
    began = time.time()
    run = launch(recipe).wait()
    seconds = time.time() - began
    if run.state != "finished":
        raise SystemExit(f"seed {seed}: {run.state}: {run.summary.message}")
    first = next(m["t"] for m in run.metrics() if m["kind"] == "batch")
    unseen = [k for k in range(scan.shape[2]) if k not in slices]
    scores = medlab.dice(medlab.predict(run, scan), truth, slices=unseen)
    return {**scores, "seconds": seconds, "first step": first - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--slices", type=int, nargs="+", default=[7, 13, 19, 25, 31])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDLAB_HOME"] = str(Path(folder) / ".medlab")
        sample = place("ct-chest-small", Path(folder) / "ct-chest-small")
        print(f"slices {arguments.slices}, load {os.getloadavg()[0]:.1f} of 2 cores")
        print("seed  right lung  left lung  seconds  first step after")
        for seed in arguments.seeds:
            m = measure(seed, arguments.slices, Path(sample))
            print(
                f"{seed:4}  {m['right lung']:10.4f}  {m['left lung']:9.4f}  "
                f"{m['seconds']:7.1f}  {m['first step']:5.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
