"""The window: where it stands on an image, how its voxels count, what fits in memory.

Along each axis the places and weights are lists of their own, and a voxel's weight is
the product of three numbers. So how often, and how much, a voxel was looked at need not
be kept for every voxel: it is a product of three lists too.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError

_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Window:
    """How an image is walked, patch by patch.

    Args:
        patch: What the model sees at a time, in voxels along each axis.
        overlap: Share of a patch, along each axis, that the next one sees again.
        mirror: Axes along which the image is mirrored too, in all combinations.
        memory_mb: Most memory (MiB) that the patches' sum may take on the device; None:
            as much as it needs.

    Raises:
        MedlabError: If a side, the overlap, an axis or the memory cannot be.
    """

    patch: tuple[int, ...]
    overlap: float = 0.5
    mirror: tuple[int, ...] = ()
    memory_mb: float | None = None

    def __post_init__(self) -> None:
        rank = len(self.patch)
        if not 0 <= self.overlap < 1:
            raise MedlabError(
                "overlap is the share of a patch that the next one sees again, from 0 "
                f"to below 1, got {self.overlap}. 0.5 is usual.",
                code="bad-window",
            )
        if any(axis not in range(rank) for axis in self.mirror):
            raise MedlabError(
                f"mirror names axes from 0 to {rank - 1}, got {list(self.mirror)}. "
                "Leave it out to mirror along none.",
                code="bad-window",
            )

    @property
    def flips(self) -> list[tuple[bool, ...]]:
        """Every combination of mirrored axes, the image as it is first."""
        axes = sorted(set(self.mirror))
        chosen = itertools.product((False, True), repeat=len(axes))
        return [
            tuple(axis in axes and flip[axes.index(axis)] for axis in range(self.rank))
            for flip in chosen
        ]

    @property
    def rank(self) -> int:
        return len(self.patch)

    def starts(self, size: Sequence[int]) -> list[list[int]]:
        """Where patches begin along each axis of an image at least as large as one.

        Evenly spread, first and last flush with the edges.

        Example:
            >>> Window((4, 4)).starts((8, 4))
            [[0, 2, 4], [0]]
        """
        along = []
        for extent, side in zip(size, self.patch, strict=True):
            step = max(1, int(side * (1 - self.overlap)))
            count = max(1, -(-(extent - side) // step) + 1)
            places = np.linspace(0, extent - side, count).round().astype(int)
            along.append([int(place) for place in places])
        return along

    def weights(self) -> list[NDArray[np.float32]]:
        """How much a patch's voxels count along each axis: most in its middle.

        Source:
            Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z: a Gaussian
            of an eighth of the patch.
        """
        found = []
        for side in self.patch:
            far = (np.arange(side) - (side - 1) / 2) / (side / 8)
            found.append(np.exp(-0.5 * far**2).astype(np.float32))
        return found

    def sums(self, size: Sequence[int]) -> list[NDArray[np.float32]]:
        """Along each axis, the weights of all patches added up, voxel by voxel."""
        found = []
        for extent, starts, weight in zip(
            size, self.starts(size), self.weights(), strict=True
        ):
            total = np.zeros(extent, np.float32)
            for start in starts:
                total[start : start + len(weight)] += weight
            found.append(total)
        return found

    def strips(
        self, size: Sequence[int], *, images: int, channels: int, classes: int
    ) -> list["Strip"]:
        """Cut an image along axis 1 so that each strip's sum fits into memory.

        Patches that reach into two strips are looked at for each of them.

        Raises:
            MedlabError: If not even the narrowest strip fits.
        """
        starts = self.starts(size)[1]
        most = float("inf") if self.memory_mb is None else self.memory_mb * 2**20
        # A plane's sum, its successor while it moves on, and the image's own planes.
        numbers = (
            images * self.patch[0] * int(np.prod(size[2:])) * (2 * classes + channels)
        )
        least = float("inf")
        for count in range(1, max(2, 2 * len(starts))):
            edges = np.linspace(0, size[1], count + 1).round().astype(int).tolist()
            found = [
                Strip.of(first, last, starts, self.patch[1])
                for first, last in itertools.pairwise(edges)
            ]
            widest = max(strip.high - strip.low for strip in found)
            least = min(least, numbers * widest * _FLOAT_BYTES)
            if least <= most:
                return found
        raise MedlabError(
            f"This window needs {least / 2**20:.3g} MiB at least, memory_mb allows "
            f"{self.memory_mb}. Allow more, or choose a smaller patch.",
            code="out-of-memory",
        )


@dataclass(frozen=True)
class Strip:
    """A part of an image along axis 1, done by itself.

    Args:
        first, last: The planes that it answers for, the last one not included.
        low, high: The planes that its patches reach, likewise.
        starts: Where those patches begin.
    """

    first: int
    last: int
    low: int
    high: int
    starts: tuple[int, ...]

    @classmethod
    def of(cls, first: int, last: int, starts: Sequence[int], side: int) -> "Strip":
        touching = tuple(s for s in starts if s < last and s + side > first)
        return cls(first, last, touching[0], touching[-1] + side, touching)


def pad_to(
    images: NDArray[np.float32], patch: Sequence[int]
) -> tuple[NDArray[np.float32], tuple[slice, ...]]:
    """Pad images to a patch at least, evenly, each with its own lowest intensity.

    Args:
        images: `(B, H, W[, D], C)`.
        patch: Least size along each axis.

    Returns:
        The padded images, and where along each axis the images lie in them.
    """
    sizes = images.shape[1:-1]
    lows = [max(side - n, 0) // 2 for n, side in zip(sizes, patch, strict=True)]
    inner = tuple(slice(low, low + n) for low, n in zip(lows, sizes, strict=True))
    padded = tuple(max(n, side) for n, side in zip(sizes, patch, strict=True))
    if padded == sizes:
        return images, inner
    axes = tuple(range(1, images.ndim))
    lowest = images.min(axis=axes, keepdims=True)
    shape = (images.shape[0], *padded, images.shape[-1])
    filled = np.broadcast_to(lowest, shape).astype(np.float32)
    filled[(slice(None), *inner)] = images
    return filled, inner


def corners(starts: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """Every first corner, given the places along each axis."""
    return itertools.product(*starts)


def as_axes(mirror: Any, rank: int) -> tuple[int, ...]:
    """Read True (all axes), False (none) or axes."""
    if isinstance(mirror, bool) or mirror is None:
        return tuple(range(rank)) if mirror else ()
    return tuple(int(axis) for axis in mirror)
