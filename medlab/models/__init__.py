"""Templates: a function returns a plain `keras.Model`.

So `fit`, `save` and `load_model` work with nothing registered. Loss, metrics and
optimiser are not a template's business, nor are scans: a model knows arrays.
"""

from medlab.models._heads import inference_model
from medlab.models._steps import size_multiples
from medlab.models._unet import RESIDUAL_BLOCKS, unet

TEMPLATES = {"unet": unet}
"""Every template by its name in a recipe."""

__all__ = ["RESIDUAL_BLOCKS", "TEMPLATES", "inference_model", "size_multiples", "unet"]
