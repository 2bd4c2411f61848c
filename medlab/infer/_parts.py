"""Connected parts: what a model found in one place, and what lies astray."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def keep_largest(
    labels: NDArray[Any], only: Iterable[int] | None = None
) -> NDArray[Any]:
    """Keep of each label its largest part, voxels touching by faces.

    Args:
        labels: Left unchanged.
        only: The labels to do so with; all by default.
    """
    kept = labels.copy()
    for label in np.unique(labels[labels > 0]) if only is None else only:
        parts, count = ndimage.label(labels == label)
        if count < 2:
            continue
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        sizes[0] = 0
        kept[(parts > 0) & (parts != sizes.argmax())] = 0
    return kept
