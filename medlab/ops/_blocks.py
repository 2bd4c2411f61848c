"""Blocks of an array that fit the processor's cache, each read with its margin.

A block may ask for voxels outside the array: those are zeros, as a convolution's padding is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medlab.backend import jax

jnp, lax = jax.numpy, jax.lax

# Half of a core's second-level cache today; twice and a quarter of it are slower.
BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Reach:
    """What a block needs along one axis of one array.

    Attributes:
        stride: Voxels of the array a step of the block's own grid.
        first: Where the block at 0 starts to read, in voxels; below 0 lies padding.
        margin: Voxels read beyond the last step.
    """

    stride: int = 1
    first: int = 0
    margin: int = 0

    def length(self, steps: int) -> int:
        return (steps - 1) * self.stride + self.margin + 1


@dataclass(frozen=True)
class Blocks:
    """A grid cut into equal blocks, batch axis first.

    Attributes:
        domain: Sizes of the grid.
        sizes: Sizes of a block. Where they do not divide the grid, the last block moves
            back to end with it.
    """

    domain: tuple[int, ...]
    sizes: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(
            -(-d // size) for d, size in zip(self.domain, self.sizes, strict=True)
        )

    @property
    def count(self) -> int:
        return math.prod(self.counts)

    def place(self, step: Any) -> tuple[list[Any], list[Any]]:
        """Where block number `step` starts, and how much of it was in the one before.

        Starts are plain integers along axes with one block only. Overlaps are `None`
        along axes that the blocks divide.
        """
        starts: list[Any] = []
        overlaps: list[Any] = []
        for count, size, whole in zip(
            reversed(self.counts),
            reversed(self.sizes),
            reversed(self.domain),
            strict=True,
        ):
            if count == 1:
                starts.append(0)
                overlaps.append(None)
                continue
            start = step % count * size
            step = step // count
            moved_back = jnp.minimum(start, whole - size)
            starts.append(start if whole % size == 0 else moved_back)
            overlaps.append(None if whole % size == 0 else start - moved_back)
        return starts[::-1], overlaps[::-1]


def blocks_of(domain: Sequence[int], channels: int, strides: Sequence[int]) -> Blocks:
    """Blocks of whole rows along the first spatial axis, of whole samples, or of part rows.

    Args:
        domain: Sizes of the grid, batch axis first.
        channels: Numbers a voxel of the array that is read.
        strides: Voxels of that array a step of the grid, one a spatial axis.
    """
    samples, rows, *rest = domain
    row_bytes = 4 * channels * math.prod(rest) * math.prod(strides)
    fits = max(1, BLOCK_BYTES // max(1, row_bytes))
    if fits >= rows:
        return Blocks(tuple(domain), (_evenly(samples, fits // rows), rows, *rest))
    if len(rest) == 2 and row_bytes > 4 * BLOCK_BYTES:
        # A whole plane of a large volume: a slice of it is enough.
        line_bytes = max(1, row_bytes // rest[0])
        rest[0] = _evenly(rest[0], max(1, 2 * BLOCK_BYTES // line_bytes))
    return Blocks(tuple(domain), (1, _evenly(rows, fits), *rest))


def _evenly(whole: int, most: int) -> int:
    """The size that cuts `whole` in as few parts as `most` does, as equal as can be."""
    return math.ceil(whole / math.ceil(whole / most))


def read(
    array: Any, blocks: Blocks, starts: Sequence[Any], reaches: Sequence[Reach]
) -> Any:
    """One block of `array` with its margin, zeros where it reaches outside.

    Args:
        array: `(B, *spatial, C)`.
        starts: Where the block starts on the grid of `blocks`, from `Blocks.place`.
        reaches: What it needs of the array, axis by axis, batch first.
    """
    from_: list[Any] = []
    again: list[Any] = []
    lengths, around = [], []
    for size, whole, steps, start, reach in zip(
        array.shape, blocks.domain, blocks.sizes, starts, reaches, strict=False
    ):
        length = reach.length(steps)
        wanted = start * reach.stride + reach.first
        last = (whole - steps) * reach.stride + reach.first
        zeros = (max(0, -reach.first), max(0, last + length - size))
        if isinstance(wanted, int):
            low, high = max(0, wanted), min(size, wanted + length)
            zeros = (min(length, zeros[0]), min(length, zeros[1]))
            from_.append(low)
            lengths.append(max(0, high - low))
            again.append(0)
        else:
            inside = min(length, size)
            at = jnp.clip(wanted, 0, size - inside) if any(zeros) else wanted
            from_.append(at)
            lengths.append(inside)
            again.append(zeros[0] + wanted - at if any(zeros) else 0)
        around.append(zeros)
    channels = array.shape[-1]
    block = lax.dynamic_slice(array, (*from_, 0), (*lengths, channels))
    if any(map(any, around)):
        block = jnp.pad(block, [*around, (0, 0)])
    wide = [
        reach.length(steps) for reach, steps in zip(reaches, blocks.sizes, strict=True)
    ]
    if block.shape[:-1] != tuple(wide):
        block = lax.dynamic_slice(block, (*again, 0), (*wide, channels))
    return block
