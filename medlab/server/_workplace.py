"""What the handlers share: the root, the layers that are open, the threads."""

import asyncio
import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from medlab.errors import MedlabError
from medlab.labels import Layer
from medlab.scans import (
    CachedVolume,
    Home,
    ScanNotFound,
    find_home,
    find_scan,
    volume_cache,
)
from medlab.server._indexing import Indexing
from medlab.server._limits import Places
from medlab.server._thumbnails import Thumbnails

_Result = TypeVar("_Result")

# Kinds of work do not wait for one another: a stroke is written while scans decode.
_THREADS = {"quick": 8, "listing": 2, "volumes": 3, "thumbnails": 2, "files": 2}
_OPEN_LAYERS = 16
_OPEN_VOLUMES = 8
_TRUSTED_S = 2.0


@dataclass
class Workplace:
    """The folder that one Jupyter server serves."""

    home: Home
    places: Places = field(default_factory=Places)
    _pools: dict[str, ThreadPoolExecutor] = field(default_factory=dict)
    _layers: OrderedDict[tuple[str, str], Layer] = field(default_factory=OrderedDict)
    _volumes: OrderedDict[str, tuple[float, CachedVolume]] = field(
        default_factory=OrderedDict
    )
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.indexing = Indexing(self.home)
        self.thumbnails = Thumbnails(self.home, self.run)

    def index_soon(self) -> None:
        """Have the index brought up to date, at the first question since the start."""
        if not self.indexing.has_begun:
            self.indexing.order("start")

    @classmethod
    def at(cls, root: str) -> "Workplace":
        """The workplace of a server with that root folder; `MEDLAB_HOME` wins."""
        if os.environ.get("MEDLAB_HOME"):
            return cls(find_home())
        folder = Path(root).expanduser().resolve()
        return cls(Home(folder, folder / ".medlab"))

    def prepare(self) -> bool:
        """Make the `.medlab` folder, so that kernels below the root find the same one.

        Returns:
            Whether anything can be kept there; a read-only root has no such folder.
        """
        with contextlib.suppress(OSError):
            self.home.folder.mkdir(parents=True, exist_ok=True)
        return self.home.is_writable

    async def run(self, kind: str, work: Callable[..., _Result], *args: Any) -> _Result:
        """Do slow work in a thread; `kind` is a key of the table of threads above.

        Raises:
            TooMany: If too many requests of that kind wait already.
        """
        pool = self._pools.get(kind)
        if pool is None:
            pool = ThreadPoolExecutor(_THREADS[kind], f"medlab-{kind}")
            self._pools[kind] = pool
        with self.places.one(kind):
            return await asyncio.get_running_loop().run_in_executor(pool, work, *args)

    def inside(self, path: str) -> Path:
        """A path of a request, confined to the root; links are followed first.

        Raises:
            ScanNotFound: If it leads out of the root.
        """
        try:
            target = (self.home.root / path).resolve()
            is_inside = target.is_relative_to(self.home.root)
            target.exists()  # Fails for names that no disk takes.
        except (ValueError, OSError, RuntimeError):
            is_inside = False
        if not is_inside:
            raise ScanNotFound(
                "There is no such folder below the root of the notebooks. Give a folder "
                "relative to the root."
            )
        return target

    def volume(self, scan_id: str) -> CachedVolume:
        """The decoded scan. Its files are looked at again after two seconds at most."""
        with self._guard:
            checked, volume = self._volumes.get(scan_id, (0.0, None))
        if volume is not None and time.monotonic() - checked < _TRUSTED_S:
            return volume
        volume = volume_cache(find_scan(scan_id, self.home), self.home)
        with self._guard:
            self._volumes[scan_id] = (time.monotonic(), volume)
            self._volumes.move_to_end(scan_id)
            while len(self._volumes) > _OPEN_VOLUMES:
                self._volumes.popitem(last=False)
        return volume

    def layer(
        self, scan_id: str, name: str, segments: list[Any] | None = None
    ) -> Layer:
        """The layer of a scan; made when `segments` are given and there is none.

        Raises:
            LayerNotFound: If there is none and no segments are given.
            MedlabError: If the scan has another shape than the layer.
        """
        key = (scan_id, name)
        with self._guard:
            layer = self._layers.get(key)
            if layer is not None:
                if (self.home.labels / scan_id / name / "layer.json").exists():
                    self._layers.move_to_end(key)
                    return layer
                del self._layers[key]
        source = find_scan(scan_id, self.home)
        is_new = segments is not None
        layer = Layer.open(self.home, source, name, segments=segments, create=is_new)
        if is_new:
            _check_shape(layer, self.volume(scan_id))
        with self._guard:
            # Two requests at once: both go on with the layer that was there first.
            layer = self._layers.setdefault(key, layer)
            while len(self._layers) > _OPEN_LAYERS:
                self._layers.popitem(last=False)
            return layer

    def recover(self, scan_id: str, name: str) -> Layer:
        """The layer at its last good state; its damaged files are kept beside.

        Raises:
            LayerNotFound: If there is none.
        """
        source, key = find_scan(scan_id, self.home), (scan_id, name)
        with self._guard:
            known = self._layers.get(key)
        layer = Layer.recover(self.home, source, name, known=known)
        with self._guard:
            self._layers[key] = layer
        return layer


def _check_shape(layer: Layer, volume: CachedVolume) -> None:
    shape = tuple(volume.info["shape"])
    if layer.shape != shape:
        raise MedlabError(
            f"The layer {layer.name!r} was drawn on a scan of {layer.shape} voxels, and "
            f"the scan has {shape} now. Put the old scan back, or use another layer name.",
            code="another-shape",
        )
