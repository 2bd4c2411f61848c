"""DICOMDIR: the table of contents of a CD, a DVD or a memory stick.

It names patients, studies, series and images, and the file of each image. File names are taken
from the table alone if they stay below its folder.

Source:
    DICOM PS3.3, F (basic directory); PS3.10, 8 (file IDs); ISO 9660 for `;1` and capitals.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from medlab.scans._header import plain
from medlab.scans._limits import NotAScan, damaged
from medlab.scans.dicom._file import (
    check_deflated,
    is_dicom,
    may_be_dicom,
    not_dicom,
)

_DIRECTORY = "1.2.840.10008.1.3.10"
_MOST_RECORDS = 1_000_000


@dataclass(frozen=True)
class MediaSeries:
    """One series of a media set.

    Attributes:
        uid: SeriesInstanceUID.
        files: Those of its images that are there, in the order of the table.
        missing: How many images the table names that are not there.
        patient, study, description: Private and hostile text, for the screen only.
    """

    uid: str
    files: tuple[Path, ...]
    missing: int = 0
    modality: str = ""
    patient: str = ""
    study: str = ""
    study_uid: str = ""
    description: str = ""
    date: str = ""


@dataclass
class _Series:
    told: dict[str, str]
    files: list[Path] = field(default_factory=list)
    missing: int = 0


def is_dicomdir(path: Path) -> bool:
    """Whether a file is the table of contents of a media set."""
    return path.name.upper().startswith("DICOMDIR") and is_dicom(path)


def table_of_contents(folder: Path) -> Path | None:
    """The DICOMDIR of a folder without other DICOM files; None if there are, or none."""
    try:
        named = [p for p in folder.iterdir() if may_be_dicom(p.name) and p.is_file()]
    except OSError:
        return None
    table = next((p for p in sorted(named) if is_dicomdir(p)), None)
    others = (p for p in named if not is_dicomdir(p))
    return None if table is None or any(map(is_dicom, others)) else table


def media_files(path: Path, series: str | None = None) -> list[Path]:
    """Files that a DICOMDIR names; of one series, as `ScanSource.series` calls it."""
    uid = None if series is None else series.partition("#")[0]
    listed = [one for one in read_dicomdir(path) if uid in (None, one.uid)]
    return [file for one in listed for file in one.files]


def read_dicomdir(path: Path) -> list[MediaSeries]:
    """The series of a media set, in the order of its table of contents.

    Args:
        path: The DICOMDIR file.

    Raises:
        MedlabError: If it is none, or is damaged.
    """
    name = path.name
    if not is_dicom(path):
        raise not_dicom(name)
    check_deflated(path, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = import_module("pydicom").dcmread(path)
            meta = table.file_meta.get("MediaStorageSOPClassUID", "")
            if str(meta) != _DIRECTORY:
                raise NotAScan(
                    f"{name} must be the table of contents of a media set (DICOMDIR), got "
                    "another kind of DICOM file. Open it as a scan."
                )
            found = _series(table, path.parent)
    except NotAScan:
        raise
    except Exception as error:
        raise damaged(name, "DICOMDIR") from error
    return [
        MediaSeries(uid, tuple(one.files), one.missing, **one.told)
        for uid, one in found.items()
    ]


def _series(table: Any, folder: Path) -> dict[str, _Series]:
    records = list(table.get("DirectoryRecordSequence") or [])[:_MOST_RECORDS]
    found: dict[str, _Series] = {}
    names = _Names(folder)
    told = {"patient": "", "study": "", "study_uid": "", "date": ""}
    series: _Series | None = None
    for record in records:
        kind = str(record.get("DirectoryRecordType", ""))
        if kind == "PATIENT":
            series = None
            told["patient"] = plain(record.get("PatientName"))
        elif kind == "STUDY":
            series = None
            told["study"] = plain(record.get("StudyDescription"))
            told["study_uid"] = plain(record.get("StudyInstanceUID"))
            told["date"] = plain(record.get("StudyDate"))
        elif kind == "SERIES":
            uid = plain(record.get("SeriesInstanceUID")) or "without-uid"
            series = found.setdefault(
                uid,
                _Series(
                    {
                        **told,
                        "modality": plain(record.get("Modality")),
                        "description": plain(record.get("SeriesDescription")),
                    }
                ),
            )
        elif series is not None and record.get("ReferencedFileID"):
            file = names.find(record.ReferencedFileID)
            if file is None:
                series.missing += 1
            else:
                series.files.append(file)
    return found


class _Names:
    """Files by what a table of contents calls them, whatever case they are copied in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._seen: dict[Path, dict[str, Path]] = {}

    def find(self, file_id: Any) -> Path | None:
        """The file, or None if it is not there or not below the folder."""
        parts = [file_id] if isinstance(file_id, str) else list(file_id)
        here = self._folder
        for part in parts:
            for step in str(part).replace("\\", "/").split("/"):
                found = self._below(here).get(_plain_name(step))
                if not step or found is None:
                    return None
                here = found
        real = here.resolve()
        inside = real.is_relative_to(self._folder) and real.is_file()
        return here if inside else None

    def _below(self, folder: Path) -> dict[str, Path]:
        if folder not in self._seen:
            self._seen[folder] = dict(self._entries(folder))
        return self._seen[folder]

    def _entries(self, folder: Path) -> Iterator[tuple[str, Path]]:
        try:
            for path in folder.iterdir():
                yield _plain_name(path.name), path
        except OSError:
            return


def _plain_name(name: str) -> str:
    return name.upper().removesuffix(";1").rstrip(".")
