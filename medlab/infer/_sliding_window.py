"""Sliding window: an image larger than what the model sees, patch by patch.

One compiled program walks all positions and adds up on the device; nothing returns to
Python in between. Neighbouring patches overlap by half, and count most in their middle.

Source:
    Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z: half overlap and a
    Gaussian of an eighth of the patch.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.backend import jax, keras

jnp: Any = jax.numpy


def sliding_window(
    model: keras.Model, image: NDArray[np.float32], patch: Sequence[int]
) -> NDArray[np.float32]:
    """Predict class probabilities for one image or volume.

    Args:
        model: From `(B, *patch, C)` to logits `(B, *patch, classes)`.
        image: `(H, W[, D], C)`, any size: smaller than the patch, it is padded with its
            lowest intensity.
        patch: What the model sees at a time.

    Returns:
        Probabilities `(H, W[, D], classes)`.
    """
    return window_function(model, patch)(image)


def window_function(
    model: keras.Model, patch: Sequence[int]
) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Make a sliding window to call on many images; compiles once a shape."""
    patch = tuple(int(side) for side in patch)
    weights = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    importance = gaussian_importance(patch)

    @partial(jax.jit, donate_argnums=())
    def walk(weights: Any, others: Any, image: Any, starts: Any) -> Any:
        classes = model.output_shape[-1]

        def add(carry: Any, start: Any) -> Any:
            total, counted = carry
            window = jax.lax.dynamic_slice(
                image, (*start, 0), (*patch, image.shape[-1])
            )
            logits, _ = model.stateless_call(
                weights, others, window[None], training=False
            )
            share = jax.nn.softmax(logits[0].astype("float32"), axis=-1)
            share = share * importance[..., None]
            old = jax.lax.dynamic_slice(total, (*start, 0), share.shape)
            total = jax.lax.dynamic_update_slice(total, old + share, (*start, 0))
            old = jax.lax.dynamic_slice(counted, tuple(start), patch)
            counted = jax.lax.dynamic_update_slice(
                counted, old + importance, tuple(start)
            )
            return (total, counted), None

        size = image.shape[:-1]
        empty = jnp.zeros((*size, classes)), jnp.zeros(size)
        (total, counted), _ = jax.lax.scan(add, empty, starts)
        return total / counted[..., None]

    def call(image: NDArray[np.float32]) -> NDArray[np.float32]:
        padded, inner = pad_to(image, patch)
        starts = np.array(window_starts(padded.shape[:-1], patch), np.int32)
        return np.asarray(walk(weights, others, padded, starts))[inner]

    return call


def window_starts(
    size: Sequence[int], patch: Sequence[int], overlap: float = 0.5
) -> list[tuple[int, ...]]:
    """List the first corners of patches that cover an image evenly, edges included.

    Example:
        >>> window_starts((8, 4), (4, 4))
        [(0, 0), (2, 0), (4, 0)]
    """
    along = []
    for extent, side in zip(size, patch, strict=True):
        step = max(1, int(side * (1 - overlap)))
        count = max(1, -(-(extent - side) // step) + 1)
        along.append(np.linspace(0, extent - side, count).round().astype(int).tolist())
    return list(itertools.product(*along))


def gaussian_importance(patch: Sequence[int]) -> NDArray[np.float32]:
    """Weigh a patch's voxels: 1 in the middle, nowhere nothing."""
    weight = np.ones((), np.float64)
    for side in patch:
        far = (np.arange(side) - (side - 1) / 2) / (side / 8)
        weight = weight[..., None] * np.exp(-0.5 * far**2)
    return np.asarray(np.maximum(weight, 1e-3), np.float32)


def pad_to(
    image: NDArray[np.float32], patch: Sequence[int]
) -> tuple[NDArray[np.float32], tuple[slice, ...]]:
    """Pad an image to a patch at least, evenly; return it and where it now lies."""
    pads, inner = [], []
    for size, side in zip(image.shape[:-1], patch, strict=True):
        missing = max(side - size, 0)
        pads.append((missing // 2, missing - missing // 2))
        inner.append(slice(missing // 2, missing // 2 + size))
    if not any(map(any, pads)):
        return image, tuple(inner)
    lowest = float(image.min())
    return np.pad(image, [*pads, (0, 0)], constant_values=lowest), tuple(inner)
