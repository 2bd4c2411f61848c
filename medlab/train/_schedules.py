"""Schedules: the share of the learning rate that an epoch gets.

A schedule is a function of the epoch and of how many there are, so that adding epochs
stretches it and going on after an interruption needs no state.
"""

import math
from collections.abc import Callable

Schedule = Callable[[int, int], float]


def cosine(epoch: int, epochs: int) -> float:
    """From 1 to nearly 0 along half a cosine.

    Args:
        epoch: From 0.
        epochs: How many there are.

    Source:
        Loshchilov and Hutter, 2017, https://arxiv.org/abs/1608.03983, eq. 5, without
        restarts.

    Example:
        >>> [round(cosine(epoch, 4), 2) for epoch in range(4)]
        [1.0, 0.85, 0.5, 0.15]
    """
    return 0.5 * (1 + math.cos(math.pi * _done(epoch, epochs)))


def poly(epoch: int, epochs: int) -> float:
    """From 1 to nearly 0, almost along a line.

    Args:
        epoch: From 0.
        epochs: How many there are.

    Source:
        Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, section
        "Learning rate": `(1 - epoch / epochs) ** 0.9`.

    Example:
        >>> [round(poly(epoch, 4), 2) for epoch in range(4)]
        [1.0, 0.77, 0.54, 0.29]
    """
    return float((1 - _done(epoch, epochs)) ** 0.9)


def constant(epoch: int, epochs: int) -> float:
    """1, always."""
    return 1.0


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "poly": poly, "constant": constant}
"""Every schedule by its name in a recipe."""


def _done(epoch: int, epochs: int) -> float:
    return min(epoch / max(epochs, 1), 1.0)
