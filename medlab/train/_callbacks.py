"""What callbacks remember, so that a resumed training's early stop comes when it should.

A callback may say it itself with `get_state()` and `set_state(state)`, plain values and
lists of arrays. Of others, such as Keras' `EarlyStopping` and `ReduceLROnPlateau`, the
public attributes are kept that hold numbers, text, truth values or lists of arrays.
What the constructor was given is a setting, not a memory, and stays as it is.
"""

import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np

from medlab.backend import jax

_KERAS_OWN = ("model", "params", "validation_data")
_PLAIN = (bool, int, float, str, type(None))


def remember(callbacks: Iterable[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Take down what callbacks remember.

    Returns:
        One mapping a callback, for JSON; and the arrays among the values, by name.
    """
    arrays: dict[str, Any] = {}
    states = []
    for number, callback in enumerate(callbacks):
        told: dict[str, Any] = {}
        for name, value in _state(callback).items():
            if _is_list_of_arrays(value):
                told[name] = {"arrays": len(value)}
                for place, array in enumerate(value):
                    key = f"callbacks/{number:02d}/{name}/{place:04d}"
                    arrays[key] = np.array(array)
            else:
                told[name] = value
        states.append({"class": type(callback).__name__, "state": told})
    return states, arrays


def remind(
    callbacks: Iterable[Any], states: list[Any], arrays: dict[str, Any]
) -> list[str]:
    """Give callbacks back what `remember` took down.

    Returns:
        The names of callbacks that were not there then: they begin afresh.
    """
    fresh = []
    for number, callback in enumerate(callbacks):
        saved = states[number] if number < len(states) else {}
        if saved.get("class") != type(callback).__name__:
            fresh.append(type(callback).__name__)
            continue
        state = dict(saved["state"])
        for name, value in state.items():
            if isinstance(value, dict) and set(value) == {"arrays"}:
                keys = [
                    f"callbacks/{number:02d}/{name}/{place:04d}"
                    for place in range(value["arrays"])
                ]
                state[name] = [arrays[key] for key in keys]
        if hasattr(callback, "set_state"):
            callback.set_state(state)
        else:
            vars(callback).update(state)
    return fresh


def _state(callback: Any) -> dict[str, Any]:
    if hasattr(callback, "get_state"):
        return dict(callback.get_state())
    found = {}
    settings = _settings(type(callback))
    for name, value in vars(callback).items():
        if name.startswith("_") or name in _KERAS_OWN or name in settings:
            continue
        if isinstance(value, (np.generic, jax.Array, np.ndarray)) and value.ndim == 0:
            value = value.item()
        if isinstance(value, _PLAIN) or _is_list_of_arrays(value):
            found[name] = value
    return found


def _settings(kind: type) -> set[str]:
    """Names of what the constructors of a class, and of those above it, take."""
    makers = [vars(above).get("__init__") for above in kind.__mro__[:-1]]
    return {
        name
        for maker in makers
        if maker is not None
        for name in inspect.signature(maker).parameters
    }


def _is_list_of_arrays(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, (np.ndarray, jax.Array)) for entry in value
    )
