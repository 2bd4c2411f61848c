"""The volumes of a 4D series: which picture at each place belongs to which volume.

At one place of a 4D series lie several pictures. What tells them apart is looked for in what
the files say: b-value and gradient, echo time, kind of picture (magnitude, water, ...), cardiac
phase, time. Only where they say nothing does the order of acquisition decide.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from medlab.scans._volume import FrameKind
from medlab.scans.dicom._slice import DicomSlice, acquisition_order
from medlab.scans.dicom._traits import (
    TRAITS,
    Trait,
    position_in_time,
    seconds,
    trigger_ms,
)
from medlab.scans.dicom._values import number
from medlab.scans.dicom._vendor import vendor_diffusion

Place = list[DicomSlice]


@dataclass(frozen=True)
class Frames:
    """The volumes of a series, each with its slices in order.

    Attributes:
        volumes: At least one; all equally long.
        kind: What tells them apart.
        values: One for each, as `Header.frame_values`.
        notes: Sentences about what was left out.
    """

    volumes: list[list[DicomSlice]]
    kind: FrameKind = ""
    values: tuple[float | str, ...] = ()
    notes: list[str] = field(default_factory=list)


def split_frames(places: Sequence[Place]) -> Frames:
    """Split pictures by place into volumes.

    Args:
        places: The pictures at each place; at least one at each.
    """
    counts = Counter(len(place) for place in places)
    if set(counts) == {1}:
        return Frames([[place[0] for place in places]])
    if counts.most_common(1)[0][0] == 1 and len(places) > 1:
        return _one_each(places)
    traits = _telling_traits(places)
    keys = {
        id(piece): tuple(trait(piece) for _, trait in traits)
        for place in places
        for piece in place
    }
    rank, ranked = _ranks(places, keys)
    volumes: dict[Hashable, dict[int, DicomSlice]] = {}
    for k, place in enumerate(places):
        for piece in place:
            key = (keys[id(piece)], rank[id(piece)])
            volumes.setdefault(key, {})[k] = piece
    whole = {key: v for key, v in volumes.items() if len(v) == len(places)}
    if not whole:
        return _one_each(places)
    kinds = [kind for kind, _ in traits]
    listed = [[v[k] for k in range(len(places))] for v in whole.values()]
    ordered = sorted(zip(listed, whole, strict=True), key=lambda one: _order(one[0]))
    kind = kinds[0] if kinds else ranked
    if kind not in ("b-value", "component"):
        ordered.sort(key=lambda one: repr_sorted(one[1]))
    values = _values([one for one, _ in ordered], kind, traits)
    notes = _left_out(volumes, len(places))
    found = [one for one, _ in ordered]
    if len(found) == 1:
        return Frames(found, notes=notes)
    return Frames(found, kind, values, notes)


def repr_sorted(key: Hashable) -> tuple[Any, ...]:
    """Numbers by size, before words."""
    flat: list[Any] = []
    pending = [key]
    while pending:
        one = pending.pop(0)
        if isinstance(one, tuple):
            pending = [*one, *pending]
        else:
            is_text = not isinstance(one, int | float)
            flat.append((is_text, str(one) if is_text else one))
    return tuple(flat)


def _order(volume: Sequence[DicomSlice]) -> tuple[int, int, str]:
    return min(acquisition_order(piece) for piece in volume)


def _one_each(places: Sequence[Place]) -> Frames:
    """One volume, with the first picture of each place; says which were left out."""
    notes = []
    for k, place in enumerate(places):
        if len(place) > 1:
            kept, *others = (acquisition_order(piece)[0] for piece in place)
            notes.append(
                f"Slice {k} has {len(place)} different images: number {kept} is shown, "
                f"number {', '.join(str(n) for n in others[:5])} left out."
            )
    if len(notes) > 5:
        notes = [*notes[:4], f"{len(notes) - 4} more slices have several images."]
    return Frames([[place[0] for place in places]], notes=notes)


def _left_out(volumes: dict[Hashable, dict[int, DicomSlice]], count: int) -> list[str]:
    partial = [len(found) for found in volumes.values() if len(found) < count]
    if not partial:
        return []
    are = "volumes lack" if len(partial) > 1 else "volume lacks"
    return [
        f"{len(partial)} {are} slices ({min(partial)} of {count} are there) and "
        f"{'are' if len(partial) > 1 else 'is'} left out."
    ]


def _telling_traits(places: Sequence[Place]) -> list[tuple[FrameKind, Trait]]:
    """The traits in which pictures at one place differ, as few as it takes."""
    found: list[tuple[FrameKind, Trait]] = []
    for kind, trait in TRAITS:
        if any(_tells_more(place, trait, found) for place in places):
            found.append((kind, trait))
    if not found and _may_be_diffusion(places[0][0]):
        told = {
            id(piece): vendor_diffusion(piece.path)
            for place in places
            for piece in place
        }
        if len(set(told.values())) > 1:
            found.append(("b-value", lambda piece: told[id(piece)]))
    return found


def _tells_more(
    place: Place, trait: Trait, found: Sequence[tuple[FrameKind, Trait]]
) -> bool:
    """Whether the trait tells pictures apart that are alike in those found so far."""
    alike: dict[Hashable, set[Hashable]] = {}
    for piece in place:
        key = tuple(other(piece) for _, other in found)
        alike.setdefault(key, set()).add(trait(piece))
    return any(len(values) > 1 for values in alike.values())


def _may_be_diffusion(piece: DicomSlice) -> bool:
    return str(piece.header.get("Modality", "")) == "MR" and piece.mosaic is None


def _ranks(
    places: Sequence[Place], keys: dict[int, tuple[Hashable, ...]]
) -> tuple[dict[int, int], FrameKind]:
    """The number of each picture among those alike at its place, and what orders them."""
    kind: FrameKind = "volume"
    orders: tuple[tuple[FrameKind, Callable[[DicomSlice], float | None]], ...] = (
        ("phase", trigger_ms),
        ("time", seconds),
        ("time", lambda piece: number(piece.groups, "", "AcquisitionNumber")),
    )
    chosen: Callable[[DicomSlice], float | None] = lambda piece: None  # noqa: E731
    groups = [
        [piece for piece in place if keys[id(piece)] == key]
        for place in places
        for key in dict.fromkeys(keys[id(piece)] for piece in place)
    ]
    for name, order in orders:
        told = [[order(piece) for piece in group] for group in groups]
        if all(None not in one and len(set(one)) == len(one) for one in told):
            if any(len(one) > 1 for one in told):
                kind, chosen = name, order
            break
    rank: dict[int, int] = {}
    for group in groups:
        group.sort(key=lambda piece: (chosen(piece) or 0.0, acquisition_order(piece)))
        for position, piece in enumerate(group):
            rank[id(piece)] = position
    return rank, kind


def _values(
    volumes: Sequence[Sequence[DicomSlice]],
    kind: FrameKind,
    traits: Sequence[tuple[FrameKind, Trait]],
) -> tuple[float | str, ...]:
    """What to call each volume: a number of the kind's unit, or words."""
    if len(traits) > 1:
        return tuple(
            ", ".join(_say(name, trait(volume[0])) for name, trait in traits)
            for volume in volumes
        )
    told: list[Any]
    if traits and kind != "time":
        told = [traits[0][1](volume[0]) for volume in volumes]
        if kind == "b-value":
            told = [one[0] if isinstance(one, tuple) else one for one in told]
        if kind == "component":
            told = [_say(kind, one) for one in told]
    elif kind == "phase":
        told = [_median(trigger_ms, volume) for volume in volumes]
    elif kind == "time":
        told = _since_first([_median(seconds, volume) for volume in volumes], volumes)
    else:
        told = [None] * len(volumes)
    if all(isinstance(one, float | int) for one in told):
        return tuple(float(cast(float, one)) for one in told)
    return tuple(str(one) if one is not None else str(n) for n, one in enumerate(told))


def _since_first(
    times: Sequence[float | None], volumes: Sequence[Sequence[DicomSlice]]
) -> list[float | None]:
    if None not in times and len(set(times)) == len(times):
        begin = min(cast(Sequence[float], times))
        return [round(cast(float, one) - begin, 3) for one in times]
    step_ms = number(volumes[0][0].groups, "", "TemporalResolution")
    places = [position_in_time(volume[0]) for volume in volumes]
    if step_ms and None not in places:
        begin = min(cast(Sequence[float], places))
        return [round((cast(float, n) - begin) * step_ms / 1000, 3) for n in places]
    return [None] * len(volumes)


def _median(
    value: Callable[[DicomSlice], float | None], volume: Sequence[DicomSlice]
) -> float | None:
    found = [value(piece) for piece in volume]
    if None in found:
        return None
    return float(np.median(cast(list[float], found)))


def _say(kind: FrameKind, value: Hashable) -> str:
    units = {"b-value": "b {} s/mm2", "echo": "echo {} ms", "phase": "{} %"}
    if isinstance(value, tuple) and kind == "b-value":
        value = f"{value[0]:g}"
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value if str(part) not in ("NONE", "ND"))
    if isinstance(value, float):
        value = f"{value:g}"
    return units.get(kind, "{}").format(value)
