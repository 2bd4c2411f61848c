"""Labels: an integer a voxel, and what the integers mean."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._segment import Segment, find_segment
from medlab.labels._write import write_labels
from medlab.scans import axis_codes, spacing_mm


@dataclass(frozen=True, eq=False)
class Labels:
    """A label map in memory, on the grid of its scan.

    Attributes:
        voxels: `(I, J, K)`, uint8 or uint16; 0 is background.
        affine: 4x4 float64, voxel indices to RAS+ millimetres.
        segments: What the integers mean.
        warnings: Sentences about what was doubtful in the file.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or self.voxels.dtype not in (np.uint8, np.uint16):
            raise MedlabError(
                "Labels must be (I, J, K) of uint8 or uint16, got "
                f"{self.voxels.shape} of {self.voxels.dtype}. Convert them first.",
                code="bad-labels",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along I, J and K."""
        i, j, k = self.voxels.shape
        return i, j, k

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along I, J and K, in mm."""
        return spacing_mm(self.affine)

    @property
    def orientation(self) -> str:
        """Axis codes as nibabel names them, such as "RAS"."""
        return axis_codes(self.affine)

    def mask(self, segment: str | int) -> NDArray[np.bool_]:
        """`(I, J, K)` booleans: the voxels of one segment, by name or id."""
        return np.asarray(self.voxels == find_segment(self.segments, segment).id)

    def select(self, segments: Iterable[str | int]) -> "Labels":
        """The same labels with these segments alone; the rest becomes background."""
        kept = tuple(find_segment(self.segments, which) for which in segments)
        ids = np.array([segment.id for segment in kept])
        voxels = np.where(np.isin(self.voxels, ids), self.voxels, 0)
        return Labels(voxels.astype(self.voxels.dtype), self.affine, kept)

    def save(self, path: Path | str) -> Path:
        """Write the labels as `.seg.nrrd`, `.nii.gz` or `.nii`.

        Written in one step and read back: the file holds these labels or is not there.
        NIfTI has no place for names and colours: they go to `.labels.json` beside it.

        Raises:
            MedlabError: If the suffix is not one of these, or what was read back differs.
        """
        return write_labels(path, self.voxels, self.affine, self.segments)

    def __repr__(self) -> str:
        size = " x ".join(str(n) for n in self.shape)
        names = ", ".join(segment.name for segment in self.segments)
        return f"<Labels {size}, {self.orientation}: {names}>"
