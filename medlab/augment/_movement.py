"""All movement of a sample, drawn at once and done at once.

Flips, turns, scale, shear, shift, crop and elastic displacement make one map from the
voxels of the moved image to places in the image. The image is looked up once along it;
points and boxes go the other way.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp

from medlab.augment._affine import draw_affine, draw_shift
from medlab.augment._chance import stream
from medlab.augment._crop import draw_crop
from medlab.augment._elastic import bend_at, draw_bend, weights
from medlab.augment._flip import draw_flip
from medlab.augment._interpolate import find_corners, look_up, no_corners
from medlab.augment._quarter_turn import draw_quarter_turn
from medlab.augment._separable import separable
from medlab.augment._settings import Augmentation
from medlab.backend import jax

MOVEMENTS = (
    "flip",
    "quarter_turn",
    "turn",
    "shear",
    "scale",
    "shift",
    "crop",
    "bend",
)
_ROUNDS = 10


class Movement(NamedTuple):
    """Where the voxels of a moved image come from.

    A voxel at `x` comes from `middle + matrix @ (x - middle) + offset + bend(x)`, where
    `middle` is that of the patch.

    Attributes:
        matrix: `(rank, rank)`.
        offset: `(rank,)` in voxels.
        nodes: `(rank, n, ...)` of the elastic displacement, in voxels; None for none.
    """

    matrix: Any
    offset: Any
    nodes: Any


def draw_movement(
    key: Any, limits: Augmentation, shape: tuple[int, ...], spacing_mm: Any
) -> Movement:
    """Draw how a sample moves.

    Args:
        key: Of the sample.
        limits: How far it may go.
        shape: Of the patch, without channels.
        spacing_mm: `(rank,)` of its voxels.
    """
    rank = len(shape)
    matrix = draw_affine(key, limits, spacing_mm)
    offset = draw_shift(key, limits, shape)
    nodes = None
    if limits.is_on("crop"):
        kept, middle = draw_crop(stream(key, "crop"), limits.crop, limits.crop_p, shape)
        matrix, offset = matrix * kept, offset + middle
    if limits.is_on("flip"):
        flip = draw_flip(stream(key, "flip"), limits.flip_p, rank)
        matrix = jnp.matmul(flip, matrix, precision="highest")
    if limits.is_on("quarter_turn"):
        quarter = draw_quarter_turn(
            stream(key, "quarter_turn"), limits.quarter_turn_p, shape, spacing_mm
        )
        matrix = jnp.matmul(quarter, matrix, precision="highest")
    if limits.is_on("bend"):
        nodes = draw_bend(stream(key, "bend"), limits.bend, limits.bend_p, shape)
        # Bent first and then turned and scaled, so that growth does not fold it over.
        nodes = jnp.tensordot(matrix, nodes, 1, precision="highest")
    return Movement(matrix, offset, nodes)


def move_image(movement: Movement, image: Any, labels: Any) -> tuple[Any, Any]:
    """Move an image and its labels; see `look_up`. One that stays costs nothing."""
    shape = labels.shape
    moves = (movement.matrix != jnp.eye(len(shape))).any() | movement.offset.any()
    if movement.nodes is not None:
        moves |= movement.nodes.any()
    # Two branches, and not one, because XLA keeps what comes out of a branch: within
    # one, every corner would find all places again, which takes twice the time.
    corners = jax.lax.cond(
        moves,
        lambda: find_corners(sources(movement, shape), shape),
        lambda: no_corners(shape),
    )
    return jax.lax.cond(  # type: ignore[no-any-return]
        moves,
        lambda: look_up(image, labels, corners),
        lambda: (image, labels),
    )


def sources(movement: Movement, shape: tuple[int, ...]) -> Any:
    """Find where every voxel comes from: `(rank, *shape)`, in voxels.

    One matrix product along the last axis adds everything up: the elastic displacement,
    the last axis' part of the linear map, and the part of all others.
    """
    rank = len(shape)
    lines = [jnp.arange(size, dtype=jnp.float32) for size in shape]
    middle = [(size - 1) / 2 for size in shape]
    start = jnp.array(middle) + movement.offset
    others = start.reshape(rank, *(1,) * (rank - 1))
    for axis in range(rank - 1):
        form = [-1 if a == axis else 1 for a in range(rank - 1)]
        step = movement.matrix[:, axis].reshape(rank, *(1,) * (rank - 1))
        others = others + step * (lines[axis] - middle[axis]).reshape(form)
    last = movement.matrix[:, -1].reshape(rank, *(1,) * (rank - 1))
    parts = [others[:, None], jnp.broadcast_to(last, others.shape)[:, None]]
    line = [jnp.ones(shape[-1]), lines[-1] - middle[-1]]
    if movement.nodes is None:
        return separable(jnp.concatenate(parts, 1), [jnp.stack(line, 1)])
    along = [weights(line, size) for line, size in zip(lines, shape, strict=True)]
    bends = separable(movement.nodes, along[:-1])
    matrix = jnp.concatenate([along[-1], jnp.stack(line, 1)], axis=1)
    return separable(jnp.concatenate([bends, *parts], axis=1), [matrix])


def move_points(movement: Movement, points: Any, shape: tuple[int, ...]) -> Any:
    """Find where points of the image lie in the moved image.

    Args:
        movement: As drawn.
        points: `(N, rank)` in voxels.
        shape: Of the patch.

    Returns:
        `(N, rank)` in voxels, whether inside the patch or not.
    """
    middle = (jnp.array(shape, jnp.float32) - 1) / 2
    back = jnp.linalg.inv(movement.matrix)

    from_middle = points - middle - movement.offset
    moved = jnp.matmul(from_middle, back.T, precision="highest") + middle
    if movement.nodes is None:
        return moved

    def place(at: Any) -> Any:
        from_middle = jnp.matmul(movement.matrix, at - middle, precision="highest")
        bend = bend_at(movement.nodes, at[None], shape)[0]
        return from_middle + middle + movement.offset + bend

    # Newton's method: what is drawn does not fold over, so that the slope is no 0.
    def closer(point: Any, at: Any) -> Any:
        slope = jax.jacfwd(place)(at)
        return at - jnp.linalg.solve(slope, place(at) - point)

    step = jax.vmap(closer)
    return jax.lax.fori_loop(0, _ROUNDS, lambda _, at: step(points, at), moved)


def hide_outside(points: Any, shape: tuple[int, ...]) -> Any:
    """Make the coordinates of points that lie outside the patch NaN."""
    size = jnp.array(shape, jnp.float32)
    inside = ((points >= -0.5) & (points <= size - 0.5)).all(-1, keepdims=True)
    return jnp.where(inside, points, jnp.nan)


def move_boxes(movement: Movement, boxes: Any, shape: tuple[int, ...]) -> Any:
    """Find the boxes around the moved corners of boxes, cut off at the patch.

    Args:
        movement: As drawn.
        boxes: `(N, 2, rank)`: lowest and highest corner, in voxels. A voxel reaches
            half a voxel to either side of its coordinate.
        shape: Of the patch.

    Returns:
        As `boxes`; NaN where nothing of a box is left.
    """
    rank, size = len(shape), jnp.array(shape, jnp.float32)
    choices = jnp.stack(jnp.meshgrid(*[jnp.arange(2)] * rank, indexing="ij"), -1)
    corners = boxes[:, choices.reshape(-1, rank), jnp.arange(rank)]
    moved = move_points(movement, corners.reshape(-1, rank), shape)
    moved = moved.reshape(corners.shape)
    low = jnp.clip(moved.min(1), -0.5, size - 0.5)
    high = jnp.clip(moved.max(1), -0.5, size - 0.5)
    left = (low < high).all(-1)[:, None, None]
    return jnp.where(left, jnp.stack([low, high], axis=1), jnp.nan)
