"""Dice of what the tools draw against the 89 structures of `ct-chest`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


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


def main() -> None: ...
