"""Augmentation of a batch: a pure function of seed, epoch and place in the epoch."""

from functools import partial
from typing import Any

import jax.numpy as jnp

from medlab.augment._movement import (
    MOVEMENTS,
    draw_movement,
    hide_outside,
    move_boxes,
    move_image,
    move_points,
)
from medlab.augment._settings import Augmentation
from medlab.augment._shading import SHADINGS, draw_shading, shade_image
from medlab.backend import jax
from medlab.errors import MedlabError


def augment_batch(
    seed: int,
    epoch: int,
    places: Any,
    images: Any,
    labels: Any,
    *,
    limits: Augmentation,
    boxes: Any = None,
    points: Any = None,
    spacing_mm: Any = None,
) -> tuple[Any, ...]:
    """Augment a batch of slices or patches, each sample in its own way.

    The same seed, epoch and place give the same sample, alone or in any batch. Can be
    called inside another compiled function.

    Args:
        seed, epoch: Whole numbers.
        places: `(B,)`, each sample's place in the epoch.
        images: `(B, H, W[, D], C)` normalised. Looked up linearly; beyond the patch
            lies its nearest voxel.
        labels: `(B, H, W[, D])`. Looked up at the nearest voxel. What comes in from
            outside the patch is `IGNORE`.
        limits: How far it may go, and how often.
        boxes: `(B, N, 2, rank)`: lowest and highest corner, in voxels of the patch. A
            moved box is the box around its moved corners, cut off at the patch; NaN
            where nothing is left.
        points: `(B, N, rank)` in voxels of the patch; NaN where one leaves it.
        spacing_mm: `(rank,)` or `(B, rank)`, the voxels' size, so that bodies turn as
            rigid bodies do. Equal sides unless told.

    Returns:
        Images and labels of the same shapes; then boxes and points, where given.

    Raises:
        MedlabError: If the chances of `limits.flip_p` are not one for each axis.

    Example:
        >>> import numpy as np
        >>> image, labels = np.zeros((1, 8, 8, 1)), np.zeros((1, 8, 8), np.uint8)
        >>> point = np.array([[[2.0, 3.0]]])
        >>> limits = Augmentation.of({"preset": "none", "flip_p": (0, 1)})
        >>> *_, moved = augment_batch(
        ...     0, 0, [0], image, labels, limits=limits, points=point
        ... )
        >>> moved.tolist()
        [[[2.0, 4.0]]]
    """
    rank = len(labels.shape) - 1
    if isinstance(limits.flip_p, tuple) and len(limits.flip_p) != rank:
        raise MedlabError(
            f"The augmentation's flip_p needs a chance for each of {rank} axes, got "
            f"{limits.flip_p}. Give {rank}, or one number for all.",
            code="wrong-augmentation",
        )
    marks = {"boxes": boxes, "points": points}
    marks = {name: value for name, value in marks.items() if value is not None}
    if not any(map(limits.is_on, (*MOVEMENTS, *SHADINGS))):
        return images, labels, *marks.values()
    if spacing_mm is None:
        spacing_mm = jnp.ones(rank)
    spacing_mm = jnp.broadcast_to(
        jnp.asarray(spacing_mm, jnp.float32), (len(places), rank)
    )
    batch = _augmented(
        seed, epoch, jnp.asarray(places), images, labels, marks, spacing_mm, limits
    )
    return tuple(batch)


@partial(jax.jit, static_argnames="limits")
def _augmented(
    seed: Any,
    epoch: Any,
    places: Any,
    images: Any,
    labels: Any,
    marks: dict[str, Any],
    spacing_mm: Any,
    limits: Augmentation,
) -> list[Any]:
    shape = labels.shape[1:]
    root = jax.random.fold_in(jax.random.key(seed), epoch)

    def drawn(place: Any, spacing_mm: Any) -> Any:
        key = jax.random.fold_in(root, place)
        return (
            draw_movement(key, limits, shape, spacing_mm),
            draw_shading(key, limits, shape),
        )

    def changed(sample: Any) -> Any:
        (movement, shading), image, labels = sample
        if any(map(limits.is_on, MOVEMENTS)):
            image, labels = move_image(movement, image, labels)
        return shade_image(shading, limits, image), labels

    draws = jax.vmap(drawn)(places, spacing_mm)
    # One sample after the other: what does not happen to a sample costs it nothing.
    batch = [*jax.lax.map(changed, (draws, images, labels))]
    if "boxes" in marks:
        moved = partial(move_boxes, shape=shape)
        batch.append(jax.vmap(moved)(draws[0], marks["boxes"]))
    if "points" in marks:
        moved = partial(move_points, shape=shape)
        batch.append(hide_outside(jax.vmap(moved)(draws[0], marks["points"]), shape))
    return batch
