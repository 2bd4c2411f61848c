"""Normalisation agrees with its formula in double precision, raw CT values included."""

import numpy as np
import pytest

from medlab import MedlabError, ops
from medlab.backend import jax

jnp = jax.numpy
EPSILON = 1e-5


@pytest.fixture(autouse=True)
def _fast_path():
    with ops.with_path("public"):
        yield


def formula(x, gamma, beta, dy, axes):
    """Values and gradients in NumPy's float64, from the textbook's closed form."""
    x, gamma, beta, dy = (np.asarray(a, np.float64) for a in (x, gamma, beta, dy))
    deviation = x - x.mean(axes, keepdims=True)
    scale = 1 / np.sqrt((deviation**2).mean(axes, keepdims=True) + EPSILON)
    unit = deviation * scale
    by_unit = dy * gamma
    mean_unit = (by_unit * unit).mean(axes, keepdims=True)
    dx = scale * (by_unit - by_unit.mean(axes, keepdims=True) - unit * mean_unit)
    others = tuple(range(x.ndim - gamma.ndim))
    return unit * gamma + beta, dx, (dy * unit).sum(others), dy.sum(others)


def ours(normalise, x, gamma, beta, dy):
    @jax.jit
    def all_of(x, gamma, beta, dy):
        y, back = jax.vjp(normalise, x, gamma, beta)
        return y, *back(dy)

    return [np.asarray(a) for a in all_of(x, gamma, beta, dy)]


def instance_norm(x, gamma, beta):
    return ops.instance_norm(x, gamma, beta, EPSILON)


def made_up(shape, mean=0.0, spread=1.0):
    draw = np.random.default_rng(0).normal
    channels = shape[-1]
    x = (mean + spread * draw(size=shape)).astype(np.float32)
    gamma, beta = draw(size=(2, channels)).astype(np.float32)
    return x, gamma, beta, draw(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(2, 9, 11, 3), (2, 6, 7, 5, 4), (1, 1, 2, 1)])
def test_an_instance_is_normalised_by_itself(shape):
    inputs = made_up(shape, mean=3, spread=2)

    for mine, theirs in zip(
        ours(instance_norm, *inputs),
        formula(*inputs, axes=tuple(range(1, len(shape) - 1))),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("mean", "spread"), [(1000, 1), (-1024, 0.5), (100_000, 30), (0, 1e-3), (5e8, 1e6)]
)
def test_values_far_from_zero_lose_no_digits(mean, spread):
    inputs = made_up((2, 24, 20, 12, 2), mean, spread)
    axes = (1, 2, 3)

    y, dx, *_ = ours(instance_norm, *inputs)

    theirs = formula(*inputs, axes=axes)
    np.testing.assert_allclose(y, theirs[0], atol=1e-4)
    np.testing.assert_allclose(dx * spread, theirs[1] * spread, atol=1e-4)


def test_the_naive_formula_would_fail_on_raw_ct_values():
    # Shows that the test above can fail: the mean of squares has no digit left.
    x, *_ = made_up((1, 24, 20, 12, 1), 10_000, 1)

    variance = (x * x).mean(dtype=np.float32) - x.mean(dtype=np.float32) ** 2

    assert abs(variance - x.var(dtype=np.float64)) > 0.5


def test_one_wild_voxel_among_those_looked_at_first_does_no_harm():
    x, gamma, beta, dy = made_up((1, 32, 32, 32, 1), 1000, 1)
    x[0, 0, 0, 0, 0] = 1e6

    y, *_ = ours(instance_norm, x, gamma, beta, dy)

    expected = formula(x, gamma, beta, dy, axes=(1, 2, 3))[0]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-4)


def test_an_even_image_becomes_the_offset():
    x = np.full((1, 5, 6, 2), -1024, np.float32)

    y, dx, *_ = ours(
        instance_norm, x, np.ones(2, "f"), np.array([0, 3], "f"), np.ones_like(x)
    )

    assert np.unique(y[..., 0]).tolist() == [0]
    assert np.unique(y[..., 1]).tolist() == [3]
    assert np.isfinite(dx).all()


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_a_group_of_channels_is_normalised_together(groups):
    x, gamma, beta, dy = made_up((2, 5, 6, 4, 6), mean=50)
    apart = (2, 5, 6, 4, groups, 6 // groups)
    expected = formula(
        x.reshape(apart),
        gamma.reshape(apart[4:]),
        beta.reshape(apart[4:]),
        dy.reshape(apart),
        axes=(1, 2, 3, 5),
    )

    got = ours(
        lambda *a: ops.group_norm(*a, EPSILON, groups=groups), x, gamma, beta, dy
    )

    for mine, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(
            mine, theirs.reshape(mine.shape), rtol=2e-4, atol=2e-4
        )


@pytest.mark.parametrize("mean", [0, 1000])
def test_a_batch_is_normalised_together_and_tells_its_moments(mean):
    inputs = made_up((3, 7, 8, 4), mean)

    got = ours(lambda *a: ops.batch_norm(*a, EPSILON)[0], *inputs)
    _, found_mean, found_variance = ops.batch_norm(*inputs[:3], EPSILON)

    for mine, theirs in zip(got, formula(*inputs, axes=(0, 1, 2)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-4, atol=2e-4)
    x = inputs[0].astype(np.float64)
    np.testing.assert_allclose(found_mean, x.mean((0, 1, 2)), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found_variance, x.var((0, 1, 2)), rtol=1e-4)


def test_half_precision_is_summed_in_single():
    x, gamma, beta, _ = made_up((1, 16, 16, 16, 1), 100, 20)
    half = jnp.asarray(x, jnp.bfloat16)

    y = instance_norm(half, gamma, beta)

    assert y.dtype == jnp.bfloat16
    expected = formula(half.astype("float32"), gamma, beta, x, axes=(1, 2, 3))[0]
    np.testing.assert_allclose(y.astype("float32"), expected, rtol=0.01, atol=0.01)


def test_the_stock_path_gives_the_same():
    inputs = made_up((2, 5, 6, 4), 1000)

    with ops.with_path("stock"):
        stock = ours(instance_norm, *inputs)

    for mine, theirs in zip(ours(instance_norm, *inputs), stock, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-3)


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(MedlabError, match="groups must divide the 6 channels, got 4"):
        ops.group_norm(np.zeros((1, 2, 2, 6), "f"), np.ones(6), np.zeros(6), groups=4)
