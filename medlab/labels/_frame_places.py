"""Where the frames of a DICOM object lie on a scan's grid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._grid import Grid, OnGrid, another_grid, find_placement, window_of
from medlab.scans import DicomSlice, check_size, swap_lps_ras

_TOLERANCE_MM = 1e-2

Window = tuple[tuple[slice, slice, slice], NDArray[Any]]
"""A box of the scan's voxels, and the frame's pixels as they lie in it."""


class FramePlaces:
    """Finds the voxels of a frame.

    The slices of a DICOM scan may lie at uneven distances; `scan.slices`, where it is known,
    tells the true place of each.

    Args:
        scan: The grid.
        name: What to call the file in messages.
    """

    def __init__(self, scan: OnGrid, name: str) -> None:
        self.shape, self.affine = scan.shape, np.array(scan.affine, np.float64)
        self._name = name
        slices: Sequence[DicomSlice] = getattr(scan, "slices", ())
        positions = [s.position for s in slices if s.position is not None]
        self._origins: NDArray[np.float64] | None = None
        if len(positions) == self.shape[2]:
            self._origins = np.array(positions) * [-1, -1, 1]

    def empty(self, layers: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """An empty map on the grid.

        Args:
            layers: How many there will be then, which is limited.
            dtype: Of the map.
        """
        check_size(self._name, (layers, *self.shape), dtype.itemsize)
        return np.zeros(self.shape, dtype, order="F")

    def window(self, place: DicomSlice, pixels: NDArray[Any]) -> Window | None:
        """The box of voxels in which a frame holds something; None if it is empty.

        Args:
            place: Where the frame lies.
            pixels: `(columns, rows)`, 0 where there is nothing.

        Raises:
            MedlabError: If it does not lie on the grid's voxels.
        """
        columns, rows = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
        if not columns.size:
            return None
        if place.position is None or place.directions is None or place.spacing is None:
            return self._only_slice(pixels)
        affine = np.eye(4)
        affine[:3, 0] = place.directions[0] * place.spacing[1]
        affine[:3, 1] = place.directions[1] * place.spacing[0]
        affine[:3, 3] = place.position
        affine = swap_lps_ras(affine)
        # What is drawn alone: a frame may reach beyond the scan where it is empty.
        pixels = pixels[columns[0] : columns[-1] + 1, rows[0] : rows[-1] + 1].copy()
        affine[:3, 3] += affine[:3, :2] @ [columns[0], rows[0]]
        across = self._across(affine)
        affine[:3, 2] = self.affine[:3, across]
        grid, shift = Grid(self.shape, self.affine), 0
        if self._origins is not None and across == 2:
            shift = self._nearest_slice(affine[:3, 3])
            moved = self.affine.copy()
            moved[:3, 3] = self._origins[shift]
            grid = Grid((*self.shape[:2], 1), moved)
        mask = pixels[:, :, np.newaxis]
        placement = find_placement(mask.shape, affine, grid, self._name)
        where, part = window_of(grid.shape, mask, placement, self._name)
        i, j, k = where
        return (i, j, slice(k.start + shift, k.stop + shift)), part

    def _across(self, affine: NDArray[np.float64]) -> int:
        """The voxel axis that steps through the slices the frame is parallel to."""
        steps = np.abs(np.linalg.solve(self.affine[:3, :3], affine[:3, :2]))
        taken = {int(axis) for axis in np.argmax(steps, axis=0)}
        return next(iter({0, 1, 2} - taken))

    def _nearest_slice(self, origin: NDArray[np.float64]) -> int:
        assert self._origins is not None
        normal = np.cross(self.affine[:3, 0], self.affine[:3, 1])
        normal /= np.linalg.norm(normal)
        apart = np.abs((self._origins - origin) @ normal)
        nearest = int(np.argmin(apart))
        if not apart[nearest] <= _TOLERANCE_MM:
            raise another_grid(self._name, float(apart[nearest]))
        return nearest

    def _only_slice(self, pixels: NDArray[Any]) -> Window:
        if (*pixels.shape, 1) != tuple(self.shape):
            raise MedlabError(
                f"{self._name!r} must say where its frames lie in the patient, got no "
                "position. Only a scan of one picture of the same size can do without.",
                code="another-grid",
            )
        whole = slice(None)
        return (whole, whole, slice(0, 1)), pixels[:, :, np.newaxis]


def own_grid(places: Sequence[DicomSlice], name: str) -> Grid:
    """The regular grid that all frames lie on.

    Raises:
        MedlabError: If there is none; the scan tells it then.
    """
    first = places[0]
    rows, columns = int(first.header.Rows), int(first.header.Columns)
    if first.position is None or first.directions is None or first.spacing is None:
        if len(places) == 1:
            return Grid((columns, rows, 1), swap_lps_ras(np.eye(4)))
        raise _needs_scan(name)
    normal = np.cross(*first.directions)
    origins: Any = np.array([place.position for place in places])
    if any(
        place.directions is None
        or place.spacing != first.spacing
        or np.abs(place.directions - first.directions).max() > 1e-4
        for place in places
    ):
        raise _needs_scan(name)
    along = (origins - origins[0]) @ normal
    levels = np.unique(np.round(along, 3))
    gaps = np.diff(levels)
    thick = first.thickness or 1.0
    step = float(gaps.min()) if gaps.size else thick
    lowest, highest = origins[np.argmin(along)], origins[np.argmax(along)]
    count = round(float(levels[-1] - levels[0]) / step) + 1
    lps = np.eye(4)
    lps[:3, 0] = first.directions[0] * first.spacing[1]
    lps[:3, 1] = first.directions[1] * first.spacing[0]
    lps[:3, 2] = (highest - lowest) / (count - 1) if count > 1 else normal * step
    lps[:3, 3] = lowest
    steps = (along - along.min()) / step
    apart = origins - (lowest + np.rint(steps)[:, None] * lps[:3, 2])
    if np.abs(apart).max() > _TOLERANCE_MM:
        raise _needs_scan(name)
    return Grid((columns, rows, count), swap_lps_ras(lps))


def _needs_scan(name: str) -> MedlabError:
    return MedlabError(
        f"{name!r} must lie on one regular grid to be opened by itself, got frames that do "
        "not. Give the scan it was drawn on: open_labels(path, scan).",
        code="no-scan",
    )
