"""VolumeViewer: a scan with its labels, a prediction and their difference, in 3D."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from medlab.errors import MedlabError
from medlab.widgets import _itkwidgets
from medlab.widgets._view_data import (
    PIECE_BYTES,
    difference_map,
    label_map,
    labels_frame,
    scene_of,
    volume_frame,
)

_STATIC = Path(__file__).parent.parent / "static" / "widgets"
_SHOWS = ("labels", "prediction", "difference", "nothing")
_BACKENDS = ("niivue", "itkwidgets")
_NOT_BUILT = (
    "export default { render({ el }) { el.textContent = "
    "'medlab was installed without its browser half. Run `make lab`.'; } };"
)


def _module(name: str) -> Path | str:
    path = _STATIC / name
    return path if path.exists() else _NOT_BUILT if name.endswith(".js") else ""


class VolumeViewer(anywidget.AnyWidget):
    """Show a scan in 3D, with what was labelled and what a model found.

    Args:
        scan: A Volume (or the path of one), or an array `(I, J, K)` or `(I, J, K, 3)`.
        labels: Labels, a layer, or an array of integers on the scan's grid.
        prediction: The same, from `medlab.predict`. With both, their difference can be
            chosen: missed, extra and agreed.
        backend: "niivue", or "itkwidgets" (JupyterLab and Notebook 7 only, with the extra
            `medlab[itkwidgets]`).
        height: Of the view, in pixels.
        show: What is drawn over the scan at first: "labels", "prediction", "difference"
            or "nothing".

    Raises:
        MedlabError: If labels lie on another grid than the scan, or an argument is none of
            those allowed.
    """

    _esm = _module("volume_viewer.js")
    _css = _module("volume_viewer.css")

    backend = traitlets.Unicode(read_only=True).tag(sync=True)
    info = traitlets.Dict(read_only=True, help="What is to be drawn, in numbers.").tag(
        sync=True
    )
    maps = traitlets.Dict(
        read_only=True, help="Revision of each label map, by name."
    ).tag(sync=True)
    height = traitlets.Int(480, min=120, max=4000, help="In pixels.").tag(sync=True)
    show = traitlets.Enum(_SHOWS, "labels", help="What lies over the scan.").tag(
        sync=True
    )
    opacity = traitlets.Float(1.0, min=0, max=1, help="Of the scan.").tag(sync=True)
    label_opacity = traitlets.Float(1.0, min=0, max=1).tag(sync=True)
    window = traitlets.Tuple(
        traitlets.Float(),
        traitlets.Float(),
        default_value=(0.0, 1.0),
        help="Center and width.",
    ).tag(sync=True)
    clip = traitlets.Dict(
        default_value=None,
        allow_none=True,
        help="depth, azimuth and elevation of the cut.",
    ).tag(sync=True)
    drawn = traitlets.Bool(
        False, help="A browser has drawn it. Set by the browser."
    ).tag(sync=True)
    problem = traitlets.Unicode("", help="Why it was not drawn, else empty.").tag(
        sync=True
    )

    def __init__(
        self,
        scan: Any,
        labels: Any = None,
        prediction: Any = None,
        *,
        backend: str = "niivue",
        height: int = 480,
        show: str | None = None,
        **settings: Any,
    ) -> None:
        if backend not in _BACKENDS:
            raise MedlabError(
                f"backend must be one of {', '.join(_BACKENDS)}, got {backend!r}.",
                code="unknown-backend",
            )
        if backend == "itkwidgets":
            _itkwidgets.load()
        if isinstance(scan, str | Path):
            from medlab.scans import open_scan

            scan = open_scan(scan)
        self._scene = scene_of(scan)
        self._maps: dict[str, Any] = {}
        self._frames: dict[str, bytes] = {}
        self._viewer: _itkwidgets.Viewing | None = None
        super().__init__(height=height, **settings)
        self.set_trait("backend", backend)
        self.set_trait("info", self._scene.info)
        if "window" not in settings:
            self.window = tuple(self._scene.info["window"])
        self.set_trait("maps", {})
        for name, given in (("labels", labels), ("prediction", prediction)):
            if given is not None:
                self._set_map(name, given)
        first = next((name for name in reversed(_SHOWS[:3]) if self._has(name)), None)
        self._choose(show or first or "nothing")
        self.on_msg(self._answer)

    def set_labels(self, labels: Any) -> None:
        """Show other labels, or the same after they were changed.

        Raises:
            MedlabError: If they lie on another grid than the scan.
        """
        self._set_map("labels", labels)

    def set_prediction(self, prediction: Any) -> None:
        """Show another prediction.

        Raises:
            MedlabError: If it lies on another grid than the scan.
        """
        self._set_map("prediction", prediction)

    def _set_map(self, name: str, given: Any) -> None:
        self._maps[name] = label_map(name, given, self._scene)
        self._frames.pop(name, None)
        self.set_trait("maps", {**self.maps, name: self.maps.get(name, 0) + 1})

    def _has(self, show: str) -> bool:
        if show == "difference":
            return {"labels", "prediction"} <= set(self._maps)
        return show == "nothing" or show in self._maps

    def _choose(self, show: str) -> None:
        if show not in _SHOWS or not self._has(show):
            have = [name for name in _SHOWS if self._has(name)]
            raise MedlabError(
                f"show must be one of {', '.join(have)} here, got {show!r}. Pass labels= and "
                "prediction= to see them or their difference.",
                code="nothing-to-show",
            )
        self.show = show

    # A browser asks for what only the kernel has

    def _answer(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        match content.get("op"):
            case "need":
                self._send_piece(str(content.get("what")), int(content.get("part", 0)))
            case "bridge-ready":
                self._start_itkwidgets(bool(content.get("again")))
            case "bridge-failed" if self._viewer:
                self._viewer.release()

    def _send_piece(self, what: str, part: int) -> None:
        if what not in self._frames:
            if what == "volume":
                self._frames[what] = volume_frame(self._scene)
            elif what == "module":
                self._frames[what] = _itkwidgets.asset("view3d.js")
            elif what in self._maps:
                self._frames[what] = labels_frame(what, *self._maps[what])
            else:
                return
        frame = memoryview(self._frames[what])
        parts = -(-len(frame) // PIECE_BYTES)
        piece = frame[part * PIECE_BYTES : (part + 1) * PIECE_BYTES]
        head = {"op": "piece", "what": what, "part": part, "parts": parts}
        self.send(head, buffers=[bytes(piece)])
        if part == parts - 1:
            # Asked for again after a page reload; a whole scan is not kept twice till then.
            del self._frames[what]

    # itkwidgets, once a browser has said that it can answer

    def _start_itkwidgets(self, again: bool) -> None:
        if self._viewer is not None and not again:
            self._viewer.release()
        shown = None if self.show == "nothing" else self.show
        overlay = None
        if shown == "difference":
            overlay = difference_map(
                self._maps["labels"][0], self._maps["prediction"][0]
            )
        elif shown:
            overlay = self._maps[shown]
        try:
            self._viewer = _itkwidgets.view(self._scene, overlay)
        except Exception as error:
            self.problem = f"itkwidgets could not start: {type(error).__name__}."
            raise
        self.send(
            {
                "op": "itk-started",
                "kernel": self._viewer.kernel_id,
                "legend": overlay[1] if overlay else [],
            }
        )
