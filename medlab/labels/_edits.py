"""Edits: what a script, a kernel or an import does to a layer, each as a step to undo."""

import contextlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError
from medlab.labels._ack import Ack
from medlab.labels._checks import check_block, check_ids
from medlab.labels._delta import from_frame
from medlab.labels._draft import Draft
from medlab.labels._frame import decode_frame
from medlab.labels._history import Line
from medlab.labels._labels import Labels
from medlab.labels._ledger import Ledger
from medlab.labels._locks import SegmentLocked, allowed
from medlab.labels._marks import Mark, MarkLike, as_marks
from medlab.labels._proposal import KEEP, Proposal
from medlab.labels._segment import SegmentLike, as_segments, find_segment
from medlab.labels._state import State
from medlab.scans import check_same_grid


class Edits:
    """The half of a `Layer` that draws; the journal and the map are its ledger's."""

    name: str
    scan_id: str
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    dtype: str

    def __init__(self, ledger: Ledger) -> None:
        self.session = secrets.token_hex(4)
        self._ledger = ledger
        self._seq = 0
        self._step: int | None = None
        self._spent: set[tuple[str, str, int]] = set()

    def paint(
        self,
        segment: str | int | None,
        mask: ArrayLike,
        *,
        at: tuple[int, int, int] = (0, 0, 0),
        tool: str = "script",
        overwrites: str = "visible",
    ) -> Ack | None:
        """Give the masked voxels to a segment, through the journal.

        Args:
            segment: Name or id; None erases.
            mask: `(I, J, K)` booleans, the whole scan or a block of it.
            at: Voxel at which the block begins.
            tool: What the journal calls it.
            overwrites: `"visible"`, `"background"` or `"everything"`; see `accept`.

        Returns:
            The acknowledgement, or None if nothing changed. Voxels of locked segments stay.

        Raises:
            MedlabError: If there is no such segment, it is locked, or the block does
                not fit into the scan.
        """
        block = np.asarray(mask, bool)
        box = check_block(block.shape, at, self.shape)
        with self._drafting() as draft:
            chosen = None if segment is None else find_segment(draft.segments, segment)
            number = chosen.id if chosen else 0
            if chosen is not None and chosen.locked:
                raise SegmentLocked(chosen)
            # Erasing takes what there is; drawing goes where it may.
            rule = (
                "visible" if number == 0 and overwrites == "background" else overwrites
            )
            current = draft.block(box)
            wanted = np.where(block, current.dtype.type(number), current)
            after = allowed(current, wanted, draft.segments, overwrites=rule)
            draft.draw(box, after, tool, number)
        return self._acknowledged(draft)

    def accept(self, proposal: Proposal, *, overwrites: str = "visible") -> Ack | None:
        """Draw what a tool proposes, as one step that can be undone.

        Args:
            proposal: What a tool of `medlab.labels.tools` or a model made.
            overwrites: `"visible"` takes every voxel but those of hidden segments,
                `"background"` those without a label alone, `"everything"` hidden ones too.
                Locked segments stay in any case.

        Returns:
            The acknowledgement of its last edit, or None if nothing changed.

        Raises:
            MedlabError: If it lies outside the scan, or names a segment that is not there.
        """
        i0, _, j0, _, k0, _ = proposal.box
        box = check_block(proposal.labels.shape, (i0, j0, k0), self.shape)
        with self._drafting() as draft:
            there = {segment.id for segment in draft.segments}
            added = [s for s in proposal.new_segments if s.id not in there]
            check_ids(added, self.dtype)
            draft.list_segments([*draft.segments, *added])
            used = {int(n) for n in np.unique(proposal.labels)} - {0, KEEP}
            for number in sorted(used):
                find_segment(draft.segments, number)
            current, own = draft.block(box), proposal.segments
            wanted = np.where(proposal.labels == KEEP, current, proposal.labels)
            after = allowed(
                current, wanted, draft.segments, overwrites=overwrites, own=own
            )
            draft.draw(box, after, proposal.tool, own[0] if own else 0)
        return self._acknowledged(draft)

    def replace(self, labels: Labels, *, tool: str = "import") -> Ack | None:
        """Make the layer hold these labels, as one step that can be undone.

        Locked segments keep their voxels and stay in the list; marks are added.

        Args:
            labels: On the scan's own grid.
            tool: What the journal calls it.

        Returns:
            The acknowledgement of its last edit, or None if nothing changed.

        Raises:
            MedlabError: If the labels lie on another grid, or an id is too large.
        """
        check_same_grid(
            "The labels",
            labels.shape,
            labels.affine,
            scan_shape=self.shape,
            scan_affine=self.affine,
        )
        check_ids(labels.segments, self.dtype)
        box = check_block(self.shape, (0, 0, 0), self.shape)
        with self._drafting() as draft:
            locked = {s.id: s for s in draft.segments if s.locked}
            wanted = [locked.get(s.id, s) for s in labels.segments]
            ids = {segment.id for segment in wanted}
            wanted += [s for number, s in locked.items() if number not in ids]
            ids |= set(locked)
            # What goes is named until its voxels are gone.
            leaving = [s for s in draft.segments if s.id not in ids]
            draft.list_segments([*wanted, *leaving])
            after = allowed(
                *(draft.block(box), labels.voxels, draft.segments),
                overwrites="everything",
            )
            draft.draw(box, after, tool, 0)
            draft.list_segments(wanted)
            read = {mark.id: mark for mark in labels.marks}
            draft.put_marks({**draft.marks, **read}, tool)
        return self._acknowledged(draft)

    def set_segments(self, segments: Iterable[SegmentLike]) -> Ack | None:
        """Replace the list of segments, as an edit that can be undone.

        Raises:
            MedlabError: If an id is too large for this layer.
        """
        after = as_segments(segments)
        check_ids(after, self.dtype)
        with self._drafting() as draft:
            draft.list_segments(after)
        return self._acknowledged(draft)

    def remove_segment(self, segment: str | int) -> Ack | None:
        """Take a segment and its voxels away, as one step that can be undone.

        Raises:
            MedlabError: If there is no such segment, or it is locked.
        """
        box = check_block(self.shape, (0, 0, 0), self.shape)
        with self._drafting() as draft:
            chosen = find_segment(draft.segments, segment)
            if chosen.locked:
                raise SegmentLocked(chosen)
            current = draft.block(box)
            draft.draw(box, np.where(current == chosen.id, 0, current), "remove", 0)
            draft.list_segments(s for s in draft.segments if s.id != chosen.id)
        return self._acknowledged(draft)

    def set_marks(self, marks: Iterable[MarkLike]) -> Ack | None:
        """Replace all marks, as an edit that can be undone.

        Raises:
            MedlabError: If one cannot be a mark, or two have the same id.
        """
        after = {mark.id: mark for mark in as_marks(marks)}
        with self._drafting() as draft:
            draft.put_marks(after)
        return self._acknowledged(draft)

    def add_mark(self, mark: MarkLike) -> Mark:
        """Add a mark, or put it in the place of the one with its id.

        Returns:
            The mark, with an id if it had none.

        Example:
            `layer.add_mark({"kind": "point", "name": "nodule", "points": [(10, 20, 5)]})`
        """
        (made,) = as_marks([mark])
        with self._drafting() as draft:
            draft.put_marks({**draft.marks, made.id: made})
        return made

    def remove_mark(self, mark: Mark | str) -> Ack | None:
        """Take a mark away.

        Args:
            mark: The mark, or its id.

        Raises:
            MedlabError: If there is none of that id.
        """
        number = mark.id if isinstance(mark, Mark) else mark
        with self._drafting() as draft:
            if number not in draft.marks:
                raise MedlabError(
                    f"There must be a mark {number!r}, the layer has {len(draft.marks)} "
                    "others. Look at Layer.marks.",
                    code="no-mark",
                )
            left = {name: m for name, m in draft.marks.items() if name != number}
            draft.put_marks(left)
        return self._acknowledged(draft)

    # Taking back ---------------------------------------------------------------------

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Make one step of all edits of this object in the block: one undo takes it back."""
        if self._step is not None:
            yield
            return
        self._step = self._seq + 1
        try:
            yield
        finally:
            self._step = None

    def undo(self) -> Ack | None:
        """Take back this writer's last step; None if there is none.

        What others drew over it since stays.

        Raises:
            MedlabError: If it would change a segment that is locked now.
        """
        return self._turn("undo")

    def redo(self) -> Ack | None:
        """Do again what `undo` took back; None if there is nothing."""
        return self._turn("redo")

    def _turn(self, which: str) -> Ack | None:
        with self._ledger.writing() as state:
            line = self._line()
            steps = line.done if which == "undo" else line.undone
            for key, step in reversed(steps.items()):
                if (which, *key) in self._spent:
                    continue
                edits = [
                    from_frame(decode_frame(data))
                    for data in self._ledger.frames_at(step.edits)
                ]
                if which == "undo":
                    edits = [edit.inverse() for edit in reversed(edits)]
                draft = Draft(state, self.dtype, self._fields(state, (which, *key)))
                for edit in edits:
                    draft.repeat(edit, which)
                if draft.deltas:
                    self._ledger.append(*draft.deltas)
                    return self._acknowledged(draft)
                self._spent.add((which, *key))  # Others have changed all of it since.
            return None

    def _line(self, by: str | None = None) -> Line:
        return self._ledger.history().line(self.session if by is None else by)

    # How an edit is made -------------------------------------------------------------

    @contextlib.contextmanager
    def _drafting(self) -> Iterator[Draft]:
        with self._ledger.writing() as state:
            draft = Draft(state, self.dtype, self._fields(state))
            yield draft
            if draft.deltas:
                self._ledger.append(*draft.deltas)

    def _fields(
        self, state: State, turn: tuple[str, str, int] | None = None
    ) -> Callable[[str, int], dict[str, Any]]:
        rev, first = state.rev, self._step

        def fields(tool: str, segment: int) -> dict[str, Any]:
            nonlocal rev, first
            self._seq += 1
            first = self._seq if first is None else first
            rev += 1
            return {
                **{"scan": self.scan_id, "layer": self.name, "base": rev - 1},
                **{"session": self.session, "seq": self._seq, "by": self.session},
                **{"step": first, "turn": turn, "tool": tool, "segment": segment},
            }

        return fields

    def _acknowledged(self, draft: Draft) -> Ack | None:
        if not draft.deltas:
            return None
        last = draft.deltas[-1]
        return Ack(self.name, last.base + 1, last.session, last.seq)
