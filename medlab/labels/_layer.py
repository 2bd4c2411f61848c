"""Layer: the labels of one scan as they are drawn, by anybody, from any process.

On disk, `.medlab/labels/<scan>/<name>/` holds

- `layer.json`: which scan, its grid, the segments the layer began with;
- `edits.mlj`: the journal, one `Delta` a record, never rewritten;
- `snapshot-<rev>.mls`: the whole map at a revision, so that opening does not replay
  everything. A snapshot may vanish or break without harm: the journal holds it all.

A writer takes the file lock, reads what others wrote meanwhile, appends, syncs, and only
then says so. A reader needs no lock.
"""

import json
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import ArrayLike, NDArray

from medlab.errors import MedlabError
from medlab.labels._delta import Delta, from_frame, slices_of, to_frame, voxel_delta
from medlab.labels._frame import Frame, decode_frame, encode_frame, encode_runs
from medlab.labels._journal import append_record, read_records
from medlab.labels._labels import Labels
from medlab.labels._segment import (
    Segment,
    SegmentLike,
    as_segments,
    find_segment,
    segments_to_json,
)
from medlab.labels._snapshot import State, latest_snapshot, write_snapshot
from medlab.scans import Home, ScanSource, Volume, volume_cache, write_atomically

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")
_SNAPSHOT_EVERY_BYTES = 1 << 20


class LayerNotFound(MedlabError, LookupError):  # noqa: N818
    """The scan has no layer of that name."""

    code = "layer-not-found"


class StaleEdit(MedlabError):  # noqa: N818
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

    def __init__(self, folder: Path, description: dict[str, Any]) -> None:
        self.folder = folder
        self.name: str = description["layer"]
        self.scan_id: str = description["scan"]
        i, j, k = description["shape"]
        self.shape: tuple[int, int, int] = (i, j, k)
        self.affine = np.array(description["affine"], np.float64)
        self.dtype: str = description["dtype"]
        self.session = secrets.token_hex(4)
        self._journal = folder / "edits.mlj"
        self._lock = FileLock(folder / ".lock", thread_local=False)
        self._guard = threading.RLock()
        self._seq = 0
        self._done: list[Delta] = []
        self._undone: list[Delta] = []
        segments = as_segments(description["segments"])
        empty = np.zeros(self.shape, self.dtype, order="F")
        self._state = latest_snapshot(folder, self.shape, self.dtype) or State(
            0, 0, empty, segments, {}
        )
        self._snapshot_at = self._state.journal_bytes
        self._catch_up()

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
        if not _NAME.fullmatch(name):
            raise MedlabError(
                "A layer's name must be up to 64 letters, digits, blanks, _ or -, "
                f"got {name!r}. Choose a simpler one.",
                code="bad-name",
            )
        folder = home.labels / source.scan_id / name
        if not (folder / "layer.json").exists():
            if not create:
                raise LayerNotFound(
                    f"The scan {source.name!r} has no layer {name!r}. "
                    f"It has: {', '.join(list_layers(home, source.scan_id)) or 'none'}."
                )
            _make_folder(folder, home, scan, source, as_segments(segments or ()))
        layer = cls(folder, json.loads((folder / "layer.json").read_text("utf-8")))
        if isinstance(scan, Volume) and scan.shape != layer.shape:
            raise MedlabError(
                f"The layer {name!r} was drawn on a scan of {layer.shape} voxels, got "
                f"{scan.shape}. The scan was replaced: open the old one, or use another "
                "layer name.",
                code="another-shape",
            )
        return layer

    # What it holds -------------------------------------------------------------------

    @property
    def rev(self) -> int:
        """Number of the newest edit on disk."""
        return self._catch_up().rev

    @property
    def voxels(self) -> NDArray[Any]:
        """The current label map `(I, J, K)`; a view that later edits change."""
        return self._catch_up().voxels

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self._catch_up().segments

    def labels(self) -> Labels:
        """A copy of the current labels."""
        with self._guard:
            state = self._catch_up()
            return Labels(state.voxels.copy(order="F"), self.affine, state.segments)

    def describe(self) -> dict[str, Any]:
        """What `GET labels/{scan}/{layer}` answers."""
        state = self._catch_up()
        return {
            "scan": self.scan_id,
            "layer": self.name,
            "rev": state.rev,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "affine": self.affine.tolist(),
            "segments": segments_to_json(state.segments),
        }

    def snapshot(self) -> bytes:
        """The whole map as one snapshot frame."""
        with self._guard:
            state = self._catch_up()
            header = {
                "op": "snapshot",
                **{"scan": self.scan_id, "layer": self.name, "rev": state.rev},
                **{"shape": list(self.shape), "dtype": self.dtype, "enc": "rle"},
                "segments": segments_to_json(state.segments),
                "crc": None,
            }
            return encode_frame(Frame(header, encode_runs(state.voxels)))

    def since(self, rev: int) -> list[bytes]:
        """The frames of every edit after revision `rev`, oldest first."""
        frames = []
        for record, _ in read_records(self._journal):
            if (decode_frame(record).header["rev"] or 0) > rev:
                frames.append(record)
        return frames

    # What changes it -----------------------------------------------------------------

    def apply(self, delta: Delta) -> Ack:
        """Write an edit to the journal; it is on disk when this returns.

        Raises:
            StaleEdit: If the edit builds on an older revision.
            MedlabError: If it does not fit the layer.
        """
        with self._guard, self._lock:
            state = self._catch_up()
            known = state.sessions.get(delta.session)
            if known is not None and delta.seq <= known[0]:
                return Ack(self.name, known[1], delta.session, delta.seq)
            if delta.base != state.rev:
                raise StaleEdit(state.rev, delta.base, self.since(delta.base))
            self._check(delta)
            written = replace(delta, rev=state.rev + 1)
            record = encode_frame(to_frame(written))
            end = append_record(self._journal, record, state.journal_bytes)
            self._take(written, end)
            self._keep_snapshot()
            return Ack(self.name, state.rev, delta.session, delta.seq)

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
        with self._guard, self._lock:
            state = self._catch_up()
            chosen = None if segment is None else find_segment(state.segments, segment)
            if chosen is not None and chosen.locked:
                raise MedlabError(
                    f"The segment {chosen.name!r} is locked. Unlock it to draw.",
                    code="locked",
                )
            ends = [start + size for start, size in zip(at, block.shape, strict=True)]
            where = tuple(slice(a, b) for a, b in zip(at, ends, strict=True))
            current = state.voxels[where]
            locked = [s.id for s in state.segments if s.locked]
            after = current.copy(order="F")
            after[block & ~np.isin(current, locked)] = chosen.id if chosen else 0
            return self._commit(
                voxel_delta(
                    current,
                    after,
                    at,
                    **self._fields(tool, chosen.id if chosen else 0),
                )
            )

    def set_segments(self, segments: Iterable[SegmentLike]) -> Ack | None:
        """Replace the list of segments, as an edit that can be undone."""
        after = as_segments(segments)
        with self._guard, self._lock:
            before = self._catch_up().segments
            if after == before:
                return None
            return self._commit(
                Delta(box=None, segments=(before, after), **self._fields("segments", 0))
            )

    def undo(self) -> Ack | None:
        """Take back this writer's last edit; None if there is none."""
        return self._turn_back(self._done, self._undone, "undo")

    def redo(self) -> Ack | None:
        """Do again what `undo` took back; None if there is nothing."""
        return self._turn_back(self._undone, self._done, "redo")

    def _turn_back(
        self, source: list[Delta], target: list[Delta], tool: str
    ) -> Ack | None:
        with self._guard, self._lock:
            while source:
                inverse = source.pop().inverse()
                edit = self._on_top(inverse, tool)
                if edit is not None:
                    ack = self.apply(edit)
                    target.append(edit)
                    return ack
            return None

    def _on_top(self, edit: Delta, tool: str) -> Delta | None:
        """The edit on the present map: voxels that others changed since stay theirs."""
        state = self._catch_up()
        fields = self._fields(tool, edit.segment)
        if edit.box is None:
            lists = (state.segments, (edit.segments or ((), ()))[1])
            return Delta(box=None, segments=lists, **fields)
        before, after = edit.voxels(self.dtype)
        current = state.voxels[slices_of(edit.box)]
        merged = np.where((before != after) & (current == before), after, current)
        i0, _, j0, _, k0, _ = edit.box
        return voxel_delta(current, merged, (i0, j0, k0), **fields)

    def _commit(self, delta: Delta | None) -> Ack | None:
        if delta is None:
            return None
        ack = self.apply(delta)
        self._done.append(delta)
        self._undone.clear()
        return ack

    def _fields(self, tool: str, segment: int) -> dict[str, Any]:
        self._seq += 1
        return {
            **{"scan": self.scan_id, "layer": self.name, "base": self._state.rev},
            **{"session": self.session, "seq": self._seq},
            **{"tool": tool, "segment": segment},
        }

    def _check(self, delta: Delta) -> None:
        if (delta.scan, delta.layer) != (self.scan_id, self.name):
            raise MedlabError(
                "The edit belongs to another scan or layer. Send it there.",
                code="another-layer",
            )
        if delta.box is None:
            return
        limits = [end for size in self.shape for end in (0, size)]
        i0, i1, j0, j1, k0, k1 = delta.box
        inside = all(
            low <= start < end <= high
            for start, end, low, high in (
                (i0, i1, *limits[0:2]),
                (j0, j1, *limits[2:4]),
                (k0, k1, *limits[4:6]),
            )
        )
        if not inside:
            raise MedlabError(
                f"An edit's box must lie inside {self.shape} voxels, got {delta.box}.",
                code="outside",
            )
        before, _ = delta.voxels(self.dtype)
        if not np.array_equal(before, self._state.voxels[slices_of(delta.box)]):
            raise MedlabError(
                f"The edit says what was there before, and revision {delta.base} holds "
                "something else. Load the layer again, and repeat the edit.",
                code="another-before",
            )

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

    # How it stays in step ------------------------------------------------------------

    def _catch_up(self) -> State:
        with self._guard:
            state = self._state
            try:
                size = self._journal.stat().st_size
            except FileNotFoundError:
                return state
            if size > state.journal_bytes:
                for record, end in read_records(self._journal, state.journal_bytes):
                    self._take(from_frame(decode_frame(record)), end)
            return state

    def _take(self, delta: Delta, end: int) -> None:
        state = self._state
        if delta.box is not None:
            before, after = delta.voxels(self.dtype)
            block = state.voxels[slices_of(delta.box)]
            np.copyto(block, after, where=before != after)
        if delta.segments is not None:
            state.segments = delta.segments[1]
        state.rev = delta.rev if delta.rev is not None else state.rev + 1
        state.sessions[delta.session] = (delta.seq, state.rev)
        state.journal_bytes = end

    def _keep_snapshot(self) -> None:
        if self._state.journal_bytes - self._snapshot_at >= _SNAPSHOT_EVERY_BYTES:
            write_snapshot(self.folder, self._state)
            self._snapshot_at = self._state.journal_bytes


def list_layers(home: Home, scan_id: str) -> list[str]:
    """Names of the layers that a scan has."""
    folder = home.labels / scan_id
    return sorted(path.parent.name for path in folder.glob("*/layer.json"))


def _make_folder(
    folder: Path,
    home: Home,
    scan: ScanSource | Volume,
    source: ScanSource,
    segments: tuple[Segment, ...],
) -> None:
    if isinstance(scan, Volume):
        shape, affine = scan.shape, scan.affine.tolist()
    else:
        info = volume_cache(source, home).info
        shape, affine = info["shape"], info["affine"]
    description = {
        "format": 1,
        "scan": source.scan_id,
        "layer": folder.name,
        **{"shape": list(shape), "affine": affine},
        "dtype": "u2" if any(segment.id > 255 for segment in segments) else "u1",
        "segments": segments_to_json(segments),
    }
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not (folder / "layer.json").exists():
            text = json.dumps(description, indent=2)
            write_atomically(folder / "layer.json", text.encode())
