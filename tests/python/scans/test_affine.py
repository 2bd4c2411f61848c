"""Affine arithmetic agrees with nibabel, and planes are shown as radiologists look."""

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.scans import axis_codes, check_same_grid, is_oblique, plane_axes, spacing_mm
from tests.support.scans import AXIS_CODES, make_affine


@pytest.mark.parametrize("axes", AXIS_CODES)
def test_all_48_axis_codes_are_named_as_nibabel_names_them(axes):
    straight = make_affine(axes)
    leaning = make_affine(axes, oblique=True, skewed=True)

    assert axis_codes(straight) == axes
    assert axis_codes(leaning) == "".join(nibabel.aff2axcodes(leaning))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=9, max_size=9))
def test_any_affine_is_named_as_nibabel_names_it(numbers):
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(numbers, (3, 3))
    values = np.linalg.svd(affine[:3, :3], compute_uv=False)
    if values.min() < 1e-3:
        return  # Nearly flat: there is no direction to name.

    assert axis_codes(affine) == "".join(nibabel.aff2axcodes(affine))


def test_spacing_is_the_length_of_the_columns():
    affine = make_affine("PIR", spacing_mm=(0.7, 1.3, 2.5), oblique=True)

    np.testing.assert_allclose(spacing_mm(affine), (0.7, 1.3, 2.5))


def test_a_turned_scan_is_oblique_and_a_straight_one_is_not():
    assert is_oblique(make_affine("SAL", oblique=True))
    assert not is_oblique(make_affine("SAL"))


@pytest.mark.parametrize("axes", AXIS_CODES)
@pytest.mark.parametrize(
    ("plane", "right_edge", "bottom"),
    [("axial", "L", "P"), ("coronal", "L", "I"), ("sagittal", "P", "I")],
)
def test_each_plane_has_the_radiological_letters_at_its_edges(
    axes, plane, right_edge, bottom
):
    found = plane_axes(make_affine(axes), plane)

    assert _far_end(axes[found.right], found.right_flip) == right_edge
    assert _far_end(axes[found.down], found.down_flip) == bottom
    assert {found.right, found.down, found.slices} == {0, 1, 2}


def _far_end(letter: str, flipped: bool) -> str:
    opposite = dict(zip("LRPAIS", "RLAPSI", strict=True))
    return opposite[letter] if flipped else letter


def test_an_unknown_plane_is_refused_with_the_list():
    with pytest.raises(MedlabError, match="axial, sagittal, coronal, got 'frontal'"):
        plane_axes(np.eye(4), "frontal")


def test_labels_of_another_shape_are_refused_with_advice():
    with pytest.raises(MedlabError) as caught:
        check_same_grid(
            "labels.nii.gz",
            (7, 8, 8),
            np.eye(4),
            scan_shape=(7, 8, 9),
            scan_affine=np.eye(4),
        )

    assert str(caught.value) == (
        "labels.nii.gz must have the scan's shape 7 x 8 x 9, got 7 x 8 x 8. "
        "Use labels drawn on this scan, or resample them to its grid first."
    )
    assert caught.value.code == "another-shape"


def test_labels_on_a_moved_grid_are_refused_with_the_distance():
    moved = make_affine("LPS")
    moved[0, 3] += 2

    with pytest.raises(MedlabError, match="on the scan's grid, got voxels up to 2 mm"):
        check_same_grid(
            "labels.nii.gz",
            (7, 8, 9),
            moved,
            scan_shape=(7, 8, 9),
            scan_affine=make_affine("LPS"),
        )
