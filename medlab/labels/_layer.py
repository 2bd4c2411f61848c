"""Layer: the labels of one scan as they are drawn, by anybody, from any process."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._ack import Ack, StaleEdit
from medlab.labels._checks import check_edit
from medlab.labels._delta import Delta
from medlab.labels._edits import Edits
from medlab.labels._folder import (
    LayerNotFound,
    check_layer_name,
    list_layers,
    make_folder,
    read_description,
)
from medlab.labels._frame import Frame, encode_frame, encode_runs
from medlab.labels._labels import Labels
from medlab.labels._ledger import LayerBusy, Ledger
from medlab.labels._marks import Mark, marks_to_json
from medlab.labels._recovery import recover
from medlab.labels._segment import (
    Segment,
    SegmentLike,
    as_segments,
    segments_to_json,
)
from medlab.labels._state import State
from medlab.scans import Home, ScanSource, Volume, check_same_grid

_WAIT_S = 60


class Layer(Edits):
    """The current labels of a scan, kept in step with the journal on disk.

    Open one with `Layer.open`; several processes may hold the same layer.
    """

    def __init__(self, folder: Path) -> None:
        told = read_description(folder)
        self._description = told
        self.name: str = told["layer"]
        self.scan_id: str = told["scan"]
        i, j, k = told["shape"]
        self.shape: tuple[int, int, int] = (i, j, k)
        self.affine = np.array(told["affine"], np.float64)
        self.dtype: str = told["dtype"]
        segments = as_segments(told["segments"])
        super().__init__(Ledger(folder, self.shape, self.dtype, segments))

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

    @classmethod
    def recover(
        cls,
        home: Home,
        scan: ScanSource | Volume,
        name: str = "labels",
        *,
        known: "Layer | None" = None,
    ) -> "Layer":
        """Open a layer whose files were damaged, at its last good state.

        The damaged files are kept beside. A layer that is whole is just opened.

        Args:
            home: Where the workplace lies.
            scan: The scan it was drawn on.
            name: Of the layer.
            known: The same layer as this process has it open, if it has: what that has
                seen needs no repair.

        Raises:
            LayerNotFound: If there is none.
            OSError: If the disk refuses; nothing is lost by it.
        """
        source = scan.source if isinstance(scan, Volume) else scan
        check_layer_name(name)
        folder = home.labels / (source.scan_id if source else "") / name
        if source is None or not folder.is_dir():
            raise LayerNotFound(f"There is no layer {name!r} to recover.")
        told = read_description(folder)
        i, j, k = told["shape"]
        empty = np.zeros((i, j, k), told["dtype"], order="F")
        first = State(0, 0, empty, as_segments(told["segments"]), {})
        in_memory = known._ledger.last_known() if known else None
        try:
            with FileLock(folder / ".lock", timeout=_WAIT_S):
                recover(folder, first, in_memory)
        except Timeout as error:
            raise LayerBusy(
                f"A layer must be free to be recovered, got one that another process held "
                f"for {_WAIT_S} s. End that process, or try again later."
            ) from error
        return cls(folder)

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
            voxels, marks = state.voxels.copy(order="F"), tuple(state.marks.values())
            return Labels(voxels, self.affine, state.segments, marks=marks)

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
        """The frames of every edit after revision `rev`, oldest first.

        Raises:
            MedlabError: If there is no such revision any more.
        """
        return self._ledger.since(rev)

    def history(self, by: str | None = None, steps: int = 200) -> list[bytes]:
        """The frames that tell what somebody can take back and do again, oldest first.

        Args:
            by: Who; by default this layer object itself.
            steps: For how many of the last steps to take back; those to do again are all
                told.
        """
        with self._ledger.reading():
            listed = self._line(by).newest(max(0, steps))
            revs = {rev for step in listed for rev in (*step.edits, *step.turns)}
            return self._ledger.frames_at(sorted(revs))

    def settled(self) -> None:
        """Wait until a snapshot that is being written beside the journal is written.

        Nothing depends on it: the journal is on disk already.
        """
        self._ledger.settled()

    # What changes it -----------------------------------------------------------------

    def apply(self, delta: Delta) -> Ack:
        """Write an edit to the journal; it is on disk when this returns.

        One that is already there, sent again because its answer was lost, is acknowledged
        as before and not written twice.

        Raises:
            StaleEdit: If the edit builds on an older revision.
            MedlabError: If it does not fit the layer, or changes a locked segment.
            OSError: If the disk is full or fails; the layer is as it was.
        """
        with self._ledger.writing() as state:
            rev = self._ledger.rev_of(delta.session, delta.seq)
            if rev is None:
                if delta.base != state.rev:
                    raise StaleEdit(state.rev, delta.base, self.since(delta.base))
                check_edit(delta, state, self._description, self.dtype)
                rev = self._ledger.append(delta)
            return Ack(self.name, rev, delta.session, delta.seq)

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
