"""Losses and metrics: what a training makes small, and what it is judged by."""

from medlab.train.losses._dice import LOSSES, SegmentDice

__all__ = ["LOSSES", "SegmentDice"]
