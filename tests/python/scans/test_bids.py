"""BIDS: names and sidecars tell patient, session, modality, times, echoes and b-values."""

import json

import numpy as np
import pytest

from medlab.scans import Home, open_scan
from medlab.scans._open import header_tags, read_source_header
from medlab.scans._volume import ScanSource
from medlab.scans.formats._bids import parse_name
from medlab.scans.index._folder_groups import groups_of
from tests.support.scans import make_volume, write_nifti_by_nibabel


@pytest.fixture
def dataset(tmp_path):
    (tmp_path / "dataset_description.json").write_text(
        json.dumps({"Name": "Made up", "BIDSVersion": "1.9.0"})
    )
    return tmp_path


def write_scan(root, path, frames=1):
    volume = make_volume(modality="MR")
    voxels = np.abs(volume.voxels)
    if frames > 1:
        voxels = np.stack([voxels] * frames, axis=3)
    write_nifti_by_nibabel(root / path, voxels, volume.affine)


def tell(root, path, **told):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(json.dumps(told))


def header_of(root, path):
    return read_source_header(ScanSource(path), Home(root, root / ".medlab"))


def test_a_name_tells_patient_session_and_kind(dataset):
    path = "sub-01/ses-02/anat/sub-01_ses-02_run-1_T1w.nii.gz"
    write_scan(dataset, path)

    header = header_of(dataset, path)

    assert header.patient == "sub-01"
    assert header.patient_id == "sub-01 of Made up"
    assert (header.study, header.modality) == ("ses-02", "MR")
    assert header.description == "run-1 T1w"
    assert header.study_uid == "./sub-01/ses-02"


@pytest.mark.parametrize(
    ("folder", "suffix", "modality"),
    [("pet", "pet", "PT"), ("ct", "ct", "CT"), ("fmap", "magnitude1", "MR")],
)
def test_folder_and_suffix_tell_the_modality(dataset, folder, suffix, modality):
    path = f"sub-01/{folder}/sub-01_{suffix}.nii.gz"
    write_scan(dataset, path)

    assert header_of(dataset, path).modality == modality
    home = Home(dataset, dataset / ".medlab")
    assert open_scan(dataset / path, home=home).modality == modality


def test_a_name_outside_a_dataset_tells_no_patient(tmp_path):
    write_scan(tmp_path, "sub-01_T1w.nii.gz")

    assert header_of(tmp_path, "sub-01_T1w.nii.gz").patient == ""


def test_nearer_sidecars_win_and_others_do_not_apply(dataset):
    path = "sub-01/func/sub-01_task-rest_bold.nii.gz"
    write_scan(dataset, path, frames=3)
    tell(dataset, "task-rest_bold.json", RepetitionTime=9, SeriesDescription="far")
    tell(dataset, "task-other_bold.json", RepetitionTime=7)
    tell(dataset, "task-rest_T1w.json", RepetitionTime=6)
    tell(dataset, "sub-01/sub-01_task-rest_bold.json", RepetitionTime=2.5)
    tell(dataset, "sub-02/sub-02_task-rest_bold.json", RepetitionTime=8)

    header = header_of(dataset, path)

    assert (header.frame_kind, header.frame_values) == ("time", (0, 2.5, 5))
    assert header.description == "far"


def test_b_values_are_inherited_and_tell_the_volumes_apart(dataset):
    path = "sub-01/dwi/sub-01_dwi.nii.gz"
    write_scan(dataset, path, frames=4)
    (dataset / "dwi.bval").write_text("0 1000 1000 2000\n")

    header = header_of(dataset, path)

    assert header.frame_kind == "b-value"
    assert header.frame_values == (0, 1000, 1000, 2000)


def test_b_values_for_another_number_of_volumes_are_told(tmp_path):
    write_scan(tmp_path, "dwi.nii.gz", frames=4)
    (tmp_path / "dwi.bval").write_text("0 1000")

    header = header_of(tmp_path, "dwi.nii.gz")

    assert header.frame_kind == "volume"
    assert (
        "The .bval file lists 2 b-values for 4 volumes and was left out."
        in header.warnings
    )


def test_echo_times_are_in_ms(tmp_path):
    write_scan(tmp_path, "a.nii.gz", frames=2)
    tell(tmp_path, "a.json", EchoTime=[0.005, 0.0125], Modality="MR")

    header = header_of(tmp_path, "a.nii.gz")

    assert (header.frame_kind, header.frame_values) == ("echo", (5, 12.5))
    assert header.modality == "MR"


def test_times_that_the_header_belies_are_told(tmp_path):
    import nibabel

    image = nibabel.Nifti1Image(np.zeros((7, 8, 9, 3), np.int16), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 1
    nibabel.save(image, tmp_path / "a.nii.gz")
    tell(tmp_path, "a.json", RepetitionTime=2)

    header = header_of(tmp_path, "a.nii.gz")

    assert header.frame_values == (0, 2, 4)
    assert header.warnings == (
        "Volumes are 1 s apart in the file and 2 s in its sidecar; the sidecar is "
        "believed.",
    )


@pytest.mark.parametrize("text", ["{", "[1, 2]", "[" * 100_000, "\0\xff"])
def test_a_damaged_sidecar_is_told_and_the_scan_is_read(tmp_path, text):
    write_scan(tmp_path, "a.nii.gz")
    (tmp_path / "a.json").write_text(text)

    header = header_of(tmp_path, "a.nii.gz")

    assert header.warnings == (
        "A .json file beside the scan is damaged and was left out.",
    )


def test_a_sidecar_that_is_a_link_out_of_the_root_is_not_read(tmp_path):
    root = tmp_path / "root"
    write_scan(root, "a.nii.gz")
    tell(tmp_path, "secret.json", SeriesDescription="secret")
    (root / "a.json").symlink_to(tmp_path / "secret.json")

    assert "secret" not in repr(header_of(root, "a.nii.gz"))


def test_the_fields_of_a_sidecar_are_rows_of_the_header(tmp_path):
    write_scan(tmp_path, "a.nii.gz")
    tell(tmp_path, "a.json", PatientName="Doe^Jane", FlipAngle=90)

    rows = header_tags(ScanSource("a.nii.gz"), Home(tmp_path, tmp_path / ".medlab"))

    told = {row["keyword"]: row for row in rows}
    assert told["PatientName"]["identifies"]
    assert not told["FlipAngle"]["identifies"]


def test_a_changed_sidecar_is_part_of_what_is_read_again():
    names = ["a.nii.gz", "a.json", "a.bval", "a.bvec", "b.json"]

    assert groups_of("dwi", names)[0].names == (
        "a.nii.gz",
        "a.json",
        "a.bval",
        "a.bvec",
    )


@pytest.mark.parametrize(
    "name", ["T1w.nii.gz", "sub-01.nii.gz", "sub-_T1w.nii", "a_b_c.nii", "sub-01_.nii"]
)
def test_other_names_are_no_bids_names(name):
    assert parse_name(name) is None
