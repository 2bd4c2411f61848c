"""What the backward pass keeps, and what it works out again.

Between the forward and the backward pass of a training step, memory holds whatever the
gradients need. Most of it is cheap to work out again: an activation from the output of
its convolution, a padded copy, a concatenation. So the operations here mark the few
arrays that are dear, and `jax.checkpoint` with the policy `REMEMBERED_ONLY` keeps those
and the network's own parameters, nothing else. Without `jax.checkpoint` a mark does
nothing.

Source:
    Chen et al., 2016, "Training deep nets with sublinear memory cost",
    https://arxiv.org/abs/1604.06174
"""

from collections.abc import Callable
from typing import Any

from jax.ad_checkpoint import checkpoint_name

from medlab.backend import jax

jnp, lax = jax.numpy, jax.lax

_MARK = "medlab"

REMEMBERED_ONLY: Any = jax.checkpoint_policies.save_only_these_names(_MARK)
"""Policy of `jax.checkpoint`: keep what `remember` marks, recompute everything else."""


def remember(x: Any) -> Any:
    """Mark an array, or all arrays of a tree, as dear to compute again."""
    return jax.tree.map(lambda leaf: checkpoint_name(leaf, _MARK), x)


def differentiate_late(
    operation: Callable[[Any, Any], Any], x: Any, kernel: Any
) -> Any:
    """Compute `operation(x, kernel)` so that its backward pass recomputes x late.

    XLA for the CPU drops the barriers by which `jax.checkpoint` keeps the second
    computation of x apart from the first: it finds both equal, computes x once and holds
    it. Here x waits for the gradient to arrive, by adding a zero that is made of it.

    Args:
        operation: Of an input and a kernel, differentiable in reverse.
        x: Its input; cheap to compute again.
        kernel: Its parameters.
    """

    @jax.custom_vjp
    def late(x: Any, kernel: Any) -> Any:
        return operation(x, kernel)

    def forward(x: Any, kernel: Any) -> Any:
        return late(x, kernel), (x, kernel)

    def backward(kept: Any, gradient: Any) -> Any:
        x, kernel = kept
        return jax.vjp(operation, x + zero_made_of(gradient), kernel)[1](gradient)

    late.defvjp(forward, backward)
    return late(x, kernel)


def zero_made_of(gradient: Any) -> Any:
    """A zero that the compiler takes for a number which depends on the gradient.

    Added to an input of the forward pass, it keeps what the backward pass computes from
    that input apart from what the forward pass computed, which XLA would hold instead.
    """
    # At most 32 of 32 bits are set, which the compiler does not know: 32 >> 6 is 0.
    first = lax.slice(gradient, (0,) * gradient.ndim, (1,) * gradient.ndim)
    bits = lax.bitcast_convert_type(first.astype(jnp.float32), jnp.uint32)
    zero = lax.shift_right_logical(lax.population_count(bits), jnp.uint32(6))
    return zero.astype(gradient.dtype).reshape(())
