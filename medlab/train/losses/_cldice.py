"""clDice: overlap of centre lines, for vessels and airways that must not be cut."""

from typing import Any

from medlab.backend import jax
from medlab.train.losses._comparison import Comparison

jnp: Any = jax.numpy


def cldice(seen: Comparison, *, iterations: int = 3, smooth: float = 1.0) -> Any:
    """1 - the mean clDice of the segments: are the centre lines inside each other?

    Args:
        seen: Labels and logits.
        iterations: How often a segment is thinned: at least its largest radius in
            voxels.
        smooth: In voxels, added above and below the line.

    Source:
        Shit et al., 2021, https://arxiv.org/abs/2003.07311, algorithms 1 and 2, here
        over the whole batch and segment by segment.
    """
    truth, guess = seen.truth[..., seen.scored], seen.guess[..., seen.scored]
    truth_line = soft_skeleton(truth, seen.known, iterations)
    guess_line = soft_skeleton(guess, seen.known, iterations)

    def share_inside(line: Any, body: Any) -> Any:
        return (seen.total(line * body) + smooth) / (seen.total(line) + smooth)

    precision = share_inside(guess_line, truth)
    sensitivity = share_inside(truth_line, guess)
    score = 2 * precision * sensitivity / (precision + sensitivity)
    weights = seen.weights[seen.scored]
    return jnp.sum((1.0 - score) * weights) / jnp.sum(weights)


def soft_skeleton(image: Any, known: Any, iterations: int) -> Any:
    """Thin `(B, H, W[, D], C)` between 0 and 1 to its centre lines, differentiably.

    Args:
        image: What to thin; channels apart.
        known: `(B, H, W[, D], 1)`. Where it is 0 counts as outside the image.
        iterations: How many layers are taken off.
    """

    def tips(thin: Any) -> tuple[Any, Any]:
        # Fused into one another, the compiler would work out each step many times over.
        eroded = jax.lax.optimization_barrier(_eroded(thin, known))
        opened = jax.lax.optimization_barrier(_dilated(eroded, known))
        return jax.nn.relu(thin - opened), eroded

    def thinner(so_far: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        thin, skeleton = so_far
        found, eroded = tips(thin)
        skeleton = skeleton + jax.nn.relu(found - skeleton * found)
        return (eroded, skeleton), None

    start = (image, jnp.zeros_like(image))
    (_, skeleton), _ = jax.lax.scan(thinner, start, length=iterations + 1)
    return skeleton


def _eroded(image: Any, known: Any) -> Any:
    """The least of a voxel and its neighbours by faces."""
    inside = jnp.where(known > 0, image, 1.0)
    least = inside
    for axis in range(1, image.ndim - 1):
        before, after = _neighbours(inside, axis, outside=1.0)
        least = jnp.minimum(least, jnp.minimum(before, after))
    return least * known


def _dilated(image: Any, known: Any) -> Any:
    """The most of a voxel and its neighbours by faces, edges and corners."""
    most = image
    for axis in range(1, image.ndim - 1):
        before, after = _neighbours(most, axis, outside=0.0)
        most = jnp.maximum(most, jnp.maximum(before, after))
    return most * known


def _neighbours(image: Any, axis: int, *, outside: float) -> tuple[Any, Any]:
    def along(low: int, high: int) -> Any:
        pads = [(low, high) if a == axis else (0, 0) for a in range(image.ndim)]
        padded = jnp.pad(image, pads, constant_values=outside)
        size = image.shape[axis]
        return jax.lax.slice_in_dim(padded, high, high + size, axis=axis)

    return along(1, 0), along(0, 1)
