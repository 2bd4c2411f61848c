"""Boundary loss: how far from the true outline is what was found?"""

from collections.abc import Sequence
from typing import Any

from medlab.backend import jax
from medlab.train.losses._comparison import Comparison

jnp: Any = jax.numpy

_FAR = 1e12


def boundary(seen: Comparison, *, spacing: Sequence[float] | None = None) -> Any:
    """Mean over labelled voxels of the found share times its distance to the outline.

    Distances count negative inside a segment, so the loss may fall below 0. It says
    little while nothing is found: combine it with another.

    Args:
        seen: Labels and logits. Where nobody labelled is no part of any segment.
        spacing: Size of a voxel along each axis, 1 by default; the unit of the loss.

    Source:
        Kervadec et al., 2019, https://arxiv.org/abs/1812.07032, eq. 5. The distances
        are exact and computed where the loss is, from the patch's own labels.
    """
    truth = seen.truth[..., seen.scored] > 0
    distance = signed_distance(truth, spacing)
    spread = distance * seen.guess[..., seen.scored]
    known = jnp.maximum(jnp.sum(seen.known), 1.0)
    weights = seen.weights[seen.scored]
    return jnp.sum(seen.total(spread) / known * weights) / jnp.sum(weights)


def signed_distance(inside: Any, spacing: Sequence[float] | None = None) -> Any:
    """Measure each voxel's distance to the outline, negative inside.

    Args:
        inside: `(B, H, W[, D], C)` booleans; images and channels apart.
        spacing: Size of a voxel along each axis; 1 by default.

    Returns:
        Same shape, float32. Outside: distance to the nearest voxel inside. Inside:
        minus the distance to the nearest voxel outside, plus 1 voxel (the smallest
        spacing), so that the outline's own voxels have 0. All 0 where an image has no
        outline.
    """
    rank = inside.ndim - 2
    sizes = [1.0] * rank if spacing is None else [float(size) for size in spacing]
    axes = tuple(range(1, rank + 1))
    outside = ~inside
    to_inside = jnp.sqrt(_squared_distance(inside, sizes))
    to_outside = jnp.sqrt(_squared_distance(outside, sizes))
    signed = jnp.where(inside, min(sizes) - to_outside, to_inside)
    both = jnp.any(inside, axes, keepdims=True) & jnp.any(outside, axes, keepdims=True)
    return jnp.where(both, signed, 0.0)


def _squared_distance(targets: Any, sizes: Sequence[float]) -> Any:
    """Squared distance of every voxel to the nearest target.

    Exact, axis by axis: the least, over all places of a line, of what was found there
    plus the squared way to it (Felzenszwalb and Huttenlocher, 2012,
    https://doi.org/10.4086/toc.2012.v008a019, eq. 2, by plain search: lines are short
    and machines are wide).
    """
    found = jnp.where(targets, 0.0, _FAR)
    for axis, size in enumerate(sizes, start=1):
        lines = jnp.moveaxis(found, axis, 0)
        places = jnp.arange(lines.shape[0]) * size
        shape = (-1, *(1,) * (lines.ndim - 1))

        def nearer(
            place: Any, best: Any, lines: Any = lines, places: Any = places
        ) -> Any:
            way = (places - places[place]) ** 2
            return jnp.minimum(best, lines[place] + way.reshape(shape))  # noqa: B023

        least = jax.lax.fori_loop(0, lines.shape[0], nearer, lines)
        found = jnp.moveaxis(least, 0, axis)
    return found
