"""Cases ready to learn from, kept on disk and mapped into memory.

`.medlab/cache/training/<key>/` holds one case: `image.npy` and `labels.npy`, scaled,
resampled and turned, in the order in which patches are cut; `index.npz` with what
sampling must know; and `about`, written last, with size and spot check of the others
under a SHA-256 of its own. A folder is written under another name, synced and renamed, so
it is there whole or not at all; what is damaged nevertheless is made anew. Everything
here can be deleted at any time. Names and contents carry no patient text.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from medlab.data._cases import LabelledScan
from medlab.data._planes import as_slices, from_slices
from medlab.data._where import LabelIndex

FORMAT = 1
_DRAFT = ".writing-"
_LITTER_S = 3600.0
_SPARED_BYTES = 1 << 30
"""Free disk that the cache leaves to checkpoints and everybody else."""
_WAIT_S = 1800.0
"""How long another process may take to prepare the same case."""
_SPOTS, _SPOT_BYTES = 16, 1 << 16


class NoRoom(OSError):
    """The disk has not enough room for another entry."""


def through_cache(
    entry: Path,
    prepare: Callable[[], LabelledScan],
    *,
    plane: str | None,
    in_use: Collection[str] = (),
) -> tuple[LabelledScan, OSError | NotImplementedError | None]:
    """Open a case from the cache, prepared now unless it is there.

    Several processes may ask for the same at once: one prepares it.

    Args:
        entry: Its folder.
        prepare: Makes it, with index, presence and hashes.
        plane: Slices of this plane lie together on disk; None for volumes.
        in_use: Names of entries that must not go to make room.

    Returns:
        The case, mapped from disk; or as prepared, with what kept it from the disk.
    """
    scan = read_entry(entry)
    if scan is not None:
        return scan, None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(entry.parent / f"lock-{entry.name[:2]}", timeout=_WAIT_S):
            scan = read_entry(entry)
            if scan is not None:
                return scan, None
            scan = prepare()
            make_room(entry.parent, _entry_bytes(scan), {*in_use, entry.name})
            write_entry(entry, scan, plane)
    except (OSError, NotImplementedError) as error:
        # NotImplementedError: a file system that has no locks.
        return scan or prepare(), error
    return read_entry(entry) or scan, None


def read_entry(entry: Path) -> LabelledScan | None:
    """Open a case from the cache; None where it is missing or damaged."""
    try:
        seal, text = (entry / "about").read_text("utf-8").split("\n", 1)
        about = json.loads(text)
        if seal != _seal(text) or about["format"] != FORMAT:
            return None
        for name, told in about["files"].items():
            if _spot_check(entry / name) != told:
                return None
        image = np.load(entry / "image.npy", mmap_mode="r")
        labels = np.load(entry / "labels.npy", mmap_mode="r")
        with np.load(entry / "index.npz") as stored:
            index = _read_index(stored)
            present = stored.get("present")
        plane = about["plane"]
        scan = LabelledScan(
            _canonical(image, plane),
            _canonical(labels, plane),
            tuple(about["slices"]),
            tuple(about["spacing_mm"]),
            index,
            present,
            dict(about["hashes"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(entry / "about")  # used just now: not the next to go
    return scan


def write_entry(entry: Path, scan: LabelledScan, plane: str | None) -> None:
    """Write a case so that it is there whole or not at all.

    Args:
        entry: Its folder; what was there before is replaced.
        scan: With index, presence and hashes.
        plane: Slices of this plane lie together on disk; None for volumes.

    Raises:
        OSError: If the disk is full or may not be written.
    """
    assert scan.index is not None
    _remove_litter(entry.parent)
    draft = _draft(entry)
    draft.mkdir()
    try:
        np.save(draft / "image.npy", _stored(scan.image, plane))
        np.save(draft / "labels.npy", _stored(scan.labels, plane))
        save_arrays: Any = np.savez  # its types take no mapping of arrays
        save_arrays(draft / "index.npz", **_index_arrays(scan))
        files = {file.name: _spot_check(file) for file in draft.iterdir()}
        about = {
            "format": FORMAT,
            "plane": plane,
            "slices": list(scan.slices),
            "spacing_mm": list(scan.spacing_mm),
            "hashes": dict(scan.hashes),
            "files": files,
        }
        text = json.dumps(about)
        (draft / "about").write_text(f"{_seal(text)}\n{text}", "utf-8")
        for file in draft.iterdir():
            _sync(file)
        _sync(draft)
        if entry.exists():
            _remove(entry)
        draft.rename(entry)
        _sync(entry.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def make_room(folder: Path, needed: int, kept: Collection[str]) -> None:
    """Remove the least used entries above `MEDLAB_CACHE_LIMIT_BYTES`, 30 GiB otherwise.

    Args:
        folder: Of the entries.
        needed: Bytes of the entry that comes.
        kept: Names of entries that are in use: they stay, whatever the limit.

    Raises:
        NoRoom: If the disk would be left with less than 1 GiB.
    """
    limit = int(os.environ.get("MEDLAB_CACHE_LIMIT_BYTES", 30 << 30))
    found = sorted(_entries(folder))
    total = needed + sum(size for _, size, _ in found)
    for _, size, entry in found:
        free = shutil.disk_usage(folder).free
        if total <= limit and free >= needed + _SPARED_BYTES:
            break
        if entry.name not in kept:
            _remove(entry)
            total -= size
    if shutil.disk_usage(folder).free < needed + _SPARED_BYTES:
        raise NoRoom("The disk has no room for another case.")


def _entry_bytes(scan: LabelledScan) -> int:
    return int(scan.image.nbytes + scan.labels.nbytes) + (1 << 20)


def _entries(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """When each entry was last used, its size, and where it is."""
    for about in folder.glob("*/about"):
        with contextlib.suppress(OSError):
            size = sum(file.stat().st_size for file in about.parent.iterdir())
            yield about.stat().st_mtime, size, about.parent


def _draft(entry: Path) -> Path:
    return entry.with_name(f"{_DRAFT}{secrets.token_hex(8)}")


def _remove(entry: Path) -> None:
    # Under another name first: half a folder must not be taken for an entry. Whoever has
    # its files mapped keeps them.
    with contextlib.suppress(OSError):
        gone = _draft(entry)
        entry.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _remove_litter(folder: Path) -> None:
    """Remove what a killed writer left an hour ago or earlier."""
    with contextlib.suppress(OSError):
        for draft in folder.glob(f"{_DRAFT}*"):
            if time.time() - draft.stat().st_mtime > _LITTER_S:
                shutil.rmtree(draft, ignore_errors=True)


def _stored(voxels: NDArray[Any], plane: str | None) -> NDArray[Any]:
    return np.ascontiguousarray(as_slices(voxels, plane) if plane else voxels)


def _canonical(stored: NDArray[Any], plane: str | None) -> NDArray[Any]:
    # A plain array over the same memory: cutting from numpy's memmap is slower.
    plain = np.asarray(stored)
    return from_slices(plain, plane) if plane else plain


def _index_arrays(scan: LabelledScan) -> dict[str, NDArray[Any]]:
    index = scan.index
    assert index is not None
    arrays = {
        "labels": index.labels,
        "counts": index.counts,
        "lengths": np.array([len(places) for places in index.places], np.int64),
        "places": np.concatenate([*index.places, np.empty(0, np.int64)]),
    }
    if scan.present is not None:
        arrays["present"] = scan.present
    return arrays


def _read_index(stored: Any) -> LabelIndex:
    ends = np.cumsum(stored["lengths"])[:-1]
    places = np.split(stored["places"], ends) if len(stored["lengths"]) else []
    return LabelIndex(stored["labels"], stored["counts"], tuple(places))


def _seal(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _spot_check(file: Path) -> list[Any]:
    """Size and SHA-256 of some blocks, the first and the last among them.

    Reading all of it would cost as much as an epoch; torn and cut files show like this.
    """
    size = file.stat().st_size
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        for spot in range(_SPOTS):
            handle.seek(max(size - _SPOT_BYTES, 0) * spot // (_SPOTS - 1))
            digest.update(handle.read(_SPOT_BYTES))
    return [size, digest.hexdigest()]


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
