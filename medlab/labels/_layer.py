"""Layer: the labels of one scan as they are drawn, by anybody, from any process."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError
from medlab.labels._delta import Delta, slices_of, voxel_delta
from medlab.labels._folder import (
    LayerNotFound,
    check_layer_name,
    list_layers,
    make_folder,
    read_description,
)
from medlab.labels._frame import Frame, encode_frame, encode_runs
from medlab.labels._labels import Labels
from medlab.labels._ledger import Ledger
from medlab.labels._marks import Mark, marks_to_json
from medlab.labels._segment import (
    Segment,
    SegmentLike,
    as_segments,
    find_segment,
    merge_segments,
    segments_to_json,
)
from medlab.labels._snapshot import State
from medlab.scans import Home, ScanSource, Volume, check_same_grid


class StaleEdit(MedlabError):
    """An edit builds on an older revision; `missed` holds what came since."""

    code = "stale"

    def __init__(self, rev: int, base: int, missed: list[bytes]) -> None:
        super().__init__(
            f"The edit must build on revision {rev}, got {base}. "
            "Apply the edits it missed, and send it again."
        )
        self.missed = missed


@dataclass(frozen=True)
class Ack:
    """An edit is on disk, and this is its revision."""

    layer: str
    rev: int
    session: str
    seq: int

    def encode(self) -> bytes:
        fields = {"layer": self.layer, "rev": self.rev, "session": self.session}
        header = {"op": "ack", **fields, "seq": self.seq, "state": "on-disk"}
        return encode_frame(Frame(header))


class Layer:
    """The current labels of a scan, kept in step with the journal on disk.

    Open one with `Layer.open`; several processes may hold the same layer.
    """

    def __init__(self, folder: Path) -> None:
        told = read_description(folder)
        self.name: str = told["layer"]
        self.scan_id: str = told["scan"]
        i, j, k = told["shape"]
        self.shape: tuple[int, int, int] = (i, j, k)
        self.affine = np.array(told["affine"], np.float64)
        self.dtype: str = told["dtype"]
        self.session = secrets.token_hex(4)
        segments = as_segments(told["segments"])
        self._ledger = Ledger(folder, self.shape, self.dtype, segments)
        self._seq = 0
        self._done: list[Delta] = []
        self._undone: list[Delta] = []

    @classmethod
    def open(
        cls,
        home: Home,
        scan: ScanSource | Volume,
        name: str = "labels",
        *,
        segments: Iterable[SegmentLike] | None = None,
        create: bool = True,
    ) -> "Layer":
        """Open the layer of that name, or make it.

        Args:
            home: Where the workplace lies.
            scan: The scan, on disk or opened from there.
            name: Letters, digits, blanks, `_` and `-`; it becomes a folder.
            segments: What a new layer begins with; those of an existing one stay.
            create: Make a layer that is not there yet.

        Raises:
            LayerNotFound: If there is none and `create` is False.
            MedlabError: If the name cannot be a folder, the scan is not on disk, or it
                is no longer the scan this layer was drawn on.
        """
        source = scan.source if isinstance(scan, Volume) else scan
        if source is None:
            raise MedlabError(
                "Labels are kept beside a scan on disk, got a volume made in memory. "
                "Save it with medlab.scans.write_nifti, and open that file.",
                code="no-source",
            )
        check_layer_name(name)
        folder = home.labels / source.scan_id / name
        if not (folder / "layer.json").exists():
            if not create:
                raise LayerNotFound(
                    f"The scan {source.name!r} has no layer {name!r}. "
                    f"It has: {', '.join(list_layers(home, source.scan_id)) or 'none'}."
                )
            make_folder(folder, home, scan, source, as_segments(segments or ()))
        layer = cls(folder)
        if isinstance(scan, Volume):
            layer._check_grid(scan)
        return layer

    # What it holds -------------------------------------------------------------------

    @property
    def rev(self) -> int:
        """Number of the newest edit on disk."""
        with self._ledger.reading() as state:
            return state.rev

    @property
    def voxels(self) -> NDArray[Any]:
        """The current label map `(I, J, K)`: a read-only view that later edits change."""
        with self._ledger.reading() as state:
            view = state.voxels.view()
            view.flags.writeable = False
            return view

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What the integers mean now."""
        with self._ledger.reading() as state:
            return state.segments

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Points, lines, boxes and classes, in the order in which they were made."""
        with self._ledger.reading() as state:
            return tuple(state.marks.values())

    def labels(self) -> Labels:
        """A copy of the current labels."""
        with self._ledger.reading() as state:
            return Labels(state.voxels.copy(order="F"), self.affine, state.segments)

    def describe(self) -> dict[str, Any]:
        """What `GET labels/{scan}/{layer}` answers."""
        with self._ledger.reading() as state:
            return {
                "scan": self.scan_id,
                "layer": self.name,
                "rev": state.rev,
                "shape": list(self.shape),
                "dtype": self.dtype,
                "affine": self.affine.tolist(),
                "segments": segments_to_json(state.segments),
                "marks": marks_to_json(state.marks.values()),
            }

    def snapshot(self) -> bytes:
        """The whole map as one snapshot frame."""
        with self._ledger.reading() as state:
            header = {
                "op": "snapshot",
                **{"scan": self.scan_id, "layer": self.name, "rev": state.rev},
                **{"shape": list(self.shape), "dtype": self.dtype, "enc": "rle"},
                "segments": segments_to_json(state.segments),
                "marks": marks_to_json(state.marks.values()),
                "crc": None,
            }
            return encode_frame(Frame(header, encode_runs(state.voxels)))

    def since(self, rev: int) -> list[bytes]:
        """The frames of every edit after revision `rev`, oldest first."""
        return self._ledger.since(rev)

    # What changes it -----------------------------------------------------------------

    def apply(self, delta: Delta) -> Ack:
        """Write an edit to the journal; it is on disk when this returns.

        One that is already there, sent again because its answer was lost, is acknowledged
        as before and not written twice.

        Raises:
            StaleEdit: If the edit builds on an older revision.
            MedlabError: If it does not fit the layer.
            OSError: If the disk is full or fails; the layer is as it was.
        """
        with self._ledger.writing() as state:
            rev = self._ledger.rev_of(delta.session, delta.seq)
            if rev is None:
                if delta.base != state.rev:
                    raise StaleEdit(state.rev, delta.base, self.since(delta.base))
                self._check(delta, state)
                rev = self._ledger.append(delta)
            return Ack(self.name, rev, delta.session, delta.seq)

    def paint(
        self,
        segment: str | int | None,
        mask: ArrayLike,
        *,
        at: tuple[int, int, int] = (0, 0, 0),
        tool: str = "script",
    ) -> Ack | None:
        """Give the masked voxels to a segment, through the journal.

        Args:
            segment: Name or id; None erases.
            mask: `(I, J, K)` booleans, the whole scan or a block of it.
            at: Voxel at which the block begins.
            tool: What the journal calls it.

        Returns:
            The acknowledgement, or None if nothing changed. Voxels of locked segments stay.

        Raises:
            MedlabError: If there is no such segment, it is locked, or the block does
                not fit into the scan.
        """
        block = np.asarray(mask, bool)
        self._check_block(block.shape, at)
        with self._ledger.writing() as state:
            chosen = None if segment is None else find_segment(state.segments, segment)
            if chosen is not None and chosen.locked:
                raise MedlabError(
                    f"The segment {chosen.name!r} is locked. Unlock it to draw.",
                    code="locked",
                )
            number = chosen.id if chosen else 0
            ends = [start + size for start, size in zip(at, block.shape, strict=True)]
            where = tuple(slice(a, b) for a, b in zip(at, ends, strict=True))
            current = state.voxels[where]
            locked = [s.id for s in state.segments if s.locked]
            after = current.copy(order="F")
            after[block & ~np.isin(current, locked)] = number
            fields = self._fields(state, tool, number)
            return self._commit(voxel_delta(current, after, at, **fields))

    def set_segments(self, segments: Iterable[SegmentLike]) -> Ack | None:
        """Replace the list of segments, as an edit that can be undone.

        Raises:
            MedlabError: If an id is too large for this layer.
        """
        after = as_segments(segments)
        with self._ledger.writing() as state:
            if after == state.segments:
                return None
            fields = self._fields(state, "segments", 0)
            return self._commit(
                Delta(box=None, segments=(state.segments, after), **fields)
            )

    def undo(self) -> Ack | None:
        """Take back this writer's last edit; None if there is none.

        What others drew over it since stays.
        """
        return self._turn_back(self._done, self._undone, "undo")

    def redo(self) -> Ack | None:
        """Do again what `undo` took back; None if there is nothing."""
        return self._turn_back(self._undone, self._done, "redo")

    def _turn_back(
        self, source: list[Delta], target: list[Delta], tool: str
    ) -> Ack | None:
        with self._ledger.writing() as state:
            while source:
                edit = self._on_top(state, source[-1].inverse(), tool)
                ack = None if edit is None else self.apply(edit)
                source.pop()  # Only now: a full disk leaves it for another try.
                if edit is not None:
                    target.append(edit)
                    return ack
            return None

    def _on_top(self, state: State, edit: Delta, tool: str) -> Delta | None:
        """The edit on the present map: what others changed since stays theirs."""
        fields = self._fields(state, tool, edit.segment)
        if edit.box is None:
            before, after = edit.segments or ((), ())
            merged = merge_segments(state.segments, before, after)
            if merged == state.segments:
                return None
            return Delta(box=None, segments=(state.segments, merged), **fields)
        old, new = edit.voxels(self.dtype)
        current = state.voxels[slices_of(edit.box)]
        voxels = np.where((old != new) & (current == old), new, current)
        i0, _, j0, _, k0, _ = edit.box
        return voxel_delta(current, voxels, (i0, j0, k0), **fields)

    def _commit(self, delta: Delta | None) -> Ack | None:
        if delta is None:
            return None
        ack = self.apply(delta)
        self._done.append(delta)
        self._undone.clear()
        return ack

    def _fields(self, state: State, tool: str, segment: int) -> dict[str, Any]:
        self._seq += 1
        return {
            **{"scan": self.scan_id, "layer": self.name, "base": state.rev},
            **{"session": self.session, "seq": self._seq},
            **{"tool": tool, "segment": segment},
        }

    # What it refuses -----------------------------------------------------------------

    def _check(self, delta: Delta, state: State) -> None:
        if (delta.scan, delta.layer) != (self.scan_id, self.name):
            raise MedlabError(
                "The edit belongs to another scan or layer. Send it there.",
                code="another-layer",
            )
        if delta.segments is not None:
            self._check_ids(delta.segments[1])
        if delta.box is None:
            return
        spans = zip(delta.box[::2], delta.box[1::2], self.shape, strict=True)
        if not all(0 <= start < end <= size for start, end, size in spans):
            raise MedlabError(
                f"An edit's box must lie inside {self.shape} voxels, got {delta.box}. "
                "Draw inside the scan.",
                code="outside",
            )
        before, _ = delta.voxels(self.dtype)
        if not np.array_equal(before, state.voxels[slices_of(delta.box)]):
            raise MedlabError(
                f"The edit says what was there before, and revision {delta.base} holds "
                "something else. Load the layer again, and repeat the edit.",
                code="another-before",
            )

    def _check_ids(self, segments: Iterable[Segment]) -> None:
        top = max((segment.id for segment in segments), default=0)
        limit = int(np.iinfo(self.dtype).max)
        if top > limit:
            raise MedlabError(
                f"A segment's id in this layer must be 1 to {limit}, got {top}. Number it "
                "anew, or begin another layer with it.",
                code="bad-segment",
            )

    def _check_grid(self, scan: Volume) -> None:
        try:
            check_same_grid(
                "The scan",
                scan.shape,
                scan.affine,
                scan_shape=self.shape,
                scan_affine=self.affine,
            )
        except MedlabError as error:
            raise MedlabError(
                f"The layer {self.name!r} was drawn on a scan of {self.shape} voxels, got "
                f"one of {scan.shape} or in another place. The scan was replaced: open the "
                "old one, or use another layer name.",
                code=error.code,
            ) from error

    def _check_block(self, shape: tuple[int, ...], at: tuple[int, int, int]) -> None:
        fits = len(shape) == 3 and all(
            start >= 0 and start + size <= limit
            for start, size, limit in zip(at, shape, self.shape, strict=True)
        )
        if not fits:
            raise MedlabError(
                f"A mask must fit into the scan's {self.shape} voxels, got {shape} "
                f"beginning at {at}. Pass `at` for a block, or the whole scan's mask.",
                code="another-shape",
            )
