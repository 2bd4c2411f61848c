"""Reading what an index remembers of files: pieces of work that know no database.

A `Piece` can be sent to another process or machine that sees the same folder; what comes
back are `Entry`s for the one writer.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._header import Header
from medlab.scans._home import Home
from medlab.scans._limits import NotAScan, damaged
from medlab.scans._summary import ScanSummary, summarise, summarise_error
from medlab.scans._volume import ScanSource
from medlab.scans.dicom import _series
from medlab.scans.dicom._files import find_images
from medlab.scans.dicom._references import references
from medlab.scans.dicom._tags import read_tags
from medlab.scans.index._folder_groups import Group, read_group
from medlab.scans.index._walk import Unit

_KIND = ("SOPClassUID",)
_LABELS = {
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.66.7",
    "1.2.840.10008.5.1.4.1.1.481.3",
}
"""SOP classes of segmentations, label maps and structure sets."""

PIECE_FILES = 200
"""Files in a piece, unless one folder of DICOM files has more."""


@dataclass(frozen=True)
class Piece:
    """Some units below one root, to be read together."""

    root: str
    home: str
    units: tuple[tuple[str, Unit], ...]
    """Each with the folder that it was found in."""

    @property
    def files(self) -> int:
        """How many files will be read."""
        return sum(len(unit.files) for _, unit in self.units)


@dataclass(frozen=True)
class Link:
    """A DICOM file of labels that refers to series."""

    kind: str
    path: str
    name: str
    series: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What was read of a unit.

    Attributes:
        rows: A `ScanSummary` each, as JSON, with `study_uid` beside it.
        links: The labels among its files.
    """

    folder: str
    unit: Unit
    rows: list[dict[str, Any]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def cut(
    units: Iterable[tuple[str, Unit]], home: Home, files: int = PIECE_FILES
) -> Iterator[Piece]:
    """Gather units into pieces of about equal work."""
    gathered: list[tuple[str, Unit]] = []
    count = 0
    for folder, unit in units:
        gathered.append((folder, unit))
        count += len(unit.files)
        if count >= files:
            yield Piece(str(home.root), str(home.folder), tuple(gathered))
            gathered, count = [], 0
    if gathered:
        yield Piece(str(home.root), str(home.folder), tuple(gathered))


def read_piece(
    piece: Piece, cancelled: Callable[[], bool] | None = None
) -> list[Entry]:
    """Read the headers of a piece. What cannot be read becomes a row with its error."""
    home = Home(Path(piece.root), Path(piece.home))
    fetched = home.name(home.fetched) + "/"
    found = []
    for folder, unit in piece.units:
        if cancelled is not None and cancelled():
            break
        if unit.kind == "dicom":
            entry = _read_folder(folder, unit, home)
        else:
            entry = Entry(folder, unit, _read_group(folder, unit, home))
        if unit.key.startswith(fetched):
            for row in entry.rows:
                row["source"] = "dicomweb"
        found.append(entry)
    return found


def unreadable(folder: str, unit: Unit) -> Entry:
    """The entry of a file that ended its reader."""
    source = ScanSource(unit.key)
    row = summarise_error(source, unit.kind, 0, damaged(source.name, "a scan"))
    return Entry(folder, unit, [_row(row)])


def _read_group(folder: str, unit: Unit, home: Home) -> list[dict[str, Any]]:
    place = home.locate(folder)
    group = Group(unit.key.rpartition("/")[2], unit.kind, unit.files)
    rows = []
    for scan in read_group(place, group, home):
        if isinstance(scan.header, MedlabError):
            row = summarise_error(scan.source, scan.kind, scan.size_bytes, scan.header)
            rows.append(_row(row))
        else:
            row = summarise(scan.source, scan.kind, scan.size_bytes, scan.header)
            rows.append(_row(row, scan.header))
    return rows


def _read_folder(folder: str, unit: Unit, home: Home) -> Entry:
    place = home.locate(unit.key)
    skipped = set(unit.skipped)
    paths = [place / name for name in unit.files if name not in skipped]
    series, errors = find_images(paths)
    errors |= {
        place / name: str(damaged(name, "DICOM"))
        for name in unit.files
        if name in skipped
    }
    rows = []
    for uid, files in series.items():
        source = ScanSource(home.name(place), uid)
        size = sum(_size(file.path) for file in files)
        try:
            header = _series.read_header(files, source.name)
            rows.append(_row(summarise(source, "dicom", size, header), header))
        except MedlabError as error:
            rows.append(_row(summarise_error(source, "dicom", size, error)))
        except Exception:
            bad = damaged(source.name, "DICOM")
            rows.append(_row(summarise_error(source, "dicom", size, bad)))
    for path, sentence in errors.items():
        source = ScanSource(home.name(path))
        bad = NotAScan(sentence)
        rows.append(_row(summarise_error(source, "dicom", _size(path), bad)))
    known = {file.path for files in series.values() for file in files} | errors.keys()
    links = []
    for path in paths:
        link = None if path in known else _link(path, home)
        if link is not None:
            links.append(link)
            rows.append(_row_of_labels(link, _size(path)))
    return Entry(folder, unit, rows, links)


def _link(path: Path, home: Home) -> Link | None:
    """What a file that holds no image refers to, if it holds labels."""
    try:
        kind = str(read_tags(path, _KIND).get("SOPClassUID", ""))
        if kind not in _LABELS:
            return None
        told = references(path)
    except Exception:  # Whatever it is, it is no scan, and lists go on without it.
        return None
    return Link(told.kind, home.name(path), told.name or path.name, told.series_uids)


def _row_of_labels(link: Link, size_bytes: int) -> dict[str, Any]:
    """A line that is shown only while the series is missing."""
    source = ScanSource(link.path)
    alone = MedlabError(
        f"{source.name} must lie in the same workplace as the series that it labels, got "
        "the labels alone. Copy the series below the root as well.",
        code="no-series",
    )
    row = summarise_error(source, "dicom", size_bytes, alone)
    return _row(replace(row, modality=link.kind.upper(), description=link.name))


def _row(summary: ScanSummary, header: Header | None = None) -> dict[str, Any]:
    row = summary.to_json()
    row["study_uid"] = "" if header is None else header.study_uid
    return row


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def without(unit: Unit, names: Iterable[str]) -> Unit:
    """The unit with files left out that ended a reader."""
    return replace(unit, skipped=(*unit.skipped, *names))
