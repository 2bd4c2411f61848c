"""A folder as a research group has one: real scans of many kinds, some of them damaged."""

import gzip
import shutil
from pathlib import Path

import nibabel
import pydicom.data

from medlab.samples import fetch, place

SAMPLES = ("ct-chest-small", "spine-ct", "spine-mr", "brain-mni-2mm")
_NAMED = {
    **{"77654033": "archive/77654033", "98892001": "archive/98892001"},
    **{"98892003": "archive/98892003", "TINY_ALPHA": "archive/TINY_ALPHA"},
}
_LOOSE = (
    *("CT_small.dcm", "MR_small_jp2klossless.dcm", "examples_jpeg2k.dcm"),
    *("examples_palette.dcm", "JPGExtended.dcm", "MR_truncated.dcm", "rtdose.dcm"),
    *("emri_small_RLE.dcm", "color3d_jpeg_baseline.dcm", "693_UNCI.dcm"),
    *("OT-PAL-8-face.dcm", "RG1_UNCI.dcm", "US1_UNCI.dcm", "eCT_Supplemental.dcm"),
)
_NIBABEL = ("anatomical.nii", "example4d.nii.gz")


def make_archive(root: Path) -> None:
    """Fill a root with medlab's samples, pydicom's and nibabel's scans, and damaged copies."""
    for name in SAMPLES:
        place(name, root / "samples" / name)
    tests = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
    for name, target in _NAMED.items():
        if (tests / name).is_dir():
            shutil.copytree(tests / name, root / target)
    loose = root / "archive" / "single"
    loose.mkdir(parents=True)
    for name in _LOOSE:
        found = pydicom.data.get_testdata_file(name, download=False)
        if found:
            shutil.copy(str(found), loose / name)
    brains = Path(nibabel.__file__).parent / "tests" / "data"
    (root / "brains").mkdir()
    for name in _NIBABEL:
        shutil.copy(brains / name, root / "brains" / name)
    _damage(root / "incoming", brains)


def _damage(folder: Path, brains: Path) -> None:
    """What copying, mailing and renaming do to scans."""
    folder.mkdir()
    whole = (brains / "anatomical.nii").read_bytes()
    (folder / "sub-07_T1w.nii").write_bytes(whole[: len(whole) // 2])
    packed = (brains / "example4d.nii.gz").read_bytes()
    (folder / "sub-07_bold.nii.gz").write_bytes(packed[: len(packed) // 3])
    lost = bytearray(whole)
    lost[252:256] = b"\0\0\0\0"
    (folder / "sub-09_T1w.nii.gz").write_bytes(gzip.compress(bytes(lost)))
    (folder / "report.nii").write_text("Findings: see the attached letter.\n" * 40)
    chest = fetch("ct-chest-small") / "CTChest4.nrrd"
    (folder / "thorax.nrrd").write_bytes(chest.read_bytes()[:200_000])
