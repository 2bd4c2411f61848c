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
from medlab.labels import (
    Ack,
    Labels,
    Layer,
    Mark,
    Segment,
    as_segments,
    save_labels,
    segments_to_json,
)
from medlab.scans import PLANES, Home, Volume, find_home, open_scan
from medlab.widgets._comm_server import CommServer

_MODULE = Path(__file__).parents[1] / "static" / "widgets" / "slice_labeler.js"
_NOT_BUILT = (
    "export default { render({ el }) { el.textContent = "
    "'The labeler has not been built. Run `jlpm build` in the folder of medlab.' } }"
)


# Every tool and effect there is, by the name that keys and the command palette use;
# tests/contract/labeling_tools.json holds the same for the browser's side.
TOOLS = (
    *("crosshair", "brush", "eraser", "threshold", "polygon", "lasso", "rectangle"),
    *("ellipse", "livewire", "fill", "grow", "point", "box-2d", "box-3d", "line"),
    *("angle", "roi", "effect-threshold", "effect-grow-3d", "effect-fill-3d"),
    *("effect-seeds", "effect-between", "effect-islands", "effect-margin"),
    *("effect-smooth", "effect-hollow", "effect-logic", "effect-model"),
    *("effect-copy-previous", "effect-copy-next"),
)


class SliceLabeler(anywidget.AnyWidget):
    """Label a scan: brushes, outlines, growing, effects over slices, marks, measurements.

    Press `?` in the labeler for its keys. All of it can be undone, also after the notebook
    was closed, and nothing that was drawn waits to be saved.

    Args:
        scan: From `medlab.open_scan`, or the path of a file or DICOM folder.
        segments: Names, `(name, "#rrggbb")` pairs or `Segment`s (with state and SNOMED CT
            code) for a new layer. An existing layer keeps its own.
        layer: Which set of labels of this scan. Letters, digits, blanks, `_` and `-`.
            Segments of one layer do not overlap, those of two layers may.
        plane: On show at first: "axial", "sagittal", "coronal", or "grid" for all `planes`.
        planes: Which planes there are to choose from, in their order.
        tools: False to look only; or the names of the tools and effects to offer, such as
            `["brush", "eraser", "effect-between"]`. `TOOLS` lists them.
        series: Which DICOM series, where `scan` is a folder with several.
        home: Where the workplace lies; found from the current folder when not given.
        height: Of the widget, in screen pixels.

    Raises:
        MedlabError: If the scan is not on disk, or a name, a plane or a tool cannot be
            used.

    Example:
        >>> import medlab  # doctest: +SKIP
        >>> scan = medlab.open_scan("samples/ct-chest-small")  # doctest: +SKIP
        >>> labeler = medlab.SliceLabeler(scan, ["left lung"])  # doctest: +SKIP
    """

    _esm = _MODULE if _MODULE.exists() else _NOT_BUILT

    scan_id = traitlets.Unicode(read_only=True).tag(sync=True)
    layer_name = traitlets.Unicode(read_only=True).tag(sync=True)
    new_segments = traitlets.List(
        traitlets.Dict(), read_only=True, help="What a new layer begins with."
    ).tag(sync=True)
    planes = traitlets.List(
        traitlets.Unicode(), read_only=True, help="The planes to choose from."
    ).tag(sync=True)
    plane = traitlets.Enum(
        (*PLANES, "grid"), "axial", help="The plane on show, or all."
    ).tag(sync=True)
    is_drawn_on = traitlets.Bool(True, read_only=True).tag(sync=True)
    offered = traitlets.List(
        traitlets.Unicode(), None, allow_none=True, read_only=True
    ).tag(sync=True)
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
        planes: Iterable[str] = PLANES,
        tools: bool | Iterable[str] = True,
        series: str | None = None,
        home: Home | None = None,
        height: int = 560,
    ) -> None:
        planes = _known_planes(planes, plane)
        offered = None if isinstance(tools, bool) else _known_tools(tools)
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
        self._scan = scan
        self._layer = Layer.open(self._home, scan, layer, segments=segments)
        super().__init__(plane=plane, height=height)
        self.set_trait("scan_id", self._layer.scan_id)
        self.set_trait("layer_name", layer)
        self.set_trait("new_segments", segments_to_json(segments))
        self.set_trait("planes", planes)
        self.set_trait("is_drawn_on", tools is not False)
        self.set_trait("offered", offered)
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

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What the integers mean now: names, colours, locks, states and codes."""
        return self._layer.segments

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Points, lines, angles, boxes and classes, in voxel coordinates."""
        return self._layer.marks

    def save(self, path: Path | str) -> Path:
        """Write the labels to a file, on the scan's own grid; read back and compared.

        Args:
            path: Its ending says the format: `.nii.gz` or `.nii` (with a table of segments
                beside it), `.seg.nrrd` (3D Slicer), `.dcm` (DICOM SEG, of a DICOM scan);
                marks alone as `.json` (COCO) or `.csv`.

        Returns:
            The file that was written.

        Raises:
            MedlabError: If the format cannot hold them.
            OSError: If the disk is full or read-only; an older file is still there.
        """
        return save_labels(path, self._layer.labels(), self._scan, home=self._home)

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
        overwrites: str = "visible",
    ) -> Ack | None:
        """Draw from Python, through the same journal. See `medlab.labels.Layer.paint`."""
        return self._layer.paint(segment, mask, at=at, tool=tool, overwrites=overwrites)

    def _receive(self, _widget: Any, content: Any, buffers: list[Any]) -> None:
        self._comm_server.receive(content, buffers)

    def _reply(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.send(content, buffers=buffers)


def _known_planes(planes: Iterable[str], plane: str) -> list[str]:
    chosen = list(dict.fromkeys(planes))
    if not chosen or not set(chosen) <= set(PLANES):
        raise MedlabError(
            f"The planes must be some of {', '.join(PLANES)}, got {chosen}.",
            code="no-plane",
        )
    if plane not in (*chosen, "grid"):
        raise MedlabError(
            f"The plane must be one of {', '.join(chosen)} or grid, got {plane!r}.",
            code="no-plane",
        )
    return chosen


def _known_tools(tools: Iterable[str]) -> list[str]:
    chosen = list(dict.fromkeys(tools))
    unknown = [tool for tool in chosen if tool not in TOOLS]
    if unknown:
        raise MedlabError(
            f"The tools must be some of {', '.join(TOOLS)}, got {', '.join(unknown)}.",
            code="no-tool",
        )
    return chosen
