"""A scan with a bright ball in it, labelled on some slices: quick to learn, one shape."""

import nibabel as nib
import numpy as np
import pytest

from medlab.scans import find_home
from medlab.train import Recipe


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


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A root with a case in it, as the working folder."""
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path)
    return find_home()


@pytest.fixture
def recipe():
    return Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=2,
        steps_per_epoch=3,
        epochs=2,
        seed=7,
    )
