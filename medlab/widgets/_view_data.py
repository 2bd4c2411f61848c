"""What a viewer draws, as frames that a browser can ask for in pieces.

Nothing of this is a synced trait: "Save Widget State" would write it into the notebook, and
messages above 10 MiB are lost. The browser asks for one piece at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels import Frame, encode_frame, encode_runs
from medlab.scans import check_same_grid

PIECE_BYTES = 2**20
_DRAWABLE = {"i1": np.int8, "u1": np.uint8, "i2": np.int16, "u2": np.uint16}
# Okabe and Ito, told apart with every common colour blindness.
_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


@dataclass(frozen=True)
class SceneData:
    """A scan ready to be drawn.

    Attributes:
        voxels: `(I, J, K)` or `(I, J, K, 3)`; int8/16, uint8/16 or float32, all finite.
        affine: 4x4, voxel to RAS+ mm.
        info: What the browser must know before it asks for voxels.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    info: dict[str, Any]


def scene_of(scan: Any) -> SceneData:
    """Take what a browser can draw out of a Volume, or of a bare array.

    Raises:
        MedlabError: If it has not three axes (and one or three channels).
    """
    voxels = np.asarray(getattr(scan, "voxels", scan))
    if voxels.ndim == 4 and voxels.shape[3] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim not in (3, 4) or (voxels.ndim == 4 and voxels.shape[3] != 3):
        raise MedlabError(
            "A volume to view must have shape (I, J, K), or (I, J, K, 3) for colour, got "
            f"{voxels.shape}. Pick one time point or channel first.",
            code="not-a-volume",
        )
    affine = np.asarray(getattr(scan, "affine", np.eye(4)), np.float64)
    voxels = drawable(voxels)
    least, most = float(voxels.min()), float(voxels.max())
    source = getattr(scan, "source", None)
    info = {
        "scan": source.scan_id if source is not None else "",
        "shape": [int(n) for n in voxels.shape[:3]],
        "affine": affine.tolist(),
        "channels": 3 if voxels.ndim == 4 else 1,
        "dtype": voxels.dtype.str[1:],
        "range": [least, most],
        "window": list(_window(scan, voxels, least, most)),
        "unit": getattr(scan, "unit", ""),
    }
    return SceneData(voxels, affine, info)


def drawable(voxels: NDArray[Any]) -> NDArray[Any]:
    """Convert to a type that browsers draw, without loss where one fits.

    Example:
        >>> drawable(np.array([-1000, 3000])).dtype
        dtype('int16')
        >>> drawable(np.array([np.nan, 0.5]))
        array([0.5, 0.5], dtype=float32)
    """
    if voxels.dtype == bool:
        return voxels.astype(np.uint8)
    if voxels.dtype.str[1:] in _DRAWABLE:
        return voxels
    if voxels.dtype.kind in "iu" and voxels.size:
        least, most = int(voxels.min()), int(voxels.max())
        for dtype in (np.int16, np.uint16):
            limits = np.iinfo(dtype)
            if limits.min <= least and most <= limits.max:
                return voxels.astype(dtype)
    voxels = voxels.astype(np.float32)
    finite = np.isfinite(voxels)
    if not finite.all():
        floor = voxels[finite].min() if finite.any() else np.float32(0)
        voxels = np.where(finite, voxels, floor)
    return voxels


def label_map(
    name: str, labels: Any, scene: SceneData
) -> tuple[NDArray[Any], list[dict[str, Any]]]:
    """Check labels against the scan's grid; return them with their segments.

    Args:
        name: What to call them in a message: "labels" or "prediction".
        labels: Labels, a layer, or an array of integers `(I, J, K)`.
        scene: The scan they lie on.

    Raises:
        MedlabError: If they are no integers from 0 to 65535, or lie on another grid.
    """
    voxels = np.asarray(getattr(labels, "voxels", labels))
    check_same_grid(
        name,
        voxels.shape,
        getattr(labels, "affine", scene.affine),
        scan_shape=tuple(scene.info["shape"]),
        scan_affine=scene.affine,
    )
    whole = voxels.dtype.kind in "biu" or np.array_equal(voxels, np.round(voxels))
    if not whole or voxels.min() < 0 or voxels.max() > 65535:
        raise MedlabError(
            f"{name} must be whole numbers from 0 to 65535, got {voxels.dtype} values from "
            f"{voxels.min():.4g} to {voxels.max():.4g}. Threshold probabilities first.",
            code="not-labels",
        )
    small = voxels.max() < 256
    voxels = voxels.astype(np.uint8 if small else np.uint16, copy=False)
    return voxels, _segments(getattr(labels, "segments", None), voxels)


def volume_frame(scene: SceneData) -> bytes:
    """The whole scan as one `slab` frame."""
    voxels = scene.voxels
    # The channel is fastest on the wire, then i, j, k.
    ordered = np.moveaxis(voxels, 3, 0) if voxels.ndim == 4 else voxels
    shape = scene.info["shape"]
    header = {
        "op": "slab",
        "scan": scene.info["scan"],
        "box": [0, shape[0], 0, shape[1], 0, shape[2]],
        "dtype": scene.info["dtype"],
        "channels": scene.info["channels"],
        "enc": "raw",
        "crc": None,
    }
    little = ordered.astype(ordered.dtype.newbyteorder("<"), copy=False)
    return encode_frame(Frame(header, little.tobytes(order="F")))


def labels_frame(
    name: str, voxels: NDArray[Any], segments: Sequence[Mapping[str, Any]]
) -> bytes:
    """A label map as one run-length encoded `snapshot` frame."""
    header = {
        "op": "snapshot",
        "scan": "",
        "layer": name,
        "rev": 0,
        "shape": [int(n) for n in voxels.shape],
        "dtype": voxels.dtype.str[1:],
        "enc": "rle",
        "segments": list(segments),
        "crc": None,
    }
    return encode_frame(Frame(header, encode_runs(voxels)))


def difference_map(
    labels: NDArray[Any], prediction: NDArray[Any]
) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """Where two label maps agree (1), one is missed (2), extra (3) or another (4)."""
    kinds = np.zeros(labels.shape, np.uint8)
    kinds[(labels == prediction) & (labels != 0)] = 1
    kinds[(labels != 0) & (prediction == 0)] = 2
    kinds[(labels == 0) & (prediction != 0)] = 3
    kinds[(labels != prediction) & (labels != 0) & (prediction != 0)] = 4
    names = ("agreed", "missed", "extra", "other segment")
    colors = ("#999999", "#e69f00", "#56b4e9", "#cc79a7")
    segments = [
        {"id": n + 1, "name": name, "color": color, "visible": True}
        for n, (name, color) in enumerate(zip(names, colors, strict=True))
    ]
    return kinds, segments


def _window(
    scan: Any, voxels: NDArray[Any], least: float, most: float
) -> tuple[float, float]:
    if voxels.ndim == 4:
        return 127.5, 255.0
    if getattr(scan, "modality", "") == "CT":
        return 40.0, 400.0
    # Every fourth voxel a side is enough to find the bright and dark ends.
    low, high = np.percentile(voxels[::4, ::4, ::4], (2, 99.8))
    if high <= low:
        low, high = least, max(most, least + 1)
    return float(low + high) / 2, float(high - low)


def _segments(given: Any, voxels: NDArray[Any]) -> list[dict[str, Any]]:
    if given is not None:
        return [
            {
                "id": int(one.id),
                "name": str(one.name),
                "color": str(one.color),
                "visible": bool(getattr(one, "visible", True)),
            }
            for one in given
        ]
    ids = [int(n) for n in np.unique(voxels) if n]
    return [
        {
            "id": number,
            "name": f"Segment {number}",
            "color": _COLORS[n % len(_COLORS)],
            "visible": True,
        }
        for n, number in enumerate(ids)
    ]
