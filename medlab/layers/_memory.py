"""What a training step keeps in memory: outputs of convolutions, and little else."""

from collections.abc import Callable
from typing import Any

from medlab.backend import jax
from medlab.ops import REMEMBERED_ONLY, path


def stateless_call(
    layer: Any, stock: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    """Take the place of `Layer.stateless_call`, through which Keras differentiates.

    In training, activations, normalised values, padded copies and concatenations are
    computed again in the backward pass, within the loops that use them. That is about
    as fast, and holds less than half.
    """
    if kwargs.get("training") is not True or path() == "stock":
        return stock(*args, **kwargs)

    def call(*arrays: Any) -> Any:
        return stock(*arrays, **kwargs)

    return jax.checkpoint(call, policy=REMEMBERED_ONLY)(*args)
