"""Augmentation in JAX: the same scan as another patient, another scanner might give it.

All movement of a sample (flips, turns, scale, shear, shift, crop, elastic) is one map,
along which image and labels are looked up once; points and boxes follow it the other
way. What changes intensities comes after. Everything is drawn from the seed, the epoch
and the sample's place in it, before anything is done.
"""

from medlab.augment._batch import augment_batch
from medlab.augment._ignore import IGNORE
from medlab.augment._settings import PRESETS, Augmentation

__all__ = ["IGNORE", "PRESETS", "Augmentation", "augment_batch"]
