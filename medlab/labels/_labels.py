"""Labels: an integer a voxel, and what the integers mean."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._grid import OnGrid, grid_of
from medlab.labels._marks import Mark
from medlab.labels._segment import Segment, find_segment
from medlab.labels._stack import LayerStack
from medlab.labels._write import Confirm, write_stack
from medlab.scans import Home, axis_codes, check_same_grid, spacing_mm


@dataclass(frozen=True, eq=False)
class Labels:
    """A label map in memory, on the grid of its scan.

    Attributes:
        voxels: `(I, J, K)`, uint8 or uint16; 0 is background.
        affine: 4x4 float64, voxel indices to RAS+ millimetres.
        segments: What the integers mean.
        warnings: Sentences about what was doubtful in the file.
        marks: Points, lines, boxes and classes on the same scan.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = field(default=())
    marks: tuple[Mark, ...] = field(default=())

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

    def save(self, path: Path | str, scan: OnGrid | None = None) -> Path:
        """Write the labels to one file; see `save_labels`.

        Args:
            path: Ends with `.seg.nrrd`, `.nii.gz`, `.nii` or `.dcm`; `.json` or `.csv` for
                the marks alone.
            scan: For DICOM SEG, the series it was drawn on.
        """
        return save_labels(path, self, scan)

    def __repr__(self) -> str:
        size = " x ".join(str(n) for n in self.shape)
        names = ", ".join(segment.name for segment in self.segments)
        return f"<Labels {size}, {self.orientation}: {names}>"


def save_labels(
    path: Path | str,
    labels: Labels | Sequence[Labels],
    scan: OnGrid | None = None,
    *,
    labelmap: bool = False,
    home: Home | None = None,
    confirm: Confirm | None = None,
) -> Path:
    """Write one layer, or several that overlap, to one file for other programs.

    Written beside the target, read back, compared (voxels, affine to 1e-4 mm, names,
    colours) and only then put in its place in one step. Nothing is resampled, cropped or
    turned. What each format cannot hold:

    | format | layers | names, colours | codes | states | the rest |
    |---|---|---|---|---|---|
    | `.seg.nrrd` | several | yes | type alone | yes | locks, opacity and marks are lost |
    | `.nii.gz`, `.nii` | one | in `.labels.json` beside it | there | there | no marks |
    | `.dcm` (SEG) | several; labelmap: one | yes | type alone | no | as `.seg.nrrd` |
    | `.json`, `.csv` | marks alone | of marks | no | no | no voxels |

    Args:
        path: Where; its suffix names the format.
        labels: One, or several on the same grid.
        scan: What they were drawn on: checked if given, and needed for DICOM SEG.
        labelmap: Write DICOM SEG as a label map (of 2024) rather than as binary.
        home: Where the scan's workplace lies; found by itself when not given.
        confirm: Called with the new file, whole and checked, right before it takes the
            old one's place; what it raises keeps the old one.

    Raises:
        MedlabError: If the format cannot hold them, or they do not lie on the scan.
        NotWritten: If the file read back otherwise; the older file is still there.
        OSError: If the disk is full or read-only; the older file is still there.
    """
    target = Path(path)
    listed = (labels,) if isinstance(labels, Labels) else tuple(labels)
    if not listed:
        raise MedlabError(
            "A file of labels must hold at least one layer, got none. Pass some.",
            code="bad-labels",
        )
    first = listed[0]
    others = [(f"Layer {n}", one) for n, one in enumerate(listed[1:], start=2)]
    for name, one in [*others, *([("The labels", scan)] if scan is not None else [])]:
        check_same_grid(
            name,
            first.shape,
            first.affine,
            scan_shape=one.shape,
            scan_affine=one.affine,
        )
    stack = LayerStack(
        tuple(one.voxels for one in listed),
        np.asarray(first.affine, np.float64),
        tuple(one.segments for one in listed),
        tuple(mark for one in listed for mark in one.marks),
        spacing_unit=getattr(scan, "spacing_unit", "mm"),
    )
    needs_images = scan is not None and target.name.lower().endswith(".dcm")
    grid = grid_of(scan, home) if needs_images and scan is not None else None
    write_stack(
        target, stack, grid, labelmap=labelmap, confirm=confirm or (lambda _: None)
    )
    return target
