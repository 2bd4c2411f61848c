"""Volume and ScanSource: voxels with their place in the patient, and where they came from."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import axis_codes, spacing_mm

SpacingUnit = Literal["mm", "pixels"]
"""What the lengths of an affine are in: "pixels" where the file gives no spacing."""

FrameKind = Literal["", "time", "b-value", "echo", "phase", "component", "volume"]
"""What tells the volumes of a 4D scan apart; "volume" if the file does not say."""


@dataclass(frozen=True)
class ScanSource:
    """A scan on disk: a file, or one series in a folder of DICOM files.

    Args:
        path: Relative to the root (posix), or absolute for a scan elsewhere.
        series: SeriesInstanceUID for DICOM, None for a file. Pictures of the series that
            do not fit its largest volume are volumes of their own, `UID#key`.
        frame: Which volume of a 4D scan; None and 0 are the same, and become None.

    Example:
        >>> ScanSource("a.nii", frame=0) == ScanSource("a.nii")
        True
    """

    path: str
    series: str | None = None
    frame: int | None = None

    def __post_init__(self) -> None:
        if self.frame == 0:
            object.__setattr__(self, "frame", None)

    @property
    def scan_id(self) -> str:
        """Sixteen hex digits: the same in kernel and server, without patient text.

        Example:
            >>> ScanSource("samples/ct.nrrd").scan_id
            '866ce19befd0f834'
        """
        text = f"{self.path}\n{self.series or ''}"
        if self.frame:
            text += f"\n{self.frame}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The last part of the path, for messages."""
        name = self.path.rstrip("/").rpartition("/")[2]
        return "the root folder" if name in ("", ".") else name


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan in memory.

    Attributes:
        voxels: `(I, J, K)`, or `(I, J, K, C)` for colour. In HU for CT.
        affine: 4x4 float64, voxel indices to RAS+ millimetres (or pixels, see
            `spacing_unit`).
        modality: "CT", "MR", "CR", ... or "unknown".
        warnings: Sentences about what was doubtful in the file.
        source: Where it was read from, None for one made in memory.
        spacing_unit: "pixels" if the file gives no spacing: lengths are then no mm.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    modality: str = "unknown"
    warnings: tuple[str, ...] = ()
    source: ScanSource | None = None
    window: tuple[float, float] | None = field(default=None, repr=False)
    """Center and width the file itself proposes, in its unit."""
    spacing_unit: SpacingUnit = "mm"
    is_inverted: bool = field(default=False, repr=False)
    """Low intensities are bright (MONOCHROME1). The voxels are as in the file."""
    padding: tuple[float, float] | None = field(default=None, repr=False)
    """Lowest and highest value of voxels that were not measured, both included."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along I, J and K."""
        i, j, k = self.voxels.shape[:3]
        return i, j, k

    @property
    def channels(self) -> int:
        """1, or 3 for colour."""
        return self.voxels.shape[3] if self.voxels.ndim == 4 else 1

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along I, J and K, in mm."""
        return spacing_mm(self.affine)

    @property
    def orientation(self) -> str:
        """Axis codes as nibabel names them, such as "RAS"."""
        return axis_codes(self.affine)

    @property
    def unit(self) -> str:
        """ "HU" for CT, empty where intensities have no unit."""
        return "HU" if self.modality == "CT" else ""

    def __repr__(self) -> str:
        size = " x ".join(str(n) for n in self.voxels.shape)
        spacing = " x ".join(f"{mm:.4g}" for mm in self.spacing_mm)
        return (
            f"<Volume {self.modality} {size} {self.voxels.dtype}, {spacing} "
            f"{self.spacing_unit}, "
            f"{self.orientation}>"
        )
