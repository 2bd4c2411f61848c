"""Walking over the folders of a workplace: what there is to read, and whether it changed.

Every folder is listed once and every file is asked once for its size and time; nothing is
opened. What is found is cut into units, the smallest parts that are read and remembered as a
whole: a file, or the DICOM files of one folder.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medlab.scans._dicom_files import may_be_dicom
from medlab.scans._home import Home
from medlab.scans._open import format_of

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
_LABEL_ENDINGS = (".seg.nrrd",)
_WITH_TABLE = (".nii.gz", ".nii", ".nrrd", ".mha")
_ZARR_MARKS = (".zattrs", ".zgroup", "zarr.json")
_BESIDE = (".json", ".bval", ".bvec", ".raw", ".zraw", ".raw.gz")

Entry = os.DirEntry[str]


@dataclass(frozen=True)
class Unit:
    """What is read and remembered as a whole.

    Attributes:
        key: Path of the file, or of the folder of DICOM files with a `/` behind it;
            relative to the root.
        kind: "dicom", or a format that `format_of` knows.
        stamp: Changes whenever one of the files is replaced, added or removed.
        files: Names of the DICOM files in the folder; empty for a file.
        skipped: Of these, the ones that ended a reader.
    """

    key: str
    kind: str
    stamp: str
    files: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class FolderUnits:
    """The units of one folder, which is named relative to the root."""

    folder: str
    units: list[Unit]


def walk_units(top: Path, home: Home) -> Iterator[FolderUnits]:
    """Each folder at and below `top` with its units, in the order of names.

    Hidden folders, environments, label files, and links that lead out of the root are left
    out; no folder comes twice.
    """
    inside = top.is_relative_to(home.root)
    pending = [str(top)]
    visited: set[str] = set()
    while pending:
        folder = pending.pop()
        if folder in visited:
            continue
        visited.add(folder)
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_name_of, reverse=True)
        except OSError:
            continue
        if any(entry.name == "pyvenv.cfg" for entry in entries) and visited != {folder}:
            continue
        name = home.name(Path(folder)) if not inside else _relative(folder, home)
        files: list[Entry] = []
        units: list[Unit] = []
        for entry in entries:
            try:
                if entry.is_symlink():
                    _follow(entry, folder, home, inside, pending, files, units)
                elif entry.is_dir(follow_symlinks=False):
                    kind = format_of(entry.name)
                    if kind is not None and _is_zarr(entry.path):
                        units.append(_folder_unit(name, entry, kind))
                    elif is_searched(entry.name):
                        pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry)
            except OSError:
                continue
        files.reverse()
        yield FolderUnits(name, [*units, *_units_of(name, files)])


def is_searched(name: str) -> bool:
    """Whether a folder of that name is looked into."""
    return not name.startswith(".") and name not in _SKIPPED_FOLDERS


def count_files(top: Path) -> int:
    """About how many files a walk will look at: names only, nothing is asked about them."""
    total, pending = 0, [str(top)]
    while pending:
        try:
            with os.scandir(pending.pop()) as listing:
                for entry in listing:
                    if entry.is_dir(follow_symlinks=False):
                        if is_searched(entry.name):
                            pending.append(entry.path)
                    elif format_of(entry.name) or may_be_dicom(entry.name):
                        total += 1
        except OSError:
            continue
    return total


def is_labels(name: str, beside: set[str]) -> bool:
    """Whether a file holds labels by its name: it is no scan of its own."""
    lower = name.lower()
    if lower.endswith(_LABEL_ENDINGS):
        return True
    for ending in _WITH_TABLE:
        if lower.endswith(ending):
            return f"{name[: -len(ending)]}.labels.json" in beside
    return False


def _units_of(folder: str, files: list[Entry]) -> list[Unit]:
    names = {file.name: file for file in files}
    units: list[Unit] = []
    dicom: list[Entry] = []
    labels = {name for name in names if name.endswith(".labels.json")}
    sidecars = {name for name in names if name.lower().endswith(_BESIDE)}
    for file in files:
        name = file.name
        if name.startswith("."):
            continue
        kind = format_of(name)
        if kind is None:
            if may_be_dicom(name):
                dicom.append(file)
        elif not is_labels(name, labels):
            beside = (
                [names[other] for other in _beside(name, sidecars)] if sidecars else []
            )
            stamp = _stamp([file, *beside])
            units.append(Unit(_joined(folder, name), kind, stamp))
    if dicom:
        told = tuple(file.name for file in dicom)
        units.append(Unit(_joined(folder, ""), "dicom", _stamp(dicom), told))
    return units


def _beside(name: str, sidecars: set[str]) -> list[str]:
    """Files of the same name that say more about a scan, or hold its voxels."""
    stem = name.removesuffix(".gz").rpartition(".")[0]
    return [stem + ending for ending in _BESIDE if stem + ending in sidecars]


def _follow(
    link: Entry,
    folder: str,
    home: Home,
    inside: bool,
    pending: list[str],
    files: list[Entry],
    units: list[Unit],
) -> None:
    """Take in what a link leads to, unless it lies outside or is come by anyway."""
    real = Path(link.path).resolve()
    if inside and not real.is_relative_to(home.root):
        return
    if link.is_dir():
        if is_searched(link.name) and not (real / "pyvenv.cfg").exists():
            pending.append(str(real))
        return
    if not link.is_file() or link.name.startswith("."):
        return
    kind = format_of(link.name)
    if kind is None:
        files.append(link)
    elif not _is_come_by(real, home):
        units.append(Unit(home.name(real), kind, _stamp([link])))


def _is_come_by(real: Path, home: Home) -> bool:
    if not real.is_relative_to(home.root):
        return False
    parts = real.relative_to(home.root).parts
    return all(is_searched(part) for part in parts[:-1]) and parts[-1][0] != "."


def _is_zarr(path: str) -> bool:
    return any((Path(path) / mark).exists() for mark in _ZARR_MARKS)


def _folder_unit(folder: str, entry: Entry, kind: str) -> Unit:
    told = ""
    for mark in (".", *_ZARR_MARKS, ".zmetadata"):
        try:
            status = (Path(entry.path) / mark).stat()
        except OSError:
            continue
        told += f"{mark}\0{status.st_size}\0{status.st_mtime_ns}\n"
    return Unit(_joined(folder, entry.name), kind, _digest(told))


def _stamp(files: list[Entry]) -> str:
    told = []
    for file in files:
        try:
            status = file.stat()
            told.append(f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\n")
        except OSError:
            told.append("?")
    return _digest("".join(told))


def _digest(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(data, digest_size=12).hexdigest()


def _relative(folder: str, home: Home) -> str:
    root = str(home.root)
    if folder == root:
        return "."
    name = folder[len(root) :].lstrip(os.sep)
    return name.replace(os.sep, "/")


def _joined(folder: str, name: str) -> str:
    if folder == ".":
        return name or "./"
    return f"{folder}/{name}"


def _name_of(entry: Entry) -> str:
    return entry.name
