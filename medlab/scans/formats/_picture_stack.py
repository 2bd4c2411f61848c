"""Reading a folder of numbered pictures as one volume.

A folder is a stack when all its pictures share one name but for a number, the numbers follow
one another without a gap, there are at least 8, and all have one size. Anything else is a
folder of single pictures.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.scans._affine import affine_without_patient
from medlab.scans._header import Header, modality_from_name, pick_frame
from medlab.scans._limits import NotAScan, check_size
from medlab.scans._tag_row import TagRow, tag_row
from medlab.scans._volume import Volume
from medlab.scans.formats import _picture_file, _tiff
from medlab.scans.formats._resolution import ONE_SLICE

LEAST_PICTURES = 8
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def sequence(names: Iterable[str]) -> list[str]:
    """The pictures of a folder in the order of their numbers; empty if they are no stack.

    Args:
        names: Of all files in the folder.

    Example:
        >>> sequence([f"slice{n}.png" for n in range(12)])[9:]
        ['slice9.png', 'slice10.png', 'slice11.png']
        >>> sequence(["a1.png", "a2.png"])
        []
    """
    pictures = [name for name in names if name.lower().endswith(PICTURE_ENDINGS)]
    if len(pictures) < LEAST_PICTURES:
        return []
    numbered: dict[int, str] = {}
    around: set[tuple[str, str]] = set()
    for name in pictures:
        # The last number of the name; digits after it belong to no number.
        found = re.fullmatch(r"(.*?)(\d{1,9})(\D*\.\w+)", name)
        if found is None:
            return []
        numbered[int(found[2])] = name
        around.add((found[1], found[3]))
    low, high = min(numbered), max(numbered)
    if len(around) != 1 or len(numbered) != len(pictures):
        return []
    if high - low + 1 != len(pictures):
        return []
    return [numbered[n] for n in range(low, high + 1)]


def read_header(path: Path, name: str) -> Header:
    """Put the stack together from the headers of its pictures.

    Raises:
        MedlabError: If the folder holds no stack.
    """
    return _header(path, name)[0]


def read(path: Path, name: str, frame: int | None = None) -> Volume:
    """Decode the pictures of a stack.

    Raises:
        MedlabError: If the folder holds no stack, or a picture cannot be read.
    """
    header, files = _header(path, name)
    pick_frame(name, 1, frame)
    voxels: NDArray[Any] | None = None
    for k, file in enumerate(files):
        picture = _reader(file).read(file, file.name, 0).voxels[:, :, 0]
        if voxels is None:
            shape = header.shape + picture.shape[2:]
            voxels = np.empty(shape, picture.dtype, order="F")
        if picture.shape != voxels[:, :, k].shape or picture.dtype != voxels.dtype:
            raise _no_stack(name, f"{file.name} has another size or type")
        voxels[:, :, k] = picture
    assert voxels is not None
    return header.volume(voxels)


def tags(path: Path, name: str) -> list[TagRow]:
    """The number of pictures, and the header of the first."""
    _, files = _header(path, name)
    first = files[0]
    return [tag_row("Pictures", len(files)), *_reader(first).tags(first, first.name)]


def stack_files(folder: Path) -> list[Path]:
    """The pictures of a stack in their order; empty for any other folder."""
    names = [p.name for p in folder.iterdir() if not p.name.startswith(".")]
    return [folder / name for name in sequence(names)]


def _header(path: Path, name: str) -> tuple[Header, list[Path]]:
    files = stack_files(path)
    if not files:
        raise _no_stack(name, "its pictures are few, or not numbered in one row")
    headers = [_reader(file).read_header(file, file.name) for file in files]
    first = headers[0]
    for file, header in zip(files, headers, strict=True):
        if header.shape != first.shape or header.channels != first.channels:
            raise _no_stack(name, f"{file.name} has another size than {files[0].name}")
        if header.shape[2] > 1 or header.frames > 1:
            raise _no_stack(name, f"{file.name} holds several pictures itself")
    i, j, _ = first.shape
    check_size(name, (i, j, len(files), first.channels), 1)
    known = np.linalg.norm(first.affine[:3, :2], axis=0)
    if first.spacing_unit == "mm":
        step = (
            f"Pixels lie {known[0]:.4g} x {known[1]:.4g} mm apart, but nothing says how "
            "far apart the pictures are; distances are in pixels."
        )
    else:
        step = "Nothing says how far apart pixels and pictures are; they are in pixels."
    left_out = (
        ONE_SLICE,
        *(note for note in first.warnings if "pixel" in note.lower()),
    )
    notes = [note for note in first.warnings if note not in left_out]
    header = Header(
        shape=(i, j, len(files)),
        affine=affine_without_patient((1, 1, 1)),
        modality=modality_from_name(path.name),
        channels=first.channels,
        warnings=(step, *notes),
        spacing_unit="pixels",
    )
    return header, files


def _reader(file: Path) -> Any:
    return _tiff if file.name.lower().endswith((".tif", ".tiff")) else _picture_file


def _no_stack(name: str, why: str) -> NotAScan:
    return NotAScan(
        f"{name} must hold at least {LEAST_PICTURES} pictures of one size with "
        f"consecutive numbers to be a stack, got another folder: {why}. "
        "Open its pictures one by one, or rename them 001.png, 002.png, ..."
    )
