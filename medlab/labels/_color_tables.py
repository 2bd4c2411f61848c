"""Names and colours of segments in a file of their own, for formats that have no room for them.

| file | for | keeps |
|---|---|---|
| `.labels.json` | medlab | everything a segment has |
| `.txt` | ITK-SNAP | id, name, colour, opacity, shown or hidden; `"` in a name becomes `'` |
| `.ctbl` | 3D Slicer to 5.8 | id, name, colour, opacity; blanks are kept as `_` |
| `.csv` | 3D Slicer from 5.10 | id, name, colour, opacity, code; `"` becomes `'` |

A `_` in a name comes back from `.ctbl` as a blank: the format has one sign for both.

Sources:
    ITK-SNAP, header of its label description files.
    3D Slicer developer guide, "Colors", color table file formats.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.labels._plain_text import (
    guarded,
    hex_color,
    plain_text,
    rgb,
    unguarded,
)
from medlab.labels._segment import Segment, as_segments, segments_to_json
from medlab.labels._terminology import STRUCTURE
from medlab.scans import write_atomically

_LARGEST_BYTES = 8 << 20
_SNAP_HEADER = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
# Fields:
#    IDX:   Zero-based index
#    -R-:   Red color component (0..255)
#    -G-:   Green color component (0..255)
#    -B-:   Blue color component (0..255)
#    -A-:   Label transparency (0.00 .. 1.00)
#    VIS:   Label visibility (0 or 1)
#    MSH:   Label mesh visibility (0 or 1)
#  LABEL:   Label description
################################################
"""
_SNAP_LINE = re.compile(
    r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+([\d.eE+-]+)\s+([01])\s+([01])\s+"(.*)"\s*'
)
_SLICER_LINE = re.compile(r"\s*(\d+)\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)(?:\s+(\d+))?\s*")
_TYPE, _CATEGORY = (
    [f"{name}_{part}" for part in ("CodingScheme", "CodeValue", "CodeMeaning")]
    for name in ("Type", "Category")
)
_COLUMNS = [
    *("LabelValue", "Name", "Color_R", "Color_G", "Color_B", "Color_A"),
    *_CATEGORY,
    *_TYPE,
]


def table_path(path: Path) -> Path:
    """Where the names and colours of a NIfTI label file lie.

    Example:
        >>> table_path(Path("lungs.nii.gz")).name
        'lungs.labels.json'
    """
    return path.with_name(f"{_stem(path)}.labels.json")


def find_color_table(path: Path) -> Path | None:
    """The table beside a label file: medlab's own, else ITK-SNAP's or 3D Slicer's.

    A `.txt` or `.csv` of that name that is no colour table is somebody's notes.
    """
    own = table_path(path)
    if own != path and own.exists():
        return own
    for ending in (".label", ".txt", ".ctbl", ".csv"):
        beside = path.with_name(_stem(path) + ending)
        if beside == path or not beside.is_file():
            continue
        try:
            read_color_table(beside, beside.name)
        except MedlabError:
            continue
        return beside
    return None


def read_color_table(path: Path, name: str | None = None) -> tuple[Segment, ...]:
    """Read a table of any of these kinds; its content tells which.

    Args:
        path: The file.
        name: What to call it in messages.

    Raises:
        MedlabError: If it is none of them, or a line of it makes no sense.
    """
    name = name or path.name
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ValueError("size")
        text = path.read_bytes().decode("utf-8-sig")
        if name.lower().endswith(".json"):
            return as_segments(json.loads(text)["segments"])
        first = text.lstrip().partition("\n")[0]
        if "LabelValue" in first:
            return as_segments(_from_slicer_csv(text))
        return as_segments(_from_lines(text))
    except FileNotFoundError as error:
        raise MedlabError(
            f"There must be a table of segments {name!r}, got nothing there. "
            "Look for its name.",
            code="bad-table",
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError, csv.Error) as error:
        kind = (
            "the JSON table of segments that medlab wrote"
            if name.lower().endswith(".json")
            else "a label description of ITK-SNAP or a colour table of 3D Slicer"
        )
        raise MedlabError(
            f"{name!r} must be {kind}, got "
            "something else. Mend it, or move it away to read the labels without names.",
            code="bad-table",
        ) from error


def write_color_table(path: Path | str, segments: Iterable[Segment]) -> Path:
    """Write a table in the form its suffix names: `.json`, `.txt`, `.ctbl` or `.csv`.

    Raises:
        MedlabError: If the suffix is none of these.
    """
    target, listed = Path(path), tuple(segments)
    writers = {
        ".json": _as_json,
        ".txt": _as_snap,
        ".label": _as_snap,
        ".ctbl": _as_slicer_table,
        ".csv": _as_slicer_csv,
    }
    writer = writers.get(target.suffix.lower())
    if writer is None:
        raise MedlabError(
            "A table of segments is written as .json, .txt (ITK-SNAP), .ctbl or .csv "
            f"(3D Slicer), got {target.name!r}. Choose one of these.",
            code="bad-suffix",
        )
    write_atomically(target, writer(listed).encode())
    return target


def _stem(path: Path) -> str:
    name = path.name
    for ending in (".nii.gz", ".nii", ".nrrd", ".mha"):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def _as_json(segments: Sequence[Segment]) -> str:
    return json.dumps({"segments": segments_to_json(segments)}, indent=2)


def _as_snap(segments: Sequence[Segment]) -> str:
    lines = ['    0     0    0    0        0  0  0    "Clear Label"']
    for segment in segments:
        red, green, blue = rgb(segment.color)
        name = plain_text(segment.name).replace('"', "'")
        shown = int(segment.visible)
        lines.append(
            f"{segment.id:5d} {red:5d} {green:4d} {blue:4d} {segment.opacity / 100:8g}"
            f'  {shown}  {shown}    "{name}"'
        )
    return _SNAP_HEADER + "\n".join(lines) + "\n"


def _as_slicer_table(segments: Sequence[Segment]) -> str:
    lines = ["# Color table file", f"# {len(segments) + 1} values"]
    lines.append("0 Background 0 0 0 0")
    for segment in segments:
        name = re.sub(r"\s", "_", plain_text(segment.name))
        parts = " ".join(map(str, rgb(segment.color)))
        lines.append(f"{segment.id} {name} {parts} {round(segment.opacity * 2.55)}")
    return "\n".join(lines) + "\n"


def _as_slicer_csv(segments: Sequence[Segment]) -> str:
    content = io.StringIO()
    table = csv.DictWriter(content, _COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for segment in segments:
        red, green, blue = rgb(segment.color)
        row: dict[str, Any] = {
            "LabelValue": segment.id,
            "Name": _cell(segment.name),
            **{"Color_R": red, "Color_G": green, "Color_B": blue},
            "Color_A": round(segment.opacity * 2.55),
        }
        if segment.code is not None:
            code = segment.code
            told = (code.scheme, code.value, code.meaning)
            row.update(zip(_TYPE, map(_cell, told), strict=True))
            row.update(zip(_CATEGORY, STRUCTURE.values(), strict=True))
        table.writerow(row)
    return content.getvalue()


def _cell(text: str) -> str:
    return guarded(plain_text(text).replace('"', "'"))


def _from_lines(text: str) -> Iterator[dict[str, Any]]:
    found = False
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        snap, slicer = _SNAP_LINE.fullmatch(line), _SLICER_LINE.fullmatch(line)
        if snap:
            number, *parts = (int(part) for part in snap.groups()[:4])
            opacity, shown, name = float(snap[5]), snap[6] == "1", snap[8]
        elif slicer:
            number, *parts = (int(slicer[n]) for n in (1, 3, 4, 5))
            opacity, shown = int(slicer[6] or 255) / 255, True
            name = slicer[2].replace("_", " ")
        else:
            raise ValueError("line")
        found = True
        if number:
            yield _told(number, name, parts, opacity, shown)
    if not found:
        raise ValueError("empty")


def _from_slicer_csv(text: str) -> Iterator[dict[str, Any]]:
    for row in csv.DictReader(io.StringIO(text)):
        number = int(row["LabelValue"])
        parts = [int(row[f"Color_{letter}"]) for letter in "RGB"]
        opacity = int(row.get("Color_A") or 255) / 255
        if not number:
            continue
        told = _told(number, unguarded(row.get("Name") or ""), parts, opacity, True)
        scheme, value, meaning = (
            plain_text(unguarded(row.get(column) or "")) for column in _TYPE
        )
        if scheme and value:
            told["code"] = {
                **{"scheme": scheme, "value": value},
                "meaning": meaning or value,
            }
        yield told


def _told(
    number: int, name: str, parts: list[int], opacity: float, shown: bool
) -> dict[str, Any]:
    return {
        "id": number,
        "name": plain_text(name) or f"segment {number}",
        "color": hex_color(*parts),
        "opacity": round(100 * min(max(opacity, 0.0), 1.0)),
        "visible": shown,
    }
