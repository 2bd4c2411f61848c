"""Delta: one edit of a layer, with what was there before and what is there after.

Undo is the same edit with the two exchanged, so nothing in a journal is ever taken back:
it only grows.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._frame import Frame, FrameError, decode_runs, encode_runs
from medlab.labels._marks import Mark, as_marks, marks_to_json
from medlab.labels._segment import Segment, as_segments, segments_to_json

Box = tuple[int, int, int, int, int, int]
Turn = tuple[str, str, int]

_EIGHT_HEX = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Delta:
    """One edit: of voxels in a box, of the list of segments, or of marks.

    Args:
        scan: Id of the scan.
        layer: Name of the layer.
        base: Revision the edit builds on.
        session: Eight hex digits that name the writer.
        seq: Counts the writer's edits, so that one sent twice is written once.
        tool: `"brush"`, `"undo"`, ..., `"segments"` or `"marks"` for an edit of these.
        segment: Id of the segment that was drawn, 0 for the eraser.
        box: `(i0, i1, j0, j1, k0, k1)`, half-open; None for an edit of no voxels.
        before: Runs over the box.
        after: Runs over the box. A voxel equal to its `before` was not written.
        segments: The list before and after, for an edit of the list.
        rev: Revision that it made; None until it is in the journal.
        marks: The marks that it touches, before and after.
        by: Eight hex digits that name who draws; empty in older journals, where the
            session stands for it.
        step: The `seq` of the first edit of the undo step that it belongs to.
        turn: `("undo" | "redo", session, step)`: it takes that step back or does it again.
    """

    scan: str
    layer: str
    base: int
    session: str
    seq: int
    tool: str
    segment: int
    box: Box | None
    before: bytes = b""
    after: bytes = b""
    segments: tuple[tuple[Segment, ...], tuple[Segment, ...]] | None = None
    rev: int | None = None
    marks: tuple[tuple[Mark, ...], tuple[Mark, ...]] | None = None
    by: str = ""
    step: int | None = None
    turn: Turn | None = None

    def inverse(self) -> "Delta":
        """The edit that takes this one back."""
        lists = self.segments and (self.segments[1], self.segments[0])
        marks = self.marks and (self.marks[1], self.marks[0])
        return replace(
            self,
            before=self.after,
            after=self.before,
            segments=lists,
            marks=marks,
            rev=None,
        )

    @property
    def author(self) -> str:
        """Who can take it back: whoever drew it, in any of their sessions."""
        return self.by or self.session

    @property
    def own_step(self) -> tuple[str, int]:
        """The undo step that it belongs to, as `(session, seq)`."""
        return self.session, self.seq if self.step is None else self.step

    def voxels(self, dtype: str) -> tuple[NDArray[Any], NDArray[Any]]:
        """Labels before and after, each of the box's shape."""
        if self.box is None:
            raise FrameError("An edit of the segment list has no voxels.")
        i0, i1, j0, j1, k0, k1 = self.box
        shape = (i1 - i0, j1 - j0, k1 - k0)
        return (
            decode_runs(self.before, shape, dtype),
            decode_runs(self.after, shape, dtype),
        )


def slices_of(box: Box) -> tuple[slice, slice, slice]:
    i0, i1, j0, j1, k0, k1 = box
    return slice(i0, i1), slice(j0, j1), slice(k0, k1)


def tight_box(changed: NDArray[np.bool_], at: tuple[int, int, int]) -> Box | None:
    """The smallest box that holds every true voxel; None if there is none.

    Args:
        changed: `(I, J, K)`.
        at: Voxel at which `changed` begins in the whole scan.
    """
    if not changed.any():
        return None
    ends: list[int] = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(changed.any(axis=others))
        ends += [int(found[0]) + at[axis], int(found[-1]) + 1 + at[axis]]
    return ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]


def to_frame(delta: Delta) -> Frame:
    header: dict[str, Any] = {
        "op": "delta",
        "scan": delta.scan,
        "layer": delta.layer,
        "rev": delta.rev,
        "base": delta.base,
        "session": delta.session,
        "seq": delta.seq,
        "tool": delta.tool,
        "seg": delta.segment,
        "box": None if delta.box is None else list(delta.box),
        "enc": "rle",
        "lengths": [len(delta.before), len(delta.after)],
        "crc": None,
    }
    if delta.segments is not None:
        before, after = delta.segments
        header["segments"] = {
            "before": segments_to_json(before),
            "after": segments_to_json(after),
        }
    if delta.marks is not None:
        was, now = delta.marks
        header["marks"] = {"before": marks_to_json(was), "after": marks_to_json(now)}
    if delta.by:
        header["by"] = delta.by
    if delta.step is not None:
        header["step"] = delta.step
    if delta.turn is not None:
        header["turn"] = list(delta.turn)
    return Frame(header, delta.before + delta.after)


def from_frame(frame: Frame) -> Delta:
    """Read an edit out of a frame.

    Raises:
        FrameError: If the frame is of another kind or a field is missing or malformed.
    """
    header = frame.header
    try:
        if header["op"] != "delta":
            raise FrameError(f"Expected a delta frame, got {header['op']!r}.")
        first, second = (int(n) for n in header.get("lengths", (0, 0)))
        if first + second != len(frame.payload):
            raise FrameError("A delta's lengths must add up to its payload.")
        lists, marks = header.get("segments"), header.get("marks")
        box, step, by = header["box"], header.get("step"), header.get("by", "")
        if by and not _EIGHT_HEX.fullmatch(by):
            raise FrameError(f"An edit's by must be 8 hex digits, got {by!r}.")
        return Delta(
            scan=str(header["scan"]),
            layer=str(header["layer"]),
            base=int(header["base"]),
            session=str(header["session"]),
            seq=int(header["seq"]),
            tool=str(header["tool"]),
            segment=int(header["seg"]),
            box=None if box is None else _six(box),
            before=frame.payload[:first],
            after=frame.payload[first:],
            segments=lists
            and (as_segments(lists["before"]), as_segments(lists["after"])),
            rev=header.get("rev"),
            marks=marks and (as_marks(marks["before"]), as_marks(marks["after"])),
            by=by,
            step=None if step is None else int(step),
            turn=_as_turn(header.get("turn")),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, MedlabError):
            raise
        raise FrameError(
            f"A delta frame lacks a field or holds a wrong one ({error}). Send it again."
        ) from error


def voxel_delta(
    current: NDArray[Any], after: NDArray[Any], at: tuple[int, int, int], **fields: Any
) -> Delta | None:
    """Make the edit that turns `current` into `after`; None if they are the same.

    Args:
        current: `(I, J, K)`, a block of the label map.
        after: Its new content, same shape.
        at: Voxel at which the block begins.
        fields: What else a `Delta` says.
    """
    box = tight_box(current != after, at)
    if box is None:
        return None
    inner = tuple(
        slice(piece.start - start, piece.stop - start)
        for piece, start in zip(slices_of(box), at, strict=True)
    )
    return Delta(
        box=box,
        before=encode_runs(current[inner]),
        after=encode_runs(after[inner]),
        **fields,
    )


def _as_turn(told: Any) -> Turn | None:
    if told is None:
        return None
    which, session, step = told
    if which not in ("undo", "redo"):
        raise FrameError(f"An edit's turn must be an undo or a redo, got {which!r}.")
    return which, str(session), int(step)


def _six(box: Any) -> Box:
    i0, i1, j0, j1, k0, k1 = (int(n) for n in box)
    return i0, i1, j0, j1, k0, k1
