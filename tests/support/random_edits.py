"""Random edits by the rules of `tests/contract/fuzz.md`, and what their frames must be.

`python -m tests.support.random_edits` writes `tests/contract/fuzz.json`. Its encoder knows
the contract and nothing of medlab.
"""

import hashlib
import json
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

FIXTURE = Path(__file__).parents[1] / "contract" / "fuzz.json"
BLOCK = 1000
BLOCKS = 100

LETTERS = [
    *("a", "Z", "0", " ", '"', "\\", "/", "\n", "\t", "\r", "\b", "\f"),
    *("\x01", "\x1f", "\x7f", "é", "ß", "中", "😀", "\u2028", "\ud800", "<"),
]
KINDS = ["point", "line", "angle", "rectangle", "ellipse", "box", "class"]
POINTS = {"point": 1, "line": 2, "angle": 3, "rectangle": 2, "ellipse": 2, "box": 2}
PLANES = ["axial", "sagittal", "coronal"]
STATES = ["not-started", "in-progress", "completed", "flagged"]
VALUES = [0, 0, 1, 2, 255, 256, 65534, 65535]

_Item = TypeVar("_Item")


class Chance:
    """xorshift32: Marsaglia, 2003, "Xorshift RNGs", the triple 13, 17, 5."""

    def __init__(self, block: int) -> None:
        self._state = 0x9E3779B9 * (block + 1) % 2**32

    def next(self) -> int:
        state = self._state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._state = state
        return state

    def below(self, limit: int) -> int:
        return self.next() % limit

    def one(self, items: Sequence[_Item]) -> _Item:
        return items[self.below(len(items))]

    def flag(self) -> bool:
        return self.below(2) == 1

    def hex8(self) -> str:
        return f"{self.next():08x}"

    def text(self) -> str:
        return "".join([self.one(LETTERS) for _ in range(self.below(9))])

    def color(self) -> str:
        return f"#{self.next() & 0xFFFFFF:06x}"


def edits(block: int) -> Iterator[dict[str, Any]]:
    """The thousand edits of a block: fields of the header, and labels before and after."""
    chance = Chance(block)
    for _ in range(BLOCK):
        yield _edit(chance)


def _edit(chance: Chance) -> dict[str, Any]:
    edit: dict[str, Any] = {
        "scan": chance.hex8() + chance.hex8(),
        "layer": chance.one(["labels", "Ebene 2", "a_b-c"]),
        "rev": None if chance.flag() else chance.below(1000000),
        "base": chance.below(1000000),
        "session": chance.hex8(),
        "seq": chance.below(1000000),
        "tool": chance.one(["brush", "undo", "import", "segments", "marks"]),
        "seg": chance.below(65536),
    }
    has_box, has_segments = chance.flag(), chance.below(3) == 0
    has_marks = chance.below(3) == 0
    edit.update(box=None, before=[], after=[])
    if has_box:
        box, size = [], 1
        for _ in range(3):
            start, length = chance.below(500), 1 + chance.below(12)
            box += [start, start + length]
            size *= length
        edit.update(box=box, before=_labels(chance, size))
        edit["after"] = _labels(chance, size)
    if has_segments:
        edit["segments"] = _two(chance, _segments)
    if has_marks:
        edit["marks"] = _two(chance, _marks)
    if chance.flag():
        edit["by"] = chance.hex8()
    if chance.flag():
        edit["step"] = chance.below(1000000)
    if chance.below(4) == 0:
        which = chance.one(["undo", "redo"])
        edit["turn"] = [which, chance.hex8(), chance.below(1000000)]
    return edit


def _two(chance: Chance, draw: Any) -> dict[str, Any]:
    return {"before": draw(chance), "after": draw(chance)}


def _labels(chance: Chance, size: int) -> list[int]:
    labels: list[int] = []
    while len(labels) < size:
        longest = 200 if chance.below(4) == 0 else 5
        length = 1 + chance.below(longest)
        labels += [chance.one(VALUES)] * length
    return labels[:size]


def _segments(chance: Chance) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    number = 0
    for _ in range(chance.below(4)):
        number += 1 + chance.below(1000)
        segment = {
            "id": number,
            "name": "s" + chance.text(),
            "color": chance.color(),
            "locked": chance.flag(),
            "visible": chance.flag(),
            "opacity": chance.below(101),
            "outlined": chance.flag(),
            "state": chance.one(STATES),
            "code": None,
        }
        if chance.below(3) == 0:
            segment["code"] = {
                "scheme": "S" + chance.text(),
                "value": "v" + chance.text(),
                "meaning": "m" + chance.text(),
            }
        listed.append(segment)
    return listed


def _marks(chance: Chance) -> list[dict[str, Any]]:
    return [_mark(chance) for _ in range(chance.below(4))]


def _mark(chance: Chance) -> dict[str, Any]:
    mark: dict[str, Any] = {
        "id": chance.hex8() + f"{chance.next() & 0xFFFF:04x}",
        "kind": chance.one(KINDS),
        "name": chance.text(),
        "color": chance.color() if chance.flag() else None,
        "segment": 1 + chance.below(65535) if chance.flag() else None,
    }
    is_class, is_flat = (
        mark["kind"] == "class",
        mark["kind"] in ("rectangle", "ellipse"),
    )
    scope = chance.one(["study", "image", "slice"]) if is_class else None
    is_slice = scope == "slice"
    mark["plane"] = chance.one(PLANES if is_flat or is_slice else [None, *PLANES])
    count = POINTS.get(mark["kind"], 1 if is_slice else 0)
    mark["points"] = [[_number(chance) for _ in range(3)] for _ in range(count)]
    if is_flat:
        mark["points"][1][2] = mark["points"][0][2]
    mark["scope"] = scope
    if is_class:
        mark["value"] = "v" + chance.text()
    else:
        mark["value"] = chance.text() if chance.flag() else None
    mark["note"] = chance.text()
    return mark


def _number(chance: Chance) -> float:
    return (chance.below(2000001) - 1000000) / chance.one([1, 2, 3, 7, 8, 1000, 4096])


# What the frames must be ------------------------------------------------------------


def expected_frame(edit: dict[str, Any]) -> bytes:
    """The frame of an edit, from the words of the contract alone."""
    before, after = _runs(edit["before"]), _runs(edit["after"])
    names = ("scan", "layer", "rev", "base", "session", "seq", "tool", "seg", "box")
    header: dict[str, Any] = {"op": "delta", **{name: edit[name] for name in names}}
    header["enc"] = "rle"
    header["lengths"] = [len(before), len(after)]
    header["crc"] = zlib.crc32(before + after)
    for name in ("segments", "marks", "by", "step", "turn"):
        if name in edit:
            header[name] = edit[name]
    if "marks" in edit:
        header["marks"] = {
            side: [
                {**mark, "points": [[_written(n) for n in p] for p in mark["points"]]}
                for mark in marks
            ]
            for side, marks in edit["marks"].items()
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False)
    data = text.replace("\ud800", "\\ud800").encode()
    return b"MLD1" + struct.pack("<I", len(data)) + data + before + after


def _written(number: float) -> float:
    thousandths = math.floor(number * 1000 + 0.5)
    whole, rest = divmod(thousandths, 1000)
    return thousandths / 1000 if rest else whole


def _runs(labels: list[int]) -> bytes:
    data, start = b"", 0
    for at in range(1, len(labels) + 1):
        if at == len(labels) or labels[at] != labels[start]:
            data += struct.pack("<IH", at - start, labels[start])
            start = at
    return data


def main() -> None:
    digests = []
    for block in range(BLOCKS):
        digest = hashlib.sha256()
        for edit in edits(block):
            digest.update(expected_frame(edit))
        digests.append(digest.hexdigest())
    first = [
        expected_frame(edit).hex() for edit, _ in zip(edits(0), range(3), strict=False)
    ]
    told = {"block": BLOCK, "first_frames_hex": first, "sha256": digests}
    FIXTURE.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
