"""Planes by anatomy: whatever way a scan was stored, axial means axial.

Inside this room voxels stand in *canonical* order: axis 0 grows to the patient's right,
axis 1 to the front, axis 2 to the head (the closest axes to RAS+). Only flips and swaps
of axes lead there, no interpolation, so the way back is exact.
"""

from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError

# nibabel's orientations carry no types
orientations: Any = nibabel.orientations

AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
"""The canonical axis along which the slices of a plane are stacked."""


def to_canonical(voxels: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """Turn `(I, J, K[, C])` voxels of a scan into canonical order; a view."""
    return np.asarray(
        orientations.apply_orientation(voxels, orientations.io_orientation(affine))
    )


def from_canonical(voxels: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """Turn canonical voxels back to the order of the scan with this affine.

    Example:
        >>> las = np.diag([-1.0, 1.0, 1.0, 1.0])
        >>> voxels = np.arange(6).reshape(3, 2, 1)
        >>> bool((from_canonical(to_canonical(voxels, las), las) == voxels).all())
        True
    """
    ornt = orientations.io_orientation(affine)
    back = orientations.ornt_transform(np.array([[0, 1], [1, 1], [2, 1]], float), ornt)
    return np.asarray(orientations.apply_orientation(voxels, back))


def canonical_spacing_mm(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Voxel size along the three canonical axes."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    order = orientations.io_orientation(affine)[:, 0].astype(int)
    canonical = np.empty(3)
    canonical[order] = sizes
    return tuple(float(size) for size in canonical)  # type: ignore[return-value]


def own_axis(affine: NDArray[np.float64], plane: str) -> tuple[int, bool]:
    """Find the scan's own voxel axis along which a plane's slices are stacked.

    Returns:
        The axis 0, 1 or 2, and whether its index runs against the canonical one.
    """
    orientation = orientations.io_orientation(affine)
    axis = int(np.flatnonzero(orientation[:, 0] == AXIS[check_plane(plane)])[0])
    return axis, bool(orientation[axis, 1] < 0)


def canonical_slices(
    slices: list[int], affine: NDArray[np.float64], plane: str, count: int
) -> list[int]:
    """Turn slice numbers of the scan into slice numbers in canonical order.

    Args:
        slices: Indices along the scan's own axis, as the viewer shows them.
        affine: Of the scan.
        plane: `axial`, `coronal` or `sagittal`.
        count: How many slices the scan has along that axis.

    Raises:
        MedlabError: If a slice lies outside the scan.
    """
    outside = [index for index in slices if not 0 <= index < count]
    if outside:
        raise MedlabError(
            f"The {plane} slices of this scan are numbered 0 to {count - 1}, got "
            f"{', '.join(map(str, outside))}. Choose slices inside the scan.",
            code="slice-outside",
        )
    _, reversed_ = own_axis(affine, plane)
    return sorted({count - 1 - i if reversed_ else i for i in slices})


def as_slices(canonical: NDArray[Any], plane: str) -> NDArray[Any]:
    """View canonical voxels `(X, Y, Z[, C])` as a stack of slices `(N, H, W[, C])`."""
    return np.moveaxis(canonical, AXIS[check_plane(plane)], 0)


def from_slices(stack: NDArray[Any], plane: str) -> NDArray[Any]:
    """Undo `as_slices`."""
    return np.moveaxis(stack, 0, AXIS[check_plane(plane)])


def check_plane(plane: str) -> str:
    """Return the plane, or raise a `MedlabError` that lists those there are."""
    if plane not in AXIS:
        raise MedlabError(
            f"A plane is one of {', '.join(sorted(AXIS))}, got {plane!r}.",
            code="unknown-plane",
        )
    return plane
