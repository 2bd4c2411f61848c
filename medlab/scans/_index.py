"""list_scans: the scans below a folder, remembered between calls.

What was read of a file is kept in `.medlab/index.json` and used again while the file's size
and time stay the same. DICOM folders are remembered as a whole: a series is known only once
all its files are.
"""

import copy
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans import _dicom
from medlab.scans._atomic import write_atomically
from medlab.scans._dicom_files import find_images, may_be_dicom
from medlab.scans._home import Home, find_home
from medlab.scans._limits import damaged
from medlab.scans._open import ScanNotFound, format_of, read_source_header
from medlab.scans._summary import ScanSummary, summarise, summarise_error
from medlab.scans._volume import ScanSource

_VERSION = 1
_SKIPPED_FOLDERS = {"node_modules", "__pycache__", "site-packages", "venv"}
_LABEL_ENDINGS = (".seg.nrrd",)

Entries = dict[str, dict[str, Any]]
_PARSED: dict[Path, tuple[tuple[int, int, int], Entries]] = {}


def list_scans(
    folder: Path | str = ".", *, home: Home | None = None, refresh: bool = False
) -> list[ScanSummary]:
    """List the scans in a folder and the folders below it.

    A scan that cannot be read is listed with its `error`. Hidden folders, `.medlab`,
    environments and label files (`*.seg.nrrd`, and files with a `.labels.json` table) are
    left out, and so are links that lead out of the root.

    Args:
        folder: Relative to the root when `home` is given, else to the current folder.
        home: Where the workplace lies; found by itself when not given.
        refresh: Read every header again.

    Returns:
        Sorted by path. Paths are relative to the root of the workplace.

    Raises:
        ScanNotFound: If there is no such folder.
    """
    asked = Path(folder).expanduser()
    base = home.root if home is not None else Path.cwd()
    home = home or find_home()
    top = (base / asked).resolve()
    if not top.is_dir():
        raise ScanNotFound(
            f"There must be a folder {asked.name!r}, got nothing there. "
            "Folders are given relative to the root of the notebooks."
        )
    known = {} if refresh else _load(home)
    seen: Entries = {}
    for place in _folders(top, home):
        _look_into(place, home, known, seen)
    outside = {key: entry for key, entry in known.items() if not _below(key, top, home)}
    # What lies outside the root is listed when asked for, but never found by its id.
    entries = {key: entry for key, entry in {**outside, **seen}.items() if _local(key)}
    if entries != known and (entries or _index_file(home).exists()):
        _save(home, entries)
    found = [ScanSummary(**scan) for entry in seen.values() for scan in entry["scans"]]
    return sorted((_with_labels(scan, home) for scan in found), key=_by_path)


def find_scan(scan_id: str, home: Home) -> ScanSource:
    """The scan with that id, from the index; the root is looked through when it is new.

    Raises:
        ScanNotFound: If no scan below the root has that id.
    """
    return find_summary(scan_id, home).source


def find_summary(scan_id: str, home: Home) -> ScanSummary:
    """As `find_scan`, with everything the index knows about the scan."""
    for known in (_scans_of_index, _scans_of_root):
        for scan in known(home):
            if scan.id == scan_id and home.locate(scan.path).exists():
                return _with_labels(scan, home)
    raise ScanNotFound(
        "There is no scan with that id below the root. Refresh the list of scans."
    )


def note_error(source: ScanSource, home: Home, sentence: str) -> None:
    """Remember that a scan cannot be decoded, until its files change.

    A header can be whole where the voxels are not; lists show it once it is known.
    """
    entries = copy.deepcopy(_load(home))
    for entry in entries.values():
        for scan in entry["scans"]:
            if scan["id"] == source.scan_id and scan["error"] is None:
                scan["error"] = sentence
                _save(home, entries)
                return


def _scans_of_index(home: Home) -> list[ScanSummary]:
    return [ScanSummary(**s) for entry in _load(home).values() for s in entry["scans"]]


def _scans_of_root(home: Home) -> list[ScanSummary]:
    return list_scans(home.root, home=home)


def _look_into(
    place: tuple[Path, list[os.DirEntry[str]]],
    home: Home,
    known: Entries,
    seen: Entries,
) -> None:
    """Add an entry for each scan file of the folder, and one for its DICOM files."""
    folder, files = place
    names = {file.name for file in files}
    dicom: list[os.DirEntry[str]] = []
    for file in files:
        kind = format_of(file.name)
        if kind is None:
            if may_be_dicom(file.name):
                dicom.append(file)
        elif not _is_labels(file.name, names):
            key = home.name(folder / file.name) if file.is_symlink() else None
            key = key or _joined(home.name(folder), file.name)
            _remember(key, _stamp([file]), known, seen, _file_reader(key, kind, home))
    if dicom:
        key = home.name(folder) + "/"
        _remember(key, _stamp(dicom), known, seen, _folder_reader(folder, home))


def _remember(
    key: str,
    stamp: str,
    known: Entries,
    seen: Entries,
    read: Callable[[], list[ScanSummary]],
) -> None:
    entry = known.get(key)
    if entry is None or entry["stamp"] != stamp:
        entry = {"stamp": stamp, "scans": [scan.to_json() for scan in read()]}
    seen[key] = entry


def _file_reader(path: str, kind: str, home: Home) -> Callable[[], list[ScanSummary]]:
    def read() -> list[ScanSummary]:
        source = ScanSource(path)
        try:
            size = home.locate(path).stat().st_size
        except OSError:
            return []
        try:
            header = read_source_header(source, home)
            if header.frames > 1:
                return [summarise_error(source, kind, size, _frames(source, header))]
        except MedlabError as error:
            return [summarise_error(source, kind, size, str(error))]
        return [summarise(source, kind, size, header)]

    return read


def _folder_reader(folder: Path, home: Home) -> Callable[[], list[ScanSummary]]:
    def read() -> list[ScanSummary]:
        paths = sorted(
            p for p in folder.iterdir() if may_be_dicom(p.name) and p.is_file()
        )
        series, errors = find_images(paths)
        scans = []
        for uid, files in series.items():
            source = ScanSource(home.name(folder), uid)
            size = sum(file.path.stat().st_size for file in files)
            try:
                header = _dicom.read_header(files, source.name)
                if header.frames > 1:
                    raise MedlabError(_frames(source, header))
                scans.append(summarise(source, "dicom", size, header))
            except MedlabError as error:
                scans.append(summarise_error(source, "dicom", size, str(error)))
            except Exception:
                sentence = str(damaged(source.name, "DICOM"))
                scans.append(summarise_error(source, "dicom", size, sentence))
        for path, sentence in errors.items():
            source = ScanSource(home.name(path))
            size = path.stat().st_size
            scans.append(summarise_error(source, "dicom", size, sentence))
        return scans

    return read


def _frames(source: ScanSource, header: Any) -> str:
    return (
        f"{source.name} must be one volume, got a series of {header.frames} (4D). "
        "Choose one: open_scan(path, frame=0) "
        f"up to frame={header.frames - 1}."
    )


def _folders(top: Path, home: Home) -> Iterator[tuple[Path, list[os.DirEntry[str]]]]:
    """Each folder below `top` with its files, never twice, never outside the root."""
    inside = top.is_relative_to(home.root)
    pending, visited = [top], set()
    while pending:
        folder = pending.pop()
        real = folder.resolve()
        if real in visited or (inside and not real.is_relative_to(home.root)):
            continue
        visited.add(real)
        files = []
        try:
            entries = sorted(os.scandir(real), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            try:
                if entry.is_dir():
                    if _is_searched(entry.name) and not _is_environment(entry.path):
                        pending.append(Path(entry.path))
                elif entry.is_file() and not entry.name.startswith("."):
                    within = Path(entry.path).resolve().is_relative_to(home.root)
                    if within or not inside or not entry.is_symlink():
                        files.append(entry)
            except OSError:
                continue
        yield real, files


def _is_searched(name: str) -> bool:
    return not name.startswith(".") and name not in _SKIPPED_FOLDERS


def _is_environment(path: str) -> bool:
    return (Path(path) / "pyvenv.cfg").exists()


def _is_labels(name: str, beside: set[str]) -> bool:
    lower = name.lower()
    if lower.endswith(_LABEL_ENDINGS):
        return True
    for ending in (".nii.gz", ".nii", ".nrrd", ".mha"):
        if lower.endswith(ending):
            return f"{name[: -len(ending)]}.labels.json" in beside
    return False


def _stamp(files: list[os.DirEntry[str]]) -> str:
    """Changes whenever one of the files is replaced, added or removed."""
    told = hashlib.sha256()
    for file in files:
        try:
            status = file.stat()
            told.update(
                f"{file.name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode()
            )
        except (OSError, UnicodeEncodeError):
            told.update(b"?")
    return told.hexdigest()[:24]


def _with_labels(scan: ScanSummary, home: Home) -> ScanSummary:
    folder = home.labels / scan.id
    try:
        layers = sorted(p.parent.name for p in folder.glob("*/layer.json"))
    except OSError:
        layers = []
    return replace(scan, labels=bool(layers), layers=layers)


def _index_file(home: Home) -> Path:
    return home.folder / "index.json"


def _load(home: Home) -> Entries:
    """What was known at the last call; parsed again only when the file changed."""
    file = _index_file(home)
    try:
        status = file.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        remembered = _PARSED.get(file)
        if remembered is None or remembered[0] != stamp:
            remembered = (stamp, _parsed(file))
            _PARSED[file] = remembered
        return dict(remembered[1])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # Missing, damaged or of another version: it is made anew.


def _parsed(file: Path) -> Entries:
    index = json.loads(file.read_text("utf-8"))
    if index["version"] != _VERSION:
        return {}
    for entry in index["files"].values():
        for scan in entry["scans"]:
            ScanSummary(**scan)
    return {key: entry for key, entry in index["files"].items() if _local(key)}


def _save(home: Home, entries: Entries) -> None:
    content = json.dumps({"version": _VERSION, "files": entries})
    try:
        # Patient names are in it: for its owner's eyes only.
        data = content.encode("utf-8", "surrogateescape")
        write_atomically(_index_file(home), data, mode=0o600)
    except OSError:
        pass  # A read-only root has no index; the list is only slower.


def _local(key: str) -> bool:
    return not Path(key).is_absolute()


def _below(key: str, top: Path, home: Home) -> bool:
    return home.locate(key).is_relative_to(top)


def _joined(folder: str, name: str) -> str:
    return name if folder == "." else f"{folder}/{name}"


def _by_path(scan: ScanSummary) -> tuple[str, str]:
    return scan.path, scan.series or ""
