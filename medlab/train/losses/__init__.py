"""Losses and metrics: what a training makes small, and what it is judged by.

A file a family of losses. Each family is a function of a `Comparison`, in which voxels
that nobody labelled have been taken out already; `make_loss` puts the families together
under the names a recipe uses.
"""

from medlab.train.losses._boundary import signed_distance
from medlab.train.losses._cldice import soft_skeleton
from medlab.train.losses._comparison import Comparison, Regions, compare
from medlab.train.losses._heads import coarse
from medlab.train.losses._make import LOSSES, make_loss
from medlab.train.losses._metrics import SegmentDice
from medlab.train.losses._regions import number_regions, region_members

__all__ = [
    "LOSSES",
    "Comparison",
    "Regions",
    "SegmentDice",
    "coarse",
    "compare",
    "make_loss",
    "number_regions",
    "region_members",
    "signed_distance",
    "soft_skeleton",
]
