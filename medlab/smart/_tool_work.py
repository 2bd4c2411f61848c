"""The tools' part of a worker: an order becomes a preview frame or a table."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.labels.tools import propose, statistics
from medlab.scans import CachedVolume, spacing_mm
from medlab.smart._frames import preview_frame
from medlab.smart._place import Place

Report = Callable[[float, str], None]


def answer_order(order: dict[str, Any], report: Report) -> tuple[str, bytes]:
    """Do what an order asks.

    Returns:
        `"frame"` or `"json"`, and the bytes.
    """
    place = Place(order)
    layer = place.layer(order["layer"], order["rev"])
    volume = place.volume()
    params = dict(order["params"])
    voxels = grey(volume)
    if order["tool"] == "statistics":
        rows = statistics(
            voxels,
            layer.voxels,
            segments=params["segments"],
            spacing_mm=spacing_mm(volume.affine),
            affine=volume.affine,
            report=report,
        )
        return "json", json.dumps({"rev": layer.rev, "rows": rows}).encode()
    other_layer = params.pop("other_layer", None)
    if other_layer is not None:
        params["others"] = place.layer(other_layer, 0).voxels
    region = params.pop("region")
    rev = layer.rev
    proposal = propose(
        order["tool"],
        voxels,
        layer.voxels,
        known=layer.segments,
        spacing_mm=spacing_mm(volume.affine),
        region=None if region is None else tuple(region),
        report=report,
        **params,
    )
    return "frame", preview_frame(proposal, place.source.scan_id, layer.name, rev)


def grey(volume: CachedVolume) -> NDArray[Any]:
    """Intensities `(I, J, K)`; colours become their mean."""
    if volume.voxels.ndim == 3:
        return volume.voxels
    return np.asarray(volume.voxels.mean(axis=0, dtype=np.float32))
