"""SliceLabeler: draw labels on a scan's slices, in a notebook.

The browser draws, and sends each stroke to the medlab server (or, where there is none, to
this kernel). The strokes lie in a journal on disk before they count as saved; the kernel
reads them from there. So no voxel travels in a synced trait, a running cell blocks
nothing, and a reloaded page or a restarted kernel finds everything again.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError
from medlab.labels import Ack, Labels, Layer, Segment, as_segments, segments_to_json
from medlab.scans import PLANES, Home, Volume, find_home, open_scan
from medlab.widgets._comm_server import CommServer

_MODULE = Path(__file__).parents[1] / "static" / "widgets" / "slice_labeler.js"
_NOT_BUILT = (
    "export default { render({ el }) { el.textContent = "
    "'The labeler has not been built. Run `jlpm build` in the folder of medlab.' } }"
)


class SliceLabeler(anywidget.AnyWidget):
    """Label a scan slice by slice with brush, outline and fill.

    Args:
        scan: From `medlab.open_scan`, or the path of a file or DICOM folder.
        segments: Names, `(name, "#rrggbb")` pairs or `Segment`s for a new layer. An
            existing layer keeps its own.
        layer: Which set of labels of this scan. Letters, digits, blanks, `_` and `-`.
        plane: On show at first: "axial", "sagittal" or "coronal".
        series: Which DICOM series, where `scan` is a folder with several.
        home: Where the workplace lies; found from the current folder when not given.
        height: Of the widget, in screen pixels.

    Raises:
        MedlabError: If the scan is not on disk, or a name or plane cannot be used.

    Example:
        >>> import medlab  # doctest: +SKIP
        >>> scan = medlab.open_scan("samples/ct-chest-small")  # doctest: +SKIP
        >>> labeler = medlab.SliceLabeler(scan, ["left lung"])  # doctest: +SKIP
    """

    _esm = _MODULE if _MODULE.exists() else _NOT_BUILT

    scan_id = traitlets.Unicode(read_only=True).tag(sync=True)
    layer_name = traitlets.Unicode(read_only=True).tag(sync=True)
    segments = traitlets.List(
        traitlets.Dict(), read_only=True, help="What a new layer begins with."
    ).tag(sync=True)
    plane = traitlets.Enum(PLANES, "axial", help="The plane on show.").tag(sync=True)
    height = traitlets.Int(560, help="In screen pixels.").tag(sync=True)

    def __init__(
        self,
        scan: Volume | Path | str,
        segments: Iterable[Segment | str | tuple[str, str] | dict[str, Any]] = (
            "segment 1",
        ),
        *,
        layer: str = "labels",
        plane: str = "axial",
        series: str | None = None,
        home: Home | None = None,
        height: int = 560,
    ) -> None:
        if plane not in PLANES:
            raise MedlabError(
                f"The plane must be one of {', '.join(PLANES)}, got {plane!r}.",
                code="no-plane",
            )
        self._home = home or find_home()
        segments = as_segments(segments)
        if not isinstance(scan, Volume):
            scan = open_scan(scan, series=series, home=self._home)
        if scan.source is None:
            raise MedlabError(
                "SliceLabeler needs a scan that lies on disk, got a volume made in "
                "memory. Save it with medlab.scans.write_nifti, and open that file.",
                code="no-source",
            )
        self._layer = Layer.open(self._home, scan, layer, segments=segments)
        super().__init__(plane=plane, height=height)
        self.set_trait("scan_id", self._layer.scan_id)
        self.set_trait("layer_name", layer)
        self.set_trait("segments", segments_to_json(segments))
        self._comm_server = CommServer(self._home, scan.source, self._reply)
        self.on_msg(self._receive)

    @property
    def layer(self) -> Layer:
        """The layer that is being drawn; other cells may paint into it too."""
        return self._layer

    @property
    def labels(self) -> NDArray[Any]:
        """A copy of the labels as they are now, `(I, J, K)` on the scan's own grid.

        Read from the journal on disk: it waits neither for the browser nor for a
        running cell.
        """
        return np.array(self._layer.voxels, order="K")

    def save(self, path: Path | str) -> Path:
        """Write the labels to a file, on the scan's own grid.

        Args:
            path: Ends in `.nii.gz` or `.nii` (with a table of segments beside it), or in
                `.seg.nrrd`.
        """
        return self._layer.labels().save(path)

    def snapshot(self) -> Labels:
        """A copy of the labels with their segments and geometry."""
        return self._layer.labels()

    def paint(
        self,
        segment: str | int | None,
        mask: ArrayLike,
        *,
        at: tuple[int, int, int] = (0, 0, 0),
        tool: str = "script",
    ) -> Ack | None:
        """Draw from Python, through the same journal. See `medlab.labels.Layer.paint`."""
        return self._layer.paint(segment, mask, at=at, tool=tool)

    def _receive(self, _widget: Any, content: Any, buffers: list[Any]) -> None:
        self._comm_server.receive(content, buffers)

    def _reply(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.send(content, buffers=buffers)
