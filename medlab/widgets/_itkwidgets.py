"""The real `itkwidgets.view`, called only once a browser can answer it.

itkwidgets holds back every later cell of a notebook until its viewer answers. Where nothing
can answer (VS Code, a page without the labextension, no network for its own loader), that is
for ever. So the order is turned round: the widget's browser half says that the bridge is
there, and only then `view` is called; and a viewer that does not answer in time is given up.
"""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.widgets._view_data import SceneData

_NEEDED = ("itkwidgets", "imjoy_jupyterlab_extension", "imjoy_elfinder")
_LONGEST_WAIT_S = 180.0
# itkwidgets' own 0.5 leaves labels too pale to tell apart.
_LABEL_BLEND = 0.8
# Dark as scans are read, and light enough to find the viewer's black menu button.
_BACKGROUND = (0.27, 0.27, 0.27)


def load() -> None:
    """Import itkwidgets; refuse with advice where the extra is missing.

    Raises:
        MedlabError: If itkwidgets, or a part it insists on, is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MedlabError(
            'backend="itkwidgets" needs the extra medlab[itkwidgets], got an environment '
            f"without {', '.join(missing)}. Run `pip install 'medlab[itkwidgets]'` and "
            'restart the kernel, or use backend="niivue".',
            code="no-itkwidgets",
        )
    # In the cell, where it finds its kernel; imjoy-rpc guesses wrong outside of one.
    os.environ.setdefault("IMJOY_RPC_CONNECTION", "jupyter")
    import_module("itkwidgets")


@dataclass
class Viewing:
    """One itkwidgets viewer that has been asked for."""

    viewer: Any
    kernel_id: str
    deadline: asyncio.TimerHandle | None = None

    @property
    def answered(self) -> bool:
        """The browser has drawn it, so no cell waits for it."""
        return bool(_watcher().viewer_ready(self.viewer.name))

    def release(self) -> None:
        """Let waiting cells run, whether or not the viewer ever answers."""
        if self.deadline is not None:
            self.deadline.cancel()
        if not self.answered:
            _watcher().update_viewer_status(self.viewer.name, True)

    def give_up_after(self, seconds: float) -> None:
        """Release it then, on the kernel's own loop, where itkwidgets starts its tasks."""
        loop = asyncio.get_running_loop()
        self.deadline = loop.call_later(seconds, self.release)


def view(
    scene: SceneData,
    overlay: tuple[NDArray[Any], Sequence[Mapping[str, Any]]] | None,
) -> Viewing:
    """Call `itkwidgets.view` without displaying anything.

    Args:
        scene: The scan.
        overlay: Label map and its segments, or None.

    Returns:
        What the browser needs to connect to the viewer.
    """
    import itkwidgets
    from IPython.utils.capture import capture_output

    arguments: dict[str, Any] = {
        "image": _image(scene.voxels, scene.affine),
        "bg_color": _BACKGROUND,
    }
    if overlay is not None:
        # Names are not passed: the viewer wants a JavaScript Map, which imjoy-rpc cannot send.
        arguments["label_image"] = _image(overlay[0], scene.affine)
        arguments["label_blend"] = _LABEL_BLEND
    # The widget's own element takes the place of what itkwidgets displays: ipykernel 7
    # drops displays that come from a comm message.
    with capture_output():
        viewer = itkwidgets.view(**arguments)
    viewing = Viewing(viewer, _kernel_id())
    viewing.give_up_after(_LONGEST_WAIT_S)
    return viewing


def to_lps(
    voxels: NDArray[Any], affine: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    """Reorder voxels along the patient's L, P and S axes, as ITK lays them out.

    The viewer knows no rotation: a scan that is oblique is shown in its own, nearest, frame.

    Returns:
        Voxels along L, P, S (whichever is nearest); spacing in mm; first voxel in LPS mm.

    Example:
        >>> voxels, spacing_mm, origin = to_lps(np.zeros((7, 8, 9)), np.diag([2.0, 3, 4, 1]))
        >>> voxels.shape, origin.tolist()
        ((7, 8, 9), [-12.0, -21.0, 0.0])
    """
    from nibabel.orientations import (
        apply_orientation,
        axcodes2ornt,
        inv_ornt_aff,
        io_orientation,
        ornt_transform,
    )

    turn = ornt_transform(io_orientation(affine), axcodes2ornt("LPS"))
    turned = apply_orientation(voxels, turn)
    placed = affine @ inv_ornt_aff(turn, voxels.shape[:3])
    spacing_mm = np.linalg.norm(placed[:3, :3], axis=0)
    return turned, spacing_mm, placed[:3, 3] * [-1, -1, 1]


def asset(name: str) -> bytes:
    """A lazy asset of the labextension, for a page that cannot fetch it by its address."""
    from jupyter_core.paths import jupyter_path

    built = Path(__file__).parent.parent / "static" / "lab" / "assets" / name
    places = [
        Path(folder) / "medlab" / "assets" / name
        for folder in jupyter_path("labextensions")
    ]
    found = next((place for place in [built, *places] if place.exists()), None)
    return found.read_bytes() if found else b""


def _image(voxels: NDArray[Any], affine: NDArray[np.float64]) -> Any:
    from ngff_zarr import to_ngff_image

    turned, spacing_mm, origin = to_lps(voxels, affine)
    dims = ["z", "y", "x"] + (["c"] if turned.ndim == 4 else [])
    return to_ngff_image(
        np.ascontiguousarray(np.moveaxis(turned, (0, 2), (2, 0))),
        dims=dims,
        scale=dict(zip("xyz", spacing_mm.tolist(), strict=True)),
        translation=dict(zip("xyz", origin.tolist(), strict=True)),
    )


def _watcher() -> Any:
    from itkwidgets.cell_watcher import CellWatcher

    return CellWatcher()


def _kernel_id() -> str:
    from ipykernel.connect import get_connection_file

    name = Path(get_connection_file()).stem
    found = re.search("kernel-(.*)", name)
    return found.group(1) if found else name
