"""Shapes whose answers are known: balls, cones, cylinders, on grids of any spacing."""

import numpy as np


def far_mm(shape, middle, spacing_mm):
    """Distance of every voxel's centre from a voxel's centre, in mm."""
    grid = np.indices(shape).astype(float)
    apart = [(g - m) * s for g, m, s in zip(grid, middle, spacing_mm, strict=True)]
    return np.sqrt(sum(a**2 for a in apart))


def drawn_on(labels, proposal):
    """The map as it would be if the proposal were accepted."""
    drawn = labels.copy()
    i0, i1, j0, j1, k0, k1 = proposal.box
    block = drawn[i0:i1, j0:j1, k0:k1]
    np.copyto(block, proposal.labels, where=proposal.labels != 65535, casting="unsafe")
    return drawn


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())
