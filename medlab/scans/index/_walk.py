"""Walking over the folders of a workplace: what there is to read, and whether it changed.

Every folder is listed once and every file is asked once for its size and time; nothing is
opened. What is found is cut into units, the smallest parts that are read and remembered as a
whole: a group of files of other formats, or the DICOM files of one folder.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medlab.scans._home import Home
from medlab.scans.dicom._file import may_be_dicom
from medlab.scans.formats._table import format_of
from medlab.scans.index._folder_groups import Group, groups_of, is_scan_folder

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
LEFT_OUT = ".medlab-ignore"
"""Leaves the folder that holds a file of this name out of every list, and all below it."""
_MARKS_LEFT_OUT = (LEFT_OUT, "pyvenv.cfg")
_LABEL_ENDINGS = (".seg.nrrd",)
_WITH_TABLE = (".nii.gz", ".nii", ".nrrd", ".mha")
_ZARR_MARKS = (".", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")

Entry = os.DirEntry[str]


@dataclass(frozen=True)
class Unit:
    """What is read and remembered as a whole.

    Attributes:
        key: Path of the deciding file relative to the root; of DICOM files the folder's,
            with a `/` behind it, and of numbered pictures with `/*`.
        kind: "dicom", or the kind of a `Group`.
        stamp: Changes whenever one of the files is replaced, added or removed.
        files: Names of the files in the folder, the deciding first.
        skipped: Of these, the ones that ended a reader.
    """

    key: str
    kind: str
    stamp: str
    files: tuple[str, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class FolderUnits:
    """The units of one folder, which is named relative to the root."""

    folder: str
    units: list[Unit]


def walk_units(top: Path, home: Home) -> Iterator[FolderUnits]:
    """Each folder at and below `top` with its units, in the order of names.

    Hidden folders, environments, folders that hold `LEFT_OUT`, label files, and links that
    lead out of the root are left out, but `top` is not; no folder comes twice.
    """
    inside = top.is_relative_to(home.root)
    pending = [str(top)]
    if top == home.root:
        # The one hidden folder that is looked into, in the order of names.
        pending.append(str(home.fetched))
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
        if folder != str(top) and any(e.name in _MARKS_LEFT_OUT for e in entries):
            continue
        name = home.name(Path(folder)) if not inside else _relative(folder, home)
        files: list[Entry] = []
        folders: list[Entry] = []
        for entry in entries:
            try:
                if entry.is_symlink():
                    _follow(entry, home, inside, pending, files)
                elif entry.is_dir(follow_symlinks=False):
                    if is_scan_folder(entry.name):
                        folders.append(entry)
                    elif is_searched(entry.name):
                        pending.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry)
            except OSError:
                continue
        yield FolderUnits(name, _units_of(name, Path(folder).name, files, folders))


def is_searched(name: str) -> bool:
    """Whether a folder of that name is looked into."""
    return not name.startswith(".") and name not in _SKIPPED_FOLDERS


def is_left_out(folder: Path) -> bool:
    """Whether a folder says itself that it is not to be looked into."""
    return any((folder / mark).exists() for mark in _MARKS_LEFT_OUT)


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


def _units_of(
    folder: str, own_name: str, files: list[Entry], folders: list[Entry]
) -> list[Unit]:
    names = {file.name: file for file in files if not file.name.startswith(".")}
    tables = {name for name in names if name.endswith(".labels.json")}
    scans = [name for name in names if not is_labels(name, tables)]
    places = {file.name: file for file in folders}
    units = [
        Unit(
            _joined(folder, group.key),
            group.kind,
            _group_stamp(group, names, places),
            group.names,
        )
        for group in groups_of(own_name, scans, places)
    ]
    dicom = sorted(name for name in scans if may_be_dicom(name) and not format_of(name))
    if dicom:
        stamp = _stamp(names[name] for name in dicom)
        units.append(Unit(_joined(folder, ""), "dicom", stamp, tuple(dicom)))
    return units


def _group_stamp(
    group: Group, files: dict[str, Entry], places: dict[str, Entry]
) -> str:
    if group.key in places:
        return _folder_stamp(Path(places[group.key].path))
    return _stamp(files[name] for name in group.names if name in files)


def _follow(
    link: Entry, home: Home, inside: bool, pending: list[str], files: list[Entry]
) -> None:
    """Take in what a link leads to, unless it lies outside or is come by anyway."""
    real = Path(link.path).resolve()
    if inside and not real.is_relative_to(home.root):
        return
    if link.is_dir():
        if is_searched(link.name) and not is_left_out(real):
            pending.append(str(real))
    elif link.is_file() and (
        format_of(link.name) is None or not _is_come_by(real, home)
    ):
        files.append(link)


def _is_come_by(real: Path, home: Home) -> bool:
    if not real.is_relative_to(home.root):
        return False
    parts = real.relative_to(home.root).parts
    return all(is_searched(part) for part in parts[:-1]) and parts[-1][0] != "."


def _folder_stamp(folder: Path) -> str:
    told = ""
    for mark in _ZARR_MARKS:
        try:
            status = (folder / mark).stat()
        except OSError:
            continue
        told += f"{mark}\0{status.st_size}\0{status.st_mtime_ns}\n"
    return _digest(told)


def _stamp(files: Iterable[Entry]) -> str:
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
