"""Labels drawn through a layer land on the same voxels and millimetres for everybody.

Drawn on scans whose axes run in each of the 48 ways, and on oblique ones; saved as NIfTI and
as 3D Slicer's `.seg.nrrd`; read by nibabel, SimpleITK and pynrrd.
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
    make_labels,
    make_volume,
    write_nifti_by_nibabel,
)

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CASES = [(codes, oblique) for codes in AXIS_CODES for oblique in (False, True)]
IDS = [f"{codes}-{'oblique' if oblique else 'straight'}" for codes, oblique in CASES]


@pytest.fixture
def drawn(home, request):
    """Labels drawn on a scan through the journal; with what was meant, and its affine."""
    codes, oblique = request.param
    volume = make_volume(axes=codes, oblique=oblique)
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


READERS = [
    ("labels.nii.gz", _by_nibabel),
    ("labels.nii.gz", _by_simpleitk),
    ("labels.seg.nrrd", _by_simpleitk),
    ("labels.seg.nrrd", _by_pynrrd),
]


@pytest.mark.parametrize("drawn", CASES, indirect=True, ids=IDS)
def test_every_program_reads_the_same_voxels_in_the_same_place(drawn, tmp_path):
    labels, meant, affine = drawn
    np.testing.assert_array_equal(labels.voxels, meant)

    for name, read in READERS:
        path = tmp_path / "saved" / name
        if not path.exists():
            labels.save(path)
        voxels, found = read(path)
        np.testing.assert_array_equal(voxels, meant, err_msg=name)
        np.testing.assert_allclose(found, affine, rtol=0, atol=1e-4, err_msg=name)

        opened = open_labels(path)
        np.testing.assert_array_equal(opened.voxels, meant)
        np.testing.assert_allclose(opened.affine, affine, rtol=0, atol=1e-4)
        assert [segment.name for segment in opened.segments] == ["one", "two", "three"]


def test_the_cases_are_all_48_ways_and_as_many_oblique_ones():
    assert len({codes for codes, _ in CASES}) == 48
    assert len(CASES) == 96
