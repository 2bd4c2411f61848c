"""Marks: points, lines, boxes and classes, beside the voxels of a layer.

A mark has a name of its own that never changes (`id`), so two people who move two marks do
not disturb one another. Its points are voxel coordinates: the centre of the first voxel is
(0, 0, 0). Points are kept to a thousandth of a voxel, so that every program writes the same
text for the same mark.
"""

import math
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medlab.errors import MedlabError
from medlab.labels._segment import COLOR

KINDS = ("point", "line", "angle", "rectangle", "ellipse", "box", "class")
PLANES = ("axial", "sagittal", "coronal")
SCOPES = ("study", "image", "slice")

Point = tuple[float, float, float]

_ID = re.compile(r"[0-9a-f]{12}")
_POINTS = {"point": 1, "line": 2, "angle": 3, "rectangle": 2, "ellipse": 2, "box": 2}
_FURTHEST = 1e6


@dataclass(frozen=True)
class Mark:
    """One mark on a scan.

    Args:
        id: Twelve hex digits; `new_mark_id` makes one.
        kind: `"point"`; `"line"` and `"angle"` (the second of its three points is the
            vertex); `"rectangle"` and `"ellipse"` (two opposite corners in one slice);
            `"box"` (two opposite corners in space); `"class"` (a word for the whole).
        name: What it is called; may be empty.
        color: `#rrggbb`; None takes the segment's.
        segment: Id of the segment it belongs to, None if to none.
        plane: `"axial"`, `"sagittal"` or `"coronal"`: the slice it was drawn in.
        points: Voxel coordinates `(i, j, k)`.
        scope: What a class is about: `"study"`, `"image"` or `"slice"`.
        value: The class.
        note: Free text.

    Raises:
        MedlabError: If a field is not one of these, or its points do not fit its kind.

    Example:
        >>> mark = Mark("0123456789ab", "point", "nodule", points=((1, 2.00049, -0.0),))
        >>> mark.points
        ((1, 2, 0),)
    """

    id: str
    kind: str
    name: str = ""
    color: str | None = None
    segment: int | None = None
    plane: str | None = None
    points: tuple[Point, ...] = field(default=())
    scope: str | None = None
    value: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise _bad("id", "12 hex digits such as '0123456789ab'", self.id)
        if self.kind not in KINDS:
            raise _bad("kind", f"one of {', '.join(KINDS)}", self.kind)
        for name in ("name", "note"):
            if not isinstance(getattr(self, name), str):
                raise _bad(name, "text", getattr(self, name))
        if self.value is not None and not isinstance(self.value, str):
            raise _bad("value", "text or nothing", self.value)
        self._check_where_it_belongs()
        points = tuple(_point(point) for point in self.points)
        object.__setattr__(self, "points", points)
        self._check_points()

    def _check_where_it_belongs(self) -> None:
        color, segment = self.color, self.segment
        if color is not None and not (
            isinstance(color, str) and COLOR.fullmatch(color)
        ):
            raise _bad("color", "#rrggbb or nothing", color)
        is_id = isinstance(segment, int) and not isinstance(segment, bool)
        if segment is not None and not (is_id and 1 <= segment <= 65535):
            raise _bad("segment", "an id from 1 to 65535 or nothing", segment)
        if self.plane is not None and self.plane not in PLANES:
            raise _bad("plane", f"one of {', '.join(PLANES)} or nothing", self.plane)
        if (self.kind == "class") != (self.scope is not None):
            raise _bad("scope", "given for a class and for nothing else", self.scope)
        if self.scope is not None and self.scope not in SCOPES:
            raise _bad("scope", f"one of {', '.join(SCOPES)}", self.scope)
        if self.kind == "class" and not self.value:
            raise _bad("value", "the class", self.value)

    def _check_points(self) -> None:
        is_flat = self.kind in ("rectangle", "ellipse") or self.scope == "slice"
        if is_flat and self.plane is None:
            raise _bad("plane", f"one of {', '.join(PLANES)}", None)
        count = _POINTS.get(self.kind, 1 if self.scope == "slice" else 0)
        if len(self.points) != count:
            word = "class" if self.kind == "class" else self.kind
            raise MedlabError(
                f"A mark of kind {word!r} must have {count} points, got "
                f"{len(self.points)}. Draw it again.",
                code="bad-mark",
            )
        if self.kind in ("rectangle", "ellipse"):
            first, second = self.points
            if not any(a == b for a, b in zip(first, second, strict=True)):
                raise MedlabError(
                    f"Both corners of a mark of kind {self.kind!r} must lie in one slice, "
                    f'got {first} and {second}. Use a "box" for several slices.',
                    code="bad-mark",
                )


MarkLike = Mark | Mapping[str, Any]
_FIELDS = tuple(Mark.__dataclass_fields__)


def new_mark_id() -> str:
    """A name that no other mark has: twelve random hex digits."""
    return secrets.token_hex(6)


def as_marks(given: Iterable[MarkLike]) -> tuple[Mark, ...]:
    """Make marks of marks or dictionaries; one without an `id` gets one.

    Raises:
        MedlabError: If one cannot be a mark, or two have the same id.
    """
    made: list[Mark] = []
    for item in given:
        if isinstance(item, Mark):
            made.append(item)
        elif isinstance(item, Mapping):
            known = {name: item[name] for name in _FIELDS if name in item}
            known.setdefault("id", new_mark_id())
            known.setdefault("kind", None)
            if isinstance(known.get("points"), list):
                known["points"] = tuple(known["points"])
            made.append(Mark(**known))
        else:
            raise MedlabError(
                f"A mark must be a Mark or a dictionary of its fields, got {item!r}.",
                code="bad-mark",
            )
    ids = [mark.id for mark in made]
    if len(set(ids)) < len(ids):
        raise MedlabError(
            f"Marks must have different ids, got {ids}. Give each its own.",
            code="bad-mark",
        )
    return tuple(made)


def marks_to_json(marks: Iterable[Mark]) -> list[dict[str, Any]]:
    """The marks as every message holds them: all fields, in this order."""
    listed = []
    for mark in marks:
        fields = {name: getattr(mark, name) for name in _FIELDS}
        listed.append({**fields, "points": [list(point) for point in mark.points]})
    return listed


def changed_marks(
    before: Mapping[str, Mark], after: Mapping[str, Mark]
) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """The marks that differ, as they were and as they are."""
    ids = [name for name in (*before, *after) if before.get(name) != after.get(name)]
    touched = dict.fromkeys(ids)
    return (
        tuple(before[name] for name in touched if name in before),
        tuple(after[name] for name in touched if name in after),
    )


def with_changes(
    marks: Mapping[str, Mark], before: Iterable[Mark], after: Iterable[Mark]
) -> dict[str, Mark]:
    """The marks after an edit; one that was changed keeps its place."""
    kept = dict(marks)
    wanted = {mark.id: mark for mark in after}
    for mark in before:
        if mark.id not in wanted:
            kept.pop(mark.id, None)
    kept.update(wanted)
    return kept


def merge_marks(
    current: Mapping[str, Mark], before: Iterable[Mark], after: Iterable[Mark]
) -> dict[str, Mark]:
    """Make the change in marks that others changed as well; what they changed stays."""
    old, new = ({mark.id: mark for mark in listed} for listed in (before, after))
    mine = {name for name in (*old, *new) if current.get(name) == old.get(name)}
    return with_changes(
        current,
        [mark for name, mark in old.items() if name in mine],
        [mark for name, mark in new.items() if name in mine],
    )


def _point(given: Any) -> Point:
    try:
        i, j, k = (_rounded(number) for number in given)
    except (TypeError, ValueError) as error:
        raise _bad(
            "points", "three numbers (i, j, k) each, in voxels", given
        ) from error
    return i, j, k


def _rounded(number: Any) -> float:
    """To thousandths, a whole one as an integer: one text in every language."""
    value = float(number)
    if isinstance(number, str | bool) or not abs(value) <= _FURTHEST:
        raise ValueError(number)
    # Not round(): it rounds the decimal text, which JavaScript cannot do alike.
    thousandths = math.floor(value * 1000 + 0.5)
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def _bad(name: str, expected: str, got: Any) -> MedlabError:
    return MedlabError(
        f"A mark's {name} must be {expected}, got {got!r}. Correct it and try again.",
        code="bad-mark",
    )
