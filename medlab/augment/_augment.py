"""Augmentation: the same scan as another patient, another scanner might have given it.

Pure functions of a key and an image: the same seed, epoch and place in the epoch give
the same picture, on whatever machine and after whatever interruption. All of a sample's
movement (turn, scale, shift, bend) is one interpolation.
"""

import itertools
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import jax.numpy as jnp

from medlab.augment._ignore import IGNORE
from medlab.backend import jax
from medlab.errors import MedlabError

_BEND_GRID = 6


@dataclass(frozen=True)
class Augmentation:
    """How far augmentation may go. Everything is drawn evenly between the limits.

    No mirroring: left and right are different organs.

    Args:
        turn_deg: Rotation about each axis, to either side.
        scale: Growth or shrinkage, as a share.
        shift: Movement, as a share of the patch's size.
        bend: Local displacement, as a share of the patch's size.
        gamma: Curve of brightness: exponent between `exp(-gamma)` and `exp(gamma)`.
        contrast: Spread of the intensities, as a share.
        brightness: Added to normalised intensities.
        noise: Largest standard deviation of Gaussian noise on normalised intensities.
    """

    turn_deg: float = 12.0
    scale: float = 0.15
    shift: float = 0.08
    bend: float = 0.03
    gamma: float = 0.25
    contrast: float = 0.15
    brightness: float = 0.1
    noise: float = 0.06

    @classmethod
    def of(
        cls, choice: "str | dict[str, float] | Augmentation | None"
    ) -> "Augmentation":
        """Read `default`, `none`, or limits that differ from the default."""
        if isinstance(choice, Augmentation):
            return choice
        if choice in ("none", None):
            return cls(**{field.name: 0.0 for field in fields(cls)})
        if choice == "default":
            return cls()
        names = [field.name for field in fields(cls)]
        if isinstance(choice, dict) and set(choice) <= set(names):
            return cls(**{name: float(value) for name, value in choice.items()})
        raise MedlabError(
            f"augmentation is 'default', 'none' or limits for some of "
            f"{', '.join(names)}, got {choice!r}.",
            code="unknown-augmentation",
        )


@partial(jax.jit, static_argnames="limits")
def augment_batch(
    seed: int,
    epoch: int,
    places: Any,
    images: Any,
    labels: Any,
    *,
    limits: Augmentation,
) -> tuple[Any, Any]:
    """Augment a batch of slices or patches.

    Args:
        seed, epoch: Whole numbers.
        places: `(B,)`, each sample's place in the epoch.
        images: `(B, H, W[, D], C)` normalised.
        labels: `(B, H, W[, D])`. What comes in from outside the patch is `IGNORE`.
        limits: How far it may go.

    Returns:
        Images and labels of the same shapes.
    """
    root = jax.random.fold_in(jax.random.key(seed), epoch)
    keys = jax.vmap(partial(jax.random.fold_in, root))(places)
    moved = jax.vmap(partial(_move, limits=limits))(keys, images, labels)
    return jax.vmap(partial(_shade, limits=limits))(keys, moved[0]), moved[1]


def _move(key: Any, image: Any, labels: Any, *, limits: Augmentation) -> Any:
    shape = labels.shape
    rank = len(shape)
    turn, grow, shift, bend = jax.random.split(jax.random.fold_in(key, 0), 4)
    size = jnp.array(shape, jnp.float32)
    matrix = _rotation(turn, rank, limits.turn_deg)
    matrix = matrix * (1 + limits.scale * _even(grow, ()))
    offset = _even(shift, (rank,)) * limits.shift * size
    coarse = _even(bend, (rank, *(_BEND_GRID,) * rank)) * limits.bend
    bends = jax.image.resize(coarse, (rank, *shape), "cubic")
    centre = (size - 1) / 2
    grid = jnp.stack(jnp.meshgrid(*map(jnp.arange, shape), indexing="ij"))
    centred = grid - centre.reshape(rank, *(1,) * rank)
    where = jnp.tensordot(matrix, centred, 1) + bends * size.reshape(rank, *(1,) * rank)
    where = where + (centre + offset).reshape(rank, *(1,) * rank)
    return _interpolate(image, where), _nearest(labels, where)


def _shade(key: Any, image: Any, *, limits: Augmentation) -> Any:
    keys = jax.random.split(jax.random.fold_in(key, 1), 5)
    low, high = image.min(), image.max()
    spread = jnp.maximum(high - low, 1e-6)
    exponent = jnp.exp(limits.gamma * _even(keys[0], ()))
    image = jnp.maximum((image - low) / spread, 1e-6) ** exponent * spread + low
    image = image * (1 + limits.contrast * _even(keys[1], ()))
    image = image + limits.brightness * _even(keys[2], ())
    strength = limits.noise * jax.random.uniform(keys[3])
    return image + strength * jax.random.normal(keys[4], image.shape)


def _even(key: Any, shape: tuple[int, ...]) -> Any:
    return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)


def _rotation(key: Any, rank: int, limit_deg: float) -> Any:
    angles = _even(key, (3,)) * jnp.deg2rad(limit_deg)
    c, s = jnp.cos(angles), jnp.sin(angles)
    if rank == 2:
        return jnp.array([[c[0], -s[0]], [s[0], c[0]]])
    about_x = jnp.array([[1, 0, 0], [0, c[0], -s[0]], [0, s[0], c[0]]])
    about_y = jnp.array([[c[1], 0, s[1]], [0, 1, 0], [-s[1], 0, c[1]]])
    about_z = jnp.array([[c[2], -s[2], 0], [s[2], c[2], 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def _interpolate(image: Any, where: Any) -> Any:
    """Linear interpolation; outside the image, its nearest voxel."""
    rank, shape = where.shape[0], image.shape[:-1]
    below = jnp.floor(where)
    share = where - below
    flat = image.reshape(-1, image.shape[-1])
    total = jnp.zeros((*where.shape[1:], image.shape[-1]), image.dtype)
    for corner in itertools.product((0, 1), repeat=rank):
        index = jnp.zeros(where.shape[1:], jnp.int32)
        weight = jnp.ones(where.shape[1:], image.dtype)
        for axis, step in enumerate(corner):
            near = jnp.clip(below[axis].astype(jnp.int32) + step, 0, shape[axis] - 1)
            index = index * shape[axis] + near
            weight = weight * (share[axis] if step else 1 - share[axis])
        total = total + weight[..., None] * flat[index]
    return total


def _nearest(labels: Any, where: Any) -> Any:
    index = jnp.zeros(where.shape[1:], jnp.int32)
    inside = jnp.ones(where.shape[1:], bool)
    for axis, size in enumerate(labels.shape):
        near = jnp.round(where[axis]).astype(jnp.int32)
        inside = inside & (near >= 0) & (near < size)
        index = index * size + jnp.clip(near, 0, size - 1)
    return jnp.where(inside, labels.reshape(-1)[index], IGNORE)
