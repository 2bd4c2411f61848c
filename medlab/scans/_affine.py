"""Affine arithmetic: from voxel indices to the patient.

An affine is a 4x4 matrix that takes `(i, j, k, 1)` to millimetres in RAS+: x grows to the
patient's right, y to the front (anterior), z to the head (superior). DICOM, NRRD and ITK
count in LPS (left, posterior, superior); only their readers and writers know it.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError

Plane = Literal["axial", "sagittal", "coronal"]
PLANES: tuple[Plane, ...] = ("axial", "sagittal", "coronal")

_FURTHEST_MM = 1e7
_LPS_TO_RAS = np.array([[-1.0], [-1.0], [1.0], [1.0]])
# World axis across the screen, down the screen, and through the slices, as the
# radiologist looks: patient's left on the right, front or head at the top.
_SCREEN: dict[str, tuple[tuple[int, int], tuple[int, int], int]] = {
    "axial": ((0, -1), (1, -1), 2),
    "coronal": ((0, -1), (2, -1), 1),
    "sagittal": ((1, -1), (2, -1), 0),
}


class PlaneAxes(NamedTuple):
    """Which voxel axis runs where when a plane is shown radiologically.

    `right_flip` tells that index 0 of that axis lies at the right edge of the screen,
    `down_flip` that it lies at the bottom.
    """

    right: int
    right_flip: bool
    down: int
    down_flip: bool
    slices: int


def axis_directions(affine: ArrayLike) -> tuple[tuple[int, int], ...]:
    """Tell for each voxel axis the world axis (0..2) it runs along most, and its sign.

    Each world axis is given once, also for oblique affines.

    Source:
        `nibabel.orientations.io_orientation`: polar decomposition, strongest axis first.
    """
    columns = np.asarray(affine, np.float64)[:3, :3]
    lengths = np.sqrt((columns**2).sum(axis=0))
    left, _, right = np.linalg.svd(columns / np.where(lengths == 0, 1, lengths))
    rotation = left @ right
    found: list[tuple[int, int]] = [(0, 1)] * 3
    for axis in np.argsort((-(rotation**2)).min(axis=0), kind="stable"):
        world = int(np.argmax(np.abs(rotation[:, axis])))
        found[axis] = (world, -1 if rotation[world, axis] < 0 else 1)
        rotation[world] = 0
    return tuple(found)


def axis_codes(affine: ArrayLike) -> str:
    """Name the way each voxel axis runs: "RAS", "LPS", "PIR" and so on.

    Example:
        >>> axis_codes(np.diag([-2.0, -2.0, 3.0, 1.0]))
        'LPS'
    """
    return "".join("LPI"[w] if s < 0 else "RAS"[w] for w, s in axis_directions(affine))


def spacing_mm(affine: ArrayLike) -> tuple[float, float, float]:
    """Distance between neighbouring voxels along I, J and K, in mm."""
    columns = np.asarray(affine, np.float64)[:3, :3]
    i, j, k = (float(length) for length in np.sqrt((columns**2).sum(axis=0)))
    return i, j, k


def is_oblique(affine: ArrayLike, *, tolerance_deg: float = 0.1) -> bool:
    """Whether a voxel axis leaves its nearest patient axis by more than the tolerance."""
    columns = np.asarray(affine, np.float64)[:3, :3]
    unit = columns / np.asarray(spacing_mm(affine))
    nearest = [abs(unit[world, axis]) for axis, (world, _) in _numbered(affine)]
    return bool(min(nearest) < np.cos(np.deg2rad(tolerance_deg)))


def plane_axes(affine: ArrayLike, plane: str) -> PlaneAxes:
    """Tell which voxel axes make up a plane, and which one steps through its slices.

    Args:
        affine: 4x4, voxel to RAS mm.
        plane: "axial", "sagittal" or "coronal".

    Raises:
        MedlabError: If there is no such plane.

    Example:
        >>> plane_axes(np.diag([-1.0, -1.0, 1.0, 1.0]), "axial")
        PlaneAxes(right=0, right_flip=False, down=1, down_flip=False, slices=2)
    """
    if plane not in _SCREEN:
        raise MedlabError(
            f"The plane must be one of {', '.join(PLANES)}, got {plane!r}.",
            code="plane",
        )
    (right, right_sign), (down, down_sign), through = _SCREEN[plane]
    voxel_axis = {world: (axis, sign) for axis, (world, sign) in _numbered(affine)}
    return PlaneAxes(
        right=voxel_axis[right][0],
        right_flip=voxel_axis[right][1] != right_sign,
        down=voxel_axis[down][0],
        down_flip=voxel_axis[down][1] != down_sign,
        slices=voxel_axis[through][0],
    )


def swap_lps_ras(affine: ArrayLike) -> NDArray[np.float64]:
    """Turn an affine to LPS mm into one to RAS mm, or back: both flip x and y."""
    # Adding 0 turns -0 into 0, which is shown.
    return _LPS_TO_RAS * np.asarray(affine, np.float64) + 0.0


def affine_without_patient(
    spacing: Sequence[float], origin: Sequence[float] = (0, 0, 0)
) -> NDArray[np.float64]:
    """Where a picture lies that knows no patient: upright on the screen, as ITK puts it.

    I runs to the viewer's right, J down, K away: the axes are taken as LPS.

    Args:
        spacing: Along I, J and K.
        origin: Of the first voxel, along the same axes.

    Example:
        >>> axis_codes(affine_without_patient((1, 1, 2)))
        'LPS'
    """
    lps = np.diag([*spacing, 1.0]).astype(np.float64)
    lps[:3, 3] = origin
    return swap_lps_ras(lps)


def check_affine(affine: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return the affine as 4x4 float64, or say why it places no voxel.

    Args:
        affine: 4x4, voxel to RAS mm.
        name: What to call the scan in the message.

    Raises:
        MedlabError: If it is not 4x4, not finite, of no size of this world, or flattens
            the volume.
    """
    matrix = np.array(affine, np.float64)
    if matrix.shape != (4, 4):
        raise MedlabError(
            f"The affine of {name} must be 4x4, got {'x'.join(map(str, matrix.shape))}. "
            "Give the matrix that takes (i, j, k, 1) to RAS millimetres.",
            code="affine",
        )
    if not np.isfinite(matrix).all():
        raise MedlabError(
            f"The affine of {name} must hold finite numbers, got NaN or infinity, so its "
            "place in the patient is unknown. Convert the scan again from its original.",
            code="affine",
        )
    if np.abs(matrix[:3]).max() > _FURTHEST_MM:
        raise MedlabError(
            f"The affine of {name} must place its voxels within {_FURTHEST_MM / 1e6:g} km "
            "of the origin, got numbers beyond. Convert the scan again from its original.",
            code="affine",
        )
    spacing = np.asarray(spacing_mm(matrix))
    volume = abs(np.linalg.det(matrix[:3, :3]))
    if (spacing < 1e-9).any() or volume < 1e-6 * spacing.prod():
        raise MedlabError(
            f"The affine of {name} must span three directions, got a singular matrix "
            "(two axes coincide or one has no length). "
            "Convert the scan again from its original.",
            code="affine",
        )
    matrix[3] = (0, 0, 0, 1)
    return matrix


def apart(
    one: ArrayLike, other: ArrayLike, shape: Sequence[int]
) -> tuple[float, float | None]:
    """How far two affines put the same voxels from each other.

    Args:
        one, other: 4x4, voxel to RAS mm, of which both span three directions.
        shape: `(I, J, K)`; the corners are compared.

    Returns:
        The largest distance between two corners in mm, and the angle between the axes in
        degrees, None if one affine mirrors the other.

    Example:
        >>> turned = np.diag([1.0, -1.0, -1.0, 1.0])
        >>> mm, degrees = apart(np.eye(4), turned, (2, 3, 1))
        >>> round(mm), round(degrees)
        (4, 180)
    """
    first, second = np.asarray(one, np.float64), np.asarray(other, np.float64)
    points = _corners(shape)
    between = ((first - second) @ points)[:3]
    furthest = float(np.sqrt((between**2).sum(axis=0)).max())
    turns = []
    for affine in (first, second):
        left, _, right = np.linalg.svd(affine[:3, :3])
        turns.append(left @ right)
    turn = turns[0].T @ turns[1]
    if np.linalg.det(turn) < 0:
        return furthest, None
    # The sine as well: the cosine alone is blind to small angles.
    sine = (
        np.linalg.norm(
            [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
        )
        / 2
    )
    return furthest, float(np.degrees(np.arctan2(sine, (np.trace(turn) - 1) / 2)))


def check_same_grid(
    name: str,
    shape: tuple[int, ...],
    affine: ArrayLike,
    *,
    scan_shape: tuple[int, ...],
    scan_affine: ArrayLike,
    tolerance_mm: float = 1e-2,
) -> None:
    """Refuse labels that do not lie on the scan's own grid.

    Args:
        name: What to call the labels in the message.
        shape: Of the labels, `(I, J, K)`.
        affine: Of the labels, voxel to RAS mm.
        scan_shape: Of the scan, `(I, J, K)`.
        scan_affine: Of the scan, voxel to RAS mm.
        tolerance_mm: How far a corner voxel of one may lie from the other's.

    Raises:
        MedlabError: If shapes differ, or a corner lies further away than the tolerance.
    """
    if tuple(shape[:3]) != tuple(scan_shape[:3]):
        raise MedlabError(
            f"{name} must have the scan's shape {_by(scan_shape)}, got {_by(shape)}. "
            "Use labels drawn on this scan, or resample them to its grid first.",
            code="another-shape",
        )
    points = _corners(shape)
    between = np.asarray(affine, np.float64) @ points
    between -= np.asarray(scan_affine, np.float64) @ points
    furthest = float(np.sqrt((between[:3] ** 2).sum(axis=0)).max())
    if not furthest <= tolerance_mm:
        raise MedlabError(
            f"{name} must lie on the scan's grid, got voxels up to {furthest:.3g} mm away. "
            "Use labels drawn on this scan, or resample them to its grid first.",
            code="another-grid",
        )


def _corners(shape: Sequence[int]) -> NDArray[np.float64]:
    """The eight corner voxels, `(4, 8)` with ones below."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape[:3]])).reshape(3, -1)
    return np.vstack([corners, np.ones(8)])


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in shape[:3])


def _numbered(affine: ArrayLike) -> list[tuple[int, tuple[int, int]]]:
    return list(enumerate(axis_directions(affine)))
