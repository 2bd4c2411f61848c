"""Pooling has the values and gradients of XLA's reduce_window, ties included."""

import numpy as np
import pytest

from medlab import MedlabError, ops
from medlab.backend import jax

jnp, lax = jax.numpy, jax.lax

# Shape of x, then size, strides, padding.
WINDOWS = {
    "2D, size 2": ((2, 4, 6, 3), 2, None, "valid"),
    "3D, size 2, odd remainders": ((1, 5, 7, 3, 2), 2, None, "valid"),
    "3D, size 2, cut at the border": ((1, 5, 4, 3, 2), 2, None, "same"),
    "2D, size 3 by 1": ((2, 7, 5, 3), (3, 1), None, "same"),
    "2D, overlapping": ((2, 7, 8, 3), 3, 2, "same"),
    "3D, overlapping": ((1, 5, 6, 4, 2), 3, 2, "valid"),
    "2D, gaps between windows": ((1, 9, 8, 2), 2, 3, "valid"),
    "2D, more places than a byte counts": ((1, 17, 34, 1), 17, None, "valid"),
}


@pytest.fixture(autouse=True)
def _fast_path():
    with ops.with_path("public"):
        yield


def by_xla(x, size, strides, padding, start, join):
    rank = x.ndim - 2
    size = (size,) * rank if isinstance(size, int) else size
    strides = size if strides is None else (strides,) * rank
    window, steps = (1, *size, 1), (1, *strides, 1)
    return lax.reduce_window(x, start, join, window, steps, padding.upper())


def max_by_xla(x, *window):
    return by_xla(x, *window, -jnp.inf, lax.max)


def mean_by_xla(x, *window):
    return by_xla(x, *window, 0.0, lax.add) / by_xla(
        jnp.ones_like(x), *window, 0.0, lax.add
    )


def value_and_gradient(pool, x, window):
    @jax.jit
    def both(x):
        y, back = jax.vjp(lambda x: pool(x, *window), x)
        # Another number for each window, so that a misplaced gradient shows.
        dy = jnp.arange(1, y.size + 1, dtype=x.dtype).reshape(y.shape)
        return y, back(dy)[0]

    return [np.asarray(array) for array in both(x)]


@pytest.mark.parametrize("case", WINDOWS)
def test_the_largest_values_and_their_gradients_are_those_of_xla(case):
    shape, *window = WINDOWS[case]
    # Few different values: many windows hold their largest value twice.
    x = np.random.default_rng(0).integers(-3, 3, shape).astype(np.float32)

    ours = value_and_gradient(ops.max_pool, x, window)

    for mine, theirs in zip(
        ours, value_and_gradient(max_by_xla, x, window), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("case", WINDOWS)
def test_the_means_and_their_gradients_are_those_of_xla(case):
    shape, *window = WINDOWS[case]
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    ours = value_and_gradient(ops.average_pool, x, window)

    for mine, theirs in zip(
        ours, value_and_gradient(mean_by_xla, x, window), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


def test_the_first_of_equal_values_takes_the_gradient():
    x = np.array([[0.0, 7, 7], [7, 7, 0]], np.float32).reshape(1, 2, 3, 1)

    gradient = jax.grad(lambda x: ops.max_pool(x, (2, 3)).sum())(x)

    assert gradient.ravel().tolist() == [0, 1, 0, 0, 0, 0]


def test_what_is_no_number_stays_none():
    x = np.zeros((1, 2, 4, 1), np.float32)
    x[0, 1, 0, 0] = np.nan

    assert np.isnan(ops.max_pool(x, 2).ravel()).tolist() == [True, False]


def test_half_precision_stays_half_precision():
    x = jnp.ones((1, 4, 4, 2), jnp.bfloat16)

    assert ops.max_pool(x, 2).dtype == jnp.bfloat16
    assert ops.average_pool(x, 2, padding="same").dtype == jnp.bfloat16


def test_a_checkpoint_keeps_the_gradient():
    x = np.random.default_rng(0).normal(size=(1, 4, 6, 2)).astype(np.float32)

    def loss(x):
        return (ops.max_pool(jnp.sin(x), 2) ** 2).sum()

    forgetful = jax.checkpoint(loss, policy=ops.REMEMBERED_ONLY)

    np.testing.assert_allclose(jax.grad(forgetful)(x), jax.grad(loss)(x), rtol=1e-6)


def test_another_padding_is_refused():
    with pytest.raises(MedlabError, match="padding must be valid or same, got full"):
        ops.max_pool(np.zeros((1, 4, 4, 1), np.float32), 2, padding="full")
