"""Prediction: a model's labels on the scan's own grid, whatever its orientation.

`predict` turns a scan into what the models look at (`_opened.py`), walks it with a
window (`_window.py`, `_sliding_window.py`) through a compiled program (`_network.py`),
and turns the labels back.
"""

from medlab.infer._opened import first_stage_channels
from medlab.infer._parts import keep_largest
from medlab.infer._predict import predict
from medlab.infer._predict_scans import predict_scans
from medlab.infer._propose import propose
from medlab.infer._sliding_window import sliding_window

__all__ = [
    "first_stage_channels",
    "keep_largest",
    "predict",
    "predict_scans",
    "propose",
    "sliding_window",
]
