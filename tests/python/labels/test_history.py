"""Whatever is done can be taken back and done again, and the journal alone tells what."""

import contextlib
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.labels import (
    KEEP,
    Labels,
    Layer,
    Mark,
    Proposal,
    Segment,
    SegmentCode,
    SegmentLocked,
    decode_frame,
    new_mark_id,
)
from medlab.labels._history import History
from medlab.scans import Home, ScanSource
from tests.support.scans import make_volume

BLOCK = np.ones((2, 2, 2), bool)


def content(layer):
    marks = {mark.id: mark for mark in layer.marks}
    return layer.voxels.tobytes(), layer.segments, marks


class Hand:
    """Does something at random, of everything there is."""

    def __init__(self, layer, chance):
        self.layer, self.chance = layer, chance

    def act(self):
        kinds = ["paint", "paint", "erase", "change", "order", "remove", "mark"]
        kinds += ["unmark", "accept", "replace", "many"]
        name = self.chance.choice(kinds)
        with contextlib.suppress(SegmentLocked):  # Refused, and nothing was written.
            getattr(self, name)()

    def at(self):
        return tuple(self.chance.randint(0, n - 2) for n in self.layer.shape)

    def one(self):
        return self.chance.choice(self.layer.segments)

    def paint(self):
        if self.layer.segments:
            self.layer.paint(self.one().id, BLOCK, at=self.at())

    def erase(self):
        self.layer.paint(None, BLOCK, at=self.at())

    def change(self):
        changes = [
            {"name": f"part {self.chance.random()}"},
            {"color": f"#{self.chance.randrange(1 << 24):06x}"},
            {"locked": True},
            {"locked": False},
            {"visible": self.chance.random() < 0.5},
            {"opacity": self.chance.randint(0, 100)},
            {"outlined": self.chance.random() < 0.5},
            {"state": self.chance.choice(["completed", "flagged"])},
            {"code": SegmentCode("SCT", "39607008", "Lung")},
        ]
        segments = list(self.layer.segments)
        if segments:
            place = self.chance.randrange(len(segments))
            segments[place] = replace(segments[place], **self.chance.choice(changes))
            self.layer.set_segments(segments)

    def order(self):
        segments = list(self.layer.segments)
        self.chance.shuffle(segments)
        self.layer.set_segments(segments)

    def remove(self):
        if len(self.layer.segments) > 1:
            self.layer.remove_segment(self.one().id)

    def mark(self):
        self.layer.add_mark(Mark(new_mark_id(), "point", points=(self.at(),)))

    def unmark(self):
        if self.layer.marks:
            self.layer.remove_mark(self.chance.choice(self.layer.marks))

    def accept(self):
        free = min(set(range(1, 200)) - {s.id for s in self.layer.segments})
        i, j, k = self.at()
        labels = np.full((2, 2, 2), KEEP, np.uint16)
        labels[0] = free
        box = (i, i + 2, j, j + 2, k, k + 2)
        new = (Segment(free, f"new {free}", "#123456"),)
        self.layer.accept(Proposal(box, labels, "islands", (free,), new))

    def replace(self):
        voxels = np.zeros(self.layer.shape, np.uint8)
        voxels[self.chance.randrange(7)] = 77
        segments = (Segment(77, "imported", "#00ff00"), *self.layer.segments[:1])
        if segments[-1].id != 77 or len(segments) == 1:
            self.layer.replace(Labels(voxels, self.layer.affine, segments))

    def many(self):
        with self.layer.step():
            self.paint()
            self.mark()
            self.erase()


@given(st.integers(0, 1 << 30), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_any_sequence_undone_is_the_start_and_redone_the_end(
    tmp_path_factory, seed, count
):
    folder = tmp_path_factory.mktemp("place")
    scan = replace(make_volume(), source=ScanSource("a.nii"))
    home = Home(folder, folder / ".medlab")
    layer = Layer.open(home, scan, segments=["lung", "liver"])
    hand = Hand(layer, random.Random(seed))
    states = [content(layer)]

    for _ in range(count):
        hand.act()
        if content(layer) != states[-1]:
            states.append(content(layer))
    for expected in reversed(states[:-1]):
        layer.undo()
        assert content(layer) == expected
    assert layer.undo() is None
    for expected in states[1:]:
        layer.redo()
        assert content(layer) == expected
    assert layer.redo() is None
    assert content(Layer.open(home, scan)) == states[-1]


def test_more_than_two_hundred_steps_go_back_and_forth(layer):
    hand, states = Hand(layer, random.Random(3)), [content(layer)]
    while len(states) <= 250:
        hand.act()
        if content(layer) != states[-1]:
            states.append(content(layer))

    back = [content(layer) for _ in range(250) if layer.undo()]
    forth = [content(layer) for _ in range(250) if layer.redo()]

    assert back == states[-2::-1]
    assert forth == states[1:]


def steps_of(frames):
    """The steps to take back and to do again, by the rule of the contract."""
    done, undone = [], []
    for header in (decode_frame(frame).header for frame in frames):
        if "turn" not in header:
            key = (header["session"], header["step"])
            if key not in done:
                done.append(key)
            undone.clear()
            continue
        which, *key = header["turn"]
        key = tuple(key)
        source, target = (done, undone) if which == "undo" else (undone, done)
        if key in source:
            source.remove(key)
            target.append(key)
    return done, undone


def test_another_process_can_tell_what_a_writer_may_take_back(layer, open_layer):
    for number in range(6):
        layer.paint(1 + number % 2, BLOCK, at=(number, 0, 0))
    open_layer().paint("liver", BLOCK, at=(0, 6, 6))
    layer.undo()
    layer.undo()
    layer.redo()

    done, undone = steps_of(open_layer().history(layer.session))

    assert [seq for _, seq in done] == [1, 2, 3, 4, 5]
    assert [seq for _, seq in undone] == [6]


def test_a_short_history_holds_the_newest_steps_and_all_to_do_again(layer):
    for number in range(6):
        layer.paint(1 + number % 2, BLOCK, at=(number, 0, 0))
    layer.undo()
    layer.undo()

    done, undone = steps_of(layer.history(steps=2))

    assert [seq for _, seq in done] == [3, 4]
    assert [seq for _, seq in undone] == [6, 5]


def test_the_history_of_a_layer_opened_from_a_snapshot_is_whole(
    layer, open_layer, monkeypatch
):
    from medlab.labels import _ledger

    monkeypatch.setattr(_ledger, "_SNAPSHOT_EVERY_BYTES", 1)
    for number in range(5):
        layer.paint("lung", BLOCK, at=(number, 0, 0))

    done, _ = steps_of(open_layer().history(layer.session))

    assert len(done) == 5


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 6))))
@settings(max_examples=200, deadline=None)
def test_the_fold_is_the_contracts_rule(acts):
    history, frames = History(), {0: [], 1: []}
    for number, (what, who, step) in enumerate(acts, start=1):
        header = {"rev": number, "session": f"{who:08x}", "seq": number, "by": ""}
        if what == 0:
            header["step"] = step
        else:
            turn = ("undo", "redo")[what - 1]
            header["turn"] = [turn, f"{who:08x}", step]
        history.take(header, number, number + 1)
        frames[who].append(header)

    for who, listed in frames.items():
        done, undone = [], []
        for header in listed:
            if "turn" not in header:
                key = (header["session"], header["step"])
                done = done if key in done else [*done, key]
                undone = []
                continue
            key = tuple(header["turn"][1:])
            if header["turn"][0] == "undo" and key in done:
                done, undone = [k for k in done if k != key], [*undone, key]
            if header["turn"][0] == "redo" and key in undone:
                undone, done = [k for k in undone if k != key], [*done, key]
        line = history.line(f"{who:08x}")
        assert (list(line.done), list(line.undone)) == (done, undone)


def test_a_step_of_several_edits_is_one_undo(layer):
    with layer.step():
        layer.paint("lung", BLOCK)
        layer.paint("liver", BLOCK, at=(1, 1, 1))
        layer.set_segments([*layer.segments, Segment(3, "heart", "#ff0000")])

    layer.undo()

    assert not layer.voxels.any()
    assert [segment.name for segment in layer.segments] == ["lung", "liver"]
    assert layer.undo() is None


def test_an_undo_that_would_change_a_locked_segment_is_refused(layer, open_layer):
    layer.paint("lung", BLOCK)
    other = open_layer()
    other.set_segments([replace(s, locked=s.id == 1) for s in other.segments])

    with pytest.raises(SegmentLocked, match=r"'lung' is locked. Unlock it to draw"):
        layer.undo()

    assert layer.voxels[:2, :2, :2].all()
    other.undo()
    layer.undo()
    assert not layer.voxels.any()


def test_undo_leaves_a_mark_that_another_writer_moved(layer, open_layer):
    mark = layer.add_mark({"kind": "point", "points": [(1, 2, 3)]})
    moved = replace(mark, points=((4, 4, 4),))
    open_layer().add_mark(moved)

    layer.undo()

    assert layer.marks == (moved,)


@given(st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_no_proposal_changes_a_locked_voxel_or_takes_a_hidden_one(
    tmp_path_factory, seed
):
    chance = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("place")
    scan = replace(make_volume(), source=ScanSource("a.nii"))
    segments = [
        Segment(n, f"part {n}", "#123456", locked=n == 1, visible=n != 2)
        for n in range(1, 5)
    ]
    open_ones = [replace(s, locked=False) for s in segments]
    layer = Layer.open(Home(folder, folder / ".medlab"), scan, segments=open_ones)
    start = chance.integers(0, 5, scan.shape).astype(np.uint8)
    layer.replace(Labels(start, layer.affine, tuple(open_ones)))
    layer.set_segments(segments)
    wanted = chance.choice([0, 1, 2, 3, 4, KEEP], scan.shape).astype(np.uint16)
    overwrites = str(chance.choice(["visible", "background", "everything"]))
    box = (0, 7, 0, 8, 0, 9)

    layer.accept(Proposal(box, wanted, "model", (3,)), overwrites=overwrites)

    expected = start.copy()
    for at in np.ndindex(scan.shape):
        old, new = start[at], wanted[at]
        may = {
            "visible": old != 2,
            "background": old in (0, 3),
            "everything": True,
        }[overwrites]
        if new != KEEP and may and 1 not in (old, new):
            expected[at] = new
    np.testing.assert_array_equal(layer.voxels, expected)


def test_an_import_keeps_locked_segments_and_takes_the_rest(layer):
    layer.paint("lung", BLOCK)
    lung, liver = layer.segments
    layer.set_segments([liver, replace(lung, locked=True)])
    voxels = np.full(layer.shape, 5, np.uint8)

    layer.replace(Labels(voxels, layer.affine, (Segment(5, "air", "#ffffff"),)))

    assert np.count_nonzero(layer.voxels == 1) == 8
    assert np.count_nonzero(layer.voxels == 5) == 7 * 8 * 9 - 8
    assert [segment.name for segment in layer.segments] == ["air", "lung"]
    layer.undo()
    assert [segment.name for segment in layer.segments] == ["liver", "lung"]
    assert np.count_nonzero(layer.voxels) == 8


def test_labels_on_another_grid_are_not_taken(layer):
    other = np.zeros((3, 3, 3), np.uint8)

    with pytest.raises(MedlabError, match="The labels"):
        layer.replace(Labels(other, layer.affine, ()))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda layer: layer.remove_mark("0" * 12), r"a mark '0+', the layer has 0"),
        (lambda layer: layer.remove_segment("heart"), "a segment 'heart'"),
        (
            lambda layer: layer.accept(
                Proposal((0, 1, 0, 1, 0, 1), np.full((1, 1, 1), 9, np.uint16))
            ),
            "There must be a segment 9",
        ),
        (
            lambda layer: layer.accept(
                Proposal((6, 8, 0, 1, 0, 1), np.zeros((2, 1, 1), np.uint16))
            ),
            r"must fit into the scan's \(7, 8, 9\)",
        ),
        (
            lambda layer: layer.paint("lung", BLOCK, overwrites="all"),
            "one of visible, background, everything, got 'all'",
        ),
        (
            lambda layer: layer.replace(
                Labels(
                    np.zeros(layer.shape, np.uint8),
                    layer.affine,
                    (Segment(256, "x", "#ffffff"),),
                )
            ),
            "1 to 255, got 256",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_writes_nothing(layer, act, message):
    with pytest.raises(MedlabError, match=message):
        act(layer)

    assert layer.rev == 0
