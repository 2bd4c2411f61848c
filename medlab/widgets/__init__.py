"""Widgets for notebooks: label slices, view volumes in 3D, steer a training."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlab.widgets._slice_labeler import SliceLabeler as SliceLabeler
    from medlab.widgets._train_controls import TrainControls as TrainControls
    from medlab.widgets._volume_viewer import VolumeViewer as VolumeViewer

_FILES = {
    "SliceLabeler": "_slice_labeler",
    "TrainControls": "_train_controls",
    "VolumeViewer": "_volume_viewer",
}

__all__ = ["SliceLabeler", "TrainControls", "VolumeViewer"]


def __getattr__(name: str) -> Any:
    if name in _FILES:
        return getattr(import_module(f"medlab.widgets.{_FILES[name]}"), name)
    raise AttributeError(f"medlab.widgets has no {name!r}. It has: {__all__}.")
