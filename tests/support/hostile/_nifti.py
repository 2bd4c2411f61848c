"""NIfTI headers that lie."""

import struct

import numpy as np

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import (
    SHAPE,
    SPACING,
    deflated,
    gzip_of_zeros,
    nifti_header,
    voxel_bytes,
)

_NAN, _INF = float("nan"), float("inf")
_OWN = Accepted(SHAPE, SPACING, "what is odd does not touch the geometry")
_UNPLACED = Accepted(
    SHAPE, SPACING, "the numbers are whole, only the place is not told"
)
_NO_SFORM = {"sform_code": 0}
_NO_FORM = {"sform_code": 0, "qform_code": 0}
_BY_QFORM = Accepted(
    SHAPE, SPACING, "the qform is whole, and it says so", warned="qform is used"
)
_PIXELS = Accepted(
    SHAPE, (1, 1, 1), "no spacing, and says so", "pixels", warned="in pixels"
)
_SOUND = {
    **dict.fromkeys(
        (f"sform-{how}" for how in
         ("nan", "infinite", "zero", "flat", "origin-nan", "tiny", "huge")), _BY_QFORM),
    **dict.fromkeys(("unplaced-spacing-nan", "unplaced-spacing-zero"), _PIXELS),
    "unplaced-spacing-negative": Accepted(
        SHAPE, (3, *SPACING[1:]), "which side is left is not told anyway",
        warned="left and right may be swapped"),
    "size-of-header": _OWN,
}  # fmt: skip


def add_nifti(zoo: Zoo) -> None:
    """Dimensions, types, offsets, affines, byte order, packing."""
    bad = {
        "no-dims": {"dim": {0: 0}},
        "eight-dims": {"dim": {0: 8}},
        "negative-dims": {"dim": {0: -1}},
        "zero-size": {"dim": {1: 0}},
        "negative-size": {"dim": {2: -8}},
        "huge-sizes": {"dim": {0: 7, **dict.fromkeys(range(1, 8), 32767)}},
        "large-sizes": {"dim": dict.fromkeys((1, 2, 3), 1290)},
        "many-frames": {"dim": {0: 4, 4: 32767}},
        "no-such-type": {"datatype": 999},
        "binary": {"datatype": 1},
        "complex": {"datatype": 32, "bitpix": 64},
        "offset-nan": {"vox_offset": _NAN},
        "offset-negative": {"vox_offset": -400},
        "offset-beyond": {"vox_offset": 1e9},
        "offset-in-the-header": {"vox_offset": 128},
        "offset-infinite": {"vox_offset": _INF},
        "wider-type": {"datatype": 64},
        "sform-nan": {"srow_x": [_NAN] * 4},
        "sform-infinite": {"srow_y": [0, _INF, 0, 0]},
        "sform-zero": {k: [0] * 4 for k in ("srow_x", "srow_y", "srow_z")},
        "sform-flat": {"srow_z": [SPACING[0], 0, 0, 0]},
        "sform-origin-nan": {"srow_x": [SPACING[0], 0, 0, _NAN]},
        "sform-huge": {"srow_x": [3e38, 0, 0, 0], "srow_y": [0, 3e38, 0, 0]},
        "sform-tiny": {"srow_x": [1e-38, 0, 0, 0], "srow_y": [0, 1e-38, 0, 0]},
        "qform-nan": {**_NO_SFORM, "quatern_b": _NAN},
        "qform-too-long": {**_NO_SFORM, "quatern_b": 5, "quatern_c": 5},
        "qform-spacing-zero": {**_NO_SFORM, "pixdim": {1: 0}},
        "qform-spacing-negative": {**_NO_SFORM, "pixdim": {1: -1}},
        "qform-spacing-nan": {**_NO_SFORM, "pixdim": {2: _NAN}},
        "qform-spacing-infinite": {**_NO_SFORM, "pixdim": {3: _INF}},
        "qform-spacing-huge": {**_NO_SFORM, "pixdim": {3: 3e38}},
        "unplaced-spacing-nan": {**_NO_FORM, "pixdim": {1: _NAN}},
        "unplaced-spacing-zero": {**_NO_FORM, "pixdim": {1: 0}},
        "unplaced-spacing-negative": {**_NO_FORM, "pixdim": {1: -3}},
        "magic": {"magic": b"n+9"},
        "size-of-header": {"sizeof_hdr": 7},
    }
    for what, changes in bad.items():
        content = bytes(nifti_header(**changes)) + voxel_bytes()
        accepted = _SOUND.get(what)
        zoo.add(f"nifti/{what}", "a.nii", content, accepted=accepted)
        if what in ("huge-sizes", "sform-nan", "offset-beyond", "no-such-type"):
            name = f"nifti-gz/{what}"
            zoo.add(name, "a.nii.gz", deflated(content), accepted=accepted)
    harmless = {
        "slope-nan": {"scl_slope": _NAN},
        "slope-infinite": {"scl_slope": _INF, "scl_inter": 1},
        "slope-zero": {"scl_slope": 0},
        "inter-nan": {"scl_slope": 1, "scl_inter": _NAN},
        "bits": {"bitpix": 5},
        "code-99": {"sform_code": 99},
        "units": {"xyzt_units": 255},
        "slices": {"slice_end": -5, "slice_code": 99, "dim_info": 255},
        "window": {"cal_max": _NAN, "cal_min": _INF},
        "intent": {"intent_code": -7},
    }
    for what, changes in harmless.items():
        content = bytes(nifti_header(**changes)) + voxel_bytes()
        zoo.add(f"nifti/{what}", "a.nii", content, accepted=_OWN)
    unplaced = bytes(nifti_header(**_NO_FORM)) + voxel_bytes()
    zoo.add("nifti/unplaced", "a.nii", unplaced, accepted=_UNPLACED)
    _add_others(zoo)


def _add_others(zoo: Zoo) -> None:
    for what, change in (
        ("huge", {"dim": dict.fromkeys((1, 2, 3), 1 << 61)}),
        ("negative", {"dim": {1: -(1 << 62)}}),
        ("offset", {"vox_offset": 1 << 62}),
        ("nan", {"srow_x": [_NAN] * 4}),
    ):
        content = bytes(nifti_header(2, **change)) + voxel_bytes()
        accepted = _BY_QFORM if what == "nan" else None
        zoo.add(f"nifti-2/{what}", "a.nii", content, accepted=accepted)
    for what, size in (("negative", -16), ("huge", 0x7FFFFFFF), ("odd", 7)):
        head = nifti_header(vox_offset=368)
        head[348:] = b"\1\0\0\0" + struct.pack("<ii", size, 6) + bytes(8)
        content = bytes(head) + voxel_bytes()
        zoo.add(f"nifti/extension-{what}", "a.nii", content, accepted=_OWN)
    swapped = bytearray(nifti_header())
    swapped[0:4] = swapped[0:4][::-1]  # Size in one byte order, the rest in the other.
    content = bytes(swapped) + voxel_bytes()
    zoo.add("nifti/half-swapped", "a.nii", content, accepted=_OWN)
    swapped[40:56] = np.frombuffer(swapped[40:56], "<i2").byteswap().tobytes()
    zoo.add("nifti/swapped-sizes-only", "a.nii", bytes(swapped) + voxel_bytes())
    head = bytes(nifti_header())
    large = bytes(nifti_header(dim=dict.fromkeys((1, 2, 3), 1200)))
    for what, content, accepted in (
        ("bomb-as-promised", gzip_of_zeros(3300, start=large), None),
        ("bomb-behind-the-voxels", gzip_of_zeros(900, start=head), _OWN),
        ("bomb-of-nothing", gzip_of_zeros(900), None),
        (
            "two-members",
            deflated(head[:100]) + deflated(head[100:] + voxel_bytes()),
            _OWN,
        ),
        ("garbage-behind", deflated(head + voxel_bytes()) + b"garbage", _OWN),
        ("wrong-checksum", deflated(head + voxel_bytes())[:-8] + bytes(8), _OWN),
        ("gzip-in-gzip", deflated(deflated(head + voxel_bytes())), None),
        ("not-packed", head + voxel_bytes(), None),
    ):
        zoo.add(f"nifti-gz/{what}", "a.nii.gz", content, accepted=accepted)
    pair = bytes(nifti_header(magic=b"ni1", vox_offset=0))
    zoo.add("nifti-pair/no-image", "a.hdr", pair)
    zoo.add("nifti-pair/no-header", "a.img", voxel_bytes())
    zoo.add(
        "nifti-pair/offset",
        "a.hdr",
        bytes(nifti_header(magic=b"ni1", vox_offset=1e6)),
        beside={"a.img": voxel_bytes()},
    )
    nested = b"[" * 200_000
    for what, sidecar in (
        ("nested", nested),
        ("huge", b'{"EchoTime": "' + b"9" * (80 << 20) + b'"}'),
        ("binary", bytes(range(256)) * 8),
        ("a-list", b"[1, 2, 3]"),
        ("nan", b'{"EchoTime": NaN, "RepetitionTime": 1e999}'),
        (
            "odd-types",
            b'{"Modality": {"a": []}, "BodyPartExamined": 7, "EchoTime": []}',
        ),
    ):
        content = head + voxel_bytes()
        accepted = Accepted(SHAPE, SPACING, "the voxels need no sidecar", needed=True)
        zoo.add(
            f"sidecar/{what}",
            "sub-01_T1w.nii",
            content,
            beside={"sub-01_T1w.json": sidecar},
            accepted=accepted,
        )
