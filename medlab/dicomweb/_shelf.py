"""Where fetched series lie: `.medlab/dicomweb/<16 hex>/<16 hex>.dcm`.

Names are hashes of server and UIDs and hold nothing about a patient. A series is fetched into
`.<16 hex>.part` and takes its name when it is whole, so no list of scans shows half of one.
`series.json` beside the files says what it is.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from medlab.dicomweb._uids import is_uid
from medlab.scans import Home, write_atomically

_RECORD = "series.json"


@dataclass(frozen=True)
class Fetched:
    """What lies in a folder of the shelf.

    Attributes:
        server: Name in the administrator's table.
        study, series: UIDs.
        instances: How many files the server had.
    """

    server: str
    study: str
    series: str
    instances: int


def folder_of(home: Home, server: str, study: str, series: str) -> Path:
    """The folder that a whole series lies in, or will."""
    return home.fetched / _digest(server, study, series)


def part_of(folder: Path) -> Path:
    """The folder that a series is fetched into."""
    return folder.with_name(f".{folder.name}.part")


def file_of(folder: Path, instance: str) -> Path:
    """The file of an instance."""
    return folder / f"{_digest(instance)}.dcm"


def make_folder(folder: Path) -> None:
    """Make a folder that its owner alone can look into."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o700)


def write_record(folder: Path, record: Fetched) -> None:
    """Say what the folder holds."""
    text = json.dumps(asdict(record), indent=1)
    write_atomically(folder / _RECORD, text.encode(), mode=0o600)


def read_record(folder: Path) -> Fetched | None:
    """What the folder holds; None if nothing says so."""
    try:
        told = json.loads((folder / _RECORD).read_text("utf-8"))
        record = Fetched(**told)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return record if is_uid(record.study) and is_uid(record.series) else None


def fetched(home: Home) -> dict[tuple[str, str, str], Path]:
    """The folders of whole series, by server, study and series."""
    found = {}
    for folder in sorted(home.fetched.glob("[0-9a-f]*")):
        told = read_record(folder)
        if told is not None:
            found[told.server, told.study, told.series] = folder
    return found


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
