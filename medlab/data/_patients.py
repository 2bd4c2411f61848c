"""Whose scan is it? So that one person's scans stay on one side of a split.

What a case says itself (`patient`) counts first. A DICOM series has a PatientID. Other
files tell by their place: BIDS names a folder or file after the subject (`sub-07`), and a
file that tells nothing is taken for a person of its own.

What is returned is a hash for comparing, never for showing: numbers of patients are short,
and a hash of a short number can be turned back by trying all.

Source:
    BIDS specification 1.10, "Filesystem structure": `sub-<label>`.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from medlab.data._case import Case
from medlab.errors import MedlabError
from medlab.scans import Home, find_home, is_dicom, may_be_dicom, read_dicom

_SUBJECT = re.compile(r"(?:^|[^A-Za-z0-9])(sub-[A-Za-z0-9]+)")
_NOBODY = re.compile(r"[\W_]*(?:anon\w*|unknown|none|patient|no\W?id|0*)[\W_]*", re.I)
"""What software writes into PatientID when it takes the number away."""


def patient_keys(cases: Sequence[Case], home: Home | None = None) -> list[str]:
    """Tell for each case whose it is: equal keys mean the same person.

    Args:
        cases: What to learn from; only DICOM scans are looked into, one file each.
        home: Where the workplace lies; found by itself when not given.

    Returns:
        A hash each. Keep it in memory: it goes into no file and no log.
    """
    home = home or find_home()
    return [patient_of(case, home) for case in cases]


def patient_of(case: Case, home: Home | None = None) -> str:
    """Tell whose a case is; without `home` from what it says alone, reading nothing.

    Example:
        >>> a, b = Case("sub-01/anat/sub-01_T1w.nii"), Case("sub-01/anat/sub-01_T2w.nii")
        >>> patient_of(a) == patient_of(b) != patient_of(Case("sub-02/sub-02_T1w.nii"))
        True
    """
    if case.patient is not None:
        return _hashed("named", str(case.patient))
    number = _dicom_number(case, home) if home is not None else None
    if number is not None:
        return _hashed("dicom", number)
    path = _named(case, home)
    found = _SUBJECT.search(path)
    if found:
        # Without the folder above: the same subject may be in `derivatives`, too.
        return _hashed("subject", found[1])
    return _hashed("path", path, case.series or "")


def _named(case: Case, home: Home | None) -> str:
    if home is not None:
        given = Path(case.scan).expanduser()
        return home.name(given if given.exists() else home.root / given)
    return PurePosixPath(Path(case.scan).as_posix()).as_posix()


def _dicom_number(case: Case, home: Home) -> str | None:
    """The PatientID of a DICOM scan; None for other files and where it says nobody."""
    given = Path(case.scan).expanduser()
    path = next((p for p in (given, home.root / given) if p.exists()), None)
    if path is None:
        return None
    if path.is_dir():
        files = sorted(
            p for p in path.iterdir() if may_be_dicom(p.name) and p.is_file()
        )
    else:
        files = [path] if may_be_dicom(path.name) else []
    for file in files:
        if not is_dicom(file):
            continue
        header = _header(file)
        if header is None or case.series not in (None, header.get("SeriesInstanceUID")):
            continue
        number = str(header.get("PatientID", "") or "").strip()
        return None if _NOBODY.fullmatch(number) else number
    return None


def _header(file: Path) -> Any:
    try:
        return read_dicom(file, file.name).header
    except MedlabError:
        return None  # Reading the scan itself will tell what is wrong with it.


def _hashed(*parts: str) -> str:
    text = "\0".join(("medlab patient", *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
