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

from typing import Any

from jax.ad_checkpoint import checkpoint_name

from medlab.backend import jax

_MARK = "medlab"

REMEMBERED_ONLY: Any = jax.checkpoint_policies.save_only_these_names(_MARK)
"""Policy of `jax.checkpoint`: keep what `remember` marks, recompute everything else."""


def remember(x: Any) -> Any:
    """Mark an array, or all arrays of a tree, as dear to compute again."""
    return jax.tree.map(lambda leaf: checkpoint_name(leaf, _MARK), x)
