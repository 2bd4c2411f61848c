"""Up-sampling is XLA's transposed convolution with kernel = strides."""

import numpy as np
import pytest

from medlab import ops
from medlab.backend import jax

jnp, lax = jax.numpy, jax.lax

AXES = {2: ("NHWC", "HWIO", "NHWC"), 3: ("NHWDC", "HWDIO", "NHWDC")}


def by_xla(x, kernel):
    size = kernel.shape[:-2]
    turned = jnp.flip(kernel, tuple(range(len(size))))
    axes = AXES[len(size)]
    return lax.conv_transpose(x, turned, size, "VALID", dimension_numbers=axes)


@pytest.mark.parametrize("path", ["onednn", "public", "stock"])
@pytest.mark.parametrize(
    ("shape", "size"), [((2, 3, 4, 5), (2, 2)), ((1, 2, 3, 2, 3), (2, 1, 3))]
)
def test_values_and_gradients_are_those_of_xla(path, shape, size):
    if path == "onednn" and ops.path() != "onednn":
        pytest.skip("this machine lacks the kernel")
    draw = np.random.default_rng(0).normal
    x = draw(size=shape).astype(np.float32)
    kernel = draw(size=(*size, shape[-1], 4)).astype(np.float32)

    def all_of(grow):
        y, back = jax.vjp(grow, x, kernel)
        return y, *back(jnp.cos(y))

    with ops.with_path(path):
        ours = jax.jit(lambda: all_of(ops.upsample))()

    for mine, theirs in zip(ours, jax.jit(lambda: all_of(by_xla))(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_the_channels_of_a_voxel_become_a_block():
    x = np.arange(8.0).reshape(1, 1, 2, 4)

    assert ops.blocks_to_space(x, (2, 2))[0, :, :, 0].tolist() == [
        [0, 1, 4, 5],
        [2, 3, 6, 7],
    ]
