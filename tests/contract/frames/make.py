"""Writes the frames beside it, from nothing but the words of the contract.

Run `python tests/contract/frames/make.py` after a change of the format; both test suites then
judge their half. Imports nothing of medlab on purpose.
"""

import json
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
SCAN = "0123456789abcdef"
# As journals hold them that were written before segments had states and codes.
OLD_LUNG = {
    **{"id": 1, "name": "lung", "color": "#e69f00"},
    **{"locked": False, "visible": True},
}
OLD_HEART = {
    **{"id": 2, "name": "Herz ♥", "color": "#56b4e9"},
    **{"locked": True, "visible": False},
}
LUNG = {
    **OLD_LUNG,
    **{"opacity": 100, "outlined": True, "state": "not-started", "code": None},
}
HEART = {
    **OLD_HEART,
    **{"opacity": 45, "outlined": False, "state": "completed"},
    "code": {"scheme": "SCT", "value": "80891009", "meaning": "Heart"},
}
NODULE = {
    **{"id": "00aa11bb22cc", "kind": "point", "name": "nodule", "color": None},
    **{"segment": 1, "plane": None, "points": [[1, 2.5, 0.125]]},
    **{"scope": None, "value": None, "note": 'r = 3 mm, "solid"?'},
}
BOX = {
    **{"id": "ffeeddccbbaa", "kind": "rectangle", "name": "", "color": "#ff6e3a"},
    **{"segment": None, "plane": "axial", "points": [[-0.5, 0, 3], [10.001, 7, 3]]},
    **{"scope": None, "value": None, "note": ""},
}
MOVED = {**NODULE, "points": [[1, 2.501, 0]]}
QUALITY = {
    **{"id": "0123456789ab", "kind": "class", "name": "qualité", "color": None},
    **{"segment": None, "plane": None, "points": []},
    **{"scope": "image", "value": "usable", "note": ""},
}


def runs(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<IH", count, value) for count, value in pairs)


def unfold(*pairs: tuple[int, int]) -> list[int]:
    return [value for count, value in pairs for _ in range(count)]


def frame(header: dict, payload: bytes) -> bytes:
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return b"MLD1" + struct.pack("<I", len(text)) + text + payload


def write(
    name: str, header: dict, payload: bytes = b"", voxels: list | None = None
) -> bytes:
    data = frame(header, payload)
    told = {"header": header, "payload_hex": payload.hex()}
    if voxels is not None:
        told["voxels"] = voxels
    (HERE / f"{name}.bin").write_bytes(data)
    (HERE / f"{name}.json").write_text(json.dumps(told, indent=1, ensure_ascii=False))
    return data


def delta(name: str, box, before, after, **changes) -> bytes:
    first, second = runs(*before), runs(*after)
    header = {
        **{"op": "delta", "scan": SCAN, "layer": "labels", "rev": 4, "base": 3},
        **{"session": "00c0ffee", "seq": 17, "tool": "brush", "seg": 1, "box": box},
        **{"enc": "rle", "lengths": [len(first), len(second)]},
        "crc": zlib.crc32(first + second),
        **changes,
    }
    # A long run is told by its payload alone: 90,000 numbers are no table.
    is_short = box is not None and sum(count for count, _ in before) < 1000
    voxels = [unfold(*before), unfold(*after)] if is_short else None
    return write(name, header, first + second, voxels)


def snapshot(name: str, shape, dtype, pairs, segments, rev, marks=()) -> bytes:
    payload = runs(*pairs)
    listed = {} if marks is None else {"marks": list(marks)}
    header = {
        **{"op": "snapshot", "scan": SCAN, "layer": "labels", "rev": rev},
        **{"shape": shape, "dtype": dtype, "enc": "rle", "segments": segments},
        **{**listed, "crc": zlib.crc32(payload)},
    }
    return write(name, header, payload, [unfold(*pairs)])


def slab(name: str, box, dtype, channels, layout, values) -> bytes:
    header = {
        **{"op": "slab", "scan": SCAN, "box": box, "dtype": dtype},
        **{"channels": channels, "enc": "raw", "crc": None},
    }
    return write(
        name, header, struct.pack(f"<{len(values)}{layout}", *values), [values]
    )


def ack(name: str, rev: int, seq: int) -> bytes:
    header = {"op": "ack", "layer": "labels", "rev": rev, "session": "00c0ffee"}
    return write(name, {**header, "seq": seq, "state": "on-disk"})


def main() -> None:
    first = delta(
        "delta", [2, 5, 1, 3, 0, 2], [(12, 0)], [(1, 0), (2, 1), (4, 0), (5, 1)]
    )
    lists = {"before": [LUNG], "after": [LUNG, HEART]}
    second = delta(
        *("segments", None, [], []),
        **{"tool": "segments", "seg": 0, "seq": 18, "base": 4, "rev": 5},
        segments=lists,
    )
    old = {"before": [OLD_LUNG], "after": [OLD_LUNG, OLD_HEART]}
    delta(
        *("segments-old", None, [], []),
        **{"tool": "segments", "seg": 0, "seq": 18, "base": 4, "rev": 5},
        segments=old,
    )
    delta(
        *("marks", None, [], []),
        **{"tool": "marks", "seg": 0, "seq": 19, "base": 5, "rev": 6},
        marks={"before": [NODULE], "after": [MOVED, BOX, QUALITY]},
        **{"by": "5eed5eed", "step": 19},
    )
    delta(
        *("delta-step", [0, 2, 0, 1, 0, 1], [(2, 0)], [(1, 1), (1, 0)]),
        **{"seq": 21, "base": 6, "rev": 7, "by": "5eed5eed", "step": 20},
    )
    delta(
        *("delta-undo", [0, 2, 0, 1, 0, 1], [(1, 1), (1, 0)], [(2, 0)]),
        **{"seq": 22, "base": 7, "rev": 8, "tool": "undo", "by": "5eed5eed"},
        **{"step": 22, "turn": ["undo", "00c0ffee", 20]},
    )
    delta(
        *("delta-all", [0, 1, 0, 1, 0, 2], [(2, 0)], [(2, 2)]),
        **{"seq": 23, "base": 8, "rev": 9, "tool": "import", "seg": 0},
        segments={"before": [HEART, LUNG], "after": [LUNG, HEART]},
        marks={"before": [BOX], "after": []},
        **{"by": "5eed5eed", "step": 23, "turn": ["redo", "00c0ffee", 9]},
    )
    delta("delta-unsent", [0, 1, 0, 1, 0, 1], [(1, 0)], [(1, 1)], rev=None, seq=0)
    delta("delta-high-ids", [0, 3, 0, 1, 0, 1], [(3, 256)], [(2, 65535), (1, 256)])
    delta("delta-long-run", [0, 300, 0, 300, 0, 1], [(90000, 0)], [(90000, 2)], seg=2)
    snapshot(
        *("snapshot", [3, 4, 2], "u1", [(5, 0), (3, 1), (15, 0), (1, 2)]),
        *([HEART, LUNG], 5, [MOVED, BOX]),
    )
    snapshot(
        *("snapshot-old", [3, 4, 2], "u1", [(5, 0), (3, 1), (15, 0), (1, 2)]),
        *([OLD_LUNG, OLD_HEART], 5, None),
    )
    snapshot("snapshot-empty", [7, 8, 9], "u1", [(504, 0)], [], 0)
    snapshot("snapshot-u2", [2, 2, 2], "u2", [(7, 300), (1, 65535)], [], 12)
    slab("slab", [0, 2, 0, 3, 4, 5], "i2", 1, "h", [-1024, -1, 0, 1, 40, 32767])
    slab("slab-float", [0, 2, 0, 1, 0, 2], "f4", 1, "f", [0.5, -1.25, 3.0, 1024.0])
    slab("slab-colour", [0, 2, 0, 1, 0, 1], "u1", 3, "B", [255, 0, 1, 2, 3, 254])
    write_body = [first, second, ack("ack", 5, 18)]
    body = b"".join(struct.pack("<I", len(data)) + data for data in write_body)
    (HERE / "body.bin").write_bytes(body)
    names = {"frames": ["delta", "segments", "ack"]}
    (HERE / "body.json").write_text(json.dumps(names, indent=1))


if __name__ == "__main__":
    main()
