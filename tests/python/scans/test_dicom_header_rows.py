"""The header viewer shows every element, tells who it may identify, and is bounded."""

import shutil

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medlab.errors import MedlabError
from medlab.scans import ScanSource, find_home, list_scans
from medlab.scans._identifying import IDENTIFYING
from medlab.scans._tags import dicom_tags, scan_tags
from tests.support.scans import PATIENT, make_volume, write_dicom_series


def _rows_of(tmp_path, change):
    write_dicom_series(tmp_path, make_volume((7, 8, 1)), shuffled=False)
    path = tmp_path / "IM00000"
    header = pydicom.dcmread(path)
    change(header)
    header.save_as(path)
    return dicom_tags(path, "a.dcm")


def _row(rows, keyword):
    return next(row for row in rows if row["keyword"] == keyword)


def test_each_element_of_a_file_is_a_row_in_its_order():
    path = get_testdata_file("CT_small.dcm", download=False)
    header = pydicom.dcmread(path, stop_before_pixels=True)

    rows = dicom_tags(path_of(path), "a.dcm")

    flat = [row["tag"] for row in rows if row["depth"] == 0 and row["tag"] > "0003"]
    theirs = [f"{e.tag.group:04x},{e.tag.element:04x}" for e in header]
    assert flat == [tag for tag in theirs if not tag.endswith(",0000")]
    assert _row(rows, "Modality") == {
        "tag": "0008,0060",
        "keyword": "Modality",
        "vr": "CS",
        "value": "CT",
        "depth": 0,
        "is_private": False,
        "identifies": False,
    }


def path_of(name):
    from pathlib import Path

    return Path(name)


def test_names_dates_numbers_and_private_elements_identify(tmp_path):
    def change(header):
        header.PatientBirthDate, header.AccessionNumber = "19600101", "A77"
        block = header.private_block(0x0029, "SOME MAKER", create=True)
        block.add_new(0x10, "LO", "secret of the maker")

    rows = _rows_of(tmp_path, change)

    for keyword in (
        "PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "StudyDate",
        "StudyInstanceUID", "StudyDescription", "SOME MAKER", "Private Creator",
    ):  # fmt: skip
        assert _row(rows, keyword)["identifies"], keyword
    for keyword in (
        "Rows",
        "Modality",
        "PixelSpacing",
        "SOPClassUID",
        "SliceThickness",
    ):
        assert not _row(rows, keyword)["identifies"], keyword
    assert _row(rows, "PatientName")["value"] == PATIENT
    assert _row(rows, "SOME MAKER")["is_private"]
    assert _row(rows, "SOME MAKER")["tag"] == "0029,1010"


def test_a_known_private_element_has_the_name_its_maker_gave_it(tmp_path):
    def change(header):
        block = header.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", "1000")

    row = _row(_rows_of(tmp_path, change), "SIEMENS MR HEADER: B_value")

    assert (row["value"], row["vr"], row["is_private"]) == ("1000", "IS", True)


def test_what_lies_in_a_sequence_is_deeper_and_hidden_with_it(tmp_path):
    def change(header):
        inner, outer = Dataset(), Dataset()
        inner.CodeMeaning, outer.Modality = "of the patient", "CT"
        outer.ScheduledProtocolCodeSequence = Sequence([inner, inner])
        header.RequestAttributesSequence = Sequence([outer])

    rows = _rows_of(tmp_path, change)

    at = [row["keyword"] for row in rows].index("RequestAttributesSequence")
    part = rows[at : at + 7]
    told = [(row["keyword"], row["depth"], row["value"]) for row in part]
    assert told == [
        ("RequestAttributesSequence", 0, "1 item"),
        ("Modality", 1, "CT"),
        ("ScheduledProtocolCodeSequence", 1, "2 items"),
        ("Item 1", 2, ""),
        ("CodeMeaning", 2, "of the patient"),
        ("Item 2", 2, ""),
        ("CodeMeaning", 2, "of the patient"),
    ]
    assert all(row["identifies"] for row in part if row["keyword"] == "CodeMeaning")


def test_long_values_control_characters_and_bytes_are_shortened(tmp_path):
    def change(header):
        header.ImageComments = "long\r\n" * 500
        header.add_new(0x00282000, "OB", bytes(5000))
        header.PixelSpacing = [0.5, 0.5]

    rows = _rows_of(tmp_path, change)

    assert all(len(row["value"]) <= 200 for row in rows)
    assert all(row["value"].isprintable() for row in rows)
    assert _row(rows, "ICCProfile")["value"] == "5000 bytes"
    assert _row(rows, "PixelSpacing")["value"] == "0.5 \\ 0.5"


def test_the_number_of_rows_is_bounded(tmp_path):
    def change(header):
        leaf = Dataset()
        leaf.CodeValue, leaf.CodeMeaning = "1", "2"
        deep = leaf
        for _ in range(30):
            outer = Dataset()
            outer.ConceptCodeSequence = Sequence([deep])
            deep = outer
        wide = Dataset()
        wide.ConceptCodeSequence = Sequence([leaf] * 200)
        header.ContentSequence = Sequence([deep] + [wide] * 60)

    rows = _rows_of(tmp_path, change)

    assert 10_000 < len(rows) <= 20_000
    assert max(row["depth"] for row in rows) <= 17


def test_every_keyword_that_identifies_is_one_of_the_standard():
    assert [k for k in IDENTIFYING if tag_for_keyword(k) is None] == []
    assert len(IDENTIFYING) > 200


def test_a_series_shows_the_header_of_its_first_slice(tmp_path):
    (tmp_path / ".medlab").mkdir()
    series = write_dicom_series(tmp_path / "ct", make_volume(), seed=3)
    home = find_home(tmp_path)
    list_scans(home=home)

    rows = scan_tags(ScanSource("ct", series), home)

    assert _row(rows, "InstanceNumber")["value"] == "1"
    assert not any(row["keyword"] == "PixelData" for row in rows)


@pytest.mark.parametrize(
    "name",
    ["UN_sequence.dcm", "badVR.dcm", "priv_SQ.dcm", "nested_priv_SQ.dcm", "rtplan.dcm"],
)
def test_odd_files_show_what_can_be_read(tmp_path, name):
    path = shutil.copy(get_testdata_file(name, download=False), tmp_path / "a.dcm")

    assert dicom_tags(path, "a.dcm")


def test_a_file_that_is_no_dicom_says_so(tmp_path):
    (tmp_path / "a.dcm").write_text("hello")

    with pytest.raises(
        MedlabError, match=r"^a.dcm must be a DICOM file, got something"
    ):
        dicom_tags(tmp_path / "a.dcm", "a.dcm")
