"""Count the strokes that a scripted user needs to label organs of a real chest CT.

    python -m tests.bench.effort [--organs aorta spleen] [--dice 0.95]

The user sees the scan and knows the organ: the labels that come with `ct-chest`. One stroke
is one press, move and release, or one click, or one button. Three ways to Dice 0.95:

plain       the brush and the eraser in one slice;
range       also the brush that keeps to a range of intensities, the ball through the
            slices, and region grow through the slices (two clicks);
between     plain in every eighth slice (20 mm); while the preview of the fill between slices
            is not good enough, plain in the slice where it is most wrong; accept (two
            clicks).

Policy, the same for all. The user looks for the largest area that is wrong, in any axial
slice, and paints (or erases) as much of it as one stroke can:

- The brush has one of four sizes: the largest that fits into the organ there (for the
  eraser: out of it), and 0.7, 0.5 and 0.35 of that. The one that sets most right is taken.
- The stroke begins where the brush covers most of what is wrong, goes on from there to the
  place within half a radius that covers most that is not covered yet, or straight on to
  the next such place; never where the brush does not fit; at most 150 mm, which is 2 or 3
  seconds and 400 pixels of a screen that shows the whole slice.
- The hand misses each place by 0.7 mm (standard deviation; two such pixels), and comes
  back slowly (correlation 0.8 from place to place).
- Where a range is kept, sizes are 6 to 40 mm and the brush may go over the rim: the preview of
  the range shows what it would leave alone. Its low and high are two of nine quantiles of what
  the organ holds: those whose preview, in the three planes through the organ's middle,
  fits the organ best within 10 mm around it. That is what a user sees while he moves them.
- A ball is planned the same way in three dimensions and dragged within a slice.
- Region grow is previewed from the middle of the largest missing part, with six widths.
- Of all that a way offers, the stroke that sets most right is taken. A slice in which three
  strokes did not help is left; after 1,500 strokes the user gives up.

Everything is painted by the editor's own tools, run by Node (`effort_hand.ts`), except the
fill between slices, which is `medlab.labels.tools.between`.
"""

import argparse
import base64
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from medlab.labels.tools import between
from medlab.samples import open_sample

ROOT = Path(__file__).parents[2]
Mask = NDArray[np.bool_]

ORGANS = {
    "lung right": (
        *("lung upper lobe right", "lung middle lobe right"),
        "lung lower lobe right",
    ),
    "lung left": ("lung upper lobe left", "lung lower lobe left"),
    "liver": ("liver",),
    "heart": ("heart",),
    "aorta": ("aorta",),
    "spleen": ("spleen",),
    "kidney right": ("kidney right",),
    "kidney left": ("kidney left",),
    "trachea": ("trachea",),
    "vertebra L1": ("vertebrae L1",),
}
SIZES = (1.0, 0.7, 0.5, 0.35)
BALLS_MM = (6.0, 10.0, 16.0, 25.0, 40.0)
LONGEST_MM = 150.0
MISS_MM = 0.7
GOES_ON = 0.8
MOST = 1500
EVERY = 8


class Hand:
    """The editor's tools, run by Node on one crop of a scan."""

    def __init__(self, program: Path) -> None:
        self._node = subprocess.Popen(
            ["node", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **order: Any) -> dict[str, Any]:
        assert self._node.stdin
        assert self._node.stdout
        self._node.stdin.write(json.dumps(order) + "\n")
        self._node.stdin.flush()
        answer: dict[str, Any] = json.loads(self._node.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._node.stdin
        self._node.stdin.close()
        self._node.wait()


@contextmanager
def open_hand() -> Iterator[Hand]:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "hand.mjs"
        subprocess.run(
            [
                *("node_modules/.bin/esbuild", "tests/bench/effort_hand.ts"),
                *("--bundle", "--format=esm", "--platform=node"),
                *("--log-level=warning", f"--outfile={program}"),
            ],
            cwd=ROOT,
            check=True,
        )
        hand = Hand(program)
        yield hand
        hand.close()


@dataclass
class Stroke:
    """One thing the hand can do, and how many voxels it would set right."""

    gain: float
    order: dict[str, Any]
    clicks: int = 1


@dataclass
class Work:
    """An organ being labelled: `(I, J, K)` crops around it."""

    hand: Hand
    voxels: NDArray[np.int16]
    target: Mask
    spacing_mm: tuple[float, float, float]
    drawn: Mask = field(init=False)
    strokes: int = 0
    given_up: set[int] = field(default_factory=set)
    failed: dict[int, int] = field(default_factory=dict)
    shaking: np.random.Generator = field(
        default_factory=lambda: np.random.default_rng(20261121)
    )

    def __post_init__(self) -> None:
        self.drawn = np.zeros(self.target.shape, bool)
        self._largest: dict[int, tuple[int, Mask, bool]] = {}
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.voxels.astype("<i2").tobytes(order="F"))
            file.flush()
            self.hand.ask(
                do="open",
                shape=self.target.shape,
                spacing=self.spacing_mm,
                voxels=file.name,
            )

    @property
    def dice(self) -> float:
        both = np.count_nonzero(self.drawn & self.target)
        total = np.count_nonzero(self.drawn) + np.count_nonzero(self.target)
        return 2 * both / total

    def slice_dice(self, k: int) -> float:
        both = np.count_nonzero(self.drawn[..., k] & self.target[..., k])
        total = np.count_nonzero(self.drawn[..., k])
        return 2 * both / (total + np.count_nonzero(self.target[..., k]))

    def do(self, stroke: Stroke) -> bool:
        """Do it, count it; whether it made anything better."""
        before = np.count_nonzero(self.drawn ^ self.target)
        order = dict(stroke.order)
        if "points" in order:
            miss = self._miss(len(order["points"]))
            points = np.asarray(order["points"]) + miss / self.spacing_mm[:2]
            order["points"] = points.round(2).tolist()
        answer = self.hand.ask(**order)
        self.strokes += stroke.clicks
        if answer["box"] is None:
            return False
        where, labels = unpacked(answer)
        self.drawn[where] = labels == 1
        for k in range(where[2].start, where[2].stop):
            self._largest.pop(k, None)
        return bool(np.count_nonzero(self.drawn ^ self.target) < before)

    def _miss(self, count: int) -> NDArray[np.float64]:
        """By how many mm the hand misses each place; it comes back slowly."""
        shake = self.shaking.normal(0, MISS_MM, (count, 2))
        for at in range(1, count):
            fresh = np.sqrt(1 - GOES_ON**2) * shake[at]
            shake[at] = GOES_ON * shake[at - 1] + fresh
        return shake

    def fail(self, k: int) -> None:
        """A stroke did not help: the third time in a slice it is left as it is."""
        self.failed[k] = self.failed.get(k, 0) + 1
        if self.failed[k] >= 3:
            self.given_up.add(k)

    def put(self, drawn: Mask) -> None:
        """Take what a tool on the server made."""
        self.drawn = drawn
        self._largest.clear()
        self.given_up.clear()
        self.failed.clear()
        i, j, k = drawn.shape
        flat = drawn.astype(np.uint8).tobytes(order="F")
        self.hand.ask(
            do="put", box=[0, i, 0, j, 0, k], labels=base64.b64encode(flat).decode()
        )

    def largest_wrong(self, slices: list[int]) -> tuple[int, Mask, bool] | None:
        """Slice, area and whether it is missing (or too much); None if none is left."""
        best: tuple[int, int, Mask, bool] | None = None
        for k in slices:
            if k in self.given_up:
                continue
            size, area, missing = self.largest_in(k)
            if size > 0 and (best is None or size > best[0]):
                best = size, k, area, missing
        return best and best[1:]

    def largest_in(self, k: int) -> tuple[int, Mask, bool]:
        """Size, place and kind of the largest wrong area of a slice."""
        if k not in self._largest:
            self._largest[k] = self._look_at(k)
        return self._largest[k]

    def _look_at(self, k: int) -> tuple[int, Mask, bool]:
        found: list[tuple[int, Mask, bool]] = []
        for missing in (True, False):
            wrong, right = self.target[..., k], self.drawn[..., k]
            if not missing:
                wrong, right = right, wrong
            parts, count = ndimage.label(wrong & ~right)
            sizes = np.bincount(parts.ravel())[1:]
            if count:
                most = int(sizes.argmax())
                found.append((int(sizes[most]), parts == most + 1, missing))
        nothing = np.zeros(self.target.shape[:2], bool)
        return max(found, key=lambda each: each[0], default=(0, nothing, True))


def unpacked(answer: dict[str, Any]) -> tuple[tuple[slice, ...], NDArray[np.uint8]]:
    """Where the hand's answer lies, and its labels."""
    i0, i1, j0, j1, k0, k1 = answer["box"]
    labels = np.frombuffer(base64.b64decode(answer["labels"]), np.uint8)
    shape = (i1 - i0, j1 - j0, k1 - k0)
    where = (slice(i0, i1), slice(j0, j1), slice(k0, k1))
    return where, labels.reshape(shape, order="F")


# One stroke of the plain brush


def plain_stroke(work: Work, k: int, area: Mask, missing: bool) -> Stroke | None:
    """The stroke in a slice that sets most of an area right."""
    allowed = work.target[..., k] if missing else ~work.target[..., k]
    spacing = work.spacing_mm[:2]
    # The rim of the crop is none of the scan's: the eraser may go there.
    room = ndimage.distance_transform_edt(np.pad(allowed, 1), sampling=spacing)
    room = room[1:-1, 1:-1]
    best: Stroke | None = None
    widest = float(room[area].max())
    wrong = (work.drawn[..., k] ^ work.target[..., k]) & allowed
    for size in SIZES:
        radius = max(size * widest, 0.6 * min(spacing))
        # A hand is exact to half a pixel.
        fits = room >= radius - 0.5 * min(spacing)
        points, gain = sweep(wrong, fits, radius, spacing, area)
        if points and (best is None or gain > best.gain):
            best = Stroke(
                gain,
                {
                    **{"do": "stroke", "tool": "brush" if missing else "eraser"},
                    **{"radius_mm": radius, "isBall": False, "range": None},
                    **{"slice": k, "points": points},
                },
            )
    return best


def sweep(
    wrong: Mask,
    fits: Mask,
    radius_mm: float,
    spacing: tuple[float, ...],
    begin_in: Mask,
) -> tuple[list[tuple[int, int]], float]:
    """A path of places that fit, covering what is wrong, and how much it covers."""
    disc = disc_of(radius_mm, spacing)
    left = wrong.astype(np.float32)
    gains = signal.oaconvolve(left, disc, mode="same").round()
    start = np.where(fits & ndimage.binary_dilation(begin_in, disc > 0), gains, -1)
    at = np.unravel_index(int(start.argmax()), start.shape)
    if start[at] <= 0:
        return [], 0.0
    points: list[tuple[int, int]] = []
    total = 0.0
    room_mm = LONGEST_MM
    least = max(1.0, 0.02 * disc.sum())
    while True:
        points.append((int(at[0]), int(at[1])))
        total += cover(left, gains, disc, at)
        step = nearest_gain(gains, fits, at, radius_mm, spacing, least)
        if step is None:
            return points, total
        room_mm -= float(
            np.hypot(
                *[(s - a) * mm for s, a, mm in zip(step, at, spacing, strict=True)]
            )
        )
        if room_mm < 0:
            return points, total
        at = step


def disc_of(radius_mm: float, spacing: tuple[float, ...]) -> NDArray[np.float32]:
    reach = [int(radius_mm / mm + 1e-9) for mm in spacing]
    axes = [np.arange(-r, r + 1) * mm for r, mm in zip(reach, spacing, strict=True)]
    squares = sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij"))
    return (squares <= radius_mm**2 + 1e-9).astype(np.float32)


def cover(
    left: NDArray[np.float32],
    gains: NDArray[np.float32],
    disc: NDArray[np.float32],
    at: Any,
) -> float:
    """Take what the disc covers out of what is left; how much that was."""
    r0, r1 = disc.shape[0] // 2, disc.shape[1] // 2
    i0, i1 = max(0, at[0] - r0), min(left.shape[0], at[0] + r0 + 1)
    j0, j1 = max(0, at[1] - r1), min(left.shape[1], at[1] + r1 + 1)
    part = disc[i0 - at[0] + r0 : i1 - at[0] + r0, j0 - at[1] + r1 : j1 - at[1] + r1]
    covered = left[i0:i1, j0:j1] * part
    left[i0:i1, j0:j1] -= covered
    # Around there the gains are others now.
    a0, a1 = max(0, i0 - r0), min(left.shape[0], i1 + r0)
    b0, b1 = max(0, j0 - r1), min(left.shape[1], j1 + r1)
    c0, c1 = max(0, a0 - r0), min(left.shape[0], a1 + r0)
    d0, d1 = max(0, b0 - r1), min(left.shape[1], b1 + r1)
    fresh = signal.oaconvolve(left[c0:c1, d0:d1], disc, mode="same").round()
    gains[a0:a1, b0:b1] = fresh[a0 - c0 : a1 - c0, b0 - d0 : b1 - d0]
    return float(covered.sum())


def nearest_gain(
    gains: NDArray[np.float32],
    fits: Mask,
    at: Any,
    radius_mm: float,
    spacing: tuple[float, ...],
    least: float,
) -> tuple[int, int] | None:
    """The best place half a radius on; else the next one that a straight line reaches."""
    good = fits & (gains >= least)
    if not good.any():
        return None
    i, j = np.nonzero(good)
    away = np.hypot((i - at[0]) * spacing[0], (j - at[1]) * spacing[1])
    near = (away <= max(radius_mm / 2, 1.5 * min(spacing))) & (away > 0)
    if near.any():
        best = int(np.where(near, gains[i, j], -1).argmax())
        return int(i[best]), int(j[best])
    for place in np.argsort(away)[:40]:
        goal = int(i[place]), int(j[place])
        count = int(max(abs(goal[0] - at[0]), abs(goal[1] - at[1]))) + 1
        line_i = np.linspace(at[0], goal[0], count).round().astype(int)
        line_j = np.linspace(at[1], goal[1], count).round().astype(int)
        if fits[line_i, line_j].all():
            return goal
    return None


# One stroke that keeps to a range, and region grow


def seen_range(work: Work) -> tuple[int, int]:
    """Low and high whose preview fits the organ best in the planes through its middle."""
    middle = [int(np.median(places)) for places in np.nonzero(work.target)]
    inside, value = [], []
    for axis in range(3):
        organ = np.take(work.target, middle[axis], axis)
        sizes = [mm for a, mm in enumerate(work.spacing_mm) if a != axis]
        around = ndimage.distance_transform_edt(~organ, sampling=sizes) <= 10
        inside.append(organ[around])
        value.append(np.take(work.voxels, middle[axis], axis)[around])
    organ, seen = np.concatenate(inside), np.concatenate(value)
    levels = np.quantile(
        seen[organ], [0.01, 0.025, 0.05, 0.1, 0.9, 0.95, 0.975, 0.99, 1]
    )
    best = (0.0, 0.0, 0.0)
    for low in levels[:4]:
        for high in levels[4:]:
            shown = (seen >= low) & (seen <= high)
            fit = 2 * np.count_nonzero(shown & organ) / (shown.sum() + organ.sum())
            best = max(best, (fit, low, high))
    return int(best[1]), int(np.ceil(best[2]))


def ranged_stroke(work: Work, low: int, high: int) -> Stroke | None:
    """The stroke of a ball, or a disc, in the range that sets most right."""
    kept = (work.voxels >= low) & (work.voxels <= high)
    value = np.where(work.target, ~work.drawn, -1.0 * ~work.drawn) * kept
    everywhere = np.ones(value.shape, bool)
    found = [
        through_stroke(work, value, everywhere, radius, is_ball, "brush", [low, high])
        for radius in BALLS_MM
        for is_ball in (True, False)
    ]
    return best_of(found)


def ball_stroke(work: Work, missing: bool) -> Stroke | None:
    """The stroke of a ball that fits into the organ (or out of it) and corrects most."""
    allowed = work.target if missing else ~work.target
    wrong = (work.drawn ^ work.target) & allowed
    if not wrong.any():
        return None
    room = ndimage.distance_transform_edt(
        np.pad(allowed, 1, constant_values=not missing), sampling=work.spacing_mm
    )[1:-1, 1:-1, 1:-1]
    widest = min(float(room[wrong].max()), BALLS_MM[-1])
    slack = 0.5 * min(work.spacing_mm)
    tool = "brush" if missing else "eraser"
    found = []
    for size in SIZES:
        radius = max(size * widest, max(work.spacing_mm))
        fits = room >= radius - slack
        found.append(through_stroke(work, wrong, fits, radius, True, tool, None))
    return best_of(found)


def through_stroke(
    work: Work,
    value: NDArray[Any],
    fits: Mask,
    radius_mm: float,
    is_ball: bool,
    tool: str,
    kept: list[int] | None,
) -> Stroke | None:
    """A stroke planned in three dimensions, on a coarser grid: no hand is more exact."""
    step = 2 if value.size < 4e6 else 4
    coarse = value[::step, ::step].astype(np.float32)
    i, j, k = work.spacing_mm
    spacing = (step * i, step * j, k)
    brush = disc_of(radius_mm, spacing if is_ball else spacing[:2])
    brush = brush if is_ball else brush[..., None]
    points, gain = drag(coarse, fits[::step, ::step], brush, radius_mm, spacing)
    if not points:
        return None
    order = {
        **{"do": "stroke", "tool": tool, "radius_mm": radius_mm, "range": kept},
        **{"isBall": is_ball, "slice": points[0][2]},
        "points": [(step * i, step * j) for i, j, _ in points],
    }
    return Stroke(step * step * gain, order)


def best_of(found: list[Stroke | None]) -> Stroke | None:
    there = [each for each in found if each is not None]
    return max(there, key=lambda each: each.gain, default=None)


def drag(
    value: NDArray[np.float32],
    fits: Mask,
    brush: NDArray[np.float32],
    radius_mm: float,
    spacing: tuple[float, float, float],
) -> tuple[list[tuple[int, int, int]], float]:
    """A path in one slice along which the brush gains most, and the gain."""
    gains = np.where(fits, signal.oaconvolve(value, brush, mode="same"), -1)
    at = np.unravel_index(int(gains.argmax()), gains.shape)
    if gains[at] < 1:
        return [], 0.0
    left = np.pad(value, [(n // 2, n // 2) for n in brush.shape])
    sides = [max(1, int(radius_mm / 2 / mm)) for mm in spacing[:2]]
    ways = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]
    points: list[tuple[int, int, int]] = []
    total, room_mm = 0.0, LONGEST_MM

    def under(place: Any) -> NDArray[np.float32]:
        return left[
            tuple(slice(p, p + n) for p, n in zip(place, brush.shape, strict=True))
        ]

    while True:
        points.append((int(at[0]), int(at[1]), int(at[2])))
        part = under(at)
        total += float((part * brush).sum())
        part *= 1 - brush
        best: tuple[float, Any] = (0.02 * float(brush.sum()), None)
        for a, b in ways:
            place = (at[0] + a * sides[0], at[1] + b * sides[1], at[2])
            inside = all(0 <= p < n for p, n in zip(place, value.shape, strict=True))
            if inside and fits[place]:
                best = max(
                    best,
                    (float((under(place) * brush).sum()), place),
                    key=lambda each: each[0],
                )
        room_mm -= radius_mm / 2
        if best[1] is None or room_mm < 0:
            return points, total
        at = best[1]


def grown(work: Work) -> Stroke | None:
    """Region grow from the middle of what is missing, at the width that fits best."""
    missing = work.target & ~work.drawn
    room = ndimage.distance_transform_edt(missing, sampling=work.spacing_mm)
    seed = [int(n) for n in np.unravel_index(int(room.argmax()), room.shape)]
    best: Stroke | None = None
    for expand in (-6, -3, 0, 3, 6, 10):
        order = {"do": "grow", "seed": seed, "expand": expand}
        preview = work.hand.ask(**order, accepts=False)
        if preview["box"] is None:
            continue
        where, labels = unpacked(preview)
        new = (labels == 1) & ~work.drawn[where]
        right = np.count_nonzero(new & work.target[where])
        gain = 2 * right - np.count_nonzero(new)
        if gain > 0 and (best is None or gain > best.gain):
            best = Stroke(gain, {**order, "accepts": True}, clicks=2)
    return best


# Three ways


def correct(
    work: Work, slices: list[int], until: float, of_slice: int | None = None
) -> None:
    """The plain brush and the eraser, largest wrong area first."""
    while (work.dice if of_slice is None else work.slice_dice(of_slice)) < until:
        if work.strokes >= MOST:
            return
        wrong = work.largest_wrong(slices)
        if wrong is None:
            return
        stroke = plain_stroke(work, *wrong)
        if stroke is None or not work.do(stroke):
            work.fail(wrong[0])


def plainly(work: Work, until: float) -> None:
    correct(work, list(range(work.target.shape[2])), until)


def in_range(work: Work, until: float) -> None:
    low, high = seen_range(work)
    slices = list(range(work.target.shape[2]))
    tries_grow = True
    while work.dice < until and work.strokes < MOST:
        wrong = work.largest_wrong(slices)
        if wrong is None:
            return
        plain = plain_stroke(work, *wrong)
        grow = grown(work) if tries_grow else None
        balls = [ball_stroke(work, missing) for missing in (True, False)]
        best = best_of([ranged_stroke(work, low, high), *balls, plain, grow])
        # What grew once is not grown again from next to it.
        tries_grow = best is not None and best is grow
        if best is None or not work.do(best):
            work.fail(wrong[0])


def with_between(work: Work, until: float) -> None:
    present = np.flatnonzero(work.target.any((0, 1)))
    first, last = int(present[0]), int(present[-1])
    keys = {*range(first, last + 1, EVERY), last}
    for k in sorted(keys):
        correct(work, [k], until, of_slice=k)
    while True:
        shown = filled_between(work)
        wrong = np.count_nonzero(shown ^ work.target, axis=(0, 1))
        wrong[sorted(work.given_up)] = 0
        both = np.count_nonzero(shown & work.target)
        dice = 2 * both / (np.count_nonzero(shown) + np.count_nonzero(work.target))
        if dice >= until or not wrong.any():
            break
        worst = int(wrong.argmax())
        if worst in keys:
            stroke = plain_stroke(work, worst, *work.largest_in(worst)[1:])
            if stroke is None or not work.do(stroke):
                work.fail(worst)
        else:
            keys.add(worst)
            correct(work, [worst], until, of_slice=worst)
    work.strokes += 2
    work.put(shown)


def filled_between(work: Work) -> Mask:
    """What the fill between slices shows before it is accepted."""
    labels = work.drawn.astype(np.uint8)
    proposal = between(labels, segment=1, axis=2, spacing_mm=work.spacing_mm)
    i0, i1, j0, j1, k0, k1 = proposal.box
    filled = labels[i0:i1, j0:j1, k0:k1]
    np.copyto(filled, proposal.labels, where=proposal.labels == 1, casting="unsafe")
    return np.asarray(labels == 1)


WAYS = {"plain": plainly, "range": in_range, "between": with_between}
# Marks of the issue: part of the plain brush's strokes.
MARKS = {"range": 1 / 3, "between": 1 / 2}


def cropped(names: tuple[str, ...]) -> tuple[NDArray[np.int16], Mask, Any]:
    scan, labels = open_sample("ct-chest")
    ids = [each.id for each in labels.segments if each.name in names]
    target = np.isin(labels.voxels, ids)
    box = ndimage.find_objects(target.astype(np.uint8))[0]
    # Neighbours are seen too: what grows or is painted may run into them.
    wide = [60, 60, 12]
    around = tuple(
        slice(max(0, part.start - w), min(n, part.stop + w))
        for part, w, n in zip(box, wide, target.shape, strict=True)
    )
    return scan.voxels[around].astype(np.int16), target[around], scan.spacing_mm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--organs", nargs="+", default=list(ORGANS))
    parser.add_argument("--ways", nargs="+", default=list(WAYS))
    parser.add_argument("--dice", type=float, default=0.95)
    arguments = parser.parse_args()
    print(
        f"strokes to Dice {arguments.dice}; load {os.getloadavg()[0]:.1f}", flush=True
    )
    sums = dict.fromkeys(arguments.ways, 0)
    with open_hand() as hand:
        for organ in arguments.organs:
            voxels, target, spacing = cropped(ORGANS[organ])
            line = f"{organ:13}"
            counts: dict[str, int] = {}
            for way in arguments.ways:
                began = time.time()
                work = Work(hand, voxels, target, tuple(float(s) for s in spacing))
                WAYS[way](work, arguments.dice)
                counts[way] = work.strokes
                sums[way] += work.strokes
                ratio = work.strokes / counts.get("plain", work.strokes)
                line += f"  {way} {work.strokes:4} ({ratio:4.2f}, Dice {work.dice:.3f}"
                line += f", {time.time() - began:.0f} s)"
            print(line, flush=True)
    for way, mark in MARKS.items():
        if way in sums and "plain" in sums:
            ratio = sums[way] / sums["plain"]
            print(f"all: {way} / plain = {ratio:.2f}  mark: <= {mark:.2f}")


if __name__ == "__main__":
    main()
