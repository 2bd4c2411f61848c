"""Labels onto a scan's own grid: moved, turned and mirrored by whole voxels, or refused.

Other programs crop a label map to what is drawn, or store its axes in another order. Both can
be undone exactly. Anything else would need resampling, which changes the labels.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._stack import LayerStack
from medlab.scans import (
    DicomSlice,
    Home,
    ScanSource,
    SpacingUnit,
    find_home,
    series_slices,
)

_TOLERANCE_MM = 1e-2


class OnGrid(Protocol):
    """Something with voxels in a patient: a Volume, Labels, a Layer."""

    @property
    def shape(self) -> tuple[int, int, int]: ...

    @property
    def affine(self) -> NDArray[np.float64]: ...


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxels in a patient.

    Attributes:
        shape: `(I, J, K)`.
        affine: 4x4, voxel to RAS mm.
        slices: For a DICOM series, the image at each index along K.
        spacing_unit: What the affine counts: "pixels" where no file tells a spacing.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    slices: tuple[DicomSlice, ...] = ()
    spacing_unit: SpacingUnit = "mm"

    @property
    def frame_of_reference(self) -> str:
        """FrameOfReferenceUID of the series, empty if nobody said so."""
        if not self.slices:
            return ""
        return str(self.slices[0].header.get("FrameOfReferenceUID", "") or "")


def grid_of(scan: OnGrid, home: Home | None = None) -> Grid:
    """The scan's grid, with its images when it is a DICOM series on disk."""
    if isinstance(scan, Grid):
        return scan
    source: ScanSource | None = getattr(scan, "source", None)
    slices: tuple[DicomSlice, ...] = ()
    if source is not None and source.series is not None:
        slices = tuple(series_slices(source, home or find_home()))
    return Grid(scan.shape, np.array(scan.affine, np.float64), slices)


class Placement(NamedTuple):
    """Where voxel axes run on another grid.

    Axis `n` runs along axis `axes[n]` there, forwards or backwards as `signs[n]` says; voxel
    (0, 0, 0) lies at `offset` there, which may be outside.
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int, int]
    offset: tuple[int, int, int]


def place_on(stack: LayerStack, scan: OnGrid, name: str) -> LayerStack:
    """The same labels on the scan's grid, voxel for voxel.

    Raises:
        MedlabError: If voxels do not coincide, or labelled ones lie outside the scan.
    """
    placement = find_placement(stack.shape, stack.affine, scan, name)
    layers = []
    for voxels in stack.layers:
        canvas = np.zeros(scan.shape, voxels.dtype, order="F")
        put(canvas, voxels, placement, name)
        layers.append(canvas)
    return replace(stack, layers=tuple(layers), affine=np.array(scan.affine))


def find_placement(
    shape: tuple[int, int, int],
    affine: NDArray[np.float64],
    scan: OnGrid,
    name: str,
) -> Placement:
    """How voxels of one grid coincide with those of the scan.

    Raises:
        MedlabError: If they do not, by more than 0.01 mm at a corner.
    """
    steps = np.linalg.solve(np.asarray(scan.affine, np.float64), affine)
    axes = [int(axis) for axis in np.argmax(np.abs(steps[:3, :3]), axis=0)]
    rounded = np.zeros((4, 4))
    rounded[3, 3] = 1
    signs = [1 if steps[axis, n] > 0 else -1 for n, axis in enumerate(axes)]
    for n, axis in enumerate(axes):
        rounded[axis, n] = signs[n]
    rounded[:3, 3] = np.rint(steps[:3, 3])
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    points = np.vstack([corners, np.ones(8)])
    apart = (np.asarray(scan.affine) @ rounded - affine) @ points
    furthest = float(np.sqrt((apart[:3] ** 2).sum(axis=0)).max())
    if sorted(axes) != [0, 1, 2] or not furthest <= _TOLERANCE_MM:
        raise another_grid(name, furthest)
    offset = [int(n) for n in rounded[:3, 3]]
    return Placement(*(_three(numbers) for numbers in (axes, signs, offset)))


def another_grid(name: str, furthest_mm: float) -> MedlabError:
    """The error for labels whose voxels are not those of the scan."""
    return MedlabError(
        f"{name!r} must lie on the scan's own voxels, got some up to {furthest_mm:.3g} mm "
        "away. Open the scan it was drawn on; medlab does not resample labels.",
        code="another-grid",
    )


def put(
    canvas: NDArray[Any], voxels: NDArray[Any], placement: Placement, name: str
) -> None:
    """Write labels onto the scan's grid where they belong; 0 changes nothing.

    Raises:
        MedlabError: If a labelled voxel lies outside.
    """
    where, kept = window_of(canvas.shape, voxels, placement, name)
    np.copyto(canvas[where], kept, where=kept != 0)


def window_of(
    shape: tuple[int, ...], voxels: NDArray[Any], placement: Placement, name: str
) -> tuple[tuple[slice, slice, slice], NDArray[Any]]:
    """The part of the scan's grid that the voxels cover, and the voxels as they lie there.

    Raises:
        MedlabError: If a labelled voxel lies outside.
    """
    order = np.argsort(placement.axes)
    turned = np.transpose(voxels, order)
    signs = [placement.signs[n] for n in order]
    turned = turned[tuple(slice(None, None, sign) for sign in signs)]
    there: list[slice] = []
    here: list[slice] = []
    for start, size, sign, limit in zip(
        placement.offset, turned.shape, signs, shape, strict=True
    ):
        begin = start - (size - 1 if sign < 0 else 0)
        first = min(max(begin, 0), limit)
        last = max(min(begin + size, limit), first)
        there.append(slice(first, last))
        here.append(slice(first - begin, last - begin) if last > first else slice(0, 0))
    kept = turned[tuple(here)]
    outside = int(np.count_nonzero(turned)) - int(np.count_nonzero(kept))
    if outside:
        raise MedlabError(
            f"{name!r} must lie inside the scan, got {outside} labelled voxels outside it. "
            "Open the scan it was drawn on, not a cropped copy.",
            code="another-grid",
        )
    i, j, k = there
    return (i, j, k), kept


def _three(numbers: list[int]) -> tuple[int, int, int]:
    first, second, third = numbers
    return first, second, third
