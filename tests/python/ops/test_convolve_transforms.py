"""convolve under jax.jit, vmap, checkpoint and second derivatives; and what it refuses."""

import warnings

import numpy as np
import pytest

from medlab import ops
from medlab.backend import jax
from medlab.errors import MedlabError
from medlab.ops import _onednn

jnp, lax = jax.numpy, jax.lax


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def by_xla(x, kernel):
    return lax.conv_general_dilated(
        x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


X, KERNEL = noise((2, 5, 6, 5)), noise((3, 3, 5, 5), 1)


@pytest.fixture(autouse=True, params=["onednn", "public"])
def way(request):
    with ops.with_path(request.param):
        yield request.param


def test_a_mapped_axis_joins_the_batch():
    xs, gs = noise((3, *X.shape)), noise((3, *X.shape), 2)

    def of_one(convolution):
        def both(x, g):
            y, back = jax.vjp(convolution, x, KERNEL)
            return y, *back(g)

        return jax.jit(jax.vmap(both))

    for found, wanted in zip(
        of_one(ops.convolve)(xs, gs), of_one(by_xla)(xs, gs), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mapped", [(None, 0), (0, 0)])
def test_a_kernel_for_each_mapped_entry(mapped):
    x = noise((3, *X.shape)) if mapped[0] == 0 else X
    kernels = noise((3, *KERNEL.shape))

    found = jax.vmap(ops.convolve, mapped)(x, kernels)

    wanted = jax.vmap(by_xla, mapped)(x, kernels)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_checkpointed_block_has_the_same_gradients():
    def block(x, convolution):
        return jnp.tanh(convolution(jnp.tanh(convolution(x, KERNEL)), KERNEL)).sum()

    found = jax.jit(jax.grad(jax.checkpoint(lambda x: block(x, ops.convolve))))(X)

    np.testing.assert_allclose(
        found, jax.grad(lambda x: block(x, by_xla))(X), rtol=1e-4, atol=1e-4
    )


def test_second_derivatives_in_reverse_are_right():
    def penalty(x, kernel, convolution):
        slopes = jax.grad(lambda *at: (convolution(*at) ** 3).sum(), (0, 1))(x, kernel)
        return sum((slope**2).mean() for slope in slopes)

    found, wanted = (
        jax.jit(jax.grad(penalty, (0, 1)), static_argnums=2)(X, KERNEL, convolution)
        for convolution in (ops.convolve, by_xla)
    )

    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())


def test_forward_mode_is_refused_and_left_to_the_stock_path():
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda x: ops.convolve(x, KERNEL), (X,), (X,))

    with ops.with_path("stock"):
        y, _ = jax.jvp(lambda x: ops.convolve(x, KERNEL), (X,), (X,))
    np.testing.assert_allclose(y, by_xla(X, KERNEL), rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(
    not hasattr(jax, "make_user_context"), reason="older JAX keeps what it traced"
)
def test_a_compiled_function_is_traced_anew_on_another_path(way):
    traced = []

    @jax.jit
    def layer(x):
        traced.append(ops.path())
        return ops.convolve(x, KERNEL)

    layer(X)
    with ops.with_path("stock"):
        layer(X)
    layer(X)

    assert traced == [way, "stock"]


def test_programs_that_jax_cannot_keep_are_not_complained_about():
    # The filter is set once in a process; pytest takes it back after each test.
    _onednn._expect_programs_that_cannot_be_kept.cache_clear()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        jax.jit(lambda x: 2 * ops.convolve(x, KERNEL))(X)
        warnings.warn("another", stacklevel=1)

    assert jax.config.jax_compilation_cache_dir
    assert [str(warning.message) for warning in heard] == ["another"]


def test_nothing_in_nothing_out():
    assert ops.convolve(np.zeros((0, 4, 4, 5), np.float32), KERNEL).shape[0] == 0
    found = ops.convolve(np.zeros((1, 2, 2, 5), np.float32), KERNEL, padding="valid")
    assert found.shape == (1, 0, 0, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x": np.zeros((4, 4, 5))},
            "convolve needs x as (B, H, W, C) or (B, H, W, D, C) and a kernel with as "
            "many axes, got 3 and 4 axes. Add or drop an axis with reshape.",
        ),
        (
            {"groups": 2},
            "A kernel of shape (3, 3, 5, 5) in 2 group(s) needs 10 input channels and a "
            "number of outputs that the groups divide, got 5 channels. Check kernel and "
            "groups.",
        ),
        (
            {"strides": (1, 2, 1)},
            "strides needs one number from 1 up, or 2 of them, got (1, 2, 1). Write one "
            "number for all axes.",
        ),
        (
            {"padding": "full"},
            'padding is "same", "valid" or pairs of numbers, got "full". Write "same" to '
            "keep the size.",
        ),
        (
            {"padding": [(1, -1), (0, 0)]},
            "padding needs 2 pairs of numbers from 0 up, got ((1, -1), (0, 0)). Crop x "
            "before the convolution instead of padding with less than nothing.",
        ),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_advice(change, message):
    with pytest.raises(MedlabError) as told:
        ops.convolve(**{"x": X, "kernel": KERNEL} | change)

    assert str(told.value) == message
    assert told.value.code == "bad-convolution"
