"""`accelerate`: any Keras model, on operations that are fast on the CPU."""

import functools
from collections.abc import Callable
from typing import Any

from medlab.backend import keras, layers
from medlab.layers._convolution import convolution_op
from medlab.layers._memory import stateless_call
from medlab.layers._normalisation import batch_normalisation, group_normalisation
from medlab.layers._pooling import pooling
from medlab.layers._transposed import transposed_convolution

Replacement = Callable[..., Any]

_FAST: tuple[tuple[type, tuple[str, ...], Replacement], ...] = (
    (layers.Conv2D, ("convolution_op",), convolution_op),
    (layers.Conv3D, ("convolution_op",), convolution_op),
    (layers.Conv2DTranspose, ("call",), transposed_convolution),
    (layers.Conv3DTranspose, ("call",), transposed_convolution),
    (layers.MaxPooling2D, ("call",), pooling),
    (layers.MaxPooling3D, ("call",), pooling),
    (layers.AveragePooling2D, ("call",), pooling),
    (layers.AveragePooling3D, ("call",), pooling),
    (layers.GroupNormalization, ("call", "_apply_normalization"), group_normalisation),
    (layers.BatchNormalization, ("call", "_moments"), batch_normalisation),
)
"""Stock layer; the method whose place is taken, and what else a class of its own may
not have changed; what takes the place. That one is called with the layer and the stock
method before the method's own arguments."""

_COMPILED = ("train_function", "test_function", "predict_function")


def accelerate(model: keras.Model, *, recompute: bool = False) -> keras.Model:
    """Let a model's layers compute on medlab's operations. Changes the model itself.

    Weights, names, shared layers, trainable flags and policies stay; so does whatever
    `to_json` and `save` write. Layers of classes that compute in a way of their own are
    left alone. A second call finds nothing left to do. Call it again after adding layers.

    Args:
        model: Any Keras model: functional, sequential, nested or of a class of its own.
        recompute: In training, compute activations again in the backward pass instead of
            holding them: less memory (0.86x for a 3D U-Net), for some more arithmetic.

    Returns:
        The same model. If it was compiled, its next step is compiled anew.

    Example:
        >>> from medlab.backend import keras
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)])
        >>> accelerate(model) is model
        True
        >>> type(model.layers[0]) is keras.layers.Conv2D
        True
    """
    everything = [model, *model._flatten_layers(include_self=False)]
    changed = [_accelerate_layer(layer) for layer in everything]
    if recompute:
        changed.append(_replace(model, "stateless_call", stateless_call))
    if any(changed):
        for part in everything:
            for name in _COMPILED:
                if getattr(part, name, None) is not None:
                    setattr(part, name, None)
    return model


def _accelerate_layer(layer: Any) -> bool:
    for stock, methods, fast in _FAST:
        if isinstance(layer, stock):
            inherited = all(
                getattr(type(layer), m) is getattr(stock, m) for m in methods
            )
            return inherited and _replace(layer, methods[0], fast)
    return False


def _replace(layer: Any, method: str, fast: Replacement) -> bool:
    if method in vars(layer):
        return False
    stock = getattr(layer, method)
    replaced = functools.wraps(stock)(functools.partial(fast, layer, stock))
    # Not setattr: Keras tracks what is set on a layer, and refuses it once built.
    object.__setattr__(layer, method, replaced)
    return True
