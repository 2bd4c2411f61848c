"""Blocks cover a grid, read their own zeros, and no step copies a whole volume."""

import itertools

import numpy as np
import pytest

from medlab import ops
from medlab.backend import jax
from medlab.ops._blocks import BLOCK_BYTES, Reach, blocks_of, read

MIB = 2**20


@pytest.mark.parametrize(
    "domain", [(2, 67, 128), (1, 131, 61), (2, 5, 37, 31), (1, 3, 97, 67), (9, 2, 3)]
)
def test_every_place_of_the_grid_is_counted_once(domain):
    blocks = blocks_of(domain, 64, (1,) * (len(domain) - 1))
    counted = np.zeros(domain, int)

    for step in range(blocks.count):
        starts, overlaps = blocks.place(step)
        inside = tuple(
            slice(int(start) + int(overlap or 0), int(start) + size)
            for start, overlap, size in zip(starts, overlaps, blocks.sizes, strict=True)
        )
        counted[inside] += 1

    assert (counted == 1).all()


@pytest.mark.parametrize("rows", [127, 131, 251])
def test_a_prime_number_of_rows_still_gives_full_blocks(rows):
    blocks = blocks_of((1, rows, 128), 32, (1, 1))

    assert blocks.sizes[1] >= 0.9 * BLOCK_BYTES / (4 * 32 * 128)


def test_a_block_reads_zeros_outside_the_array():
    array = np.random.default_rng(0).normal(size=(2, 11, 6, 64)).astype(np.float32)
    blocks = blocks_of((2, 11, 6), 2000, (1, 1))
    reaches = [Reach(), Reach(first=-2, margin=5), Reach(first=-1, margin=2)]
    padded = np.pad(array, [(0, 0), (2, 5), (1, 1), (0, 0)])
    assert blocks.count > 2

    for step in range(blocks.count):
        starts, _ = blocks.place(step)
        found = read(array, blocks, starts, reaches)
        sample, row, column = (int(start) for start in starts)
        _, rows, columns = blocks.sizes
        wanted = padded[
            sample : sample + blocks.sizes[0],
            row : row + rows + 5,
            column : column + columns + 2,
        ]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("way", "shape", "spare_mib"),
    [
        ("onednn", (2, 256, 256, 32), 12),
        ("onednn", (1, 64, 64, 64, 32), 12),
        ("public", (2, 256, 256, 32), 12),
    ],
)
def test_value_and_gradients_need_no_copy_of_the_input(way, shape, spare_mib):
    rank = len(shape) - 2
    x = jax.ShapeDtypeStruct(shape, np.float32)
    kernel = jax.ShapeDtypeStruct(((3,) * rank + (32, 32)), np.float32)

    with ops.with_path(way):
        compiled = jax.jit(
            lambda x, kernel, g: jax.vjp(ops.convolve, x, kernel)[1](g)
        ).lower(x, kernel, x)
        needed = compiled.compile().memory_analysis().temp_size_in_bytes

    # A padded copy of x or of g would add at least as much as x itself.
    x_mib = 4 * np.prod(shape) / MIB
    assert x_mib >= 16
    assert needed / MIB < spare_mib


def test_strides_and_margins_tell_how_much_a_block_reads():
    assert [
        Reach(stride, margin=margin).length(steps)
        for stride, margin, steps in itertools.product((1, 2), (0, 2), (1, 4))
    ] == [1, 4, 3, 6, 1, 7, 3, 9]
