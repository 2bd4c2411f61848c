"""Which formulation convolutions take on this machine.

`onednn` is the fastest and needs a kernel that not every jaxlib has; `public` uses
public JAX calls only; `stock` is what Keras does by itself. A GPU or TPU always takes
`stock`, which is the fastest there.
"""

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from medlab.backend import jax
from medlab.errors import MedlabError
from medlab.ops._probe import remembered_verdict

PATHS = ("onednn", "public", "stock")

_forced: ContextVar[str | None] = ContextVar("medlab-path", default=None)
# Where JAX can, a jitted function is traced anew when the path changes.
_traced_anew: Any = (
    jax.make_user_context(default_value=None)
    if hasattr(jax, "make_user_context")
    else None
)


def path() -> str:
    """The formulation in use: `"onednn"`, `"public"` or `"stock"`.

    The environment variable `MEDLAB_CONVOLUTIONS` names one, or `auto` (the default):
    then a short trial in a process of its own decides, once for each version of jaxlib
    and kind of machine.

    Raises:
        MedlabError: If `MEDLAB_CONVOLUTIONS` holds another word.
    """
    choice = _forced.get() or _wanted()
    if not _on_the_cpu():
        return "stock"
    return remembered_verdict() if choice == "auto" else choice


@contextlib.contextmanager
def with_path(choice: str) -> Iterator[None]:
    """Take this formulation inside the `with` block, whatever the environment says.

    A GPU or TPU still takes `stock`. Functions that JAX compiled before are traced anew
    where JAX has `make_user_context`; with an older JAX, jit them inside the block.

    Raises:
        MedlabError: If there is no such formulation.

    Example:
        >>> with with_path("stock"):
        ...     path()
        'stock'
    """
    token = _forced.set(_known(choice, "with_path"))
    try:
        with _traced_anew(choice) if _traced_anew else contextlib.nullcontext():
            yield
    finally:
        _forced.reset(token)


def _wanted() -> str:
    choice = os.environ.get("MEDLAB_CONVOLUTIONS", "auto")
    return choice if choice == "auto" else _known(choice, "MEDLAB_CONVOLUTIONS")


def _known(choice: str, where: str) -> str:
    if choice not in PATHS:
        raise MedlabError(
            f"{where} knows {', '.join(PATHS)}, got {choice}. "
            "Leave MEDLAB_CONVOLUTIONS unset to let medlab choose.",
            code="unknown-path",
        )
    return choice


def _on_the_cpu() -> bool:
    device = getattr(jax.config, "jax_default_device", None)
    platform = getattr(device, "platform", device) or jax.default_backend()
    return str(platform) == "cpu"
