"""Filling closed contours: which voxel centres lie inside, by the even-odd rule.

A contour inside another is a hole, an island in it is filled again; a keyhole (hole and outside
in one line) comes out the same. A voxel belongs to a contour when its centre lies inside; one
exactly on the line belongs to the side at the larger coordinate.

Source:
    DICOM PS3.3, C.8.8.6.3 (contours of one region in one plane, keyhole technique).
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def fill_on_grid(
    polygons: Iterable[Points], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Fill polygons whose points are given in pixels of a grid.

    Args:
        polygons: Each `(N, 2)`; the centre of the first pixel is (0, 0). Closed by itself.
        shape: Of the grid, `(X, Y)`.

    Returns:
        `(X, Y)` booleans.

    Example:
        >>> square = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
        >>> int(fill_on_grid([square], (4, 4)).sum())
        4
    """
    width, height = shape
    # Where the number of lines to the left changes; the sum along x is that number.
    changes = np.zeros((width + 1, height), np.int32)
    for polygon in polygons:
        ends = np.roll(polygon, -1, axis=0)
        for (x0, y0), (x1, y1) in zip(polygon, ends, strict=True):
            low, high = (y0, y1) if y0 < y1 else (y1, y0)
            # Half open: a corner between two lines is crossed once.
            first, last = max(int(np.ceil(low)), 0), min(int(np.ceil(high)), height)
            if last <= first:
                continue
            rows = np.arange(first, last)
            crossings = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
            columns = np.clip(np.ceil(crossings), 0, width).astype(np.intp)
            changes[columns, rows] += 1
    return np.asarray(np.cumsum(changes[:-1], axis=0) % 2 == 1)


def inside(points: Points, polygons: Sequence[Points]) -> NDArray[np.bool_]:
    """Which points lie inside, by the same rule.

    Args:
        points: `(P, 2)`.
        polygons: Each `(N, 2)`.

    Returns:
        `(P,)` booleans.
    """
    found = np.zeros(len(points), bool)
    x, y = points.T
    for polygon in polygons:
        ends = np.roll(polygon, -1, axis=0)
        for (x0, y0), (x1, y1) in zip(polygon, ends, strict=True):
            if y0 == y1:
                continue
            crosses = (y >= min(y0, y1)) & (y < max(y0, y1))
            at = x0 + (y[crosses] - y0) * (x1 - x0) / (y1 - y0)
            found[crosses] ^= at <= x[crosses]
    return found
