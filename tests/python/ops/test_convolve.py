"""Each path convolves as XLA does: values and both gradients, layer by layer."""

import os
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medlab import ops
from medlab.backend import jax

jnp, lax = jax.numpy, jax.lax

LONG = os.environ.get("MEDLAB_LONG") == "1"
AXES = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NHWDC", "HWDIO", "NHWDC")}

# Shape of x, of the kernel, and the settings that differ from the defaults.
LAYERS = {
    "2D kernel 3": ((2, 7, 8, 3), (3, 3, 3, 5), {}),
    "2D kernel 1": ((2, 7, 8, 6), (1, 1, 6, 4), {}),
    "2D kernel 2": ((1, 9, 5, 6), (2, 2, 6, 3), {}),
    "2D kernel 5": ((1, 9, 11, 5), (5, 5, 5, 2), {}),
    "2D kernel 1x3": ((1, 9, 11, 5), (1, 3, 5, 2), {}),
    "2D one input channel": ((2, 11, 13, 1), (3, 3, 1, 8), {}),
    "2D one voxel wide": ((2, 1, 9, 6), (3, 3, 6, 4), {}),
    "2D one voxel": ((3, 1, 1, 6), (3, 3, 6, 4), {}),
    "2D many channels, few voxels": ((2, 2, 3, 160), (3, 3, 160, 96), {}),
    "2D prime rows in blocks": ((1, 67, 128, 32), (3, 3, 32, 4), {}),
    "2D many small images": ((300, 4, 4, 16), (3, 3, 16, 4), {}),
    "2D stride 2": ((2, 9, 8, 6), (3, 3, 6, 4), {"strides": 2}),
    "2D stride 2, one pad": (
        (2, 8, 8, 6),
        (3, 3, 6, 4),
        {"strides": 2, "padding": [(1, 1), (1, 1)]},
    ),
    "2D stride 2, kernel 7, one channel": (
        (1, 19, 18, 1),
        (7, 7, 1, 4),
        {"strides": 2},
    ),
    "2D stride 3 by 1, kernel 2": ((1, 11, 7, 6), (2, 2, 6, 4), {"strides": (3, 1)}),
    "2D stride 2, kernel 1": ((1, 9, 8, 6), (1, 1, 6, 4), {"strides": 2}),
    "2D stride 2, prime rows in blocks": (
        (1, 131, 64, 32),
        (3, 3, 32, 4),
        {"strides": 2, "padding": "valid"},
    ),
    "2D dilation 2 by 3": ((1, 11, 12, 6), (3, 3, 6, 4), {"dilation": (2, 3)}),
    "2D stride 2 and dilation 2": (
        (1, 11, 12, 6),
        (3, 3, 6, 4),
        {"strides": 2, "dilation": 2},
    ),
    "2D two groups": ((2, 7, 8, 6), (3, 3, 3, 4), {"groups": 2}),
    "2D two groups, stride 2": (
        (2, 7, 8, 6),
        (3, 3, 3, 4),
        {"groups": 2, "strides": 2},
    ),
    "2D each channel apart": ((2, 7, 8, 6), (3, 3, 1, 6), {"groups": 6}),
    "2D more padding than the kernel sees": (
        (1, 5, 6, 5),
        (3, 3, 5, 2),
        {"padding": [(4, 0), (0, 5)]},
    ),
    "3D kernel 3": ((2, 7, 8, 9, 3), (3, 3, 3, 3, 5), {}),
    "3D kernel 1": ((1, 4, 5, 3, 6), (1, 1, 1, 6, 2), {}),
    "3D kernel 1x3x3": ((1, 7, 8, 9, 6), (1, 3, 3, 6, 4), {}),
    "3D kernel 2": ((1, 5, 6, 7, 6), (2, 2, 2, 6, 4), {}),
    "3D kernel 5": ((1, 7, 6, 5, 5), (5, 5, 5, 5, 2), {}),
    "3D one input channel": ((2, 7, 8, 9, 1), (3, 3, 3, 1, 4), {}),
    "3D one slice": ((1, 1, 8, 9, 6), (3, 3, 3, 6, 4), {}),
    "3D many channels, few voxels": ((2, 2, 2, 3, 96), (3, 3, 3, 96, 64), {}),
    "3D in blocks of a plane": ((2, 5, 37, 31, 24), (3, 3, 3, 24, 4), {}),
    "3D in blocks of part planes": ((1, 2, 97, 67, 48), (3, 3, 3, 48, 2), {}),
    "3D stride 2": ((1, 7, 8, 9, 6), (3, 3, 3, 6, 4), {"strides": 2}),
    "3D stride 1x2x2, uneven pads": (
        (1, 7, 8, 9, 6),
        (1, 3, 3, 6, 4),
        {"strides": (1, 2, 2), "padding": [(0, 0), (1, 1), (2, 0)]},
    ),
    "3D dilation 2, valid": (
        (1, 7, 8, 9, 6),
        (3, 3, 3, 6, 4),
        {"dilation": 2, "padding": "valid"},
    ),
    "3D two groups": ((1, 5, 6, 7, 6), (3, 3, 3, 3, 4), {"groups": 2}),
}


def noise(shape, seed, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def by_xla(x, kernel, strides=1, padding="same", dilation=1, groups=1):
    """Independent of medlab: `lax` reads "same" and "valid" itself."""
    rank = x.ndim - 2
    each = [
        (n,) * rank if isinstance(n, int) else tuple(n) for n in (strides, dilation)
    ]
    return lax.conv_general_dilated(
        x,
        kernel,
        each[0],
        padding.upper() if isinstance(padding, str) else padding,
        rhs_dilation=each[1],
        dimension_numbers=AXES[rank],
        feature_group_count=groups,
    )


def with_gradients(convolution, x, kernel, g):
    y, back = jax.vjp(convolution, x, kernel)
    return {"values": y, **dict(zip(("by x", "by kernel"), back(g), strict=True))}


def layer(name):
    x_shape, kernel_shape, chosen = LAYERS[name]
    x, kernel = noise(x_shape, 1), noise(kernel_shape, 2)
    y = jax.eval_shape(lambda x, kernel: by_xla(x, kernel, **chosen), x, kernel)
    return x, kernel, noise(y.shape, 3)


@cache
def results(way, rank):
    """Every layer of one rank in one program: compiling is what costs."""
    given = {name: layer(name) for name in LAYERS if name.startswith(rank)}

    @jax.jit
    def all_layers(given):
        found = {}
        for name, (x, kernel, g) in given.items():
            chosen = LAYERS[name][2]

            def convolution(x, kernel, chosen=chosen):
                if way == "XLA":
                    return by_xla(x, kernel, **chosen)
                return ops.convolve(x, kernel, **chosen)

            found[name] = with_gradients(convolution, x, kernel, g)
        return found

    if way == "XLA":
        return jax.device_get(all_layers(given))
    with ops.with_path(way):
        return jax.device_get(all_layers(given))


def assert_rounding_only(found, wanted):
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found / scale, wanted / scale, rtol=0, atol=3e-6)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("way", ["onednn", "public"])
def test_values_and_gradients_are_those_of_xla(way, name):
    wanted = results("XLA", name[:2])[name]

    found = results(way, name[:2])[name]

    for part in wanted:
        assert_rounding_only(found[part], wanted[part])


@pytest.mark.parametrize("name", ["2D stride 2", "2D two groups"])
def test_the_stock_path_is_xla_to_the_last_bit(name):
    x, kernel, _ = layer(name)
    chosen = LAYERS[name][2]

    with ops.with_path("stock"):
        found = ops.convolve(x, kernel, **chosen)

    np.testing.assert_array_equal(found, by_xla(x, kernel, **chosen))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("way", ["onednn", "public"])
def test_short_floats_give_what_xla_gives_to_the_last_bit(way, dtype):
    x, kernel = (noise(s, 1).astype(dtype) for s in ((1, 7, 8, 4), (3, 3, 4, 2)))

    with ops.with_path(way):
        found = ops.convolve(x, kernel)

    assert found.dtype == dtype
    np.testing.assert_array_equal(found, by_xla(x, kernel))


@st.composite
def random_layers(draw):
    rank = draw(st.sampled_from([2, 3]))
    groups = draw(st.sampled_from([1, 1, 2]))
    few = st.integers(1, 3)
    return (
        tuple(draw(st.integers(1, 9)) for _ in range(rank)),
        tuple(draw(st.integers(1, 5)) for _ in range(rank)),
        draw(few),
        draw(st.integers(1, 9)),
        draw(few),
        {
            "strides": tuple(draw(few) for _ in range(rank)),
            "dilation": tuple(draw(st.integers(1, 2)) for _ in range(rank)),
            "padding": draw(st.sampled_from(["same", [(draw(few), draw(few))] * rank])),
            "groups": groups,
        },
    )


@pytest.mark.parametrize("way", ["onednn", "public"])
@settings(
    max_examples=150 if LONG else 3,
    deadline=None,
    derandomize=not LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(drawn=random_layers())
def test_layers_drawn_at_random_are_those_of_xla(way, drawn):
    sizes, kernels, batch, channels, outputs, chosen = drawn
    groups = chosen["groups"]
    x = noise((batch, *sizes, channels * groups), 1)
    kernel = noise((*kernels, channels, outputs * groups), 2)
    y = jax.eval_shape(lambda x, kernel: by_xla(x, kernel, **chosen), x, kernel)
    if 0 in y.shape:
        return
    g = noise(y.shape, 3)

    with ops.with_path(way):
        found = jax.jit(
            lambda *given: with_gradients(
                lambda x, kernel: ops.convolve(x, kernel, **chosen), *given
            )
        )(x, kernel, g)

    wanted = jax.jit(
        lambda *given: with_gradients(
            lambda x, kernel: by_xla(x, kernel, **chosen), *given
        )
    )(x, kernel, g)
    for part in wanted:
        assert_rounding_only(np.asarray(found[part]), np.asarray(wanted[part]))
