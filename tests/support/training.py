"""A case to train on in seconds: two balls in noise, written as a scan and its labels."""

import nibabel as nib
import numpy as np


def write_case(folder, *, size=16, slices=6):
    """Write `scan.nii` and `labels.nii`: two balls, a left one and a right one."""
    grid = np.indices((size, size, slices)).astype(float)
    voxels = np.random.default_rng(0).normal(0, 20, grid.shape[1:])
    labels = np.zeros(voxels.shape, np.uint8)
    for number, middle in ((1, 4), (2, 11)):
        far = np.hypot(grid[0] - middle, grid[1] - size / 2)
        labels[far < 3] = number
    voxels[labels > 0] += 300
    affine = np.diag([-2.0, -2.0, 5.0, 1.0])
    nib.save(nib.Nifti1Image(voxels.astype(np.int16), affine), folder / "scan.nii")
    nib.save(nib.Nifti1Image(labels, affine), folder / "labels.nii")
    return labels
