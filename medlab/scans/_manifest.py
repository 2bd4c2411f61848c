"""The manifest of a folder that was made from scans: which file came from which scan.

Scans are named by their ids; `find_scan` finds them again. Neither a path nor a word of a
patient is in it, so the folder can be given away.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.scans._atomic import write_atomically
from medlab.scans._summary import ScanSummary

NAME = "manifest.json"
_VERSION = 1
_EVERY_S = 2.0
_MODALITIES = (
    "CR", "CT", "DX", "ES", "GM", "IO", "MG", "MR", "NM", "OP", "OPT", "OT", "PT", "PX",
    "RF", "RG", "SC", "SM", "US", "XA", "XC",
)  # fmt: skip


class Manifest:
    """What is known of the files in `folder`; on disk soon after each change.

    Args:
        folder: Where the files are.
        kind: What made them, such as "converted scans".

    Raises:
        MedlabError: If the folder has another manifest, or one that cannot be read.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._file, self._kind, self._saved = folder / NAME, kind, 0.0
        self.scans: dict[str, dict[str, Any]] = {}
        if not self._file.exists():
            return
        try:
            told = json.loads(self._file.read_text("utf-8"))
            if (told["kind"], told["version"]) != (kind, _VERSION):
                raise ValueError
            self.scans = {str(entry["id"]): dict(entry) for entry in told["scans"]}
        except (OSError, ValueError, KeyError, TypeError):
            raise MedlabError(
                f"{NAME} of the target folder must tell of {kind}, got something else. "
                "Choose an empty folder, or move that file away.",
                code="other-manifest",
            ) from None

    def is_done(self, scan_id: str, stamp: str, options: Mapping[str, Any]) -> bool:
        """Whether the file of a scan is there and was made from it as it is now."""
        entry = self.scans.get(scan_id)
        if entry is None or "file" not in entry:
            return False
        file = self._file.parent / str(entry["file"])
        return (
            entry.get("stamp") == stamp
            and entry.get("options") == dict(options)
            and file.is_file()
            and file.stat().st_size == entry.get("size_bytes")
        )

    def note(self, scan_id: str, entry: Mapping[str, Any]) -> None:
        """Remember how a scan fared; saved now and then, and by `save`."""
        known = self.scans.get(scan_id, {})
        if "error" in entry and "file" in known:
            # The file of an earlier time is still there, and still what it was.
            entry = {**known, "error": entry["error"]}
        self.scans[scan_id] = {"id": scan_id, **entry}
        if time.monotonic() - self._saved > _EVERY_S:
            self.save()

    def save(self) -> None:
        """Write it, whole or not at all."""
        listed = [self.scans[scan_id] for scan_id in sorted(self.scans)]
        told = {"kind": self._kind, "version": _VERSION, "scans": listed}
        write_atomically(self._file, json.dumps(told, indent=1).encode())
        self._saved = time.monotonic()


def file_name(scan: ScanSummary, ending: str) -> str:
    """A file name without patient text: modality and id of the scan.

    Example:
        >>> file_name(ScanSummary("866ce19befd0f834", "a", None, "a", "nrrd", "CT"), ".nii.gz")
        'ct-866ce19befd0f834.nii.gz'
    """
    kind = scan.modality.lower() if scan.modality in _MODALITIES else "scan"
    return f"{kind}-{scan.id}{ending}"


def without_name(sentence: str, scan: ScanSummary) -> str:
    """A sentence about a scan, with its id in place of its file name.

    Example:
        >>> scan = ScanSummary("866ce19befd0f834", "x/doe.nii", None, "doe.nii", "nifti")
        >>> without_name("doe.nii has a gap.", scan)
        'scan 866ce19befd0f834 has a gap.'
    """
    return sentence.replace(scan.name, f"scan {scan.id}") if scan.name else sentence
