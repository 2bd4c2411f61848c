"""The volume cache: decoded scans that slices are cut from without decoding again.

`.medlab/cache/volumes/<id>-<stamp>.npy` holds the voxels with x fastest, a `.json` beside it
what a viewer must know. The stamp changes with the scan's files, so a replaced scan is decoded
again. Names carry no patient text.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.scans._atomic import replacing, write_atomically
from medlab.scans._first_slice import read_slice
from medlab.scans._header import looks_like_ct
from medlab.scans._home import Home
from medlab.scans._limits import NotAScan, check_size
from medlab.scans._open import read_source, read_source_header
from medlab.scans._picture import draw_thumbnail, measured_range, proposed_window
from medlab.scans._source_files import ScanNotFound, series_files, source_files
from medlab.scans._volume import ScanSource, Volume
from medlab.scans._worker import DEFAULT_TIMEOUT_S, read_in_worker, run_worker
from medlab.scans.dicom._series import middle_picture
from medlab.scans.index._find import note_error

_FORMAT = 2
_DTYPES = (np.int8, np.uint8, np.int16, np.uint16)


@dataclass(frozen=True, eq=False)
class CachedVolume:
    """A decoded scan on disk, mapped into memory.

    Attributes:
        voxels: `(I, J, K)` in Fortran order (x fastest), or `(3, I, J, K)` uint8 for
            colour. One of int8, uint8, int16, uint16, float32. Read-only.
        affine: 4x4, voxel to RAS mm.
        info: What `GET volumes/{id}` answers.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    info: dict[str, Any]


def volume_cache(
    source: ScanSource,
    home: Home,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    memory_bytes: int | None = None,
) -> CachedVolume:
    """The decoded scan; decoded now, in a worker process, unless the cache has it.

    Raises:
        ScanNotFound: If the scan's files are gone.
        MedlabError: If it cannot be decoded; the message says why.
    """
    from filelock import FileLock

    out = _folder(home, "volumes") / f"{source.scan_id}-{source_stamp(source, home)}"
    cached = _load(out)
    if cached is None:
        with FileLock(out.with_name(f"{source.scan_id}.lock")):
            cached = _load(out)
            if cached is None:
                with _noting_errors(source, home):
                    read_in_worker(source, home, out, timeout_s, memory_bytes)
                _forget_older(source, out)
                cached = _load(out)
    if cached is None:
        raise ScanNotFound("The decoded scan is no longer there. Open it again.")
    with contextlib.suppress(OSError):
        os.utime(out.with_name(out.name + ".npy"))
    return cached


def first_slice(source: ScanSource, home: Home, k: int) -> CachedVolume | None:
    """One slice, from the cache or decoded alone: long before the whole scan is.

    Returns:
        A volume of one voxel along K, at its place; `info["shape"]` says so, too. None
        where the cache has none and the format would have to be decoded as a whole.

    Raises:
        ScanNotFound: If the scan's files are gone.
        MedlabError: If it cannot be decoded, or has no such slice.
    """
    name = f"{source.scan_id}-{source_stamp(source, home)}"
    whole = _load(_folder(home, "volumes") / name)
    if whole is not None and 0 <= k < whole.info["shape"][2]:
        affine = whole.affine.copy()
        affine[:3, 3] += k * affine[:3, 2]
        shape = [*whole.info["shape"][:2], 1]
        told = {**whole.info, "shape": shape, "affine": affine.tolist()}
        return CachedVolume(whole.voxels[..., k : k + 1], affine, told)
    if source.series is None:
        return None
    with tempfile.TemporaryDirectory(dir=_folder(home, "slices")) as folder:
        out = Path(folder) / name
        with _noting_errors(source, home):
            run_worker("slice", source, home, out, timeout_s=60, k=k)
        found = _load(out)
        if found is None:
            raise ScanNotFound("The slice is no longer there. Open the scan again.")
        return CachedVolume(np.array(found.voxels, order="F"), found.affine, found.info)


def thumbnail_png(source: ScanSource, home: Home) -> bytes:
    """A PNG of the scan's middle axial slice, windowed, at most 96 pixels a side.

    Raises:
        MedlabError: If the scan cannot be decoded.
    """
    path = _thumbnail_file(source, home)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        with _noting_errors(source, home):
            run_worker("thumbnail", source, home, path, timeout_s=60)
        return path.read_bytes()


def kept_thumbnail(source: ScanSource, home: Home) -> bytes | None:
    """The PNG of `thumbnail_png` if it was drawn before and the scan is still the same.

    Raises:
        ScanNotFound: If the scan's files are gone.
    """
    try:
        return _thumbnail_file(source, home).read_bytes()
    except FileNotFoundError:
        return None


def source_stamp(source: ScanSource, home: Home) -> str:
    """Twelve hex digits that change when a file of the scan does.

    Raises:
        ScanNotFound: If the scan's files are gone.
    """
    try:
        told = hashlib.sha256(f"{_FORMAT}".encode())
        for file in source_files(source, home):
            status = file.stat()
            line = f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\n"
            told.update(line.encode("utf-8", "surrogatepass"))
    except OSError as error:
        raise ScanNotFound(
            f"The scan {source.name!r} is no longer there. Refresh the list of scans."
        ) from error
    return told.hexdigest()[:12]


def store_volume(source: ScanSource, home: Home, out: Path) -> None:
    """Decode a scan and write `<out>.npy` and `<out>.json`. Called in the worker."""
    header = read_source_header(source, home)
    check_size(source.name, (*header.shape, header.channels), 2)
    _store(source, read_source(source, home), out)


def store_slice(source: ScanSource, home: Home, out: Path, k: int | None) -> None:
    """As `store_volume`, of one slice. Called in the worker."""
    header = read_source_header(source, home) if source.series is None else None
    if header is not None:
        check_size(source.name, (*header.shape, header.channels), 2)
    _store(source, read_slice(source, home, k), out)


def _store(source: ScanSource, volume: Volume, out: Path) -> None:
    voxels, notes = for_screen(volume)
    with (
        replacing(out.with_name(out.name + ".npy")) as temporary,
        temporary.open("wb") as f,
    ):
        np.save(f, voxels)
    info = volume_info(volume, voxels, notes)
    text = json.dumps({**info, "id": source.scan_id, "name": source.name})
    write_atomically(out.with_name(out.name + ".json"), text.encode())


def store_thumbnail(source: ScanSource, home: Home, out: Path) -> None:
    """Draw a scan's thumbnail into the file `out`. Called in the worker."""
    if source.series is not None:
        volume = middle_picture(series_files(source, home), source.name)
    else:
        volume = read_source(source, home)
    write_atomically(out, draw_thumbnail(volume))


def for_screen(volume: Volume) -> tuple[NDArray[Any], list[str]]:
    """The voxels in one of the types a browser is sent, x fastest.

    Returns:
        `(I, J, K)` or `(3, I, J, K)` in Fortran order, and sentences about what was lost.
    """
    voxels = volume.voxels
    notes: list[str] = []
    if volume.channels == 3:
        voxels = np.moveaxis(voxels, -1, 0)
        if voxels.dtype != np.uint8:
            top = float(voxels.max()) or 1.0
            voxels = (voxels.astype(np.float32).clip(0, top) * (255 / top)).astype(
                np.uint8
            )
        return np.asfortranarray(voxels), notes
    if voxels.dtype.kind in "iu" and voxels.dtype not in _DTYPES:
        low, high = int(voxels.min()), int(voxels.max())
        for dtype in (np.int16, np.uint16):
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return np.asfortranarray(voxels.astype(dtype)), notes
        notes.append("Intensities are shown rounded to seven digits.")
    if voxels.dtype not in _DTYPES:
        voxels = voxels.astype(np.float32)
        if not np.isfinite(voxels).all():
            notes.append("Voxels that are not a number are shown as 0.")
            voxels = np.nan_to_num(voxels, nan=0.0, posinf=0.0, neginf=0.0)
    return np.asfortranarray(voxels), notes


def volume_info(
    volume: Volume, voxels: NDArray[Any], notes: list[str]
) -> dict[str, Any]:
    """What a viewer must know about a volume besides its voxels."""
    padding = volume.padding
    low, high = measured_range(voxels, padding)
    center, width = proposed_window(voxels, volume.modality, volume.window, padding)
    if (
        volume.modality == "CT"
        and volume.window is None
        and not looks_like_ct(low, high)
    ):
        center, width = proposed_window(voxels, "unknown", None, padding)
    return {
        "shape": list(volume.shape),
        "spacing_mm": list(volume.spacing_mm),
        "spacing_unit": volume.spacing_unit,
        "affine": volume.affine.tolist(),
        "orientation": volume.orientation,
        "modality": volume.modality,
        "unit": volume.unit,
        "dtype": f"{voxels.dtype.kind}{voxels.dtype.itemsize}",
        "channels": volume.channels,
        "inverted": volume.is_inverted,
        "warnings": [*volume.warnings, *notes],
        "window": {"center": center, "width": width},
        "range": [low, high],
        "slab_bytes": voxels[..., 0].nbytes,
    }


@contextlib.contextmanager
def _noting_errors(source: ScanSource, home: Home) -> Iterator[None]:
    try:
        yield
    except MedlabError as error:
        if error.code == NotAScan.code:
            note_error(source, home, str(error))
        raise


def _load(out: Path) -> CachedVolume | None:
    try:
        info = json.loads(out.with_name(out.name + ".json").read_text("utf-8"))
        voxels = np.load(out.with_name(out.name + ".npy"), mmap_mode="r")
    except (OSError, ValueError):
        return None
    shape = list(voxels.shape[-3:])
    if shape != info["shape"] or not voxels.flags.f_contiguous:
        return None
    return CachedVolume(voxels, np.array(info["affine"], np.float64), info)


def _thumbnail_file(source: ScanSource, home: Home) -> Path:
    name = f"{source.scan_id}-{source_stamp(source, home)}.png"
    return _folder(home, "thumbnails") / name


def _folder(home: Home, name: str) -> Path:
    folder = home.cache / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _forget_older(source: ScanSource, kept: Path) -> None:
    """Remove earlier states of this scan, and the least used scans above the limit."""
    for path in kept.parent.glob(f"{source.scan_id}-*"):
        if not path.name.startswith(kept.name):
            path.unlink(missing_ok=True)
    limit = int(os.environ.get("MEDLAB_CACHE_LIMIT_BYTES", 30 << 30))
    try:
        files = [
            (p.stat().st_mtime, p.stat().st_size, p) for p in kept.parent.glob("*.npy")
        ]
    except OSError:
        return
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit or path.name.startswith(kept.name):
            continue
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
        total -= size
