"""patient_keys: who is the same person, without telling who it is."""

import pydicom

from medlab.data import Case, patient_keys, patient_of
from medlab.scans import Home
from tests.support.scans import PATIENT, make_volume, write_dicom_series


def series(folder, patient_id):
    uid = write_dicom_series(folder, make_volume())
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientID = patient_id
        dataset.save_as(path)
    return uid


def keys(tmp_path, *cases):
    return patient_keys(
        [Case(**case) for case in cases], Home(tmp_path, tmp_path / "m")
    )


def test_dicom_series_with_one_patient_id_are_one_persons(tmp_path):
    series(tmp_path / "a", "4711")
    series(tmp_path / "b", "4711 ")
    series(tmp_path / "c", "4712")

    a, b, c = keys(tmp_path, *({"scan": str(tmp_path / n)} for n in "abc"))

    assert a == b != c
    assert keys(tmp_path, {"scan": "c"}) == [c], "named from the root"


def test_a_number_that_software_took_away_makes_nobody_the_same(tmp_path):
    for name, number in zip(
        "abcd", ["", "ANONYMOUS", "Anonymized", "000"], strict=True
    ):
        series(tmp_path / name, number)
    found = keys(tmp_path, *({"scan": name} for name in "abcd"))
    assert len(set(found)) == 4


def test_nothing_of_the_patient_is_in_a_key(tmp_path):
    series(tmp_path / "a", "4711")
    told = str(keys(tmp_path, {"scan": "a"}, {"scan": "b.nii", "patient": PATIENT}))
    assert "4711" not in told
    assert "Doe" not in told
    assert PATIENT not in repr(Case("b.nii", patient=PATIENT))


def test_files_named_after_a_bids_subject_are_one_persons():
    one = [
        "data/sub-07/ses-1/anat/sub-07_T1w.nii.gz",
        "data/sub-07/ses-2/anat/sub-07_T1w.nii.gz",
        "data/derivatives/sub-07_desc-bet_T2w.nii",
    ]
    assert len({patient_of(Case(path)) for path in one}) == 1
    assert patient_of(Case("data/sub-070/a.nii")) != patient_of(Case(one[0]))
    assert patient_of(Case("data/resub-07/a.nii")) != patient_of(Case(one[0]))


def test_other_files_are_persons_of_their_own_however_they_are_written(tmp_path):
    (tmp_path / "a.nii").touch()
    (tmp_path / "b.nii").touch()
    a, b, whole, dotted = keys(
        tmp_path,
        {"scan": "a.nii"},
        {"scan": "b.nii"},
        {"scan": str(tmp_path / "a.nii")},
        {"scan": "./a.nii"},
    )
    assert a == whole == dotted != b


def test_what_a_case_says_counts_first(tmp_path):
    series(tmp_path / "a", "1")
    series(tmp_path / "b", "2")
    a, b = keys(tmp_path, {"scan": "a", "patient": "x"}, {"scan": "b", "patient": "x"})
    assert a == b
