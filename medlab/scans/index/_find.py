"""Scans found in the index: all below a folder, or the one with an id."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from medlab.errors import MedlabError
from medlab.scans._home import Home, find_home
from medlab.scans._limits import NotAScan
from medlab.scans._source_files import ScanNotFound
from medlab.scans._summary import ScanSummary
from medlab.scans._volume import ScanSource
from medlab.scans.index._file import with_index, workplace_salt
from medlab.scans.index._labelled import with_labels
from medlab.scans.index._progress import IndexProgress
from medlab.scans.index._read import cut, read_piece
from medlab.scans.index._store import set_error, storable, with_keys
from medlab.scans.index._summaries import summaries_below, summary_of
from medlab.scans.index._update import existing, update_index
from medlab.scans.index._walk import walk_units


def list_scans(
    folder: Path | str = ".",
    *,
    home: Home | None = None,
    refresh: bool = False,
    on_progress: Callable[[IndexProgress], None] | None = None,
) -> list[ScanSummary]:
    """List the scans in a folder and the folders below it.

    A scan that cannot be read is listed with its `error`. Hidden folders, `.medlab`,
    environments and label files (`*.seg.nrrd`, and files with a `.labels.json` table) are
    left out, and so are links that lead out of the root.

    Args:
        folder: Relative to the root when `home` is given, else to the current folder.
        home: Where the workplace lies; found by itself when not given.
        refresh: Read every header again.
        on_progress: Told a few times a second how far it is.

    Returns:
        Sorted by path. Paths are relative to the root of the workplace.

    Raises:
        ScanNotFound: If there is no such folder.
    """
    asked = Path(folder).expanduser()
    base = home.root if home is not None else Path.cwd()
    home = home or find_home()
    top = existing((base / asked).resolve(), asked.name)
    if not top.is_relative_to(home.root):
        return _list_outside(top, home)
    update_index(home, top, refresh=refresh, on_progress=on_progress)
    name = storable(home.name(top))
    found = with_index(home, lambda c: summaries_below(c, name, home))
    return sorted(found, key=_by_path)


def find_scan(scan_id: str, home: Home) -> ScanSource:
    """The scan with that id, or the volume of a 4D scan with it, from the index.

    The root is looked through when the id is new.

    Raises:
        ScanNotFound: If no scan below the root has that id.
    """
    scan, frame = _found(scan_id, home)
    return ScanSource(scan.path, scan.series, frame)


def find_summary(scan_id: str, home: Home) -> ScanSummary:
    """As `find_scan`, with everything the index knows about the scan."""
    return _found(scan_id, home)[0]


def note_error(source: ScanSource, home: Home, sentence: str) -> None:
    """Remember that a scan cannot be decoded, until its files change.

    A header can be whole where the voxels are not; lists show it once it is known.
    """
    whole = ScanSource(source.path, source.series)
    with_index(home, lambda c: set_error(c, whole.scan_id, NotAScan(sentence)))


def _list_outside(top: Path, home: Home) -> list[ScanSummary]:
    """Scans outside the root are listed when asked for, but never found by their ids."""
    units = (
        (found.folder, unit) for found in walk_units(top, home) for unit in found.units
    )
    salt = workplace_salt(home)
    found = [
        ScanSummary.from_json(with_keys(row, salt))
        for piece in cut(units, home)
        for entry in read_piece(piece)
        for row in entry.rows
    ]
    return sorted((with_labels(scan, home) for scan in found), key=_by_path)


def _found(scan_id: str, home: Home) -> tuple[ScanSummary, int | None]:
    for attempt in (1, 2):
        found = with_index(home, lambda c: summary_of(c, scan_id, home))
        if found is not None and home.locate(found[0].path).exists():
            return found
        if attempt == 1:
            with contextlib.suppress(MedlabError):
                update_index(home)
    raise ScanNotFound(
        "There is no scan with that id below the root. Refresh the list of scans."
    )


def _by_path(scan: ScanSummary) -> tuple[str, str]:
    return scan.path, scan.series or ""
