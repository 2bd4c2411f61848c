"""Deep learning on medical scans in JupyterLab: browse, annotate, train, explore."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from medlab.errors import MedlabError

if TYPE_CHECKING:
    from medlab.evaluate import dice as dice
    from medlab.infer import predict as predict
    from medlab.infer import predict_scans as predict_scans
    from medlab.labels import open_labels as open_labels
    from medlab.layers import accelerate as accelerate
    from medlab.planning import plan as plan
    from medlab.scans import Query as Query
    from medlab.scans import Volume as Volume
    from medlab.scans import convert_scans as convert_scans
    from medlab.scans import find_home as find_home
    from medlab.scans import list_scans as list_scans
    from medlab.scans import open_scan as open_scan
    from medlab.scans import scan_groups as scan_groups
    from medlab.scans import search_scans as search_scans
    from medlab.scans import update_index as update_index
    from medlab.train import Recipe as Recipe
    from medlab.widgets import SliceLabeler as SliceLabeler
    from medlab.widgets import TrainControls as TrainControls
    from medlab.widgets import VolumeViewer as VolumeViewer

_HOME = {
    "Query": "medlab.scans",
    "Recipe": "medlab.train",
    "SliceLabeler": "medlab.widgets",
    "TrainControls": "medlab.widgets",
    "Volume": "medlab.scans",
    "VolumeViewer": "medlab.widgets",
    "accelerate": "medlab.layers",
    "convert_scans": "medlab.scans",
    "dice": "medlab.evaluate",
    "find_home": "medlab.scans",
    "list_scans": "medlab.scans",
    "open_labels": "medlab.labels",
    "open_scan": "medlab.scans",
    "plan": "medlab.planning",
    "predict": "medlab.infer",
    "predict_scans": "medlab.infer",
    "scan_groups": "medlab.scans",
    "search_scans": "medlab.scans",
    "update_index": "medlab.scans",
}
_ROOMS = (
    "cluster",
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
