"""Segments: what the integers of a label map mean."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medlab.errors import MedlabError

# Apart for colour-blind eyes and on grey scans: after Okabe and Ito, 2008, "Color Universal
# Design", brightened; more colours follow once round.
PALETTE = (
    "#e69f00",
    "#56b4e9",
    "#00c48c",
    "#f0e442",
    "#3d8be0",
    "#ff6e3a",
    "#e07bb5",
    "#a5d36b",
    "#b08cff",
    "#ff5c77",
)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class Segment:
    """One structure: its id in the label map, and how it is shown.

    Args:
        id: 1 to 65535; 0 is background.
        name: What it is, such as `"left lung"`.
        color: `#rrggbb`.
        locked: No tool changes its voxels.
        visible: It is drawn.
    """

    id: int
    name: str
    color: str
    locked: bool = False
    visible: bool = True

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
        if not isinstance(self.color, str) or not _COLOR.fullmatch(self.color):
            raise MedlabError(
                f"A segment's color must look like #rrggbb, got {self.color!r}.",
                code="bad-segment",
            )


SegmentLike = Segment | str | tuple[str, str] | dict[str, Any]


def as_segments(given: Iterable[SegmentLike]) -> tuple[Segment, ...]:
    """Make segments of names, (name, color) pairs, dictionaries or segments.

    Example:
        >>> as_segments(["left lung", ("right lung", "#00ff00")])[1]
        Segment(id=2, name='right lung', color='#00ff00', locked=False, visible=True)
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
    current: Sequence[Segment], before: Sequence[Segment], after: Sequence[Segment]
) -> tuple[Segment, ...]:
    """Make the change from `before` to `after` in a list that others changed as well.

    A segment that somebody else changed since stays as it is.

    Example:
        >>> lung, liver, heart = as_segments(["lung", "liver", "heart"])
        >>> [s.name for s in merge_segments([lung, liver, heart], [lung, liver], [lung])]
        ['lung', 'heart']
    """
    if tuple(current) == tuple(before):
        return tuple(after)
    old, new = ({s.id: s for s in listed} for listed in (before, after))
    merged: list[Segment] = []
    for segment in current:
        is_mine = old.get(segment.id) == segment
        kept = new.get(segment.id) if is_mine else segment
        if kept is not None:
            merged.append(kept)
    there = {segment.id for segment in current} | set(old)
    return (*merged, *(segment for segment in after if segment.id not in there))


def segments_to_json(segments: Iterable[Segment]) -> list[dict[str, Any]]:
    return [asdict(segment) for segment in segments]
