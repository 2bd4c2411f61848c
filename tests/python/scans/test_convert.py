"""Scans of any format become NIfTI or NRRD files; judged by nibabel, SimpleITK and pydicom."""

import hashlib
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK
from nibabel.testing import data_path

from medlab.__main__ import main
from medlab.errors import MedlabError
from medlab.scans import find_home, list_scans, open_scan
from medlab.scans._convert import convert_scans
from tests.support.scans import (
    PATIENT,
    make_volume,
    write_colour_dicom,
    write_dicom_series,
    write_nifti_by_nibabel,
    write_text_as,
)

EPI = Path(data_path) / "example4d.nii.gz"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A DICOM series, an oblique NIfTI, a real 4D EPI, labels, colours, a broken file."""
    root = tmp_path_factory.mktemp("converting")
    (root / ".medlab").mkdir()
    write_dicom_series(root / "Doe_Jane", make_volume(axes="LAS", oblique=True))
    slanted = make_volume(axes="PIR", oblique=True, skewed=True, modality="MR")
    write_nifti_by_nibabel(root / "Doe_Jane" / "mr.nii", slanted.voxels, slanted.affine)
    shutil.copy(EPI, root / "bold.nii.gz")
    write_nifti_by_nibabel(root / "mr-labels.nii", slanted.voxels % 3, slanted.affine)
    (root / "mr-labels.labels.json").write_text("{}")
    (root / "sono").mkdir()
    write_colour_dicom(root / "sono" / "a.dcm")
    write_text_as(root / "broken.nii.gz")
    return root


@pytest.fixture(scope="module")
def converted(workplace, tmp_path_factory):
    """The folder of NIfTI files, and the report."""
    to = tmp_path_factory.mktemp("nifti")
    home = find_home(workplace)
    report = convert_scans(workplace, to, home=home, workers=2)
    ids = {scan.path: scan.id for scan in list_scans(workplace, home=home)}
    return to, report, ids


def manifest(folder):
    told = json.loads((folder / "manifest.json").read_text())
    return {entry["id"]: entry for entry in told["scans"]}


def test_every_scan_has_a_file_and_every_broken_one_its_reason(converted):
    to, report, ids = converted

    assert (report.made, report.kept) == (4, 0)
    assert set(report.failed) == {ids["broken.nii.gz"]}
    assert len(ids) == 5
    assert len(list(to.glob("*.nii.gz"))) == 4
    assert manifest(to)[ids["broken.nii.gz"]]["error"] == {"code": "not-a-scan"}


def test_a_dicom_series_keeps_its_place_and_its_voxels(workplace, converted):
    to, _, ids = converted
    (uid,) = SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(str(workplace / "Doe_Jane"))
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(
        str(workplace / "Doe_Jane"), uid
    )
    theirs = SimpleITK.ReadImage(names)

    ours = SimpleITK.ReadImage(to / f"ct-{ids['Doe_Jane']}.nii.gz")

    corners = [(0, 0, 0), tuple(n - 1 for n in theirs.GetSize()), (3, 0, 8)]
    for point in corners:
        place = theirs.TransformIndexToPhysicalPoint(point)
        there = ours.TransformPhysicalPointToIndex(place)
        assert ours[there] == theirs[point]
        back = ours.TransformIndexToPhysicalPoint(there)
        np.testing.assert_allclose(back, place, atol=2e-3)


def test_a_nifti_file_keeps_voxels_and_affine(workplace, converted):
    to, _, ids = converted
    theirs = nibabel.load(workplace / "Doe_Jane" / "mr.nii")

    ours = nibabel.load(to / f"mr-{ids['Doe_Jane/mr.nii']}.nii.gz")

    np.testing.assert_array_equal(np.asanyarray(ours.dataobj), theirs.dataobj)
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)


def test_a_real_4d_scan_is_one_4d_file(converted):
    to, _, ids = converted
    theirs, entry = nibabel.load(EPI), manifest(to)[ids["bold.nii.gz"]]

    ours = nibabel.load(to / entry["file"])

    assert ours.shape == theirs.shape == (128, 96, 24, 2)
    np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())
    np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)
    assert entry["frames"] == 2


def test_colours_stay_colours(workplace, converted):
    to, _, ids = converted
    entry = manifest(to)[ids["sono"]]
    picture = pydicom.dcmread(workplace / "sono" / "a.dcm").pixel_array

    ours = nibabel.load(to / entry["file"])

    assert ours.get_data_dtype().names == ("R", "G", "B")
    voxels = np.asanyarray(ours.dataobj)
    colours = np.stack([voxels[n] for n in "RGB"], axis=-1).reshape(-1, 3)
    assert sorted(map(tuple, colours)) == sorted(map(tuple, picture.reshape(-1, 3)))
    assert (ours.header.get_xyzt_units()[0] == "mm") == (entry["spacing_unit"] == "mm")


def test_nothing_that_was_written_names_a_patient_or_a_path(workplace, converted):
    to, _, _ = converted
    names = " ".join(path.name for path in to.iterdir())
    told = (to / "manifest.json").read_text()

    for secret in ("Doe", "Jane", PATIENT, str(workplace), "secret"):
        assert secret not in names
        assert secret not in told


def test_the_manifest_tells_the_digest_of_each_file(converted):
    to, _, _ = converted
    for entry in manifest(to).values():
        if "file" in entry:
            digest = hashlib.sha256((to / entry["file"]).read_bytes()).hexdigest()
            assert entry["sha256"] == digest


def test_the_same_call_again_makes_nothing_anew(workplace, converted):
    to, _, _ = converted
    before = {path.name: path.stat().st_mtime_ns for path in to.glob("*.nii.gz")}

    report = convert_scans(workplace, to, home=find_home(workplace), workers=2)

    assert (report.made, report.kept) == (0, 4)
    now = {path.name: path.stat().st_mtime_ns for path in to.glob("*.nii.gz")}
    assert now == before


def test_it_goes_on_after_an_end_before_the_manifest_was_written(
    workplace, converted, tmp_path
):
    to, _, _ = converted
    for path in to.glob("*.nii.gz"):
        shutil.copy2(path, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    report = convert_scans(workplace, tmp_path, home=find_home(workplace), workers=2)

    assert len(report.failed) == 1
    files = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.gz")}
    assert files == before
    assert manifest(tmp_path).keys() == manifest(to).keys()


def test_nrrd_files_are_as_simpleitk_sees_the_scan(workplace, tmp_path):
    home = find_home(workplace)

    convert_scans(workplace / "Doe_Jane", tmp_path, format="nrrd", home=home, workers=1)

    (path,) = tmp_path.glob("ct-*.nrrd")
    image, scan = SimpleITK.ReadImage(path), open_scan(workplace / "Doe_Jane")
    voxels = SimpleITK.GetArrayFromImage(image).T
    np.testing.assert_array_equal(voxels, scan.voxels)
    far = tuple(n - 1 for n in scan.shape)
    lps = np.array(image.TransformIndexToPhysicalPoint(far)) * (-1, -1, 1)
    np.testing.assert_allclose(lps, (scan.affine @ (*far, 1))[:3], atol=1e-4)


def test_a_4d_scan_in_nrrd_has_its_volumes_one_after_another(workplace, tmp_path):
    home = find_home(workplace)

    convert_scans(workplace / "bold.nii.gz", tmp_path, format="nrrd", home=home)

    (path,) = tmp_path.glob("*.nrrd")
    theirs = nibabel.load(EPI).get_fdata()
    np.testing.assert_array_equal(open_scan(path, frame=1).voxels, theirs[..., 1])


def test_a_file_that_is_there_is_left_alone_unless_one_says_otherwise(
    workplace, tmp_path
):
    home = find_home(workplace)
    convert_scans(workplace / "bold.nii.gz", tmp_path, home=home, workers=1)
    (path,) = tmp_path.glob("*.nii.gz")
    path.write_bytes(b"something of somebody")

    report = convert_scans(workplace / "bold.nii.gz", tmp_path, home=home, workers=1)

    (sentence,) = report.failed.values()
    assert sentence.startswith(f"{path.name} must not exist yet, got a file with")
    assert path.read_bytes() == b"something of somebody"
    again = convert_scans(
        workplace / "bold.nii.gz", tmp_path, home=home, workers=1, overwrite=True
    )
    assert again.made == 1
    assert nibabel.load(path).shape == (128, 96, 24, 2)


def test_a_folder_with_another_manifest_is_refused(workplace, tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "an app"}')

    with pytest.raises(MedlabError, match=r"must tell of converted scans.*move that"):
        convert_scans(workplace, tmp_path, home=find_home(workplace))

    assert (tmp_path / "manifest.json").read_text() == '{"name": "an app"}'


def test_a_folder_without_scans_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(MedlabError, match=r"at least one scan to work on, got none"):
        convert_scans(tmp_path / "in", tmp_path / "out", home=find_home(tmp_path))


def test_what_was_converted_into_the_same_folder_is_not_converted_again(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.delenv("MEDLAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".medlab").mkdir()
    volume = make_volume()
    write_nifti_by_nibabel(tmp_path / "a_ct.nii", volume.voxels, volume.affine)

    assert main(["convert", ".", "--to", "out", "--workers", "1"]) == 0
    assert main(["convert", ".", "--to", "out", "--workers", "1"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "1 scan converted",
        "0 scans converted, 1 there already",
    ]
