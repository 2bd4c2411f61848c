"""propose: a model as a labeling tool: what it would draw in a slice, a slab or a scan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.data import (
    from_canonical,
    own_axis,
    resample_to,
    to_canonical,
)
from medlab.errors import MedlabError
from medlab.infer._opened import open_models
from medlab.infer._predict import label_picture
from medlab.labels import PALETTE, Proposal, Segment
from medlab.labels.tools import protect
from medlab.scans import Volume
from medlab.train import Recipe

EXTENTS = ("slice", "slab", "volume")
_PLANES = ("sagittal", "coronal", "axial")
_AT_ONCE = 16

Report = Callable[[float, str], None]


@dataclass(eq=False)
class ReadyModel:
    """A model with what it makes of one scan, kept for the next slice.

    Args:
        model: A run, its id or folder, a Keras model, or a list of them.
        scan: The scan.
        recipe: How the model was trained; that of the run by default.
        home: Where runs are looked for.
    """

    model: Any
    scan: Volume
    recipe: Recipe | None = None
    home: Any = None

    def __post_init__(self) -> None:
        self.opened = open_models(self.model, self.recipe, self.home)
        self.image = self.opened.picture(self.scan)
        self.names = self.opened.names

    def classes(
        self, axis: int | None, span: tuple[int, int] | None, report: Report
    ) -> NDArray[Any]:
        """The winning class of every voxel of the scan's grid; 0 beyond the span.

        Args:
            axis: The scan's own axis that the span is along; None for all.
            span: First slice and the one after the last.
            report: Told about progress.
        """
        shape = to_canonical(
            np.empty(self.scan.voxels.shape[:3], bool), self.scan.affine
        ).shape
        plane = self.opened.recipe.plane or "axial"
        if not self.opened.by_slice:
            report(0.1, "The model looks at the whole volume")
            found = label_picture(self.opened, self.image)
        else:
            found = self._slices(plane, axis, span, report)
        whole = resample_to(found, shape, labels=True)
        return np.ascontiguousarray(from_canonical(whole, self.scan.affine))

    def _slices(
        self,
        plane: str,
        axis: int | None,
        span: tuple[int, int] | None,
        report: Report,
    ) -> NDArray[Any]:
        along = _PLANES.index(plane)
        count = self.image.shape[along]
        first, last = 0, count
        own, is_reversed = own_axis(self.scan.affine, plane)
        if axis == own and span is not None:
            # Slices of the model's own plane: only those that are asked for.
            size = self.scan.voxels.shape[own]
            low, high = (size - span[1], size - span[0]) if is_reversed else span
            first = max(0, int(np.floor(low * count / size)))
            last = min(count, int(np.ceil(high * count / size)))
        found = np.zeros(self.image.shape[:3], np.uint16)
        for start in range(first, last, _AT_ONCE):
            stop = min(last, start + _AT_ONCE)
            report(
                (start - first) / (last - first),
                f"The model is at slice {start - first + 1} of {last - first}",
            )
            few = tuple(
                slice(start, stop) if a == along else slice(None) for a in range(3)
            )
            found[few] = label_picture(self.opened, self.image[few], plane=plane)
        return found


def propose(
    model: Any,
    scan: Volume,
    labels: NDArray[Any],
    *,
    known: Sequence[Segment],
    extent: str = "volume",
    axis: int | None = None,
    index: int | None = None,
    half_width: int = 0,
    segments: Mapping[str, int] | None = None,
    overwrites: str = "visible",
    recipe: Recipe | None = None,
    home: Any = None,
    report: Report = lambda _fraction, _message: None,
) -> Proposal:
    """What a trained model would draw; nothing is drawn before somebody accepts it.

    Only voxels that the model gives to a segment are proposed: where it sees background,
    what has been drawn stays.

    Args:
        model: A run, its id or folder, a Keras model, a list of them, or a `ReadyModel`
            of this scan.
        scan: The scan.
        labels: The map `(I, J, K)` as it is.
        known: All segments of the layer.
        extent: `"slice"`, `"slab"` or `"volume"`.
        axis: The scan's own axis that slices are counted along: 0, 1 or 2.
        index: The slice, or the middle one of a slab.
        half_width: How many slices a slab has to each side of it.
        segments: The model's names and the ids they get; by default those of segments
            with the same name. For names without one, new segments are proposed.
        overwrites: See `medlab.labels.tools.protect`.
        recipe: How the model was trained; that of the run by default.
        home: Where runs are looked for.
        report: Told about progress.

    Raises:
        MedlabError: If the model does not fit the scan, or the slice is not in it.
    """
    span = _span(extent, axis, index, half_width, scan.voxels.shape)
    ready = model
    if not isinstance(model, ReadyModel):
        report(0.0, "Loading the model")
        ready = ReadyModel(model, scan, recipe, home)
    ids, made = _ids(ready.names, known, segments, int(np.iinfo(labels.dtype).max))
    found = ready.classes(None if span is None else axis, span, report)
    box = [0, found.shape[0], 0, found.shape[1], 0, found.shape[2]]
    if span is not None and axis is not None:
        box[2 * axis : 2 * axis + 2] = span
    i0, i1, j0, j1, k0, k1 = box
    drawn = np.array([65535, *ids], np.uint16)[found[i0:i1, j0:j1, k0:k1]]
    used = set(np.unique(drawn).tolist())
    new = tuple(segment for segment in made if segment.id in used)
    proposal = Proposal(
        (i0, i1, j0, j1, k0, k1),
        drawn,
        "model",
        tuple(number for number in ids if number in used),
        new,
        _told(ready.names, ids, used),
    )
    return protect(labels, known, proposal, overwrites)


def _span(
    extent: str,
    axis: int | None,
    index: int | None,
    half_width: int,
    shape: Sequence[int],
) -> tuple[int, int] | None:
    if extent not in EXTENTS:
        raise MedlabError(
            f"extent must be one of {', '.join(EXTENTS)}, got {extent!r}.",
            code="bad-request",
        )
    if extent == "volume":
        return None
    if axis is None or index is None:
        raise MedlabError(
            f"A {extent} must be told its axis and index, got {axis} and {index}. Send "
            "both.",
            code="bad-request",
        )
    if not 0 <= index < shape[axis]:
        raise MedlabError(
            f"The slices across axis {axis} are numbered 0 to {shape[axis] - 1}, got "
            f"{index}. Choose one in between.",
            code="outside",
        )
    reach = half_width if extent == "slab" else 0
    return max(0, index - reach), min(shape[axis], index + reach + 1)


def _ids(
    names: Sequence[str],
    known: Sequence[Segment],
    given: Mapping[str, int] | None,
    top: int,
) -> tuple[list[int], list[Segment]]:
    """An id for each of the model's names, and the segments that it takes to have them."""
    strange = sorted(set(given or ()) - set(names))
    if strange:
        raise MedlabError(
            f"This model draws {', '.join(names)}, got {', '.join(strange)}. Name its own.",
            code="bad-segments",
        )
    by_name = {segment.name.strip().lower(): segment.id for segment in known}
    there = {segment.id for segment in known}
    taken = there | set((given or {}).values())
    ids: list[int] = []
    made: list[Segment] = []
    for name in names:
        number = (given or {}).get(name) or by_name.get(name.strip().lower())
        if number is None:
            number = next((n for n in range(1, top + 1) if n not in taken), 0)
            if not number:
                raise MedlabError(
                    f"This layer holds ids up to {top}, and all are taken. Begin another "
                    "layer.",
                    code="bad-segment",
                )
            taken.add(number)
        if number not in there:
            color = PALETTE[(number - 1) % len(PALETTE)]
            made.append(Segment(number, name, color))
        ids.append(number)
    return ids, made


def _told(names: Sequence[str], ids: Sequence[int], used: set[int]) -> str:
    found = [n for n, number in zip(names, ids, strict=True) if number in used]
    return f"Found: {', '.join(found)}." if found else "The model found nothing here."
