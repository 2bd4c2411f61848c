"""Deep learning on medical scans in JupyterLab: browse, annotate, train, explore."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from medlab.errors import MedlabError

if TYPE_CHECKING:
    from medlab.evaluate import dice as dice
    from medlab.infer import predict as predict
    from medlab.labels import open_labels as open_labels
    from medlab.layers import accelerate as accelerate
    from medlab.planning import plan as plan
    from medlab.scans import Volume as Volume
    from medlab.scans import list_scans as list_scans
    from medlab.scans import open_scan as open_scan
    from medlab.train import Recipe as Recipe
    from medlab.widgets import SliceLabeler as SliceLabeler
    from medlab.widgets import TrainControls as TrainControls
    from medlab.widgets import VolumeViewer as VolumeViewer

_HOME = {
    "Recipe": "medlab.train",
    "SliceLabeler": "medlab.widgets",
    "TrainControls": "medlab.widgets",
    "Volume": "medlab.scans",
    "VolumeViewer": "medlab.widgets",
    "accelerate": "medlab.layers",
    "dice": "medlab.evaluate",
    "list_scans": "medlab.scans",
    "open_labels": "medlab.labels",
    "open_scan": "medlab.scans",
    "plan": "medlab.planning",
    "predict": "medlab.infer",
}
_ROOMS = (
    "data",
    "dicomweb",
    "evaluate",
    "infer",
    "labels",
    "models",
    "planning",
    "samples",
    "scans",
    "train",
)

__all__ = ["MedlabError", *sorted(_HOME), *_ROOMS]


def __getattr__(name: str) -> Any:
    # A name is loaded when it is first used. The Jupyter server imports this package
    # too, and must not start JAX, which would take the GPU away from the kernels.
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(f"medlab.{name}")
    raise AttributeError(f"medlab has no {name!r}. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return __all__


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "static/lab", "dest": "medlab"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "medlab.server"}]
