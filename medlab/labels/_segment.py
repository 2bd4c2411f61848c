"""Segments: what the integers of a label map mean."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from medlab.errors import MedlabError

# Okabe and Ito, 2008, "Color Universal Design", without black, and five more that stay apart
# from them for colour-blind eyes (`segments/palette.ts` of the editor has the same, and a test
# that simulates them); more segments begin again.
PALETTE = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
    "#cceecc",
    "#66ffff",
    "#995577",
    "#4488ff",
    "#ddbb88",
)
# How far the work on a segment is, as 3D Slicer names it.
STATES = ("not-started", "in-progress", "completed", "flagged")
COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class SegmentCode:
    """What a segment is, in a vocabulary that programs share.

    Args:
        scheme: The vocabulary, such as `"SCT"` for SNOMED CT.
        value: The code in it.
        meaning: The same in words.

    Source:
        DICOM PS3.3, 8.8, "Standard Attribute Sets for Code Sequence".
    """

    scheme: str
    value: str
    meaning: str

    def __post_init__(self) -> None:
        parts = (self.scheme, self.value, self.meaning)
        if not all(isinstance(part, str) and part for part in parts):
            raise MedlabError(
                "A segment's code must have a scheme, a value and a meaning such as "
                f'("SCT", "39607008", "Lung"), got {parts}.',
                code="bad-segment",
            )


@dataclass(frozen=True)
class Segment:
    """One structure: its id in the label map, and how it is shown.

    Args:
        id: 1 to 65535; 0 is background.
        name: What it is, such as `"left lung"`.
        color: `#rrggbb`.
        locked: No tool changes its voxels.
        visible: It is drawn.
        opacity: How much of the scan it hides where it is drawn, 0 to 100 percent.
        outlined: Its border is drawn as a line.
        state: `"not-started"`, `"in-progress"`, `"completed"` or `"flagged"`.
        code: What it is in a shared vocabulary; None if nobody said so.
    """

    id: int
    name: str
    color: str
    locked: bool = False
    visible: bool = True
    opacity: int = 100
    outlined: bool = True
    state: str = "not-started"
    code: SegmentCode | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.id, int | np.integer) or isinstance(self.id, bool):
            raise MedlabError(
                f"A segment's id must be a whole number, got {self.id!r}.",
                code="bad-segment",
            )
        object.__setattr__(self, "id", int(self.id))
        if not isinstance(self.name, str) or not self.name.strip():
            raise MedlabError(
                f'A segment must have a name such as "left lung", got {self.name!r}.',
                code="bad-segment",
            )
        if not 1 <= self.id <= 65535:
            raise MedlabError(
                f"A segment's id must be 1 to 65535, got {self.id}. 0 is background.",
                code="bad-segment",
            )
        if not isinstance(self.color, str) or not COLOR.fullmatch(self.color):
            raise MedlabError(
                f"A segment's color must look like #rrggbb, got {self.color!r}.",
                code="bad-segment",
            )
        self._check_how_it_is_shown()

    def _check_how_it_is_shown(self) -> None:
        for name in ("locked", "visible", "outlined"):
            if not isinstance(getattr(self, name), bool):
                raise MedlabError(
                    f"A segment's {name} must be true or false, "
                    f"got {getattr(self, name)!r}.",
                    code="bad-segment",
                )
        is_whole = isinstance(self.opacity, int) and not isinstance(self.opacity, bool)
        if not is_whole or not 0 <= self.opacity <= 100:
            raise MedlabError(
                "A segment's opacity must be a whole number of percent from 0 to 100, "
                f"got {self.opacity!r}.",
                code="bad-segment",
            )
        if self.state not in STATES:
            raise MedlabError(
                f"A segment's state must be one of {', '.join(STATES)}, "
                f"got {self.state!r}.",
                code="bad-segment",
            )
        if self.code is not None and not isinstance(self.code, SegmentCode):
            raise MedlabError(
                "A segment's code must be a SegmentCode or None, "
                f"got {self.code!r}. Pass scheme, value and meaning.",
                code="bad-segment",
            )


SegmentLike = Segment | str | tuple[str, str] | dict[str, Any]


def as_segments(given: Iterable[SegmentLike]) -> tuple[Segment, ...]:
    """Make segments of names, (name, color) pairs, dictionaries or segments.

    Example:
        >>> as_segments(["left lung", ("right lung", "#00ff00")])[1].id
        2
    """
    if isinstance(given, str):
        raise MedlabError(
            f"Segments must be a list of names, got the single name {given!r}. "
            f"Write [{given!r}].",
            code="bad-segment",
        )
    made: list[Segment] = []
    for place, item in enumerate(given, start=1):
        color = PALETTE[(place - 1) % len(PALETTE)]
        if isinstance(item, Segment):
            made.append(item)
        elif isinstance(item, str):
            made.append(Segment(place, item, color))
        elif isinstance(item, dict):
            known = {k: item[k] for k in Segment.__dataclass_fields__ if k in item}
            if isinstance(known.get("code"), dict):
                known["code"] = _as_code(known["code"])
            made.append(Segment(**{"id": place, "name": "", "color": color, **known}))
        elif isinstance(item, tuple | list) and len(item) == 2:
            made.append(Segment(place, *item))
        else:
            raise MedlabError(
                'A segment must be a name, a (name, "#rrggbb") pair or a Segment, got '
                f"{item!r}. Segments go in a list, even a single one.",
                code="bad-segment",
            )
    ids = [segment.id for segment in made]
    if len(set(ids)) < len(ids):
        raise MedlabError(
            f"Segments must have different ids, got {ids}. Number them anew.",
            code="bad-segment",
        )
    return tuple(made)


def _as_code(told: dict[str, Any]) -> SegmentCode:
    return SegmentCode(*(told.get(key, "") for key in ("scheme", "value", "meaning")))


def find_segment(segments: Sequence[Segment], which: str | int) -> Segment:
    """The segment of that name or id.

    Raises:
        MedlabError: If there is none; the message lists what there is.
    """
    for segment in segments:
        if which in (segment.id, segment.name):
            return segment
    names = ", ".join(repr(segment.name) for segment in segments) or "none"
    raise MedlabError(
        f"There must be a segment {which!r}, the segments are: {names}.",
        code="no-segment",
    )


def merge_segments(
    current: Sequence[Segment],
    before: Sequence[Segment],
    after: Sequence[Segment],
    *,
    untouched_only: bool = True,
) -> tuple[Segment, ...]:
    """Make the change from `before` to `after` in a list that others changed as well.

    Fields that the change did not touch stay as they are, and so does the order where
    the change did not alter it.

    Args:
        current: The list as it is now.
        before: What the change found.
        after: What it made of it.
        untouched_only: Leave what somebody else changed since, as an undo must; otherwise
            the change wins.

    Example:
        >>> lung, liver, heart = as_segments(["lung", "liver", "heart"])
        >>> [s.name for s in merge_segments([lung, liver, heart], [lung, liver], [lung])]
        ['lung', 'heart']
    """
    if tuple(current) == tuple(before):
        return tuple(after)
    old, new = ({s.id: s for s in listed} for listed in (before, after))
    merged: dict[int, Segment] = {}
    for segment in current:
        was, wanted = old.get(segment.id), new.get(segment.id)
        if was is None or wanted is None:
            is_removed = was is not None and wanted is None
            if not is_removed or (untouched_only and was != segment):
                merged[segment.id] = segment
        else:
            merged[segment.id] = _with_changes(segment, was, wanted, untouched_only)
    ids = _in_changed_order(list(merged), list(old), list(new), untouched_only)
    last = next(reversed(new), None)
    for place, number in enumerate(new):
        if number in old or number in merged:
            continue
        merged[number] = new[number]
        ahead = [other for other in list(new)[:place] if other in ids]
        at = ids.index(ahead[-1]) + 1 if ahead else 0
        ids.insert(len(ids) if number == last else at, number)
    return tuple(merged[number] for number in ids)


def _with_changes(
    segment: Segment, was: Segment, wanted: Segment, untouched_only: bool
) -> Segment:
    changes = {}
    for name in Segment.__dataclass_fields__:
        before, after = getattr(was, name), getattr(wanted, name)
        is_touched = getattr(segment, name) != before
        if before != after and not (untouched_only and is_touched):
            changes[name] = after
    return replace(segment, **changes) if changes else segment


def _in_changed_order(
    ids: list[int], old: list[int], new: list[int], untouched_only: bool
) -> list[int]:
    """Exchange the places of the ids that the change reordered, and of no other."""
    shared = [number for number in new if number in old and number in ids]
    was = [number for number in old if number in shared]
    now = [number for number in ids if number in shared]
    if shared == was or (untouched_only and now != was):
        return ids
    places = iter(shared)
    return [next(places) if number in shared else number for number in ids]


def segments_to_json(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    """The segments as every message holds them: all fields, in this order."""
    return [asdict(segment) for segment in segments]
