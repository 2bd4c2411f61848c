"""Values of a DICOM picture, wherever the file gives them.

Classic files give a value once, by itself. Multi-frame files give it in a sequence, for each
frame or for all together. A caller passes the places to look at, the nearest first.

Source:
    DICOM PS3.3, C.7.6.16 (multi-frame functional groups).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Groups = Sequence[Any]
"""Datasets that describe one picture: its own, those of all frames, the file's."""


def first(group: Any, keyword: str) -> Any:
    """The first item of a sequence, None if there is none."""
    sequence = group.get(keyword)
    return sequence[0] if sequence else None


def find(groups: Groups, sequence: str, keyword: str) -> Any:
    """The nearest value that is told, in the sequence or by itself; None if nobody says."""
    for group in groups:
        holder = first(group, sequence) if sequence else None
        for place in (holder, group):
            value = None if place is None else place.get(keyword)
            if value is not None and value != "" and not _is_empty(value):
                return value
    return None


def numbers(
    groups: Groups, sequence: str, keyword: str, count: int | None
) -> NDArray[np.float64] | None:
    """As `find`, for numbers: `count` of them, or any number if it is None.

    Raises:
        ValueError: If what is told is no number.
    """
    for group in groups:
        holder = first(group, sequence) if sequence else None
        for place in (holder, group):
            value = None if place is None else place.get(keyword)
            if value is None or value == "":
                continue
            found = np.atleast_1d(np.array(value, np.float64))
            if found.size and (count is None or found.size == count):
                return found
    return None


def number(groups: Groups, sequence: str, keyword: str) -> float | None:
    """One finite number that is only of use if it is right; None otherwise."""
    try:
        found = numbers(groups, sequence, keyword, None)
    except (TypeError, ValueError):
        return None
    return float(found[0]) if found is not None and np.isfinite(found[0]) else None


def words(groups: Groups, sequence: str, keyword: str) -> tuple[str, ...]:
    """The values of a text element, such as those of ImageType."""
    value = find(groups, sequence, keyword)
    if value is None:
        return ()
    several = value if isinstance(value, list | tuple) or _is_many(value) else [value]
    return tuple(str(one).strip() for one in several)


def _is_many(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, str | bytes)


def _is_empty(value: Any) -> bool:
    return _is_many(value) and not isinstance(value, str | bytes) and len(value) == 0
