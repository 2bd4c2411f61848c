"""The sample that all workers of `augmentation` change: blobs with labels."""

import numpy as np
from numpy.typing import NDArray

SHAPES = {2: (256, 256), 3: (96, 96, 96)}


def made(shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Make an image and its labels, `shape` both."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 9, s) for s in shape], indexing="ij"))
    image = np.sin(grid).prod(0) + 0.1 * np.cos(7 * grid).sum(0)
    return image.astype(np.float32), (np.digitize(image, [-0.4, 0, 0.4])).astype(
        "uint8"
    )
