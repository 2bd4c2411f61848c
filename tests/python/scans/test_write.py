"""What is written is what other programs read: voxels equal, affine within 1e-4 mm."""

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from medlab.errors import MedlabError
from medlab.scans import _write as writing
from medlab.scans import open_scan, write_nifti, write_nrrd
from tests.support.scans import AXIS_CODES, make_affine, make_labels, make_volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_with_itk(path):
    image = SimpleITK.ReadImage(str(path))
    lps = np.eye(4)
    directions = np.reshape(image.GetDirection(), (3, 3))
    lps[:3, :3] = directions * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).T, LPS_TO_RAS @ lps


def read_with_nibabel(path):
    image = nibabel.load(path)
    return np.asarray(image.dataobj), image.affine


def read_with_pynrrd(path):
    voxels, header = nrrd.read(str(path))
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = header["space directions"].T, header["space origin"]
    assert header["space"] == "left-posterior-superior"
    return voxels, LPS_TO_RAS @ lps


def assert_equal(found, volume):
    voxels, affine = found
    np.testing.assert_array_equal(voxels, volume.voxels)
    np.testing.assert_allclose(affine, volume.affine, rtol=0, atol=1e-4)


@pytest.mark.parametrize("axes", AXIS_CODES)
@pytest.mark.parametrize("oblique", [False, True], ids=["straight", "oblique"])
def test_others_read_back_each_axis_code(tmp_path, axes, oblique):
    volume = make_volume(axes=axes, oblique=oblique)
    nifti, nrrd_file = tmp_path / "scan.nii.gz", tmp_path / "scan.nrrd"

    write_nifti(nifti, volume.voxels, volume.affine)
    write_nrrd(nrrd_file, volume.voxels, volume.affine)

    assert_equal(read_with_nibabel(nifti), volume)
    assert_equal(read_with_itk(nifti), volume)
    assert_equal(read_with_pynrrd(nrrd_file), volume)
    assert_equal(read_with_itk(nrrd_file), volume)
    for path in (nifti, nrrd_file):
        opened = open_scan(path)
        assert_equal((opened.voxels, opened.affine), volume)
        assert opened.orientation == "".join(nibabel.aff2axcodes(volume.affine))


@pytest.mark.parametrize("axes", AXIS_CODES)
def test_a_skewed_grid_is_kept_for_those_who_can_read_it(tmp_path, axes):
    # SimpleITK refuses skewed NIfTI ("only orthonormal"), and reads skewed NRRD.
    volume = make_volume(axes=axes, oblique=True, skewed=True)
    nifti, nrrd_file = tmp_path / "scan.nii", tmp_path / "scan.nrrd"

    write_nifti(nifti, volume.voxels, volume.affine)
    write_nrrd(nrrd_file, volume.voxels, volume.affine)

    assert_equal(read_with_nibabel(nifti), volume)
    assert_equal(read_with_pynrrd(nrrd_file), volume)
    assert_equal(read_with_itk(nrrd_file), volume)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_every_voxel_type_comes_back_as_it_was(tmp_path, dtype):
    voxels = make_labels().astype(dtype)

    write_nifti(tmp_path / "a.nii.gz", voxels, np.eye(4))
    write_nrrd(tmp_path / "a.nrrd", voxels, np.eye(4))

    for ending in ("nii.gz", "nrrd"):
        found = open_scan(tmp_path / f"a.{ending}").voxels
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found, voxels)


def test_truth_values_are_written_as_zero_and_one(tmp_path):
    write_nifti(tmp_path / "mask.nii", make_labels() == 2, np.eye(4))

    found = open_scan(tmp_path / "mask.nii").voxels
    np.testing.assert_array_equal(found, (make_labels() == 2).astype(np.uint8))


def test_a_file_that_does_not_read_back_leaves_the_older_one(tmp_path, monkeypatch):
    path = tmp_path / "scan.nii.gz"
    write_nifti(path, make_labels(seed=1), np.eye(4))
    before = path.read_bytes()
    damaged = make_volume(seed=3)
    monkeypatch.setattr(writing._nifti, "read", lambda *_: damaged)

    with pytest.raises(MedlabError, match="must read back as it was written"):
        write_nifti(path, make_labels(seed=2), np.eye(4))

    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["scan.nii.gz"]


@pytest.mark.parametrize(
    ("name", "voxels", "message"),
    [
        ("scan.png", make_labels(), "must end with .nii or .nii.gz, got 'scan.png'"),
        ("scan.nii", np.zeros((7, 8)), r"must hold \(I, J, K\) numbers, got 7 x 8"),
        ("scan.nii", np.zeros((2, 2, 2), complex), "of type complex128"),
    ],
)
def test_what_nifti_cannot_keep_is_refused_with_advice(tmp_path, name, voxels, message):
    with pytest.raises(MedlabError, match=message):
        write_nifti(tmp_path / name, voxels, np.eye(4))

    assert list(tmp_path.iterdir()) == []


def test_a_singular_affine_is_not_written(tmp_path):
    affine = make_affine("RAS")
    affine[:, 0] = 0

    with pytest.raises(MedlabError, match="span three directions"):
        write_nrrd(tmp_path / "scan.nrrd", make_labels(), affine)
