"""NRRD and MetaImage headers that lie, or lead elsewhere."""

import bz2
import zlib

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import (
    SHAPE,
    SPACING,
    deflated,
    gzip_of_zeros,
    voxel_bytes,
    zlib_of_zeros,
)

_OWN = Accepted(SHAPE, SPACING, "what is odd does not touch the geometry")
_PIXELS = Accepted(
    SHAPE, (1, 1, 1), "no usable spacing, and says so", "pixels", warned="in pixels"
)

_NRRD = {
    "type": "int16",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "7 8 9",
    "space directions": "(0.75,0,0) (0,1.25,0) (0,0,2.5)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(1,2,3)",
}
_META = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "1 2 3",
    "ElementSpacing": "0.75 1.25 2.5",
    "DimSize": "7 8 9",
    "ElementType": "MET_SHORT",
    "ElementDataFile": "LOCAL",
}

_NO_SPACE = dict.fromkeys(("space", "space_directions", "space_origin"))
_BAD_NRRD: dict[str, dict[str, str | None]] = {
    "sizes-huge": {"sizes": "99999999999 99999999999 99999999999"},
    "sizes-large": {"sizes": "1290 1290 1290"},
    "sizes-negative": {"sizes": "7 -8 9"},
    "sizes-zero": {"sizes": "0 8 9"},
    "sizes-nan": {"sizes": "7 nan 9"},
    "sizes-fewer": {"sizes": "7 8"},
    "sizes-missing": {"sizes": None},
    "dimension-huge": {"dimension": "999999999"},
    "dimension-negative": {"dimension": "-3"},
    "dimension-words": {"dimension": "three"},
    "type-block": {"type": "block"},
    "type-unknown": {"type": "quaternion"},
    "type-wider": {"type": "double"},
    "encoding-unknown": {"encoding": "rot13"},
    "encoding-missing": {"encoding": None},
    "called-gzip": {"encoding": "gzip"},
    "called-bzip2": {"encoding": "bzip2"},
    "called-hex": {"encoding": "hex"},
    "directions-nan": {"space_directions": "(nan,0,0) (0,1,0) (0,0,1)"},
    "directions-zero": {"space_directions": "(0,0,0) (0,1,0) (0,0,1)"},
    "directions-infinite": {"space_directions": "(inf,0,0) (0,1,0) (0,0,1)"},
    "directions-flat": {"space_directions": "(1,0,0) (1,0,0) (0,0,1)"},
    "directions-few": {"space_directions": "(1,0,0) (0,1,0)"},
    "directions-short": {"space_directions": "(1,0) (0,1) (0,0)"},
    "directions-huge": {"space_directions": "(1e308,0,0) (0,1e308,0) (0,0,1)"},
    "directions-words": {"space_directions": "(a,b,c) (0,1,0) (0,0,1)"},
    "origin-nan": {"space_origin": "(nan,0,0)"},
    "origin-short": {"space_origin": "(1,2)"},
    "spacings-nan": {**_NO_SPACE, "spacings": "nan 1 1"},
    "spacings-zero": {**_NO_SPACE, "spacings": "0 1 1"},
    "spacings-infinite": {**_NO_SPACE, "spacings": "inf 1 1"},
    "byte-skip-huge": {"byte_skip": "999999999999"},
    "byte-skip-negative": {"byte_skip": "-9"},
    "byte-skip-words": {"byte_skip": "few"},
    "line-skip-huge": {"line_skip": "999999999999"},
    "line-skip-negative": {"line_skip": "-1"},
    "to-passwd": {"data_file": "/etc/passwd"},
    "to-above": {"data_file": "../../../secret.raw"},
    "to-list": {"data_file": "LIST"},
    "to-numbered": {"data_file": "%03d.raw 1 100000000 1 2"},
    "to-device": {"data_file": "/dev/zero"},
    "to-address": {"data_file": "file:///etc/passwd"},
    "to-windows": {"data_file": "C:\\secret.raw"},
    "to-backslash": {"data_file": "..\\secret.raw"},
    "to-null": {"data_file": "a\0b.raw"},
}

_BAD_META: dict[str, dict[str, str | None]] = {
    "sizes-huge": {"DimSize": "99999999999 99999999999 99999999999"},
    "sizes-large": {"DimSize": "1290 1290 1290"},
    "sizes-negative": {"DimSize": "7 -8 9"},
    "sizes-zero": {"DimSize": "0 8 9"},
    "sizes-words": {"DimSize": "a b c"},
    "sizes-fewer": {"DimSize": "7 8"},
    "sizes-missing": {"DimSize": None},
    "dims-huge": {"NDims": "99999"},
    "dims-negative": {"NDims": "-3"},
    "dims-eleven": {"NDims": "11"},
    "dims-words": {"NDims": "three"},
    "spacing-nan": {"ElementSpacing": "nan 1 1"},
    "spacing-zero": {"ElementSpacing": "0 1 1"},
    "spacing-negative": {"ElementSpacing": "-1 1 1"},
    "spacing-infinite": {"ElementSpacing": "inf 1 1"},
    "spacing-huge": {"ElementSpacing": "1e300 1e300 1"},
    "spacing-words": {"ElementSpacing": "wide high deep"},
    "spacing-fewer": {"ElementSpacing": "0.75"},
    "matrix-zero": {"TransformMatrix": "0 0 0 0 0 0 0 0 0"},
    "matrix-nan": {"TransformMatrix": "nan 0 0 0 1 0 0 0 1"},
    "matrix-flat": {"TransformMatrix": "1 0 0 1 0 0 0 0 1"},
    "matrix-short": {"TransformMatrix": "1 0 0"},
    "offset-nan": {"Offset": "nan 0 0"},
    "type-unknown": {"ElementType": "MET_QUATERNION"},
    "type-wider": {"ElementType": "MET_DOUBLE"},
    "type-missing": {"ElementType": None},
    "channels-huge": {"ElementNumberOfChannels": "99999999"},
    "channels-negative": {"ElementNumberOfChannels": "-2"},
    "called-packed": {
        "CompressedData": "True",
        "CompressedDataSize": "999999999999",
    },
    "header-size-huge": {"HeaderSize": "999999999999"},
    "header-size-negative": {"HeaderSize": "-7"},
    "to-passwd": {"ElementDataFile": "/etc/passwd"},
    "to-above": {"ElementDataFile": "../../../secret.raw"},
    "to-list": {"ElementDataFile": "LIST"},
    "to-numbered": {"ElementDataFile": "%03d.raw 1 100000000 1"},
    "to-device": {"ElementDataFile": "/dev/zero"},
    "to-nowhere": {"ElementDataFile": "gone.raw"},
    "to-nothing": {"ElementDataFile": ""},
}


def nrrd(data: bytes | None = None, **changes: str | None) -> bytes:
    """A NRRD file; `changes` set or (None) remove fields, `_` for a blank."""
    fields = {**_NRRD, **{k.replace("_", " "): v for k, v in changes.items()}}
    lines = [f"{key}: {value}" for key, value in fields.items() if value is not None]
    text = "NRRD0004\n" + "\n".join(lines) + "\n\n"
    return text.encode() + (voxel_bytes() if data is None else data)


def metaimage(data: bytes | None = None, **changes: str | None) -> bytes:
    """A MetaImage file; `changes` set or (None) remove fields."""
    place = changes.pop("ElementDataFile", _META["ElementDataFile"])
    fields = {**_META, **changes}
    fields.pop("ElementDataFile", None)
    fields["ElementDataFile"] = place
    lines = [f"{key} = {value}" for key, value in fields.items() if value is not None]
    return ("\n".join(lines) + "\n").encode() + (
        voxel_bytes() if data is None else data
    )


def add_nrrd(zoo: Zoo) -> None:
    """Sizes, directions, encodings, places of the data."""
    for what, changes in _BAD_NRRD.items():
        accepted = _PIXELS if what.startswith("spacings-") else None
        zoo.add(f"nrrd/{what}", "a.nrrd", nrrd(**changes), accepted=accepted)
    itself = nrrd(data_file="a.nhdr", sizes="2 2 2")
    zoo.add("nrrd/to-itself", "a.nhdr", itself)
    zoo.add(
        "nrrd/several-files",
        "a.nhdr",
        nrrd(b"b.raw\n../c.raw\n", data_file="LIST"),
        beside={"b.raw": voxel_bytes()},
    )
    zoo.add("nrrd/without-end", "a.nrrd", b"NRRD0004\n" + b"# and so on\n" * 700_000)
    zoo.add(
        "nrrd/many-keys",
        "a.nrrd",
        nrrd().replace(
            b"\n\n",
            b"\n" + b"".join(b"key%d:=value\n" % n for n in range(50_000)) + b"\n",
            1,
        ),
        accepted=_OWN,
    )
    zoo.add(
        "nrrd/binary-keys",
        "a.nrrd",
        nrrd().replace(b"\n\n", b"\n\xff\xfe\x80:=\x00\x01\n\n", 1),
        accepted=_OWN,
    )
    large = {"sizes": "1200 1200 1200"}
    for what, content in (
        ("bomb-as-promised", nrrd(gzip_of_zeros(3300), encoding="gzip", **large)),
        (
            "bzip2-bomb",
            nrrd(bz2.compress(bytes(64 << 20)) * 60, encoding="bzip2", **large),
        ),
    ):
        zoo.add(f"nrrd/{what}", "a.nrrd", content)
    behind = nrrd(gzip_of_zeros(900, start=voxel_bytes()), encoding="gzip")
    zoo.add("nrrd/bomb-behind-the-voxels", "a.nrrd", behind, accepted=_OWN)
    no_sum = nrrd(deflated(voxel_bytes())[:-8] + bytes(8), encoding="gzip")
    zoo.add("nrrd/wrong-checksum", "a.nrrd", no_sum, accepted=_OWN)


def add_metaimage(zoo: Zoo) -> None:
    """Sizes, spacings, places of the data."""
    for what, changes in _BAD_META.items():
        zoo.add(
            f"metaimage/{what}",
            "a.mhd" if what[:3] == "to-" else "a.mha",
            metaimage(**changes),
        )
    room = zoo.folder / "metaimage"
    for name, secret in (("absolute", room / "to-passwd" / "a.mhd"),):
        zoo.add(
            f"metaimage/to-{name}",
            "a.mhd",
            metaimage(b"", ElementDataFile=str(secret), DimSize="2 2 2"),
        )
    zoo.add(
        "metaimage/to-itself",
        "a.mhd",
        metaimage(b"", ElementDataFile="a.mhd", DimSize="2 2 2"),
    )
    packed = zlib.compress(voxel_bytes())
    zoo.add(
        "metaimage/packed-garbage",
        "a.mha",
        metaimage(b"\x07" * 200, CompressedData="True"),
    )
    zoo.add(
        "metaimage/packed-short", "a.mha", metaimage(packed[:60], CompressedData="True")
    )
    bomb = zlib_of_zeros(64)
    zoo.add(
        "metaimage/bomb",
        "a.mha",
        metaimage(
            bomb,
            CompressedData="True",
            CompressedDataSize=str(len(bomb)),
            DimSize="1200 1200 1200",
        ),
    )
    zoo.add(
        "metaimage/bomb-behind-the-voxels",
        "a.mha",
        metaimage(bomb, CompressedData="True", CompressedDataSize=str(len(bomb))),
        accepted=_OWN,
    )
