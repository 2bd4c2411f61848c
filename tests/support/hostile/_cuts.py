"""Every format cut short at many places."""

import itertools
from pathlib import Path

import numpy as np

from tests.support.hostile._case import Accepted, Zoo
from tests.support.hostile._whole import (
    SHAPE,
    SPACING,
    VOXELS,
    by_simpleitk,
    deflated,
    dicom_bytes,
    dicom_slice,
    nifti_header,
    npy,
    picture,
    voxel_bytes,
)


def _pydicom_file(name: str) -> bytes:
    from pydicom.data import get_testdata_file

    found = get_testdata_file(name, download=False)
    assert isinstance(found, str), name
    return Path(found).read_bytes()


def whole_files() -> dict[str, tuple[str, dict[str, bytes]]]:
    """For each format the name of the file to open, and all files that belong to it."""
    nrrd, nhdr = by_simpleitk(".nrrd"), by_simpleitk(".nhdr")
    nifti = bytes(nifti_header()) + voxel_bytes()
    pair = bytes(nifti_header(magic=b"ni1", vox_offset=0))
    found = {
        "dicom": ("a.dcm", dicom_bytes(dicom_slice())),
        "dicom-implicit": ("a.dcm", dicom_bytes(dicom_slice("1.2.840.10008.1.2"))),
        "dicom-big-endian": ("a.dcm", _pydicom_file("MR_small_bigendian.dcm")),
        "dicom-deflated": ("a.dcm", _pydicom_file("image_dfl.dcm")),
        "dicom-jpeg": ("a.dcm", _pydicom_file("JPEG-lossy.dcm")),
        "dicom-jpeg2000": ("a.dcm", _pydicom_file("MR_small_jp2klossless.dcm")),
        "dicom-jpeg-ls": ("a.dcm", _pydicom_file("MR_small_jpeg_ls_lossless.dcm")),
        "dicom-rle": ("a.dcm", _pydicom_file("MR_small_RLE.dcm")),
        "nifti": ("a.nii", nifti),
        "nifti-2": ("a.nii", bytes(nifti_header(2)) + voxel_bytes()),
        "nifti-gz": ("a.nii.gz", deflated(nifti)),
        "nrrd": ("a.nrrd", nrrd["a.nrrd"]),
        "nrrd-gzip": ("a.nrrd", by_simpleitk(".nrrd", compress=True)["a.nrrd"]),
        "metaimage": ("a.mha", by_simpleitk(".mha")["a.mha"]),
        "metaimage-zlib": ("a.mha", by_simpleitk(".mha", compress=True)["a.mha"]),
        "png": ("a.png", picture("PNG")),
        "jpeg": ("a.jpg", picture("JPEG")),
        "tiff": ("a.tif", picture("TIFF")),
        "tiff-deflate": ("a.tif", picture("TIFF", compression="tiff_adobe_deflate")),
        "npy": ("a.npy", npy(VOXELS)),
    }
    whole = {kind: (name, {name: data}) for kind, (name, data) in found.items()}
    whole["nifti-pair"] = ("a.img", {"a.hdr": pair, "a.img": voxel_bytes()})
    whole["nhdr"] = ("a.raw", nhdr)
    whole["mhd"] = ("a.raw", by_simpleitk(".mhd"))
    return whole


_OPENED = {"nifti-pair": "a.hdr", "nhdr": "a.nhdr", "mhd": "a.mhd"}
_PICTURE = Accepted((50, 40, 1), (1, 1, 1), "the end mark is missing", "pixels")
_VOLUME = Accepted(SHAPE, SPACING, "the checksum is missing, every voxel is there")
_MR = Accepted(
    (64, 64, 1), (0.3125, 0.3125, 0.8), "padding behind the pixels is missing"
)
_WITHOUT_THE_LAST: dict[str, tuple[int, Accepted]] = {
    # How many bytes hold no voxel, and what pydicom's README and dcmdump say is left.
    "nifti-gz": (9, _VOLUME),
    "nrrd-gzip": (9, _VOLUME),
    "metaimage-zlib": (5, _VOLUME),
    "png": (12, _PICTURE),
    "jpeg": (2, _PICTURE),
    "tiff-deflate": (4, _PICTURE),
    "dicom-jpeg2000": (134, _MR),
    "dicom-jpeg-ls": (134, _MR),
    "dicom-rle": (134, _MR),
    "dicom-jpeg": (
        8, Accepted((256, 1024, 1), (2.26, 2.26, 1), "the end mark is missing")),
    "dicom-deflated": (
        2, Accepted((512, 512, 1), (1, 1, 1), "padding is missing", "pixels")),
}  # fmt: skip


def opened_file(kind: str) -> str:
    """The name of the file to open, of a whole or cut scan of that kind."""
    return _OPENED.get(kind, whole_files()[kind][0])


def add_cut_files(zoo: Zoo) -> None:
    """Each format with its first 0, 1, 4, ... bytes, and with all but the last few."""
    for kind, (cut, files) in whole_files().items():
        content = files[cut]
        size = len(content)
        begin = (0, 1, 4, 40, 131, 132, 140, 200, 347, 348, 352, 400)
        parts = (0.25, 0.5, 0.75, 0.9)
        cuts = {*begin, *(int(size * part) for part in parts), size - 100, size - 9}
        for length in sorted(n for n in cuts if 0 <= n < size):
            _add(zoo, kind, cut, files, length)
        # What is missing here is a checksum or a mark of the end, but no voxel.
        for less in (1, 2):
            _add(zoo, kind, cut, files, size - less)
    for ending in (".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm"):
        for what, content in (
            ("zeros", bytes(4096)),
            ("noise", np.random.default_rng(9).bytes(4096)),
            ("text", b"Dear Sir or Madam,\n" * 200),
        ):
            zoo.add(f"other/{what}-as-{ending[1:]}", f"a{ending}", content)
    for ending in (".png", ".jpg", ".tif", ".npy"):
        for what, content in itertools.product(("zeros",), (bytes(4096),)):
            zoo.add(f"other/{what}-as-{ending[1:]}", f"a{ending}", content)


def _add(zoo: Zoo, kind: str, cut: str, files: dict[str, bytes], length: int) -> None:
    content = files[cut]
    missing = len(content) - length
    most, left = _WITHOUT_THE_LAST.get(kind, (0, None))
    accepted = left if missing <= most else None
    opened = _OPENED.get(kind, cut)
    beside = {name: data for name, data in files.items() if name != cut}
    name = f"cut-{kind}/{length}-of-{len(content)}"
    room = zoo.room(name)
    for other, data in {**beside, cut: content[:length]}.items():
        (room / other).write_bytes(data)
    zoo.note(name, room / opened, accepted)
