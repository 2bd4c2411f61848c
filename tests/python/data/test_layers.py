"""Cases from disk: a layer drawn in the editor, or a file of labels."""

import nibabel as nib
import numpy as np
import pytest

from medlab.data import IGNORE, Case, from_canonical, load_case, segment_names
from medlab.errors import MedlabError
from medlab.labels import Layer
from medlab.scans import find_home, open_scan
from tests.support.scans import make_labels, make_volume


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    volume = make_volume(axes="LAS")
    nib.save(nib.Nifti1Image(volume.voxels, volume.affine), tmp_path / "scan.nii")
    nib.save(nib.Nifti1Image(make_labels(), volume.affine), tmp_path / "labels.nii")
    return find_home()


def test_slices_drawn_in_the_editor_are_the_ones_that_count(home):
    scan = open_scan("scan.nii", home=home)
    layer = Layer.open(home, scan, name="lungs", segments=["right lung", "left lung"])
    mask = np.zeros(scan.shape, bool)
    mask[2:4, 3:5, [2, 6]] = True
    layer.paint("left lung", mask)
    case = Case("scan.nii", "layer:lungs")

    assert segment_names([case], home) == ("right lung", "left lung")
    loaded = load_case(case, segments=("left lung",), home=home)

    labels = from_canonical(loaded.labels, scan.affine)
    np.testing.assert_array_equal(labels == 1, mask)
    drawn = np.unique(np.nonzero(labels != IGNORE)[2])
    np.testing.assert_array_equal(drawn, [2, 6])


def test_a_layer_nobody_made_is_said_to_be_missing(home):
    with pytest.raises(MedlabError, match=r"nothing"):
        load_case(Case("scan.nii", "layer:nothing"), segments=("a",), home=home)


def test_segments_the_labels_have_not_are_refused_with_those_they_have(home):
    with pytest.raises(MedlabError, match=r"None of the segments liver is in these"):
        load_case(Case("scan.nii", "labels.nii"), segments=("liver",), home=home)


def test_a_segment_called_background_makes_the_strokes_scribbles(home):
    scan = open_scan("scan.nii", home=home)
    names = ["Background", "lung", "ignore"]
    layer = Layer.open(home, scan, name="strokes", segments=names)
    strokes = np.zeros(scan.shape, np.uint8)
    strokes[1, 1:7, 2], strokes[3, 1:7, 2], strokes[5, 1:7, 2] = 1, 2, 3
    for number, name in enumerate(names, start=1):
        layer.paint(name, strokes == number)
    case = Case("scan.nii", "layer:strokes")

    assert segment_names([case], home) == ("lung",)
    labels = load_case(case, segments=("lung",), home=home).labels

    labels = from_canonical(labels, scan.affine)
    np.testing.assert_array_equal(labels == 1, strokes == 2)
    np.testing.assert_array_equal(labels == 0, strokes == 1)


def test_labels_that_another_program_turned_and_cropped_are_put_in_place(home):
    image = nib.load("labels.nii")
    # The first slice is empty, as where a program crops to what is drawn.
    drawn = np.asarray(image.dataobj).copy()
    drawn[:, :, 0] = 0
    nib.save(nib.Nifti1Image(drawn, image.affine), "whole.nii")
    turned = nib.as_closest_canonical(nib.load("whole.nii")).slicer[:, :, 1:]
    nib.save(turned, "turned.nii")
    settings = {"segments": ("segment 1", "segment 2"), "home": home}

    assert turned.shape != image.shape
    whole = load_case(Case("scan.nii", "whole.nii"), **settings)
    np.testing.assert_array_equal(
        load_case(Case("scan.nii", "turned.nii"), **settings).labels, whole.labels
    )


def test_labels_of_another_place_in_the_patient_are_refused(home):
    image = nib.load("labels.nii")
    affine = image.affine.copy()
    affine[0, 3] += 0.3
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), "moved.nii")
    with pytest.raises(MedlabError, match=r"moved\.nii"):
        load_case(Case("scan.nii", "moved.nii"), segments=("segment 1",), home=home)
