"""A segmentation and a structure set tell which series they were drawn on."""

import shutil
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medlab.errors import MedlabError
from medlab.scans.dicom._references import reference_of, references


def test_pydicoms_segmentation_names_its_series():
    path = get_testdata_file("liver_1frame.dcm", download=False)
    header = pydicom.dcmread(path)
    named = header.ReferencedSeriesSequence[0].SeriesInstanceUID

    found = references(Path(path))

    assert (found.kind, found.series_uids) == ("seg", (named,))
    assert found.name == header.SeriesDescription


def test_a_structure_set_names_the_series_of_its_frame_of_reference():
    path = get_testdata_file("rtstruct.dcm", download=False)
    header = pydicom.dcmread(path, force=True)
    study = header.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    named = study.RTReferencedSeriesSequence[0].SeriesInstanceUID

    found = reference_of(header, "a.dcm")

    assert (found.kind, found.series_uids) == ("rtstruct", (named,))
    assert found.name == header.StructureSetLabel


def test_a_series_named_twice_is_told_once():
    item, header = Dataset(), Dataset()
    item.SeriesInstanceUID = "1.2.3"
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    header.ReferencedSeriesSequence = Sequence([item, item])

    assert reference_of(header, "a.dcm").series_uids == ("1.2.3",)


def test_an_image_is_refused_with_advice():
    path = get_testdata_file("CT_small.dcm", download=False)

    with pytest.raises(
        MedlabError, match=r"\(SEG\) or structure set .* got another kind"
    ):
        references(Path(path))


def test_a_file_without_the_start_of_dicom_is_refused(tmp_path):
    path = get_testdata_file("rtstruct.dcm", download=False)
    copy = shutil.copy(path, tmp_path / "a.dcm")

    with pytest.raises(MedlabError, match="must be a DICOM file"):
        references(copy)
