"""What lies beside a scan about it: BIDS datasets, and the sidecars of dcm2niix.

A BIDS name such as `sub-01_ses-2_task-rest_bold.nii.gz` below a `dataset_description.json`
names patient, session and kind of scan. Facts in `.json`, `.bval` and `.bvec` files hold for
every scan whose name has all their parts, in their folder and below (nearer ones win). Outside
a dataset only files with the scan's own name count.

Source:
    https://bids-specification.readthedocs.io/en/stable/common-principles.html, "File name
    structure" and "The Inheritance Principle".
"""

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from medlab.scans._header import Header, plain
from medlab.scans._volume import FrameKind

_DESCRIPTION = "dataset_description.json"
_LEVELS = 8
_SIDECAR_BYTES = 4 << 20
_MODALITIES = {
    "anat": "MR", "func": "MR", "dwi": "MR", "fmap": "MR", "perf": "MR", "mrs": "MR",
    "pet": "PT", "micr": "SM", "ct": "CT",
}  # fmt: skip
_SUFFIXES = {
    "ct": "CT",
    "pet": "PT",
    "bold": "MR",
    "dwi": "MR",
    "T1w": "MR",
    "T2w": "MR",
}


@dataclass(frozen=True)
class BidsName:
    """A file name in parts: entities such as `{"sub": "01"}`, and the suffix."""

    entities: dict[str, str]
    suffix: str


@dataclass(frozen=True)
class Beside:
    """What lies beside a scan about it.

    Attributes:
        name: Its parts; None outside a BIDS dataset.
        dataset: Name of the dataset.
        place: Dataset, patient and session, as a study is told from another.
        datatype: The folder, such as "anat".
        told: The sidecar's fields.
        b_values: In s/mm2, one a volume.
        notes: Sentences about sidecars that cannot be read.
    """

    name: BidsName | None = None
    dataset: str = ""
    place: str = ""
    datatype: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    b_values: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.told or self.b_values or self.notes)


def parse_name(name: str) -> BidsName | None:
    """The parts of a BIDS file name, None for another name.

    Example:
        >>> parse_name("sub-01_run-2_T1w.nii.gz")
        BidsName(entities={'sub': '01', 'run': '2'}, suffix='T1w')
        >>> parse_name("scan.nii.gz") is None
        True
    """
    parts = name.partition(".")[0].split("_")
    pairs = [re.fullmatch(r"([a-zA-Z]+)-([a-zA-Z0-9+]+)", part) for part in parts[:-1]]
    if not pairs or not all(pairs) or not re.fullmatch("[a-zA-Z0-9]+", parts[-1]):
        return None
    entities = {pair[1]: pair[2] for pair in pairs if pair}
    return BidsName(entities, parts[-1]) if "sub" in entities else None


def look_beside(path: Path, root: Path) -> Beside:
    """Everything about a scan that lies beside it or above it in its dataset.

    Args:
        path: The scan's file or folder.
        root: No folder above it is looked into.
    """
    name, dataset = parse_name(path.name), _dataset(path, root)
    if name is None or dataset is None:
        notes: list[str] = []
        told = _json(_with_ending(path, ".json"), root, notes)
        b_values = _numbers(_with_ending(path, ".bval"), root, notes)
        return Beside(told=told, b_values=b_values, notes=tuple(notes))
    notes, told = [], {}
    b_values = ()
    for file in _applying(path, dataset, name, ".json"):
        told.update(_json(file, root, notes))
    for file in _applying(path, dataset, name, ".bval"):
        b_values = _numbers(file, root, notes)
    described = _json(dataset / _DESCRIPTION, root, notes)
    place = "/".join(f"{key}-{name.entities[key]}" for key in ("sub", "ses")
                     if key in name.entities)  # fmt: skip
    return Beside(
        name,
        plain(described.get("Name", "")),
        f"{dataset.relative_to(root) if dataset.is_relative_to(root) else ''}/{place}",
        path.parent.name,
        told,
        b_values,
        tuple(notes),
    )


def describe(header: Header, beside: Beside) -> Header:
    """The header with what lies beside the scan added; the file's own words come first.

    A modality is taken from the side, where a NIfTI file could only be guessed at.
    """
    if not beside:
        return header
    told, name = beside.told, beside.name
    modality = plain(told.get("Modality", "")) if told else ""
    if name is not None:
        by_name = _SUFFIXES.get(name.suffix) or _MODALITIES.get(beside.datatype, "")
        modality = modality or by_name
    kind, values, notes = _frames(header, beside)
    found = replace(
        header,
        modality=modality or header.modality,
        description=header.description or plain(told.get("SeriesDescription", "")),
        body_part=header.body_part or plain(told.get("BodyPartExamined", "")),
        series_number=header.series_number or plain(told.get("SeriesNumber", "")),
        frame_kind=kind,
        frame_values=values,
        warnings=(*header.warnings, *beside.notes, *notes),
    )
    if name is None:
        return found
    of = f" of {beside.dataset}" if beside.dataset else ""
    patient = f"sub-{name.entities['sub']}"
    session = f"ses-{name.entities['ses']}" if "ses" in name.entities else ""
    rest = [f"{k}-{v}" for k, v in name.entities.items() if k not in ("sub", "ses")]
    return replace(
        found,
        patient=found.patient or patient,
        patient_id=found.patient_id or plain(patient + of),
        study=found.study or session or beside.dataset,
        study_uid=found.study_uid or beside.place,
        description=found.description or plain(" ".join([*rest, name.suffix])),
    )


def _frames(
    header: Header, beside: Beside
) -> tuple[FrameKind, tuple[float | str, ...], list[str]]:
    notes: list[str] = []
    kind, values = header.frame_kind, header.frame_values
    count, told = header.frames, beside.told
    if count == 1:
        return kind, values, notes
    if beside.b_values:
        if len(beside.b_values) == count:
            return "b-value", beside.b_values, notes
        notes.append(
            f"The .bval file lists {len(beside.b_values)} b-values for {count} volumes "
            "and was left out."
        )
    if kind not in ("", "time", "volume"):
        return kind, values, notes
    for key in ("VolumeTiming", "FrameTimesStart"):
        times = _floats(told.get(key))
        if len(times) == count:
            return "time", times, notes
    echoes = _floats(told.get("EchoTime"))
    if len(echoes) == count:
        return "echo", tuple(round(1000 * echo, 6) for echo in echoes), notes
    step = _floats([told.get("RepetitionTime")])
    if len(step) == 1 and step[0] > 0:
        own = values[1] - values[0] if len(values) > 1 else None  # type: ignore[operator]
        if kind == "time" and own is not None and abs(own - step[0]) > 1e-3 * step[0]:
            notes.append(
                f"Volumes are {own:.4g} s apart in the file and {step[0]:.4g} s in its "
                "sidecar; the sidecar is believed."
            )
        times = tuple(float(f"{n * step[0]:.9g}") for n in range(count))
        return "time", times, notes
    return kind, values, notes


def _floats(value: Any) -> tuple[float, ...]:
    if not isinstance(value, list):
        return ()
    numbers = [v for v in value if isinstance(v, int | float) and math.isfinite(v)]
    return tuple(float(n) for n in numbers) if len(numbers) == len(value) else ()


def _dataset(path: Path, root: Path) -> Path | None:
    for folder in list(path.parents)[:_LEVELS]:
        if (folder / _DESCRIPTION).is_file():
            return folder
        if folder == root:
            return None
    return None


def _applying(path: Path, dataset: Path, name: BidsName, ending: str) -> Iterator[Path]:
    """The sidecars that hold for a scan, the farthest first."""
    above = [folder for folder in path.parents if folder.is_relative_to(dataset)]
    for folder in reversed(above):
        fitting = []
        for other in _sidecars(str(folder), _time_of(folder)):
            parts = _parts(other)
            if not other.endswith(ending) or parts.suffix != name.suffix:
                continue
            if parts.entities.items() <= name.entities.items():
                fitting.append((len(parts.entities), other))
        yield from (folder / other for _, other in sorted(fitting))


def _parts(name: str) -> BidsName:
    *pairs, suffix = name.partition(".")[0].split("_")
    entities = dict(p.partition("-")[::2] for p in pairs)
    return BidsName(entities, suffix)


def _time_of(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=256)
def _sidecars(folder: str, _time: int) -> tuple[str, ...]:
    try:
        names = os.listdir(folder)  # noqa: PTH208  (names are all that is needed)
    except OSError:
        return ()
    return tuple(sorted(n for n in names if n.endswith((".json", ".bval"))))


def _with_ending(path: Path, ending: str) -> Path:
    stem = path.name
    for known in (".nii.gz", ".ome.zarr", ".ome.tif", ".ome.tiff"):
        if stem.lower().endswith(known):
            return path.with_name(stem[: -len(known)] + ending)
    return path.with_suffix(ending)


def _is_inside(file: Path, root: Path) -> bool:
    """A link that leads out of the root is not followed, if the scan lies below it."""
    return not file.is_relative_to(root) or file.resolve().is_relative_to(root)


def _json(file: Path, root: Path, notes: list[str]) -> dict[str, Any]:
    text = _text(file, root, notes)
    if not text:
        return {}
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        notes.append("A .json file beside the scan is damaged and was left out.")
        return {}
    return told


def _numbers(file: Path, root: Path, notes: list[str]) -> tuple[float, ...]:
    try:
        numbers = tuple(float(word) for word in _text(file, root, notes).split())
    except ValueError:
        numbers = (math.nan,)
    if not all(math.isfinite(n) and n >= 0 for n in numbers):
        notes.append("The .bval file beside the scan is damaged and was left out.")
        return ()
    return numbers


def _text(file: Path, root: Path, notes: list[str]) -> str:
    try:
        if not file.is_file() or not _is_inside(file, root):
            return ""
        with file.open("rb") as handle:
            content = handle.read(_SIDECAR_BYTES + 1)
    except OSError:
        notes.append(f"A {file.suffix} file beside the scan cannot be read.")
        return ""
    if len(content) > _SIDECAR_BYTES:
        notes.append(f"A {file.suffix} file beside the scan is too large to be read.")
        return ""
    return content.decode("utf-8", "replace")
