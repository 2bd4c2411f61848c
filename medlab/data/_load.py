"""load_cases: every case of a training, prepared once and mapped from the cache after."""

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.data._cache import FORMAT, through_cache
from medlab.data._case import Case
from medlab.data._cases import LabelledScan, load_case
from medlab.data._contents import labels_sha256, scan_sha256
from medlab.data._normalise import Normalisation
from medlab.data._planes import as_slices
from medlab.data._where import LabelIndex, labels_by_slice
from medlab.scans import Home, ScanSource, find_home, resolve, source_stamp


def load_cases(
    cases: Sequence[Case],
    *,
    segments: Sequence[str],
    plane: str | None = "axial",
    spacing_mm: Sequence[float] | None = None,
    normalisation: Normalisation = "auto",
    extras: Sequence[NDArray[Any]] | None = None,
    home: Home | None = None,
    say: Callable[[str], object] | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> list[LabelledScan]:
    """Read all cases; what was prepared before is mapped from the cache.

    Args:
        cases: Where scans and labels are.
        segments: Names of class 1, 2, ...
        plane: The plane of a model of slices; None for a model of volumes.
        spacing_mm: Voxel size to resample to, canonical; None for each scan's own.
        normalisation: See `normalise`.
        extras: Further channels of each case, see `load_case`.
        home: Where the workplace lies; found by itself when not given.
        say: Told in a sentence when the cache cannot be used; a warning otherwise.
        progress: Called with how many cases are done, and of how many.

    Returns:
        The cases in their order, read-only where they come from the cache, with `index`,
        `present` and `hashes`.

    Raises:
        MedlabError: If scan, labels and segments do not fit one another.
    """
    home = home or find_home()
    settings = {
        "segments": tuple(segments),
        "plane": plane,
        "spacing_mm": tuple(spacing_mm) if spacing_mm is not None else None,
        "normalisation": normalisation,
    }
    loaded: list[LabelledScan] = []
    in_use: set[str] = set()
    for place, case in enumerate(cases):
        extra = extras[place] if extras is not None else None
        source = resolve(case.scan, series=case.series, home=home)
        key = _key(case, source, settings, extra, home)
        in_use.add(key)
        prepare = partial(_prepared, case, source, settings, extra, home)
        scan, error = through_cache(
            home.cache / "training" / key, prepare, plane=plane, in_use=in_use
        )
        if error is not None:
            _tell(place, error, say)
        loaded.append(replace(scan, case=place))
        if progress is not None:
            progress(place + 1, len(cases))
    return loaded


def _prepared(
    case: Case,
    source: ScanSource,
    settings: dict[str, Any],
    extra: NDArray[Any] | None,
    home: Home,
) -> LabelledScan:
    plane = settings["plane"] or "axial"
    # Read first: a file that is missing is told by its reader, in a sentence.
    scan = load_case(case, **{**settings, "plane": plane}, extra=extra, home=home)
    hashes = {
        "scan": scan_sha256(source, home),
        "labels": labels_sha256(case, source, home),
    }
    return replace(
        scan,
        index=LabelIndex.of(scan.labels),
        present=labels_by_slice(as_slices(scan.labels, plane)),
        hashes=hashes,
    )


def _key(
    case: Case,
    source: ScanSource,
    settings: dict[str, Any],
    extra: NDArray[Any] | None,
    home: Home,
) -> str:
    """The name of an entry: changes with whatever changes its content."""
    try:
        labels = labels_sha256(case, source, home)
    except OSError:
        labels = ""  # Reading them will tell what is wrong.
    told: dict[str, Any] = {
        **settings,
        "format": FORMAT,
        "scan": [source.scan_id, source_stamp(source, home)],
        "labels": labels,
        "is_layer": case.labels.startswith("layer:"),
        "slices": case.slices,
    }
    if extra is not None:
        whole = np.ascontiguousarray(extra)
        told["extra"] = [whole.shape, hashlib.sha256(whole.data).hexdigest()]
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _tell(
    place: int, error: BaseException, say: Callable[[str], object] | None
) -> None:
    why = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        why = error.strerror
    sentence = (
        f"The training cache cannot hold case {place + 1} ({why}), so it stays in memory. "
        "Free some disk, or set MEDLAB_HOME to a folder that can be written."
    )
    if say is not None:
        say(sentence)
    else:
        warnings.warn(sentence, stacklevel=3)
