"""Sliding window: an image larger than what the model sees, patch by patch.

Patches are walked in order of axis 0, and their weighted probabilities are added up on
the device, in a sum as thick as one patch. As soon as no further patch reaches a plane,
the plane is finished and leaves for the result, and the sum moves on. So memory grows
with an image's cross section, not its length; and with `memory_mb` not even with that.

The network is compiled once a patch size (see `_network.py`); what is compiled anew for
an image of another size takes a fraction of a second.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.backend import jax, keras
from medlab.infer._network import Network, at_once, networks
from medlab.infer._window import Strip, Window, as_axes, corners, pad_to

jnp: Any = jax.numpy

Finish = Callable[..., Any]
"""From the sum of some planes and each axis' sum of weights to what is kept of them."""


def sliding_window(
    model: "keras.Model | Sequence[keras.Model]",
    image: NDArray[np.float32],
    patch: Sequence[int],
    *,
    overlap: float = 0.5,
    mirror: bool | Sequence[int] = False,
    memory_mb: float | None = None,
    by_regions: bool = False,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Predict class probabilities for one image or volume.

    Args:
        model: From `(B, *patch, C)` to logits `(B, *patch, classes)`; or several, whose
            probabilities are averaged.
        image: `(H, W[, D], C)`, any size: smaller than the patch, it is padded with its
            lowest intensity. It may be a memory-mapped file: it is read plane by plane.
        patch: What the model sees at a time.
        overlap: Share of a patch, along each axis, that the next one sees again.
        mirror: Average over mirrored images too: True for all axes, or the axes.
        memory_mb: Most memory (MiB) that the sum of patches may take. With less than it
            would like, the image is cut into strips along axis 1, and more patches are
            looked at twice; the result stays the same but for rounding.
        by_regions: Whether each channel is a yes or no of its own (sigmoid).
        out: Where to write the probabilities, for example a memory-mapped file.

    Returns:
        Probabilities `(H, W[, D], classes)`: `out`, if given.

    Raises:
        MedlabError: If the window cannot be, or does not fit into `memory_mb`.
    """
    models = list(model) if isinstance(model, (list, tuple)) else [model]
    rank = image.ndim - 1
    window = Window(
        tuple(int(side) for side in patch), overlap, as_axes(mirror, rank), memory_mb
    )
    looks = networks(models, by_regions=by_regions)
    classes = output_channels(models[0])
    if out is None:
        out = np.empty((*image.shape[:-1], classes), np.float32)
    padded, inner = pad_to(image[None], window.patch)
    for place, planes in walk(looks, padded, window, classes, mean):
        _put(out, place, planes[0], inner)
    return out


def window_labels(
    looks: Sequence[Network],
    images: NDArray[np.float32],
    window: Window,
    *,
    classes: int,
    members: NDArray[np.float32] | None = None,
) -> NDArray[Any]:
    """Find the most likely label of every voxel.

    Args:
        looks: The members of an ensemble.
        images: `(B, H, W[, D], C)`.
        window: How they are walked.
        classes: Channels of the model.
        members: Which label lies in which region, `(regions, labels)`, where the model
            tells regions; see `medlab.train.losses.region_members`.

    Returns:
        Labels `(B, H, W[, D])`.
    """
    padded, inner = pad_to(images, window.patch)
    finish = winner if members is None else partial(winner_of_regions, members=members)
    labels = classes if members is None else members.shape[1]
    found = np.empty(images.shape[:-1], np.uint8 if labels <= 256 else np.uint16)
    for place, planes in walk(looks, padded, window, classes, finish):
        for row, one in zip(found, planes, strict=True):
            _put(row, place, one, inner)
    return found


def walk(
    looks: Sequence[Network],
    images: NDArray[np.float32],
    window: Window,
    classes: int,
    finish: Finish,
) -> Iterator[tuple[tuple[slice, slice], NDArray[Any]]]:
    """Walk all patches; give planes as they are finished.

    Args:
        looks: The members of an ensemble.
        images: `(B, H, W[, D], C)`, at least as large as a patch.
        window: How they are walked.
        classes: Channels of the model.
        finish: What is kept of finished planes.

    Yields:
        Where along axes 0 and 1 finished planes lie, and `(B, planes, ...)`.
    """
    size = images.shape[1:-1]
    strips = window.strips(
        size, images=images.shape[0], channels=images.shape[-1], classes=classes
    )
    for strip in strips:
        yield from _walk_strip(looks, images, window, strip, classes, finish)


def _walk_strip(
    looks: Sequence[Network],
    images: NDArray[np.float32],
    window: Window,
    strip: Strip,
    classes: int,
    finish: Finish,
) -> Iterator[tuple[tuple[slice, slice], NDArray[Any]]]:
    size, thickness = images.shape[1:-1], window.patch[0]
    rows, _, *others = window.starts(size)
    sums = window.sums(size)
    sums[0] = sums[0] * len(looks) * len(window.flips)
    across = slice(strip.first - strip.low, strip.last - strip.low)
    here = [start - strip.low for start in strip.starts]
    most = at_once(window.patch, images=images.shape[0], classes=classes)
    weights = [jnp.asarray(along) for along in window.weights()]
    shape = (images.shape[0], thickness, strip.high - strip.low, *size[2:], classes)
    total = jnp.zeros(shape)
    last: tuple[tuple[slice, slice], Any] | None = None
    for row, following in itertools.pairwise([*rows, size[0]]):
        slab = jnp.asarray(
            np.asarray(
                images[:, row : row + thickness, strip.low : strip.high], np.float32
            )
        )
        for places, count in _together(corners([here, *others]), most):
            patches = _cut(slab, places, window.patch)
            for look, flip in itertools.product(looks, window.flips):
                shares = look(patches, count, flip)
                total = _add(total, shares, weights, places, count)
        done = min(following - row, thickness)
        counts = [sums[0][row : row + done], sums[1][strip.first : strip.last]]
        part = _part(total, done, across.start, across.stop)
        planes = finish(part, [*counts, *sums[2:]])
        if last is not None:
            # One row late: while it is copied, the device is busy with the next row.
            yield last[0], np.asarray(last[1])
        last = (slice(row, row + done), slice(strip.first, strip.last)), planes
        if following < size[0]:
            total = _move_on(total, done)
    if last is not None:
        yield last[0], np.asarray(last[1])


def _together(
    places: Iterator[tuple[int, ...]], most: int
) -> Iterator[tuple[NDArray[np.int32], int]]:
    """Give places `most` at a time, and how many they are; the last one fills up."""
    while some := list(itertools.islice(places, most)):
        filled = [*some, *[some[-1]] * (most - len(some))]
        yield np.array(filled, np.int32), len(some)


def output_channels(model: keras.Model) -> int:
    """How many channels the finest output of a model has."""
    shape = model.output_shape
    return int((shape[0] if isinstance(shape, list) else shape)[-1])


@jax.jit
def mean(total: Any, sums: Sequence[Any]) -> Any:
    """The weighted mean of all patches: probabilities."""
    for axis, along in enumerate(sums, start=1):
        total = total / along.reshape(-1, *(1,) * (total.ndim - axis - 1))
    return total


@jax.jit
def winner(total: Any, sums: Sequence[Any]) -> Any:
    """The likeliest class: dividing by the sums would not change it."""
    return jnp.argmax(total, axis=-1).astype(_small(total.shape[-1]))


@jax.jit
def winner_of_regions(total: Any, sums: Sequence[Any], *, members: Any) -> Any:
    """The label that fits the regions' probabilities best."""
    found = jnp.clip(mean(total, sums), 1e-6, 1 - 1e-6)
    scores = (jnp.log(found) - jnp.log1p(-found)) @ members
    return jnp.argmax(scores, axis=-1).astype(_small(members.shape[1]))


@partial(jax.jit, static_argnums=2)
def _cut(slab: Any, places: Any, patch: tuple[int, ...]) -> Any:
    shape = (slab.shape[0], *patch, slab.shape[-1])
    return jnp.stack(
        [jax.lax.dynamic_slice(slab, (0, 0, *at, 0), shape) for at in places]
    )


@partial(jax.jit, donate_argnums=0)
def _add(
    total: Any, shares: Any, weights: Sequence[Any], places: Any, count: Any
) -> Any:
    def add(n: Any, total: Any) -> Any:
        share, at = shares[n], (0, 0, *places[n], 0)
        for axis, along in enumerate(weights, start=1):
            share = share * along.reshape(-1, *(1,) * (share.ndim - axis - 1))
        old = jax.lax.dynamic_slice(total, at, share.shape)
        return jax.lax.dynamic_update_slice(total, old + share, at)

    return jax.lax.fori_loop(0, count, add, total)


@partial(jax.jit, static_argnums=1, donate_argnums=0)
def _move_on(total: Any, done: int) -> Any:
    empty = jnp.zeros_like(total[:, :done])
    return jnp.concatenate([total[:, done:], empty], axis=1)


@partial(jax.jit, static_argnums=(1, 2, 3))
def _part(total: Any, done: int, first: int, last: int) -> Any:
    return total[:, :done, first:last]


def _put(
    out: NDArray[Any],
    place: tuple[slice, slice],
    planes: NDArray[Any],
    inner: tuple[slice, ...],
) -> None:
    """Write finished planes of the padded image where they lie in the image itself."""
    to, of = [], []
    for where, inside in zip(place, inner, strict=False):
        first, last = max(where.start, inside.start), min(where.stop, inside.stop)
        to.append(slice(first - inside.start, max(first, last) - inside.start))
        of.append(slice(first - where.start, max(first, last) - where.start))
    out[tuple(to)] = planes[(*of, *inner[2:])]


def _small(labels: int) -> str:
    return "uint8" if labels <= 256 else "uint16"
