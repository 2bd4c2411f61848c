"""Prediction: a model's labels on the scan's own grid, whatever its orientation."""

from medlab.infer._predict import predict
from medlab.infer._propose import propose
from medlab.infer._sliding_window import sliding_window

__all__ = ["predict", "propose", "sliding_window"]
