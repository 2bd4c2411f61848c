"""Which files of a folder are scans, and which are left out of lists.

Files are put into groups by name alone; a group is read as a whole, and again only when one
of its files changes. DICOM files are no part of this: they are told by content.

Pictures need a rule of their own, or plots, icons and holiday photos would flood every list.
`"likely"` leaves out

- folders of results and papers (`figures`, `outputs`, `docs`, ...), and single pictures and
  arrays beside notebooks or source code (a stack, a TIFF or an OME-Zarr there is listed);
- pictures with a side of fewer than 64 pixels, plots signed by the program that drew them,
  and photos that note where they were taken;
- arrays that are no picture or volume: fewer than two axes, a side of fewer than 16.

`"all"` lists every picture, `"none"` none (volumes of TIFF, OME-Zarr and stacks included
under "all" and "likely" only). Whatever is left out of lists, `open_scan(path)` opens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from medlab.errors import MedlabError
from medlab.scans._header import Header
from medlab.scans._home import Home
from medlab.scans._open import read_source_header
from medlab.scans._source_files import source_files
from medlab.scans._volume import ScanSource
from medlab.scans.formats import _picture_file
from medlab.scans.formats._picture_stack import sequence
from medlab.scans.formats._table import STACK, file_format, folder_format

Pictures = Literal["likely", "all", "none"]

_PICTURES = ("picture", "tiff", "npy", "omezarr", "stack")
_RESULT_FOLDERS = {
    "figures", "figs", "fig", "figure", "plots", "plot", "results", "result", "outputs",
    "output", "out", "docs", "doc", "_static", "_images", "static", "assets", "icons",
    "thumbnails", "thumbs", "previews", "preview", "screenshots", "test-results", "htmlcov",
    "site", "build", "dist", "logs", "runs", "wandb", "mlruns", "checkpoints",
}  # fmt: skip
_SOURCES = (
    ".ipynb",
    ".py",
    ".js",
    ".ts",
    ".tsx",
    ".html",
    ".css",
    ".tex",
    ".rst",
    ".r",
)
_SIDECARS = (".json", ".bval", ".bvec")
_LEAST_ARRAY = 16


@dataclass(frozen=True)
class Group:
    """Files of one folder that are read together to know which scans they hold.

    Attributes:
        key: A name no other group of the folder has: that of its file or folder, or `*`.
        kind: The format, such as "nifti" or "stack".
        names: Files below the folder, the deciding first: read again when one changes.
    """

    key: str
    kind: str
    names: tuple[str, ...]


class GroupScan(NamedTuple):
    """One scan of a group: its header, or the reason that it has none."""

    source: ScanSource
    kind: str
    size_bytes: int
    header: Header | MedlabError


def is_scan_folder(name: str) -> bool:
    """Whether a folder of that name is one scan, so that nothing below it is another.

    Example:
        >>> is_scan_folder("cells.ome.zarr"), is_scan_folder("cells")
        (True, False)
    """
    return folder_format(name) is not None


def groups_of(
    folder: str,
    names: Iterable[str],
    folders: Iterable[str] = (),
    *,
    pictures: Pictures = "likely",
) -> list[Group]:
    """Put the files of a folder into groups, by name alone; nothing is opened.

    Args:
        folder: The folder's own name.
        names: Of the files in it.
        folders: Names of the folders in it.
        pictures: Which pictures and arrays to list, see above.

    Example:
        >>> groups_of("anat", ["a.nii.gz", "a.json", "notes.txt"])
        [Group(key='a.nii.gz', kind='nifti', names=('a.nii.gz', 'a.json'))]
    """
    here = set(names)
    sourced = any(name.lower().endswith(_SOURCES) for name in here)
    stack = sequence(here) if _lists("stack", folder, sourced, pictures) else []
    groups = [Group("*", "stack", tuple(stack))] if stack else []
    inside = set(stack)
    for name in sorted(here - inside):
        found = file_format(name)
        if found and _lists(found.kind, folder, sourced, pictures):
            beside = _beside(name, found.files, (*found.data, *_SIDECARS), here)
            groups.append(Group(name, found.kind, (name, *beside)))
    for name in sorted(folders):
        found = folder_format(name)
        if found and _lists(found.kind, folder, sourced, pictures):
            groups.append(Group(name, found.kind, (f"{name}/.zattrs",)))
    return groups


def read_group(
    folder: Path, group: Group, home: Home, *, pictures: Pictures = "likely"
) -> list[GroupScan]:
    """The scans of a group, those that cannot be read with the reason.

    Args:
        folder: Where the group lies.
        group: From `groups_of`.
        home: Where the workplace lies.
        pictures: As for `groups_of`.

    Returns:
        One scan for most groups; none when nothing in it is worth listing; one for each
        picture when numbered pictures are no stack after all.
    """
    return list(_read(folder, group, home, pictures))


def _read(
    folder: Path, group: Group, home: Home, pictures: Pictures
) -> Iterator[GroupScan]:
    if group.kind == STACK.kind:
        source = ScanSource(home.name(folder))
        try:
            header = read_source_header(source, home)
        except MedlabError:
            for name in group.names:
                found = file_format(name)
                assert found is not None
                alone = Group(name, found.kind, (name,))
                yield from _read(folder, alone, home, pictures)
            return
        yield GroupScan(source, group.kind, _size(source, home), header)
        return
    path = folder / group.key
    source = ScanSource(home.name(path))
    try:
        header = read_source_header(source, home)
        if pictures == "likely" and _is_clutter(path, group.kind, header):
            return
        yield GroupScan(source, group.kind, _size(source, home), header)
    except MedlabError as error:
        if error.code not in ("no-picture", "scan-not-found"):
            yield GroupScan(source, group.kind, _size(source, home), error)


def _size(source: ScanSource, home: Home) -> int:
    size = 0
    for file in source_files(source, home):
        try:
            size += file.stat().st_size
        except OSError:
            continue
    return size


def _lists(kind: str, folder: str, sourced: bool, pictures: Pictures) -> bool:
    if kind not in _PICTURES or pictures == "all":
        return True
    if pictures == "none" or folder.lower() in _RESULT_FOLDERS:
        return False
    if kind in ("picture", "npy"):
        return not sourced
    return True


def _is_clutter(path: Path, kind: str, header: Header) -> bool:
    if kind == "npy":
        return min(header.shape[:2]) < _LEAST_ARRAY
    if kind == "tiff":
        return (
            max(header.shape[:2]) < _picture_file.ICON_PIXELS and header.shape[2] == 1
        )
    return kind == "picture" and _picture_file.looks_made_by_a_program(path, path.name)


def _beside(
    name: str, endings: tuple[str, ...], others: tuple[str, ...], here: set[str]
) -> list[str]:
    """The files with the same stem that may belong to a header: voxels, sidecars."""
    ending = max((e for e in endings if name.lower().endswith(e)), key=len)
    stem = name[: -len(ending)]
    told = (stem + other for other in others)
    return [other for other in told if other in here and other != name]
