"""Keras on JAX, chosen before Keras is first imported. The one place that sets it.

A user's own setting always wins. What is set otherwise: the JAX backend, and JAX's
persistent compilation cache, because every new shape of a model costs 5 to 20 s of
compilation on a laptop the first time, and a fraction of a second ever after.

Import `keras`, `layers` and `jax` from here, so that no module can be too early.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax as jax
import jax.monitoring
import keras as keras
from keras import layers as layers

from medlab.errors import MedlabError


def _keep_compiled_programs(settings: Any = jax.config) -> None:
    if settings.jax_compilation_cache_dir is not None:
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    settings.update("jax_compilation_cache_dir", str(cache / "medlab" / "jax"))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        settings.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES" not in os.environ:
        settings.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _give_back_what_compiling_took() -> None:
    # XLA frees some hundreds of megabytes after a large network, but the C library keeps
    # them for the process. Training needs them more than the compiler will again.
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not

    def after(event: str, duration_secs: float, **_: Any) -> None:
        if trim and event.endswith("/backend_compile_duration") and duration_secs > 1:
            trim(0)

    jax.monitoring.register_event_duration_secs_listener(after)


if keras.backend.backend() != "jax":
    raise MedlabError(
        "medlab trains with Keras on JAX, but Keras runs on "
        f"{keras.backend.backend()}. Set KERAS_BACKEND=jax before Python starts, or "
        "import medlab.models before keras.",
        code="wrong-backend",
    )
_keep_compiled_programs()
_give_back_what_compiling_took()
