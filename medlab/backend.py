"""Keras on JAX, chosen before Keras is first imported. The one place that sets it.

A user's own setting always wins. What is set otherwise: the JAX backend, and JAX's
persistent compilation cache, because every new shape of a model costs 5 to 20 s of
compilation on a laptop the first time, and a fraction of a second ever after.

Import `keras`, `layers` and `jax` from here, so that no module can be too early.
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax as jax
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


if keras.backend.backend() != "jax":
    raise MedlabError(
        "medlab trains with Keras on JAX, but Keras runs on "
        f"{keras.backend.backend()}. Set KERAS_BACKEND=jax before Python starts, or "
        "import medlab.models before keras.",
        code="wrong-backend",
    )
_keep_compiled_programs()
