"""A model as a compiled program: from a few patches to probabilities.

Compiled once for each model and patch, and kept with the model: no image's size is part
of it, nor which axes are mirrored. Members of an ensemble that are built alike share
one program and differ in the weights they hand to it.

The program looks at one patch after the other, not at all of them side by side, which
would take their number times the memory. But each call asks the system for fresh memory,
and on a CPU the first touch of its pages costs up to a tenth of the arithmetic: so a
call is worth more than one patch.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from medlab.backend import jax, keras
from medlab.layers import accelerate

jnp: Any = jax.numpy

Network = Callable[[Any, int, tuple[bool, ...]], Any]
"""From patches `(at_once, B, *patch, C)`, how many of them count, and which axes to
mirror, to `(at_once, B, *patch, classes)`; zeros for those that do not count."""

_MOST_AT_ONCE, _MOST_BYTES = 8, 64 << 20

_ATTRIBUTE = "_medlab_network"


def at_once(patch: Sequence[int], *, images: int, classes: int) -> int:
    """How many patches one call looks at, so that their probabilities stay small.

    Example:
        >>> at_once((64, 64, 64), images=1, classes=2)
        8
        >>> at_once((128, 128, 128), images=1, classes=105)
        1
    """
    each = 4 * images * classes * math.prod(patch)
    return max(1, min(_MOST_AT_ONCE, _MOST_BYTES // each))


def networks(
    models: Sequence[keras.Model], *, by_regions: bool = False
) -> list[Network]:
    """Make models ready to look at patches.

    Args:
        models: From `(B, *patch, C)` to logits; of several outputs the first counts.
        by_regions: Whether each channel is a yes or no of its own.
    """
    programs: dict[str, Any] = {}
    found = []
    for model in models:
        accelerate(model)
        built = _how_built(model) if len(models) > 1 else ""
        program = programs.setdefault(built, _program(model))
        found.append(_network(model, program, by_regions))
    return found


def _network(model: keras.Model, program: Any, by_regions: bool) -> Network:
    # What it has learnt by now: the model may go on training between two images.
    weights = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]

    def look(patches: Any, count: int, flip: tuple[bool, ...]) -> Any:
        return program(weights, others, patches, count, jnp.array(flip), by_regions)

    return look


def _program(model: keras.Model) -> Any:
    kept = getattr(model, _ATTRIBUTE, None)
    if kept is not None:
        return kept

    def share(
        weights: Any, others: Any, patches: Any, count: Any, flip: Any, sigmoid: bool
    ) -> Any:
        def look(patch: Any) -> Any:
            logits, _ = model.stateless_call(
                weights, others, _flipped(patch, flip), training=False
            )
            if isinstance(logits, (list, tuple)):
                logits = logits[0]
            logits = logits.astype("float32")
            found = (
                jax.nn.sigmoid(logits) if sigmoid else jax.nn.softmax(logits, axis=-1)
            )
            return _flipped(found, flip)

        one = jax.eval_shape(look, patches[0])
        return jax.lax.fori_loop(
            0,
            count,
            lambda n, found: found.at[n].set(look(patches[n])),
            jnp.zeros((patches.shape[0], *one.shape), one.dtype),
        )

    program = jax.jit(share, static_argnums=5)
    # Past Keras' own bookkeeping: this is no part of the model, and is never saved.
    object.__setattr__(model, _ATTRIBUTE, program)
    return program


def _flipped(images: Any, flip: Any) -> Any:
    for axis in range(images.ndim - 2):
        images = jnp.where(flip[axis], jnp.flip(images, axis + 1), images)
    return images


def _how_built(model: keras.Model) -> str:
    """A description without names: equal for models that differ in weights alone."""
    try:
        text = json.dumps(model.get_config(), default=str, sort_keys=True)
    except Exception:
        return str(id(model))
    # The longest first: "conv2d" is a part of "conv2d_1".
    named = sorted(enumerate(model.layers), key=lambda pair: -len(pair[1].name))
    for number, layer in named:
        text = text.replace(f'"{layer.name}"', f'"layer {number}"')
    return text.replace(f'"{model.name}"', '"model"')
