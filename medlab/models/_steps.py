"""Steps of a U-Net: by how much each shrinks each axis, and how wide kernels are.

A scan with thick slices is not shrunk, nor convolved, across slices until voxels are
about as long as wide.
"""

import math
from collections.abc import Sequence
from typing import Any

from medlab.errors import MedlabError

Sizes = tuple[int, ...]


def read_strides(strides: Any, steps: int, rank: int) -> list[Sizes]:
    """Read the strides of a template: one entry a step, each for all axes or one an axis.

    Args:
        strides: For example `[[1, 2, 2], 2]`; None: 2 everywhere.
        steps: How many steps there are.
        rank: How many axes.

    Raises:
        MedlabError: If there are more or fewer, or one is below 1.

    Example:
        >>> read_strides([[1, 2, 2], 2], 2, 3)
        [(1, 2, 2), (2, 2, 2)]
    """
    return _read("strides", strides, 2, steps, rank, "steps between its widths")


def read_kernels(kernels: Any, levels: int, rank: int) -> list[Sizes]:
    """Read the kernel sizes of a template: one entry a width; None: 3 everywhere."""
    return _read("kernels", kernels, 3, levels, rank, "widths")


def size_multiples(
    rank: int, *, widths: Sequence[int], strides: Any = None, **_: Any
) -> Sizes:
    """Tell what each axis of a U-Net's input must be a multiple of.

    Takes the template's own arguments, so that whoever chooses a patch can ask.

    Example:
        >>> size_multiples(3, widths=(8, 16, 32), strides=[[1, 2, 2], 2])
        (2, 4, 4)
    """
    read = read_strides(strides, len(widths) - 1, rank)
    return tuple(math.prod(step[axis] for step in read) for axis in range(rank))


def _read(
    name: str, told: Any, usual: int, count: int, rank: int, what: str
) -> list[Sizes]:
    if told is None:
        return [(usual,) * rank] * count
    is_list = isinstance(told, Sequence) and not isinstance(told, str)
    read = [
        (entry,) * rank if isinstance(entry, int) else tuple(entry)
        for entry in (told if is_list else ())
        if isinstance(entry, (int, list, tuple))
    ]
    fits = is_list and len(read) == len(told) == count
    if not fits or any(
        len(entry) != rank or any(not isinstance(n, int) or n < 1 for n in entry)
        for entry in read
    ):
        example = [[1, *(usual,) * (rank - 1)], usual]
        raise MedlabError(
            f"{name} has one entry for each of the {count} {what}, a whole number or "
            f"{rank} of them, such as {example} for two, got {told}. Leave it out for "
            f"{usual} everywhere.",
            code="bad-template-args",
        )
    return read
