"""Templates: a function returns a plain `keras.Model`.

So `fit`, `save` and `load_model` work with nothing registered. Loss, metrics and
optimiser are not a template's business, nor are scans: a model knows arrays.
"""

from medlab.models._unet import unet

TEMPLATES = {"unet": unet}
"""Every template by its name in a recipe."""

__all__ = ["TEMPLATES", "unet"]
