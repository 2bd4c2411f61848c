"""Blocks of an array that fit the processor's cache, each read with its margin.

A block may ask for voxels outside the array: those are zeros, as a convolution's padding is.
"""

import math
from collections.abc import Callable, Sequence
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


def blocks_of_voxels(domain: Sequence[int], voxels: int, even: Sequence[int]) -> Blocks:
    """Blocks of about so many voxels: whole planes, whole samples, or some lines.

    Args:
        domain: Sizes of the grid, batch axis first.
        voxels: How many a block shall have at most.
        even: Axes along which blocks have even sizes and margins; the grid is even there,
            too. Up to 2.5 times as many voxels are taken where that saves cutting one.
    """
    sizes: list[int] = []
    for axis, whole in reversed(list(enumerate(domain))):
        step, most = (2, 2.5 * voxels) if axis in even else (1, voxels)
        inner = step * math.prod(sizes)
        fits = whole // step
        if fits * inner > most:
            fits = max(1, voxels // inner)
        sizes.insert(0, step * _evenly(whole // step, fits))
    return Blocks(tuple(domain), tuple(sizes))


def _evenly(whole: int, most: int) -> int:
    """The size that cuts `whole` in as few parts as `most` does, as equal as can be."""
    return math.ceil(whole / math.ceil(whole / most))


def read(
    array: Any, blocks: Blocks, starts: Sequence[Any], *reaches: Sequence[Reach]
) -> Any:
    """One block of `array` with its margin, zeros where it reaches outside.

    Args:
        array: `(B, *spatial, C)`.
        blocks: The grid in blocks.
        starts: Where the block starts on it, from `Blocks.place`.
        *reaches: What it needs of the array, axis by axis, batch first. Several readings
            of the same size stand channel beside channel.

    Returns:
        `(*sizes, readings * C)`.
    """
    cuts = [
        [
            _cut(size, whole, steps, start, [r[axis] for r in reaches], reach[axis])
            for axis, (size, whole, steps, start) in enumerate(
                zip(array.shape, blocks.domain, blocks.sizes, starts, strict=False)
            )
        ]
        for reach in reaches
    ]
    channels = array.shape[-1]
    parts = []
    for cut in cuts:
        part = lax.dynamic_slice(
            array, (*(c.start for c in cut), 0), (*(c.length for c in cut), channels)
        )
        for exists in [c.exists for c in cut if c.exists is not None]:
            part = jnp.where(exists, part, 0)
        parts.append(part)
    wide = tuple(c.wide for c in cuts[0])
    if all(part.shape[:-1] == wide for part in parts):
        return parts[0] if len(parts) == 1 else jnp.concatenate(parts, -1)
    # Written into zeros, not padded: XLA would pad and cut in one slow loop.
    block = jnp.zeros((*wide, len(parts) * channels), array.dtype)
    for number, (cut, part) in enumerate(zip(cuts, parts, strict=True)):
        at = (*(c.to for c in cut), number * channels)
        block = lax.dynamic_update_slice(block, part, at)
    return block[tuple(slice(c.skip, c.skip + c.wanted) for c in cuts[0])]


@dataclass(frozen=True)
class _Cut:
    """How a block is read along one axis.

    Attributes:
        start, length: What to read of the array.
        wide: Size of the zeros that it is written to.
        to: Where in these.
        skip, wanted: Which part of these is the block.
        exists: Whether the only row of the block lies inside; None where that is known.
    """

    start: Any
    length: int
    wide: int
    to: Any
    skip: int
    wanted: int
    exists: Any = None


def _cut(
    size: int,
    whole: int,
    steps: int,
    start: Any,
    together: Sequence[Reach],
    reach: Reach,
) -> _Cut:
    length = reach.length(steps)
    begin = start * reach.stride + reach.first
    if isinstance(begin, int):
        low, high = min(size, max(0, begin)), max(0, min(size, begin + length))
        to = min(length, max(0, -begin))
        return _Cut(low, max(0, high - low), length, to, 0, length)
    before = max(0, *(-r.first for r in together))
    after = max(
        0,
        *((whole - steps) * r.stride + r.first + length - size for r in together),
    )
    held = min(length, size)
    at = jnp.clip(begin, 0, size - held)
    if length == 1 and (before or after):
        return _Cut(at, 1, 1, 0, 0, 1, at == begin)
    wide = before + length + after
    return _Cut(at, held, wide, after + at - begin, after, length)


def without(block: Any, axis: int, count: Any) -> Any:
    """The block with its first `count` entries along an axis set to zero."""
    place = lax.broadcasted_iota(jnp.int32, block.shape, axis)
    return jnp.where(place >= count, block, 0)


def in_blocks(of_block: Callable[[Any], Any], count: int) -> Any:
    """The sum of `of_block(step)` over all steps; an array, or a tree of arrays."""
    if count == 1:
        return of_block(0)

    def add(total: Any, step: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, of_block(step)), None

    nothing = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(of_block, 0)
    )
    total, _ = lax.scan(add, nothing, jnp.arange(count))
    return total
