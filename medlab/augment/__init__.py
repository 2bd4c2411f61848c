"""Augmentation in JAX: the same scan as another patient, another scanner might give it."""

from medlab.augment._augment import Augmentation, augment_batch
from medlab.augment._ignore import IGNORE

__all__ = ["IGNORE", "Augmentation", "augment_batch"]
