"""Place: what a worker keeps open of a scan: its decoded voxels and its layers."""

import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.labels import Layer
from medlab.scans import CachedVolume, Home, ScanSource, volume_cache

_OPEN = 4
_TRUSTED_S = 5.0
_volumes: OrderedDict[tuple[str, ...], tuple[float, CachedVolume]] = OrderedDict()
_layers: OrderedDict[tuple[str, ...], Layer] = OrderedDict()


class BehindRevision(MedlabError):
    """The page drew something that has not arrived here yet."""

    code = "behind"


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
