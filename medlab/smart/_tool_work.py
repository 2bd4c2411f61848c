"""The tools' part of a worker: an order becomes a preview frame or a table."""

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels import (
    Frame,
    Layer,
    encode_frame,
    encode_runs,
    segments_to_json,
)
from medlab.labels._proposal import Proposal
from medlab.labels.tools import propose, statistics
from medlab.scans import CachedVolume, Home, ScanSource, spacing_mm, volume_cache

Report = Callable[[float, str], None]

_OPEN = 4
_TRUSTED_S = 5.0
_volumes: OrderedDict[tuple[str, ...], tuple[float, CachedVolume]] = OrderedDict()
_layers: OrderedDict[tuple[str, ...], Layer] = OrderedDict()


class BehindRevision(MedlabError):
    """The page drew something that has not arrived here yet."""

    code = "behind"


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


def preview_frame(proposal: Proposal, scan: str, layer: str, rev: int) -> bytes:
    """A proposal as it travels: runs over its box, 65535 where nothing changes."""
    header = {
        "op": "preview",
        **{"scan": scan, "layer": layer, "rev": rev, "tool": proposal.tool},
        "box": list(proposal.box),
        "enc": "rle",
        "segments": list(proposal.segments),
        "new_segments": segments_to_json(proposal.new_segments),
        "message": proposal.message,
        "crc": None,
    }
    return encode_frame(Frame(header, encode_runs(proposal.labels)))


class Place:
    """The scan that an order is about; what was opened before stays open.

    Args:
        order: Names `root`, `folder`, `path` and `series`.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self.home = Home(Path(order["root"]), Path(order["folder"]))
        self.source = ScanSource(order["path"], order["series"])
        self._key = (order["folder"], self.source.scan_id)

    def volume(self) -> CachedVolume:
        """The decoded scan; whether its files changed is looked at every few seconds."""
        checked, volume = _volumes.get(self._key, (0.0, None))
        if volume is None or time.monotonic() - checked > _TRUSTED_S:
            volume = volume_cache(self.source, self.home)
        _volumes[self._key] = (time.monotonic(), volume)
        _volumes.move_to_end(self._key)
        while len(_volumes) > _OPEN:
            _volumes.popitem(last=False)
        return volume

    def layer(self, name: str, rev: int) -> Layer:
        """The labels as the journal tells them, at this revision or a newer one.

        Raises:
            LayerNotFound: If there is none of that name.
            BehindRevision: If the journal is not that far.
        """
        key = (*self._key, name)
        layer = _layers.get(key)
        is_there = (
            self.home.labels / self.source.scan_id / name / "layer.json"
        ).exists()
        if layer is None or not is_there:
            _layers.pop(key, None)
            layer = Layer.open(self.home, self.source, name, create=False)
        _layers[key] = layer
        _layers.move_to_end(key)
        while len(_layers) > _OPEN:
            _layers.popitem(last=False)
        if layer.rev < rev:
            raise BehindRevision(
                f"The labels must be at revision {rev}, got {layer.rev}. Wait until what "
                "was drawn is saved, and ask again."
            )
        return layer


def grey(volume: CachedVolume) -> NDArray[Any]:
    """Intensities `(I, J, K)`; colours become their mean."""
    if volume.voxels.ndim == 3:
        return volume.voxels
    return np.asarray(volume.voxels.mean(axis=0, dtype=np.float32))
