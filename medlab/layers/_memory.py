"""Training in less memory: keep what convolutions put out, and little else."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from medlab.backend import jax
from medlab.ops import REMEMBERED_ONLY, differentiate_late, path, remember

_recomputing: ContextVar[bool] = ContextVar("medlab-recomputing", default=False)


def stateless_call(
    layer: Any, stock: Callable[..., Any], *args: Any, **kwargs: Any
) -> Any:
    """Take the place of `Layer.stateless_call`, through which Keras differentiates.

    In training, activations, normalised values and concatenations are computed again in
    the backward pass, right before the convolution that they went into.
    """
    if kwargs.get("training") is not True or path() == "stock":
        return stock(*args, **kwargs)

    def call(*arrays: Any) -> Any:
        token = _recomputing.set(True)
        try:
            return stock(*arrays, **kwargs)
        finally:
            _recomputing.reset(token)

    return jax.checkpoint(call, policy=REMEMBERED_ONLY)(*args)


def remembered(operation: Callable[[Any, Any], Any], x: Any, kernel: Any) -> Any:
    """Compute `operation(x, kernel)`, dear to compute again, from an x that is cheap."""
    if _recomputing.get():
        return remember(differentiate_late(operation, x, kernel))
    return operation(x, kernel)
