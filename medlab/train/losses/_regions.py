"""Regions: overlapping parts, such as a tumour and its core, learnt one by one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError


def number_regions(
    regions: Mapping[str, Sequence[str]], segments: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """Turn the names of segments in a recipe's regions into labels.

    Args:
        regions: Names of regions, each with the names of its segments.
        segments: Names of the labels 1, 2, ...

    Raises:
        MedlabError: If a region is empty or names a segment that there is not.

    Example:
        >>> number_regions({"tumour": ["core", "rim"], "core": ["core"]}, ["rim", "core"])
        {'tumour': (2, 1), 'core': (2,)}
    """
    for name, made_of in regions.items():
        strange = [segment for segment in made_of if segment not in segments]
        if strange or not made_of:
            raise MedlabError(
                f"A region is made of some of the segments {', '.join(segments)}, but "
                f"{name!r} is made of {', '.join(map(str, strange)) or 'none'}. Name "
                "segments as the labels do.",
                code="bad-regions",
            )
    return {
        name: tuple(segments.index(segment) + 1 for segment in made_of)
        for name, made_of in regions.items()
    }


def region_members(
    regions: Mapping[str, Sequence[int]], labels: int
) -> NDArray[np.float32]:
    """Tell which label lies in which region: `(regions, labels)`, 1 or 0.

    The most likely label of a voxel is `argmax(logits @ region_members(...))`: regions
    are told apart independently, so a label's log-probability is, but for what all
    labels share, the sum of the logits of the regions it lies in.

    Args:
        regions: Names of regions, each with its labels.
        labels: How many labels there are, background included.
    """
    members = np.zeros((len(regions), labels), np.float32)
    for row, made_of in enumerate(regions.values()):
        members[row, list(made_of)] = 1
    return members


def check_regions(regions: Any, classes: int) -> None:
    """Refuse regions that are not made of the labels 1 to `classes - 1`."""
    for name, made_of in regions.items():
        if not made_of or any(not 0 < int(label) < classes for label in made_of):
            raise MedlabError(
                f"A region is made of some of the labels 1 to {classes - 1}, but "
                f"{name!r} is made of {list(made_of)}. Name labels of segments.",
                code="bad-regions",
            )
