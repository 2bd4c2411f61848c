"""The model's part of a worker: the last model and scan stay ready for the next slice."""

from collections.abc import Callable
from typing import Any

import numpy as np

from medlab.infer._propose import ReadyModel, propose
from medlab.scans import CachedVolume, Volume
from medlab.smart._frames import preview_frame
from medlab.smart._place import Place
from medlab.train import runs

Report = Callable[[float, str], None]

_ready: dict[tuple[Any, ...], ReadyModel] = {}


def answer_order(order: dict[str, Any], report: Report) -> tuple[str, bytes]:
    """Do what an order asks; see `medlab.smart._tool_work.answer_order`."""
    place = Place(order)
    layer = place.layer(order["layer"], order["rev"])
    params = dict(order["params"])
    del params["region"]
    volume = place.volume()
    model = _model(params.pop("run"), place, volume, report)
    rev = layer.rev
    proposal = propose(
        model,
        model.scan,
        layer.voxels,
        known=layer.segments,
        report=report,
        **params,
    )
    return "frame", preview_frame(proposal, place.source.scan_id, layer.name, rev)


def _model(run: str, place: Place, volume: CachedVolume, report: Report) -> ReadyModel:
    folder = runs.run_folder(place.home, run)
    # A training goes on: its next checkpoint is another model.
    saved = max(
        (path.stat().st_mtime_ns for path in folder.glob("checkpoints/*")), default=0
    )
    key = (str(folder), saved, place.source.scan_id, id(volume))
    if key not in _ready:
        _ready.clear()
        report(0.0, "Loading the model")
        voxels = volume.voxels
        if voxels.ndim == 4:
            voxels = np.moveaxis(voxels, 0, -1)
        scan = Volume(voxels, volume.affine, str(volume.info["modality"]))
        _ready[key] = ReadyModel(folder, scan, home=place.home)
    return _ready[key]
