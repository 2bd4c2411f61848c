"""The file that layers are saved to: remembered, watched, and never overwritten unseen.

`file.json` in a layer's folder says where the layer was saved last, at which revision, and the
sha256 of what medlab wrote there. Somebody else's change of the file shows as another sha256;
saving then stops until who saves names that very content as what may be replaced, and it is
kept beside as `<name>.before-<time>`.
"""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from medlab.errors import MedlabError
from medlab.labels._color_tables import table_path
from medlab.labels._frame import decode_frame, decode_runs
from medlab.labels._grid import Grid
from medlab.labels._labels import Labels, save_labels
from medlab.labels._layer import Layer
from medlab.labels._ledger import LayerBusy
from medlab.labels._mark_files import read_marks
from medlab.labels._marks import as_marks
from medlab.labels._read import open_label_layers
from medlab.labels._sealed_json import seal, unseal
from medlab.labels._segment import as_segments
from medlab.labels._write import MARK_ENDINGS
from medlab.scans import Home, ScanSource, write_atomically

_WAIT_S = 60
FORMATS = {
    "nifti": ".nii.gz",
    "seg.nrrd": ".seg.nrrd",
    "dicom-seg": ".dcm",
    "coco": ".json",
    "csv": ".csv",
}
"""What a layer can be saved as, and the suffix of each."""


class FileChanged(MedlabError):
    """The file is not what medlab last wrote; `told["sha256"]` is what is there."""

    code = "file-changed"


def format_of_file(name: str) -> str | None:
    """The format that a file name tells, one of `FORMATS`.

    Example:
        >>> format_of_file("lungs.seg.nrrd"), format_of_file("lungs.nii")
        ('seg.nrrd', 'nifti')
    """
    endings = [*FORMATS.items(), ("nifti", ".nii")]
    return next((kind for kind, end in endings if name.lower().endswith(end)), None)


def file_state(home: Home, layer: Layer) -> dict[str, Any]:
    """Where the layer was saved last, and whether the file is still that.

    Returns:
        `path` (None if it never was), `rev`, `sha256` of what medlab wrote, and `state`:
        "none", "current", "behind" (edited since), "changed" (by another program) or
        "missing".
    """
    known = _known(_folder(home, layer))
    if known is None:
        return {"path": None, "rev": 0, "sha256": None, "state": "none"}
    told = {key: known[key] for key in ("path", "rev", "sha256")}
    target = home.locate(known["path"])
    try:
        there = _sha256_if_changed(target, known)
    except OSError:
        return {**told, "state": "missing"}
    coming = known.get("coming") or {}
    if there == coming.get("sha256"):
        # The process was killed between the file and this note of it.
        told |= {"rev": coming["rev"], "sha256": there}
    if there != told["sha256"]:
        return {**told, "state": "changed"}
    return {**told, "state": "current" if told["rev"] == layer.rev else "behind"}


def save_layers(
    home: Home,
    layers: Sequence[Layer],
    target: Path,
    scan: Grid,
    *,
    replace: str | None = None,
) -> dict[str, Any]:
    """Save layers to one file and remember it for each of them.

    Args:
        home: The workplace of the layers.
        layers: The first is the one whose revision is told.
        target: Where; its suffix names the format.
        scan: Their grid, with the images of a DICOM series for `.dcm`.
        replace: sha256 of somebody else's content that may be replaced; it is kept as
            `<name>.before-<time>`.

    Returns:
        `path`, `rev` of the first layer, and `sha256` of the file.

    Raises:
        FileChanged: If the file is there and is neither what medlab wrote last nor
            `replace`.
        MedlabError: If it is a scan, or the format cannot hold the layers.
        OSError: If the disk is full or read-only; the older file is still there.
    """
    path = home.name(target)
    folders = [_folder(home, layer) for layer in layers]
    with _one_at_a_time(folders[0].parent):
        revs, listed = zip(*(_taken(layer) for layer in layers), strict=True)
        _check_target(home, target, path, folders, replace)
        notes = [_known(folder) for folder in folders]

        def confirm(temporary: Path) -> None:
            # Writing took its time: look once more, then tell what is coming.
            _check_target(home, target, path, folders, replace)
            if target.exists() and _is_foreign(target, path, folders):
                _keep(target)
            sha256 = _sha256(temporary)
            for folder, note, rev in zip(folders, notes, revs, strict=True):
                before = note if note and note["path"] == path else {}
                told = {"path": path, "rev": 0, "sha256": None, **before}
                _remember(folder, {**told, "coming": {"sha256": sha256, "rev": rev}})

        try:
            save_labels(target, listed, scan, home=home, confirm=confirm)
        except BaseException:
            for folder, note in zip(folders, notes, strict=True):
                with contextlib.suppress(OSError):
                    _restore(folder, note)
            raise
        sha256 = _sha256(target)
        stamp = _stamp(target)
        for folder, rev in zip(folders, revs, strict=True):
            _remember(
                folder, {"path": path, "rev": rev, "sha256": sha256, "stamp": stamp}
            )
    return {"path": path, "rev": revs[0], "sha256": sha256}


def _taken(layer: Layer) -> tuple[int, Labels]:
    """A layer's revision and its content at that revision, whoever draws meanwhile."""
    frame = decode_frame(layer.snapshot())
    header = frame.header
    voxels = decode_runs(frame.payload, layer.shape, header["dtype"])
    segments, marks = as_segments(header["segments"]), as_marks(header["marks"])
    return header["rev"], Labels(voxels, layer.affine, segments, (), marks)


def _check_target(
    home: Home, target: Path, path: str, folders: list[Path], replace: str | None
) -> None:
    if not target.exists():
        return
    told = f"There is a file {target.name!r} already"
    if not target.is_file() or _is_scan(home, target, path):
        raise MedlabError(
            f"{told}, and it is a scan or a folder. Choose another name.", code="exists"
        )
    if not _is_foreign(target, path, folders):
        return
    if not _holds_labels(target, home):
        raise MedlabError(
            f"{told}, and it holds no labels. Choose another name, or remove it first.",
            code="exists",
        )
    there = _sha256(target)
    if there != replace:
        raise FileChanged(
            f"{told}, and another program or layer wrote it. Save under another name, "
            "or replace it: what is there is kept beside it.",
            told={"sha256": there},
        )


def _is_foreign(target: Path, path: str, folders: list[Path]) -> bool:
    """Whether the file is something else than what these layers were saved to."""
    there = _sha256(target)
    saved = []
    for folder in folders[0].parent.iterdir():
        known = _known(folder)
        if known is not None and known["path"] == path:
            coming = known.get("coming") or {}
            if there in (known["sha256"], coming.get("sha256")):
                saved.append(folder)
    # A file that holds other layers too is as foreign: theirs would be lost.
    return not saved or any(folder not in folders for folder in saved)


def _is_scan(home: Home, target: Path, path: str) -> bool:
    """Whether somebody drew on this very file, so that it is a scan."""
    folder = home.labels / ScanSource(path).scan_id
    return folder.is_dir() and any(folder.glob("*/layer.json"))


def _holds_labels(target: Path, home: Home) -> bool:
    try:
        if target.name.lower().endswith(MARK_ENDINGS):
            read_marks(target)
        else:
            open_label_layers(target, home=home)
    except MedlabError as error:
        return error.code == "no-scan"  # A structure set; or frames of another scan.
    return True


def _keep(target: Path) -> None:
    """Leave what is there beside the new file."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    beside = [target, table_path(target)]
    for path in beside if format_of_file(target.name) == "nifti" else beside[:1]:
        if not path.exists():
            continue
        kept, number = path.with_name(f"{path.name}.before-{moment}"), 1
        while kept.exists():
            number += 1
            kept = path.with_name(f"{path.name}.before-{moment}-{number}")
        try:
            os.link(path, kept)
        except OSError:  # A file system without links.
            shutil.copy2(path, kept)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / ".files.lock", timeout=_WAIT_S, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LayerBusy(
            f"The layers must be free to be saved, got a save that took over {_WAIT_S} s. "
            "Wait for it, and save again."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _folder(home: Home, layer: Layer) -> Path:
    return home.labels / layer.scan_id / layer.name


def _known(folder: Path) -> dict[str, Any] | None:
    """What `file.json` says; a damaged one is as good as none: saving then asks."""
    try:
        told = unseal((folder / "file.json").read_bytes())
        is_whole = isinstance(told["path"], str) and {"rev", "sha256"} <= set(told)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return told if is_whole else None


def _remember(folder: Path, told: dict[str, Any]) -> None:
    write_atomically(folder / "file.json", seal(told))


def _restore(folder: Path, note: dict[str, Any] | None) -> None:
    if note is None:
        (folder / "file.json").unlink(missing_ok=True)
    else:
        _remember(folder, note)


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def _sha256_if_changed(target: Path, known: dict[str, Any]) -> str:
    """The sha256 of the file; not read again while its time and size are the same."""
    if known.get("stamp") == _stamp(target):
        return str(known["sha256"])
    return _sha256(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
