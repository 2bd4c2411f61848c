"""Label maps in NIfTI, NRRD and MetaImage: one integer a voxel, and nothing that names it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._stack import LayerStack
from medlab.scans import Home, open_scan


def read_label_volume(path: Path, name: str, home: Home | None = None) -> LayerStack:
    """Read a label map; its segments have no names yet.

    Raises:
        MedlabError: If it cannot be read, or holds something else than labels.
    """
    volume = open_scan(path, home=home)
    voxels = as_labels(volume.voxels, name)
    return LayerStack((voxels,), volume.affine, ((),), warnings=volume.warnings)


def as_labels(voxels: NDArray[Any], name: str) -> NDArray[Any]:
    """The voxels as uint8 or uint16.

    Raises:
        MedlabError: If they are no whole numbers from 0 to 65535.
    """
    whole = voxels
    if voxels.ndim == 3 and voxels.dtype.kind == "f":
        whole = np.rint(np.where(np.isfinite(voxels), voxels, 0.5))
    if voxels.ndim != 3 or (whole is not voxels and np.any(whole != voxels)):
        raise MedlabError(
            f"{name!r} must hold one whole number a voxel, got something else "
            "(intensities, probabilities or colours). Choose the label file.",
            code="not-labels",
        )
    low, high = int(whole.min(initial=0)), int(whole.max(initial=0))
    if low < 0 or high > 65535:
        raise MedlabError(
            f"{name!r} must hold labels from 0 to 65535, got {low} to {high}. "
            "Is it the scan itself? Choose the label file.",
            code="not-labels",
        )
    return whole.astype(np.uint8 if high <= 255 else np.uint16, order="F")
