"""The fingerprint of a data set: the figures from which a training is planned.

Each scan is read once, after the other: its size, its voxels, what is labelled and how
bright that is. Nothing in it names a patient or a file.

Source:
    Isensee et al., 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z: which
    figures decide a plan, and that some ten thousand voxels a case are enough.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.data._case import Case
from medlab.data._cases import label_case
from medlab.data._patients import patient_keys
from medlab.data._planes import AXIS, canonical_spacing_mm, to_canonical
from medlab.data._segments import segment_names
from medlab.errors import MedlabError
from medlab.scans import Home, find_home

_SAMPLED = 10_000
_PERCENTILES = (0.5, 50.0, 99.5)
_SEED = 20_201_207


@dataclass(frozen=True)
class Intensities:
    """How bright some voxels are, in the unit of the scan (HU for CT), before scaling.

    Attributes:
        mean, sd: Their mean and standard deviation.
        low, median, high: The percentiles 0.5, 50 and 99.5.
        minimum, maximum: The darkest and the brightest.
        count: How many voxels these figures are from.
    """

    mean: float
    sd: float
    low: float
    median: float
    high: float
    minimum: float
    maximum: float
    count: int

    @classmethod
    def of(cls, values: NDArray[Any]) -> "Intensities":
        """Figures of an array of any shape with at least one voxel."""
        values = np.asarray(values, np.float64)
        low, median, high = (float(p) for p in np.percentile(values, _PERCENTILES))
        ends = float(values.min()), float(values.max())
        mean, sd = float(values.mean()), float(values.std())
        return cls(mean, sd, low, median, high, *ends, int(values.size))


@dataclass(frozen=True)
class CaseFigures:
    """What one case is like.

    Attributes:
        shape: Voxels along the patient's right, front and head (canonical order).
        spacing_mm: Voxel size along the same axes.
        modality: `CT`, `MR`, ... or `unknown`.
        channels: Of the scan.
        patient: Whose: equal numbers, from 0, mean the same person.
        slices: How many slices there are in the plane of the labels.
        labelled_slices: How many of them count; fewer mean few-slice labels.
        is_sparse: Some voxels have no label and are ignored.
        nonzero_share: Volume of the box around all that is not 0, as a share of the
            scan: well below 1 where a skull was stripped or much is empty.
        voxels: Labelled voxels of each segment that is there.
        volume_mm3: Their volume.
        foreground: Intensities of all segments together, one a channel.
        by_segment: Intensities of each segment that is there, one a channel.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    modality: str
    channels: int
    patient: int
    slices: int
    labelled_slices: int
    is_sparse: bool
    nonzero_share: float
    voxels: dict[str, int]
    volume_mm3: dict[str, float]
    foreground: tuple[Intensities, ...]
    by_segment: dict[str, tuple[Intensities, ...]]


@dataclass(frozen=True)
class Fingerprint:
    """What a data set is like.

    Attributes:
        segments: All segments by name: class 1, 2, ... of a model.
        cases: One entry a case, in their order.
        foreground: Intensities of all segments of all cases together, one a channel;
            each case counts with as many voxels, 10,000 at most.
        by_segment: The same for each segment.
    """

    segments: tuple[str, ...]
    cases: tuple[CaseFigures, ...]
    foreground: tuple[Intensities, ...]
    by_segment: dict[str, tuple[Intensities, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them; `from_dict` reads them back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Fingerprint":
        """Read what `to_dict` gave, also after a way through JSON."""
        try:
            return cls(
                segments=tuple(content["segments"]),
                cases=tuple(_case_from(case) for case in content["cases"]),
                foreground=_many(content["foreground"]),
                by_segment={n: _many(v) for n, v in content["by_segment"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise MedlabError(
                "A fingerprint holds segments, cases, foreground and by_segment, got "
                "something else. Take one anew: medlab.data.fingerprint(cases).",
                code="bad-fingerprint",
            ) from error


def fingerprint(
    cases: Sequence[Case],
    home: Home | None = None,
    progress: Callable[[int, int], object] | None = None,
    *,
    segments: Sequence[str] | None = None,
    plane: str = "axial",
) -> Fingerprint:
    """Read all cases once and tell what they are like.

    Args:
        cases: Scans and their labels.
        home: Where the workplace lies; found by itself when not given.
        progress: Called with how many cases are done, and of how many.
        segments: Names of those to learn; by default all that the cases have.
        plane: In which plane somebody labelled.

    Returns:
        The figures. The same cases give the same, to the last digit.

    Raises:
        MedlabError: If a scan or its labels cannot be read, or do not fit each other.
    """
    home = home or find_home()
    if not cases:
        raise MedlabError(
            "A fingerprint needs at least one case, got none. Name a scan and its labels.",
            code="no-cases",
        )
    names = tuple(segments or segment_names(list(cases), home))
    keys = patient_keys(cases, home)
    first = list(dict.fromkeys(keys))
    figures, sampled = [], []
    for place, (case, key) in enumerate(zip(cases, keys, strict=True)):
        found, voxels = _look_at(case, names, plane, first.index(key), home)
        figures.append(found)
        sampled.append(voxels)
        if progress is not None:
            progress(place + 1, len(cases))
    channels = {case.channels for case in figures}
    pooled: dict[str, tuple[Intensities, ...]] = {}
    everything: tuple[Intensities, ...] = ()
    if len(channels) == 1:
        pooled = {
            name: _figures(np.concatenate([s[name] for s in sampled if name in s]))
            for name in names
            if any(name in s for s in sampled)
        }
        there = [s[""] for s in sampled if "" in s]
        everything = _figures(np.concatenate(there)) if there else ()
    return Fingerprint(names, tuple(figures), everything, pooled)


def _look_at(
    case: Case, names: tuple[str, ...], plane: str, patient: int, home: Home
) -> tuple[CaseFigures, dict[str, NDArray[np.float32]]]:
    volume, labels, numbers = label_case(case, segments=names, plane=plane, home=home)
    image = to_canonical(np.asarray(volume.voxels), volume.affine)
    image = image if image.ndim == 4 else image[..., None]
    spacing_mm = canonical_spacing_mm(volume.affine)
    counts = np.bincount(labels.ravel(), minlength=256)
    voxels = {n: int(counts[i]) for i, n in enumerate(names, start=1) if counts[i]}
    sampled = _sampled(image, labels, names)
    figures = CaseFigures(
        shape=(labels.shape[0], labels.shape[1], labels.shape[2]),
        spacing_mm=spacing_mm,
        modality=volume.modality,
        channels=image.shape[-1],
        patient=patient,
        slices=labels.shape[AXIS[plane]],
        labelled_slices=len(numbers),
        is_sparse=bool(counts[255]),
        nonzero_share=_nonzero_share(image),
        voxels=voxels,
        volume_mm3={n: v * float(np.prod(spacing_mm)) for n, v in voxels.items()},
        foreground=_figures(sampled[""]) if "" in sampled else (),
        by_segment={n: _figures(v) for n, v in sampled.items() if n},
    )
    return figures, sampled


def _sampled(
    image: NDArray[Any], labels: NDArray[np.uint8], names: tuple[str, ...]
) -> dict[str, NDArray[np.float32]]:
    """Voxels `(N, C)` of each segment, and under `""` of all together."""
    random = np.random.default_rng(_SEED)
    inside = np.flatnonzero((labels > 0) & (labels < 255))
    if not len(inside):
        return {}
    numbers = labels.ravel()[inside]
    drawn = {"": _few(inside, random)}
    for number, name in enumerate(names, start=1):
        own = inside[numbers == number]
        if len(own):
            drawn[name] = _few(own, random)
    flat = {}
    for name, places in drawn.items():
        where = np.unravel_index(places, labels.shape)
        values = np.asarray(image[where], np.float32)
        flat[name] = values[np.isfinite(values).all(axis=1)]
    return {name: values for name, values in flat.items() if len(values)}


def _few(places: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    if len(places) <= _SAMPLED:
        return places
    return places[np.sort(random.choice(len(places), _SAMPLED, replace=False))]


def _figures(values: NDArray[Any]) -> tuple[Intensities, ...]:
    return tuple(Intensities.of(channel) for channel in values.T)


def _nonzero_share(image: NDArray[Any]) -> float:
    full = (image != 0).any(axis=-1)
    share = 1.0
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        found = np.flatnonzero(full.any(axis=others))
        if not len(found):
            return 0.0
        share *= (int(found[-1]) - int(found[0]) + 1) / full.shape[axis]
    return share


def _many(content: Any) -> tuple[Intensities, ...]:
    return tuple(Intensities(**one) for one in content)


def _case_from(content: dict[str, Any]) -> CaseFigures:
    read = dict(content)
    read["shape"] = tuple(content["shape"])
    read["spacing_mm"] = tuple(content["spacing_mm"])
    read["foreground"] = _many(content["foreground"])
    read["by_segment"] = {n: _many(v) for n, v in content["by_segment"].items()}
    return CaseFigures(**read)
