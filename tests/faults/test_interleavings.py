"""Two pages and a kernel draw on one layer, in every order that chance gives.

A page draws on what it knows, sends later, may get no answer and sends again; the kernel
paints, takes back, locks, marks and imports in between. All of them speak as the server's
handlers do. What the journal holds afterwards is replayed by plain arrays here:

- every acknowledged edit is there, once, at the revision that was told;
- every edit found what it says it found: nothing was overwritten unseen;
- right after an acknowledged stroke, the map holds it;
- no locked voxel ever changes;
- the layer's map, opened anew, is the replay.

40 interleavings; `MEDLAB_LONG=1` makes it 1,000, `MEDLAB_ROUNDS` any number.
"""

import contextlib
import os
import random
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from medlab.labels import (
    Delta,
    Labels,
    Layer,
    SegmentLocked,
    answer_labels,
    answer_of,
    decode_frame,
    encode_frame,
    encode_runs,
    from_frame,
    join_frames,
    split_frames,
    to_frame,
)
from medlab.scans import Home, ScanSource
from tests.support.scans import make_volume

ROUNDS = int(
    os.environ.get("MEDLAB_ROUNDS", 1000 if os.environ.get("MEDLAB_LONG") else 40)
)
SHAPE = (7, 8, 9)
SEGMENTS = ["lung", "liver", "heart"]
ACTS = 40

pytestmark = pytest.mark.timeout(60 + 5 * ROUNDS)


@dataclass
class Room:
    """The layers as a server has them open."""

    home: Home
    scan: Any
    opened: dict[str, Layer] = field(default_factory=dict)

    def names(self):
        return list(self.opened)

    def open(self, name, segments=None):
        if name not in self.opened:
            self.opened[name] = Layer.open(
                self.home, self.scan, name, segments=segments or SEGMENTS
            )
        return self.opened[name]

    def recover(self, name):
        raise AssertionError("nothing is damaged here")

    def ask(self, method, route, query=None, body=b""):
        try:
            told = answer_labels(self, method, route, query or {}, body)
        except ValueError as error:
            told = answer_of(error)
        return told


@dataclass
class Page:
    """A page: draws at once, sends when its turn comes, puts its edits on top of others'."""

    room: Room
    chance: random.Random
    session: str
    by: str
    voxels: np.ndarray = field(default_factory=lambda: np.zeros(SHAPE, np.uint8, "F"))
    rev: int = 0
    seq: int = 0
    locked: set[int] = field(default_factory=set)
    waiting: list[tuple[int, tuple, np.ndarray, int]] = field(default_factory=list)
    on_the_way: list[bytes] | None = None
    acked: dict[int, int] = field(default_factory=dict)
    drawn: dict[tuple[int, int], tuple] = field(default_factory=dict)

    def draw(self):
        size = [self.chance.randint(1, 4) for _ in SHAPE]
        at = [self.chance.randint(0, n - s) for n, s in zip(SHAPE, size, strict=True)]
        noise = np.random.default_rng(self.chance.randrange(1 << 30))
        where = tuple(slice(a, a + s) for a, s in zip(at, size, strict=True))
        segment = self.chance.choice([n for n in range(4) if n not in self.locked])
        self.seq += 1
        self.waiting.append((self.seq, where, noise.random(size) < 0.7, segment))

    def pack(self):
        """Make frames of what waits, on top of what is known: later they may be stale."""
        voxels, frames = self.voxels.copy(order="F"), []
        for place, (seq, where, mask, segment) in enumerate(self.waiting[:3]):
            before = voxels[where].copy()
            free = ~np.isin(before, list(self.locked)) & (segment not in self.locked)
            drawn = mask & free
            voxels[where][drawn] = segment
            self.drawn[seq, self.rev + place] = (where, drawn, segment)
            box = tuple(end for piece in where for end in (piece.start, piece.stop))
            delta = Delta(
                *("scan", "labels", self.rev + place, self.session, seq, "brush"),
                *(segment, box, encode_runs(before), encode_runs(voxels[where])),
                by=self.by,
                step=seq,
            )
            delta = replace(delta, scan=self.room.open("labels").scan_id)
            frames.append(encode_frame(to_frame(delta)))
        self.on_the_way = frames

    def send(self):
        """Deliver what was packed some time ago; sometimes the answer gets lost."""
        frames, self.on_the_way = self.on_the_way, None
        told = self.room.ask("POST", ["labels", "ops"], body=join_frames(frames))
        if self.chance.random() < 0.2:
            return  # No answer: it sends the same again another time.
        if told.status == 200:
            for data in split_frames(told.body):
                header = decode_frame(data).header
                self.acked[header["seq"]] = header["rev"]
                self.waiting = [one for one in self.waiting if one[0] != header["seq"]]
        elif told.status == 422:
            assert told.json["code"] == "locked", told.json
            self.locked.add(told.json["segment"])
            self.waiting = [one for one in self.waiting if one[3] not in self.locked]
        else:
            assert told.status == 409, told
        self.poll()

    def poll(self):
        told = self.room.ask("GET", ["labels", "ops"], {"from": str(self.rev)})
        assert told.status == 200, told
        for data in split_frames(told.body):
            delta = from_frame(decode_frame(data))
            assert delta.base == self.rev
            assert delta.rev == self.rev + 1
            replay(self.voxels, delta)
            if delta.segments:
                self.locked = {s.id for s in delta.segments[1] if s.locked}
            self.rev = delta.rev

    def act(self):
        if self.on_the_way is not None and self.chance.random() < 0.5:
            self.send()
        elif self.waiting and self.on_the_way is None and self.chance.random() < 0.6:
            self.pack()
        elif self.chance.random() < 0.3:
            self.poll()
        else:
            self.draw()

    def finish(self):
        for _ in range(200):
            if not self.waiting:
                return
            self.on_the_way = None
            self.poll()
            self.waiting = [one for one in self.waiting if one[3] not in self.locked]
            if self.waiting:
                self.pack()
                self.send()
        raise AssertionError("a page never got rid of its edits")


@dataclass
class Kernel:
    """A notebook with the layer open in its own process."""

    layer: Layer
    chance: random.Random
    acked: dict[int, int] = field(default_factory=dict)

    def act(self):
        what = self.chance.choice(
            ["paint"] * 4 + ["undo", "redo", "lock", "mark", "step"]
        )
        layer = self.layer
        if what == "paint":
            self.paint()
        elif what in ("undo", "redo"):
            with contextlib.suppress(SegmentLocked):
                self.take(getattr(layer, what)())
        elif what == "lock":
            segments = list(layer.segments)
            place = self.chance.randrange(len(segments))
            chosen = segments[place]
            segments[place] = replace(chosen, locked=not chosen.locked)
            self.take(layer.set_segments(segments))
        elif what == "mark":
            point = tuple(self.chance.randint(0, 6) for _ in range(3))
            layer.add_mark({"id": "0123456789ab", "kind": "point", "points": [point]})
        else:
            with layer.step():
                self.paint()
                self.paint()
            if self.chance.random() < 0.3:
                voxels = layer.voxels.copy()
                voxels[:2] = self.chance.randint(0, 3)
                self.take(layer.replace(Labels(voxels, layer.affine, layer.segments)))

    def paint(self):
        at = tuple(self.chance.randint(0, n - 3) for n in SHAPE)
        open_ones = [s.id for s in self.layer.segments if not s.locked]
        segment = self.chance.choice([None, *open_ones])
        self.take(self.layer.paint(segment, np.ones((3, 3, 3), bool), at=at))

    def take(self, ack):
        if ack is not None:
            self.acked[ack.seq] = ack.rev


def unfold(runs, shape):
    """Runs of (u32 count, u16 value), by numpy alone."""
    pairs = np.frombuffer(runs, np.dtype([("n", "<u4"), ("v", "<u2")]))
    return np.repeat(pairs["v"], pairs["n"]).reshape(shape, order="F")


def replay(voxels, delta):
    if delta.box is None:
        return None
    i0, i1, j0, j1, k0, k1 = delta.box
    block = voxels[i0:i1, j0:j1, k0:k1]
    before, after = (unfold(runs, block.shape) for runs in (delta.before, delta.after))
    np.testing.assert_array_equal(block, before, "an edit did not find what it says")
    block[...] = after
    return before, after


def judge(room, pages, kernel):
    layer = Layer.open(room.home, room.scan)
    edits = [from_frame(decode_frame(frame)) for frame in layer.since(0)]
    assert [edit.rev for edit in edits] == list(range(1, len(edits) + 1))
    at = {(edit.session, edit.seq): edit.rev for edit in edits}
    assert len(at) == len(edits), "an edit was written twice"
    writers = {page.session: page for page in pages}
    for session, acked in [
        *((page.session, page.acked) for page in pages),
        (kernel.layer.session, kernel.acked),
    ]:
        for seq, rev in acked.items():
            assert at.get((session, seq)) == rev, "an acknowledged edit is lost"
    voxels, locked, marks = np.zeros(SHAPE, np.uint8, "F"), set(), {}
    for edit in edits:
        changed = replay(voxels, edit)
        if changed is not None:
            before, after = changed
            touched = set(before[before != after]) | set(after[before != after])
            assert not touched & locked, "a locked voxel changed"
        if edit.segments:
            locked = {s.id for s in edit.segments[1] if s.locked}
        for mark in edit.marks[1] if edit.marks else ():
            marks[mark.id] = mark
        for mark in edit.marks[0] if edit.marks else ():
            if mark.id not in {one.id for one in edit.marks[1]}:
                marks.pop(mark.id)
        if edit.session in writers:
            where, drawn, segment = writers[edit.session].drawn[edit.seq, edit.base]
            assert np.all(voxels[where][drawn] == segment), "a stroke is not there"
    np.testing.assert_array_equal(layer.voxels, voxels)
    assert {mark.id: mark for mark in layer.marks} == marks
    return len(edits), sum(len(w.acked) for w in (*pages, kernel))


def interleave(folder, seed):
    chance = random.Random(seed)
    scan = replace(make_volume(SHAPE), source=ScanSource("a.nii"))
    room = Room(Home(folder, folder / ".medlab"), scan)
    room.open("labels")
    pages = [
        Page(room, random.Random(chance.random()), session, by)
        for session, by in (("0a0a0a0a", "aaaaaaaa"), ("0b0b0b0b", "bbbbbbbb"))
    ]
    kernel = Kernel(Layer.open(room.home, scan), random.Random(chance.random()))
    for _ in range(ACTS):
        chance.choice([*pages, kernel]).act()
    for page in pages:
        page.finish()
        page.poll()
        np.testing.assert_array_equal(page.voxels, kernel.layer.voxels)
    return judge(room, pages, kernel)


def test_nothing_acknowledged_is_lost_or_overwritten_whoever_comes_first(tmp_path):
    edits = acked = 0
    for seed in range(ROUNDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            found = interleave(folder, seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        edits, acked = edits + found[0], acked + found[1]

    print(f"{ROUNDS} interleavings, {edits} edits, {acked} acknowledged, 0 lost")
    assert acked > 5 * ROUNDS


def test_the_judge_notices_a_stroke_that_was_overwritten_unseen(tmp_path):
    scan = replace(make_volume(SHAPE), source=ScanSource("a.nii"))
    room = Room(Home(tmp_path, tmp_path / ".medlab"), scan)
    layer = room.open("labels")
    kernel = Kernel(layer, random.Random(1))
    kernel.take(layer.paint("lung", np.ones((2, 2, 2), bool)))
    assert judge(room, [], kernel) == (1, 1)

    kernel.acked[layer._seq + 1] = 2
    with pytest.raises(AssertionError, match="an acknowledged edit is lost"):
        judge(room, [], kernel)

    del kernel.acked[layer._seq + 1]
    with layer._ledger.writing():
        forged = Delta(
            *(layer.scan_id, "labels", 1, "0badcafe", 1, "brush", 2),
            *((0, 1, 0, 1, 0, 1), encode_runs([0]), encode_runs([2])),
        )
        layer._ledger.append(forged)
    with pytest.raises(AssertionError, match="did not find what it says"):
        judge(room, [], kernel)
