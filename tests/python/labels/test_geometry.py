"""Labels drawn through a layer land on the same voxels and millimetres for everybody.

Drawn on scans whose axes run in each of the 48 ways, straight, oblique, and skewed as by a
tilted gantry; saved as NIfTI and as 3D Slicer's `.seg.nrrd`; read by nibabel, SimpleITK and
pynrrd.
"""

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from medlab.labels import Layer, open_labels
from medlab.scans import open_scan
from tests.support.scans import (
    AXIS_CODES,
    make_affine,
    make_labels,
    make_volume,
    write_nifti_by_nibabel,
)

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
KINDS = {
    "straight": {},
    "oblique": {"oblique": True},
    "skewed": {"skewed": True},
    "skewed and oblique": {"skewed": True, "oblique": True},
}
CASES = [(codes, kind) for codes in AXIS_CODES for kind in KINDS]
IDS = [f"{codes}-{kind}" for codes, kind in CASES]


@pytest.fixture
def drawn(home, request):
    """Labels drawn on a scan through the journal; with what was meant, and its affine."""
    codes, kind = request.param
    volume = make_volume(axes=codes, **KINDS[kind])
    path = home.root / "scan.nii.gz"
    write_nifti_by_nibabel(path, volume.voxels, volume.affine)
    scan = open_scan(path, home=home)
    meant = make_labels(seed=sum(map(ord, codes)))
    layer = Layer.open(home, scan, segments=["one", "two", "three"])
    for segment in (1, 2, 3):
        layer.paint(segment, meant == segment)
    return layer.labels(), meant, volume.affine


def _by_nibabel(path):
    image = nibabel.load(path)
    return np.asarray(image.dataobj), image.affine


def _by_simpleitk(path):
    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), LPS @ affine


def _by_pynrrd(path):
    voxels, header = nrrd.read(str(path), index_order="F")
    affine = np.eye(4)
    affine[:3, :3] = header["space directions"].T
    affine[:3, 3] = header["space origin"]
    assert header["space"] == "left-posterior-superior"
    return voxels, LPS @ affine


def _is_orthogonal(affine):
    unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return np.allclose(unit.T @ unit, np.eye(3), atol=1e-6)


READERS = [
    ("labels.nii.gz", _by_nibabel),
    ("labels.nii.gz", _by_simpleitk),
    ("labels.seg.nrrd", _by_simpleitk),
    ("labels.seg.nrrd", _by_pynrrd),
]
SKEWED_IS_REFUSED = ("labels.nii.gz", _by_simpleitk)


@pytest.mark.parametrize("drawn", CASES, indirect=True, ids=IDS)
def test_every_program_reads_the_same_voxels_in_the_same_place(drawn, tmp_path):
    labels, meant, affine = drawn
    np.testing.assert_array_equal(labels.voxels, meant)

    for name, read in READERS:
        path = tmp_path / "saved" / name
        if not path.exists():
            labels.save(path)
        if (name, read) == SKEWED_IS_REFUSED and not _is_orthogonal(affine):
            continue  # The test below sees it refused.
        voxels, found = read(path)
        np.testing.assert_array_equal(voxels, meant, err_msg=name)
        np.testing.assert_allclose(found, affine, rtol=0, atol=1e-4, err_msg=name)

        opened = open_labels(path)
        np.testing.assert_array_equal(opened.voxels, meant)
        np.testing.assert_allclose(opened.affine, affine, rtol=0, atol=1e-4)
        assert [segment.name for segment in opened.segments] == ["one", "two", "three"]


@pytest.mark.parametrize("drawn", [("LPS", "skewed")], indirect=True)
def test_simpleitk_refuses_a_skewed_nifti_and_puts_it_nowhere_else(drawn, tmp_path):
    name, read = SKEWED_IS_REFUSED
    drawn[0].save(tmp_path / name)

    with pytest.raises(RuntimeError, match="only supports orthonormal direction"):
        read(tmp_path / name)


def test_the_cases_are_all_48_ways_straight_oblique_and_skewed():
    assert len({codes for codes, _ in CASES}) == 48
    assert len(CASES) == 4 * 48
    skewed = [not _is_orthogonal(make_affine("LPS", **k)) for k in KINDS.values()]
    assert skewed == [False, False, True, True]
