"""Models with several heads: all of them learn, the finest predicts."""

from typing import Any

from medlab.backend import keras


def inference_model(model: keras.Model) -> keras.Model:
    """Keep of a model with deep supervision what prediction needs.

    Args:
        model: Any model; one with several outputs has the finest first.

    Returns:
        A model with one output that shares the layers and weights of the given one; the
        model itself if it has one output already.

    Example:
        >>> from medlab.models import unet
        >>> model = unet((8, 8, 1), classes=2, widths=(2, 4, 8), deep_supervision=True)
        >>> model.output_shape, inference_model(model).output_shape
        ([(None, 8, 8, 2), (None, 4, 4, 2)], (None, 8, 8, 2))
    """
    outputs: Any = getattr(model, "outputs", None)
    if not outputs or len(outputs) == 1:
        return model
    return keras.Model(model.inputs[0], outputs[0], name=model.name)
