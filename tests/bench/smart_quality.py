"""Dice of what the tools draw against the 89 structures of `ct-chest`."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

import medlab
from medlab.labels.tools import between, grow, seeds
from medlab.labels.tools._region import box_of, slices
from medlab.samples import place
from tests.support.shapes import dice, drawn_on

SPACING = (0.703125, 0.703125, 2.5)
BETWEEN = {
    **{5: "liver", 51: "heart", 52: "aorta", 1: "spleen", 2: "kidney right"},
    **{14: "lung lower lobe right", 16: "trachea", 63: "inferior vena cava"},
    **{15: "esophagus", 97: "rib left 6", 36: "vertebra T8"},
}
GROW = {
    **{"right lung": (12, 13, 14), "left lung": (10, 11), "liver": (5,)},
    **{"spleen": (1,), "aorta": (52,), "trachea": (16,), "heart": (51,)},
}


def strokes(truth: NDArray[Any], segments: Sequence[int], around: int) -> NDArray[Any]:
    """What a hurried person draws: a disc in every eighth slice of each structure.

    Args:
        truth: The map `(I, J, K)`.
        segments: Which structures.
        around: Id for what is none of them: a frame one voxel wide in those slices.
    """
    drawn = np.zeros_like(truth)
    i, j = np.ogrid[: truth.shape[0], : truth.shape[1]]
    for number in segments:
        mask = truth == number
        for k in range(4, truth.shape[2], 8):
            rows, columns = np.nonzero(mask[:, :, k])
            if len(rows) < 30:
                continue
            middle = int(
                np.argmin(np.hypot(rows - rows.mean(), columns - columns.mean()))
            )
            radius = max(2.0, 0.3 * np.sqrt(len(rows) / np.pi))
            disc = np.hypot(i - rows[middle], j - columns[middle]) <= radius
            drawn[:, :, k][disc & mask[:, :, k]] = number
    others = ~np.isin(truth, segments)
    for k in range(4, truth.shape[2], 8):
        lattice = ((i % 24 == 0) | (j % 24 == 0)) & others[:, :, k]
        drawn[:, :, k][lattice] = around
    return drawn


def between_slices(truth: NDArray[Any]) -> None:
    print(
        "\nBetween: Dice of the slices left out, mean of 11 structures; in brackets the"
    )
    print("nearest drawn slice copied")
    for plane, axis in (("axial", 2), ("coronal", 1)):
        for step in (2, 4, 8):
            rows = [_one_gap(truth == number, axis, step) for number in BETWEEN]
            ours, nearest, seconds = np.mean(rows, axis=0)
            worse = [
                name
                for name, row in zip(BETWEEN.values(), rows, strict=True)
                if row[0] < row[1] - 0.002
            ]
            print(
                f"  {plane:8} every {step}: {ours:.3f} ({nearest:.3f}), {seconds:.2f} s, "
                f"worse than copying: {', '.join(worse) or 'none'}",
                flush=True,
            )


def _one_gap(mask: NDArray[Any], axis: int, step: int) -> tuple[float, float, float]:
    found = box_of(mask)
    assert found is not None
    mask = np.moveaxis(mask[slices(found)], axis, 0)
    last = (len(mask) - 1) // step * step
    mask = np.ascontiguousarray(mask[: last + 1])
    drawn = mask.astype(np.uint8)
    left_out = [n for n in range(last + 1) if n % step]
    drawn[left_out] = 0
    spacing = [SPACING[axis], *(s for n, s in enumerate(SPACING) if n != axis)]
    began = time.perf_counter()
    proposal = between(drawn, segment=1, axis=0, spacing_mm=spacing)
    seconds = time.perf_counter() - began
    filled = drawn_on(drawn, proposal) == 1
    nearest = drawn[[min(last, (n + step // 2) // step * step) for n in left_out]] == 1
    truth = mask[left_out]
    return dice(filled[left_out], truth), dice(nearest, truth), seconds


def growing(voxels: NDArray[Any], truth: NDArray[Any]) -> None:
    print(
        "\nGrow: Dice after one click, tolerance chosen; best of -6, -3, 0, 3 steps of expand"
    )
    rng = np.random.default_rng(1)
    empty = np.zeros_like(truth)
    for name, ids in GROW.items():
        mask = np.isin(truth, ids)
        inner = np.argwhere(ndimage.binary_erosion(mask.T, iterations=3))
        scores = []
        for place_ in inner[rng.integers(0, len(inner), 2)]:
            tried = {}
            for expand in (0, -6, -3, 3):
                proposal = grow(
                    voxels.T,
                    empty.T,
                    **{"segment": 1, "seed": place_, "spacing_mm": SPACING[::-1]},
                    expand=expand,
                    max_mm=180,
                )
                drawn = np.zeros(mask.T.shape, bool)
                drawn[slices(proposal.box)] = proposal.labels == 1
                tried[expand] = dice(drawn, mask.T)
            scores.append((tried[0], max(tried.values())))
        told = "  ".join(f"{first:.3f} (best {best:.3f})" for first, best in scores)
        print(f"  {name:12} {told}", flush=True)


def growing_seeds(voxels: NDArray[Any], truth: NDArray[Any]) -> None:
    print(
        "\nSeeds: a disc in every eighth slice of each structure, a lattice around them"
    )
    names = {5: "liver", 51: "heart", 52: "aorta", 14: "lung lower lobe right"}
    drawn = strokes(truth, [*names, 13], 255)
    block = slice(100, 400), slice(120, 400), slice(0, 133)
    began = time.perf_counter()
    proposal = seeds(
        voxels[block].T,
        drawn[block].T,
        **{"margin_mm": 10, "smoothness": 0.5, "spacing_mm": SPACING[::-1]},
    )
    seconds = time.perf_counter() - began
    found = drawn_on(drawn[block].T, proposal)
    for number, name in names.items():
        score = dice(found == number, number == truth[block].T)
        alone = dice(number == drawn[block].T, number == truth[block].T)
        print(f"  {name:22} {score:.3f} (the strokes alone {alone:.3f})")
    print(f"  {found.size / 1e6:.1f} million voxels in {seconds:.1f} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sample = place("ct-chest", Path(folder) / "sample")
        scan = medlab.open_scan(sample / "cxr.nii.gz")
        truth = medlab.open_labels(sample / "mask.nii.gz").voxels.astype(np.uint8)
    truth = np.asfortranarray(truth)
    between_slices(truth)
    growing_seeds(np.asfortranarray(scan.voxels), truth)
    growing(np.asfortranarray(scan.voxels), truth)


if __name__ == "__main__":
    main()
