"""Which segments there are: by name, in the labels of each case.

Two names are not segments to learn. Voxels of a segment `ignore` are ignored. Where there
is a segment `background`, it alone is background, and what nobody drew on is ignored as
well: a few strokes a slice are enough then.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.data._case import Case
from medlab.errors import MedlabError
from medlab.labels import Layer, open_labels
from medlab.scans import Volume, find_home, open_scan

_IGNORED, _BACKGROUND = "ignore", "background"


def segment_names(cases: list[Case], home: Any = None) -> tuple[str, ...]:
    """List the segments of all cases by name, in order of first appearance."""
    names: dict[str, None] = {}
    for case in cases:
        try:
            table = read_labels(case, None, home)[1]
        except MedlabError:
            # Layers and contours belong to a scan and cannot be read without.
            volume = open_scan(case.scan, series=case.series, home=home)
            table = read_labels(case, volume, home)[1]
        names.update(dict.fromkeys(segment.name for segment in table))
    return tuple(n for n in names if n.lower() not in (_IGNORED, _BACKGROUND))


def segment_ids(table: Any, names: tuple[str, ...]) -> list[int | None]:
    """Find the number of each named segment in a table, None where it has none.

    Raises:
        MedlabError: If the table has none of the names.
    """
    known = {segment.name: segment.id for segment in table}
    if not set(names) & set(known):
        raise MedlabError(
            f"None of the segments {', '.join(names)} is in these labels, which hold "
            f"{', '.join(known) or 'no segment'}. Name segments that are there.",
            code="no-such-segment",
        )
    return [known.get(name) for name in names]


def unsaid_ids(table: Any) -> list[int]:
    """The numbers whose voxels nobody said anything about."""
    known = {segment.name.lower(): segment.id for segment in table}
    ignored = [known[_IGNORED]] if _IGNORED in known else []
    return [0, *ignored] if _BACKGROUND in known else ignored


def read_labels(
    case: Case, volume: Volume | None, home: Any
) -> tuple[NDArray[Any], Any, bool]:
    """The labels on the scan's voxels, their table, and whether they are a layer."""
    if case.labels.startswith("layer:"):
        if volume is None:
            raise MedlabError(
                "A layer belongs to a scan, got no scan. Read the scan first.",
                code="no-scan",
            )
        layer = Layer.open(
            home or find_home(),
            volume,
            name=case.labels.removeprefix("layer:"),
            create=False,
        )
        return np.asarray(layer.voxels), layer.segments, True
    # With the scan: other programs turn and crop label maps, which can be undone.
    labels = open_labels(case.labels, volume, home=home)
    return np.asarray(labels.voxels), labels.segments, False
