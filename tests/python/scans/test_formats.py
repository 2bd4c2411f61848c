"""Each format is read as the library of its own field reads it."""

import gzip
import subprocess
import sys

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from medlab.errors import MedlabError
from medlab.samples import fetch
from medlab.scans import open_scan
from tests.support.scans import make_affine, make_volume, write_nifti_by_nibabel


def save_with_itk(path, volume, compress=False):
    image = SimpleITK.GetImageFromArray(volume.voxels.T)
    lps = np.diag([-1.0, -1, 1, 1]) @ volume.affine
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path), compress)


@pytest.mark.parametrize(
    "name", ["a.mha", "a.mhd", "a.nrrd", "a.nhdr", "a.nii", "a.nii.gz"]
)
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "packed"])
def test_what_simpleitk_writes_is_read_back(tmp_path, name, compress):
    volume = make_volume(axes="PIR", oblique=True)
    save_with_itk(tmp_path / name, volume, compress)

    found = open_scan(tmp_path / name)

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    np.testing.assert_allclose(found.affine, volume.affine, rtol=0, atol=1e-4)


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("ending", ["nrrd", "nhdr"])
def test_every_encoding_of_nrrd_is_read(tmp_path, encoding, ending):
    voxels = make_volume().voxels
    header = {"encoding": encoding, "spacings": [0.5, 1, 2]}
    nrrd.write(str(tmp_path / f"a.{ending}"), voxels, header)

    found = open_scan(tmp_path / f"a.{ending}")

    np.testing.assert_array_equal(found.voxels, voxels)
    assert found.spacing_mm == (0.5, 1, 2)
    assert any("left and right may be swapped" in note for note in found.warnings)


@pytest.mark.parametrize("endian", ["little", "big"])
def test_a_cut_nrrd_is_refused(tmp_path, endian):
    path = tmp_path / "a.nrrd"
    nrrd.write(str(path), make_volume().voxels, {"encoding": "raw", "endian": endian})
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(MedlabError, match="ends before its voxels do"):
        open_scan(path)


def test_a_colour_nrrd_has_its_channels_last(tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (3, 7, 8, 9)).astype(np.uint8)
    directions = np.array([[np.nan] * 3, [1, 0, 0], [0, 2, 0], [0, 0, 3]])
    header = {
        "kinds": ["RGB-color", "domain", "domain", "domain"],
        "space": "left-posterior-superior",
        "space directions": directions,
        "space origin": [0, 0, 0],
    }
    nrrd.write(str(tmp_path / "a.nrrd"), colours, header)

    found = open_scan(tmp_path / "a.nrrd")

    np.testing.assert_array_equal(found.voxels, np.moveaxis(colours, 0, -1))
    assert (found.shape, found.channels, found.spacing_mm) == ((7, 8, 9), 3, (1, 2, 3))


def test_a_colour_nifti_has_its_channels_last(tmp_path):
    colours = np.random.default_rng(0).integers(0, 255, (7, 8, 9, 3)).astype(np.uint8)
    rgb = np.ascontiguousarray(colours).view([("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(rgb[..., 0], np.eye(4)), tmp_path / "a.nii.gz")

    found = open_scan(tmp_path / "a.nii.gz")

    np.testing.assert_array_equal(found.voxels, colours)


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [(1, -1024, "int16"), (2, 0, "int16"), (1, 40000, "int32"), (0.5, 0.25, "float32")],
)
def test_a_scaled_nifti_is_rescaled_as_nibabel_does(tmp_path, slope, intercept, dtype):
    image = nibabel.Nifti1Image(make_volume().voxels, np.eye(4))
    image.header.set_slope_inter(slope, intercept)
    nibabel.save(image, tmp_path / "a.nii.gz")
    with gzip.open(tmp_path / "a.nii.gz") as packed:
        content = bytearray(packed.read())
    content[112:120] = np.array([slope, intercept], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(content)

    found = open_scan(tmp_path / "a.nii").voxels

    theirs = nibabel.load(tmp_path / "a.nii").get_fdata()
    np.testing.assert_allclose(found, theirs)
    assert found.dtype == dtype


def test_a_big_endian_nifti_comes_in_the_machines_order(tmp_path):
    volume = make_volume()
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(volume.voxels, volume.affine, header)
    nibabel.save(image, tmp_path / "a.nii.gz")

    found = open_scan(tmp_path / "a.nii.gz").voxels

    np.testing.assert_array_equal(found, volume.voxels)
    assert found.dtype.isnative


@pytest.mark.parametrize("version", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_both_versions_of_nifti_are_read(tmp_path, version):
    volume = make_volume(oblique=True)
    nibabel.save(version(volume.voxels, volume.affine), tmp_path / "a.nii.gz")

    found = open_scan(tmp_path / "a.nii.gz")

    np.testing.assert_array_equal(found.voxels, volume.voxels)
    np.testing.assert_allclose(found.affine, volume.affine, atol=1e-4)


def test_a_flat_nifti_is_a_volume_of_one_slice(tmp_path):
    write_nifti_by_nibabel(tmp_path / "a.nii", make_volume().voxels[:, :, 0], np.eye(4))

    found = open_scan(tmp_path / "a.nii")

    assert found.shape == (7, 8, 1)
    assert "The scan has only one slice." in found.warnings


def test_a_nifti_that_does_not_know_left_from_right_says_so(tmp_path):
    path = tmp_path / "a.nii"
    write_nifti_by_nibabel(path, make_volume().voxels, make_affine("RAS"))
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)
    path.write_bytes(content)

    assert "left and right may be swapped" in open_scan(path).warnings[0]


@pytest.mark.parametrize(
    ("sample", "file", "modality", "axes"),
    [
        ("ct-chest-small", "CTChest4.nrrd", "CT", "RAS"),
        ("spine-ct", "sub-ct_label-22_ct.nii.gz", "CT", "PIR"),
        ("spine-mr", "sub-mri_label-6_T2w.nii.gz", "MR", "PIR"),
        ("brain-mni-2mm", "MNI152_T1_2mm.nii.gz", "MR", "LAS"),
    ],
)
def test_real_scans_are_read_as_simpleitk_reads_them(sample, file, modality, axes):
    path = fetch(sample) / file

    found = open_scan(path)

    theirs = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(found.voxels, SimpleITK.GetArrayFromImage(theirs).T)
    corner = theirs.TransformIndexToPhysicalPoint([n - 1 for n in found.shape])
    ours = found.affine @ [*(n - 1 for n in found.shape), 1]
    np.testing.assert_allclose(ours[:3] * [-1, -1, 1], corner, atol=1e-3)
    assert (found.modality, found.orientation) == (modality, axes)


def test_scans_load_no_reader_before_it_is_needed():
    probe = (
        "import sys, medlab.scans;"
        "heavy = {'jax', 'keras', 'nibabel', 'pydicom', 'SimpleITK', 'nrrd', 'scipy',"
        " 'skimage', 'PIL'};"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


CUT_WHILE_READ = """
import os, sys
from pathlib import Path
from medlab.errors import MedlabError
from medlab.scans.formats import _npy

path, checked = Path(sys.argv[1]), _npy._header

def cut(array, path, name):
    header = checked(array, path, name)
    os.truncate(path, 4096)
    return header

_npy._header = cut
try:
    _npy.read(path, path.name, None if sys.argv[2] == "None" else int(sys.argv[2]))
except MedlabError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("shape", "frame"), [((99, 88, 77), None), ((33, 44, 55, 6), 5)]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_that_is_cut_short_while_it_is_read_ends_no_process(
    tmp_path, shape, frame, order
):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(shape, np.int16, order))
    command = [sys.executable, "-c", CUT_WHILE_READ, str(path), str(frame)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("a.npy is not a whole NPY file")


@pytest.mark.parametrize("order", ["C", "F"])
def test_each_volume_of_an_array_is_what_numpy_saved(tmp_path, order):
    voxels = np.arange(7 * 8 * 9 * 5, dtype=">i2").reshape(7, 8, 9, 5)
    np.save(tmp_path / "a.npy", np.asarray(voxels, order=order))

    for frame in range(5):
        found = open_scan(tmp_path / "a.npy", frame=frame)
        np.testing.assert_array_equal(found.voxels, voxels[..., frame])
