"""Convolutions by tiles of 2 x 2 outputs are those of XLA, whatever the sizes."""

import numpy as np
import pytest

from medlab import ops
from medlab.backend import jax
from medlab.ops import _winograd
from medlab.ops._blocks import Reach, blocks_of_voxels, read
from medlab.ops._window import window_of
from medlab.ops._winograd import tiled_axes

SHAPES = [
    # input, kernel, padding, dilation
    ((3, 20, 24, 16), (3, 3, 16, 32), "same", 1),
    ((3, 21, 23, 17), (3, 3, 17, 16), "same", 1),
    ((2, 19, 16, 16), (3, 3, 16, 16), "valid", 1),
    ((2, 14, 15, 16), (3, 3, 16, 16), ((0, 3), (2, 1)), 1),
    ((24, 3, 2, 16), (3, 3, 16, 16), "same", 1),
    ((2, 12, 10, 14, 16), (3, 3, 3, 16, 16), "same", 1),
    ((2, 7, 9, 11, 16), (3, 3, 3, 16, 16), "same", 1),
    ((2, 10, 9, 8, 16), (3, 3, 3, 16, 16), "valid", 1),
    ((1, 8, 9, 10, 16), (1, 3, 3, 16, 16), "same", 1),
    ((1, 8, 9, 10, 16), (3, 1, 3, 16, 16), "same", 1),
    ((1, 8, 9, 10, 16), (3, 3, 1, 16, 16), "same", 1),
    ((1, 8, 9, 10, 16), (5, 3, 3, 16, 16), "same", 1),
    ((1, 8, 9, 10, 16), (3, 3, 5, 16, 16), ((1, 1), (0, 2), (3, 1)), 1),
    ((1, 9, 8, 10, 16), (3, 3, 3, 16, 16), "same", (2, 1, 1)),
    ((1, 9, 8, 10, 16), (3, 3, 3, 16, 16), "same", (1, 1, 3)),
]


def _value_and_gradients(shape, kernel_shape, padding, dilation, way):
    draw = np.random.default_rng(0)
    x = draw.normal(size=shape).astype(np.float32)
    kernel = draw.normal(size=kernel_shape).astype(np.float32)

    def convolved(x, kernel):
        return ops.convolve(x, kernel, padding=padding, dilation=dilation)

    @jax.jit
    def value_and_gradients(x, kernel, g):
        y, back = jax.vjp(convolved, x, kernel)
        return y, *back(g)

    g = draw.normal(size=jax.eval_shape(convolved, x, kernel).shape)
    with ops.with_path(way):
        return value_and_gradients(x, kernel, g.astype(np.float32))


WHOLE = _winograd.BLOCK_VOXELS
CASES = [(40, *case) for case in SHAPES] + [(WHOLE, *SHAPES[1]), (WHOLE, *SHAPES[6])]


@pytest.mark.parametrize(("voxels", "shape", "kernel", "padding", "dilation"), CASES)
def test_value_and_gradients_are_those_of_the_stock_path(
    voxels, shape, kernel, padding, dilation, monkeypatch
):
    monkeypatch.setattr(_winograd, "BLOCK_VOXELS", voxels)
    window = window_of(shape, kernel, 1, padding, dilation, 1)
    sizes = window.output_sizes(shape[1:-1], kernel[:-2])
    assert tiled_axes(kernel, window, shape[0] * np.prod(sizes)) is not None

    found = _value_and_gradients(shape, kernel, padding, dilation, "public")

    wanted = _value_and_gradients(shape, kernel, padding, dilation, "stock")
    for one, other in zip(found, wanted, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one / scale, other / scale, atol=3e-6)


@pytest.mark.parametrize(
    ("kernel", "settings"),
    [
        ((3, 3, 16, 16), {"strides": 2}),
        ((3, 3, 16, 16), {"dilation": 2}),
        ((3, 3, 8, 16), {"groups": 2}),
        ((3, 3, 8, 16), {}),
        ((5, 3, 16, 16), {}),
    ],
)
def test_other_kernels_go_the_plain_way(kernel, settings):
    channels = kernel[-2] * settings.get("groups", 1)
    shape = (1, 16, 16, channels)
    settings = {"strides": 1, "dilation": 1, "groups": 1, **settings}
    window = window_of(shape, kernel, padding="same", **settings)

    assert tiled_axes(kernel, window, 10_000) is None


def test_few_voxels_of_many_channels_go_the_plain_way():
    window = window_of((2, 4, 4, 256), (3, 3, 256, 256), 1, "same", 1, 1)

    assert tiled_axes((3, 3, 256, 256), window, 2 * 4 * 4) is None
    assert tiled_axes((3, 3, 256, 256), window, 2 * 32 * 32) is not None


def test_rounding_is_about_that_of_the_plain_formula():
    # Raw intensities with a large mean, the worst that a first layer is given.
    draw = np.random.default_rng(0)
    x = (1000 + 50 * draw.normal(size=(2, 64, 64, 16))).astype(np.float32)
    g = draw.normal(size=(2, 64, 64, 16)).astype(np.float32)
    kernel = np.zeros((3, 3, 16, 16), np.float32)
    padded = np.pad(x.astype(np.float64), [(0, 0), (1, 1), (1, 1), (0, 0)])
    exact = np.array(
        [
            [
                np.einsum("bhwc,bhwo->co", padded[:, i : i + 64, j : j + 64], g)
                for j in range(3)
            ]
            for i in range(3)
        ]
    )

    def error_of(way):
        with ops.with_path(way):
            found = jax.vjp(lambda kernel: ops.convolve(x, kernel), kernel)[1](g)[0]
        return np.abs(found - exact).max() / np.abs(exact).max()

    assert error_of("public") < 4 * error_of("stock") + 1e-7


def test_a_second_derivative_finds_its_way():
    x = np.random.default_rng(0).normal(size=(1, 6, 8, 16)).astype(np.float32)
    kernel = np.random.default_rng(1).normal(size=(3, 3, 16, 16)).astype(np.float32)

    def penalty(x, kernel):
        slope = jax.grad(lambda x: (ops.convolve(x, kernel) ** 3).sum())(x)
        return (slope**2).sum()

    with ops.with_path("public"):
        found = jax.jit(jax.grad(penalty, (0, 1)))(x, kernel)
    with ops.with_path("stock"):
        wanted = jax.jit(jax.grad(penalty, (0, 1)))(x, kernel)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * abs(other).max())


def test_blocks_cover_the_grid_in_even_sizes():
    for domain, even in [((3, 128, 126), [1, 2]), ((2, 37, 96, 96), [2, 3])]:
        blocks = blocks_of_voxels(domain, 4096, even)
        counted = np.zeros(domain, int)
        for step in range(blocks.count):
            starts, overlaps = blocks.place(step)
            counted[
                tuple(
                    slice(int(start) + int(overlap or 0), int(start) + size)
                    for start, overlap, size in zip(
                        starts, overlaps, blocks.sizes, strict=True
                    )
                )
            ] += 1

        assert (counted == 1).all()
        assert all(blocks.sizes[axis] % 2 == 0 for axis in even)
        assert 2048 <= np.prod(blocks.sizes) <= 2.5 * 4096


def test_several_readings_of_one_array_stand_channel_beside_channel():
    array = np.random.default_rng(0).normal(size=(2, 9, 6, 4)).astype(np.float32)
    padded = np.pad(array, [(0, 0), (1, 1), (0, 0), (0, 0)])
    for voxels in (6, 18, 1000):  # one row, several, and all
        blocks = blocks_of_voxels((2, 9, 6), voxels, even=[])
        readings = [[Reach(), Reach(first=shift), Reach()] for shift in (1, 0, -1)]
        for step in range(blocks.count):
            starts, _ = blocks.place(step)
            sample, row, _ = (int(start) for start in starts)
            samples, rows, _ = blocks.sizes
            wanted = [
                padded[sample : sample + samples, 1 + row + shift :][:, :rows]
                for shift in (1, 0, -1)
            ]
            found = read(array, blocks, starts, *readings)
            np.testing.assert_array_equal(found, np.concatenate(wanted, -1))
