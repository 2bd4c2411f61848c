"""A library of a hundred thousand series that need no hundred thousand files.

Each folder holds one small file, and its rows are put straight into the index under the
stamp that this file has: whoever looks for changes finds none.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

from medlab.scans import Home, ScanSource
from medlab.scans._summary import ScanSummary
from medlab.scans.index._file import with_index, workplace_salt
from medlab.scans.index._store import _COLUMNS, _SEARCHED, with_keys
from medlab.scans.index._walk import Unit, walk_units

IN_FOLDER = 500
BODY_PARTS = ("CHEST", "HEAD", "KNEE", "ABDOMEN", "SPINE", "PELVIS", "HEART")
SEQUENCES = (
    "t1 mprage",
    "t2 tse",
    "thin",
    "lung kernel",
    "dwi",
    "localiser",
    "contrast",
)
MODALITIES = ("CT", "MR", "MR", "CT", "PT", "US", "MR")
WARNING = (
    "Slices lie 2.5 to 5 mm apart: one may be missing, and distances across slices are not "
    "exact."
)
ERROR = (
    "The series must be whole, got a file that ends in its pixels. Copy it again from where "
    "it came."
)

# From the key to the frame that shows the rows it means.
TYPED = """async words => {
  const input = document.querySelector('.medlab-ScanBrowser-header input');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
  const refresh = document.querySelector('.medlab-ScanBrowser-refresh');
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const start = performance.now();
  set.call(input, words);
  input.dispatchEvent(new Event('input', { bubbles: true }));
  do { await frame(); } while (refresh.getAttribute('aria-busy') === 'true');
  await new Promise(done => setTimeout(done));
  return performance.now() - start;
}"""

_TEMPLATE = ScanSummary("", "", None, "", "dicom").to_json()


def make_library(root: Path, count: int = 100_000) -> Home:
    """Put `count` series of `count / 4` patients into the index of a root.

    Every hundredth cannot be read, every twentieth has a warning, every fiftieth is 4D, and
    every two-hundredth has a segmentation.
    """
    home = Home(root.resolve(), root.resolve() / ".medlab")
    folders = (count + IN_FOLDER - 1) // IN_FOLDER
    for number in range(folders):
        folder = root / "library" / f"{number:03d}"
        folder.mkdir(parents=True)
        (folder / "IM0.dcm").write_bytes(b"no scan")
    units = {
        found.folder: found.units[0]
        for found in walk_units(root, home)
        if found.folder.startswith("library/")
    }
    with_index(home, lambda index: _fill(index, home, units, count))
    return home


def _fill(
    index: sqlite3.Connection, home: Home, units: dict[str, Unit], count: int
) -> None:
    """As `medlab.scans.index._store` stores rows, without looking for older ones."""
    salt = workplace_salt(home)
    index.execute("BEGIN IMMEDIATE")
    for number, (folder, unit) in enumerate(sorted(units.items())):
        index.execute(
            "INSERT INTO units (unit, key, folder, stamp) VALUES (?, ?, ?, ?)",
            (number, unit.key, folder, unit.stamp),
        )
    scans, summaries, links = [], [], []
    for n in range(count):
        row = with_keys(make_row(n, f"library/{n // IN_FOLDER:03d}"), salt)
        searched = "\n".join(str(row[name]) for name in _SEARCHED).casefold()
        problem = 2 if row["error"] is not None else 1 if row["warnings"] else 0
        told = {**row, "unit": n // IN_FOLDER, "shown": 1, "problem": problem}
        told["words"] = searched
        scans.append((n, *(told[name] for name in _COLUMNS)))
        summaries.append((n, json.dumps(row)))
        if n % 200 == 2:
            path = f"library/{n // IN_FOLDER:03d}/seg-{n}.dcm"
            links.append((n // IN_FOLDER, row["series"], "seg", path, "Lungs"))
    holes = ", ".join("?" * (len(_COLUMNS) + 1))
    index.executemany(
        f"INSERT INTO scans (scan, {', '.join(_COLUMNS)}) VALUES ({holes})", scans
    )
    index.executemany("INSERT INTO summaries (scan, summary) VALUES (?, ?)", summaries)
    index.executemany(
        "INSERT INTO links (unit, series, kind, path, name) VALUES (?, ?, ?, ?, ?)",
        links,
    )
    index.execute("UPDATE about SET value = 1 WHERE name = 'revision'")
    index.execute("COMMIT")


def make_row(number: int, folder: str) -> dict[str, Any]:
    """The row of one series, as the index keeps it."""
    patient, kind = number // 4, number % 7
    series = f"1.2.826.0.1.3680043.8.498.{number}"
    path = f"{folder}/S{number:06d}"
    is_broken, is_4d = number % 100 == 37, number % 50 == 11
    return {
        **_TEMPLATE,
        "study_uid": f"1.2.826.0.1.3680043.8.499.{number // 2}",
        "id": ScanSource(path, series).scan_id,
        "path": path,
        "series": series,
        "name": f"S{number:06d}",
        "format": "dicom",
        "modality": "unknown" if is_broken else MODALITIES[kind],
        "shape": [] if is_broken else [512, 512, 40 + number % 300],
        "spacing_mm": [] if is_broken else [0.7, 0.7, 1.25],
        "orientation": "" if is_broken else "LPS",
        "size_bytes": 1000 + number,
        "slices": 0 if is_broken else 40 + number % 300,
        "patient": f"Patient^Nr{patient:05d}",
        "patient_id": f"ID{patient:06d}",
        "study": f"{BODY_PARTS[patient % 7].title()} {number // 2}",
        "description": SEQUENCES[kind],
        "date": f"20{10 + patient % 15}-{1 + patient % 12:02d}-{1 + patient % 28:02d}",
        "error": ERROR if is_broken else None,
        "warnings": [WARNING] if number % 20 == 4 else [],
        "body_part": BODY_PARTS[patient % 7],
        "frames": 30 if is_4d else 1,
        "frame_kind": "time" if is_4d else "",
        "frame_values": [2.5 * n for n in range(30)] if is_4d else [],
        "spacing_unit": "pixels" if number % 70 == 8 else "mm",
        "series_number": 1 + number % 4,
    }
