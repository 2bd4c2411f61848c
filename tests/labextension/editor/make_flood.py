"""Make flood.json: what SciPy and scikit-image find connected to a voxel.

python tests/labextension/editor/make_flood.py
"""

import json
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.segmentation import flood

SHAPE = (7, 8, 9)


def main() -> None:
    draw = np.random.default_rng(20261121)
    # Smooth enough to have regions, rough enough that they are ragged.
    rough = draw.normal(size=SHAPE)
    voxels = np.rint(100 * ndimage.gaussian_filter(rough, 0.9)).astype(int)
    cases = []
    for number in range(24):
        seed = tuple(int(draw.integers(size)) for size in SHAPE)
        tolerance = int(draw.integers(3, 60))
        axis = [None, 0, 1, 2][number % 4]
        value = int(voxels[seed])
        if axis is None:
            found = flood(voxels, seed, connectivity=1, tolerance=tolerance)
            near = np.abs(voxels - value) <= tolerance
            parts, _ = ndimage.label(near)
            assert np.array_equal(found, parts == parts[seed])
        else:
            found = np.zeros(SHAPE, bool)
            place = tuple(seed[axis] if a == axis else slice(None) for a in range(3))
            flat = tuple(seed[a] for a in range(3) if a != axis)
            found[place] = flood(
                voxels[place], flat, connectivity=1, tolerance=tolerance
            )
        cases.append(
            {
                "seed": seed,
                "tolerance": tolerance,
                "axis": axis,
                # i fastest, as the map is stored.
                "found": np.flatnonzero(found.ravel(order="F")).tolist(),
            }
        )
    fixture = {
        "shape": SHAPE,
        "voxels": voxels.ravel(order="F").tolist(),
        "cases": cases,
    }
    path = Path(__file__).with_name("flood.json")
    path.write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    main()
