"""Cases: what is labelled is learnt, what is not is ignored, whatever the orientation."""

import nibabel as nib
import numpy as np
import pytest

from medlab.data import (
    IGNORE,
    as_slices,
    from_canonical,
    normalise,
    prepare_case,
    resample_to,
    to_canonical,
)
from medlab.errors import MedlabError
from tests.support.scans import AXIS_CODES, make_affine, make_labels, make_volume


@pytest.mark.parametrize("axes", AXIS_CODES)
def test_canonical_order_is_nibabels(axes):
    volume = make_volume(axes=axes, oblique=True)
    image = nib.Nifti1Image(volume.voxels, volume.affine)
    expected = np.asarray(nib.as_closest_canonical(image).dataobj)

    canonical = to_canonical(volume.voxels, volume.affine)

    np.testing.assert_array_equal(canonical, expected)
    np.testing.assert_array_equal(
        from_canonical(canonical, volume.affine), volume.voxels
    )


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "ILA"])
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_only_the_named_slices_count(axes, plane):
    volume, labels = make_volume(axes=axes), make_labels()
    letters = {"axial": "IS", "coronal": "PA", "sagittal": "LR"}[plane]
    own_axis = next(i for i, code in enumerate(axes) if code in letters)

    case = prepare_case(volume, labels, ids=[2, None, 3], plane=plane, slices=(1, 4))

    back = from_canonical(case.labels, volume.affine)
    chosen = np.zeros(volume.shape, bool)
    np.moveaxis(chosen, own_axis, 0)[[1, 4]] = True
    assert (back[~chosen] == IGNORE).all()
    np.testing.assert_array_equal(back[chosen] == 1, labels[chosen] == 2)
    np.testing.assert_array_equal(back[chosen] == 3, labels[chosen] == 3)
    assert not (back == 2).any()
    kept = (as_slices(case.labels, plane) != IGNORE).any(axis=(1, 2))
    assert tuple(np.flatnonzero(kept)) == case.slices


def test_labels_with_gaps_mean_a_few_slices():
    volume, labels = make_volume(), make_labels()
    labels[:, :, [0, 3, 4]] = 0
    case = prepare_case(volume, labels, ids=[1])
    assert case.slices == (1, 2, 5, 6, 7, 8)


def test_labels_without_gaps_mean_all_slices():
    volume, labels = make_volume(), make_labels()
    labels[:, :, [0, 8]] = 0
    assert len(prepare_case(volume, labels, ids=[1]).slices) == 9
    few = prepare_case(volume, labels, ids=[1], only_labelled=True)
    assert few.slices == tuple(range(1, 8))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slices": (9,)}, r"axial slices of this scan are numbered 0 to 8, got 9"),
        ({"plane": "oblique"}, r"A plane is one of axial, coronal, sagittal, got 'ob"),
        ({"normalisation": "mri"}, r"normalise is one of auto, ct.*got 'mri'"),
    ],
)
def test_what_does_not_fit_is_said(change, says):
    with pytest.raises(MedlabError, match=says):
        prepare_case(make_volume(), make_labels(), ids=[1], **change)


def test_labels_of_another_scan_are_refused():
    with pytest.raises(MedlabError, match=r"\(7, 8, 9\), but these have the shape \(3"):
        prepare_case(make_volume(), make_labels((3, 8, 9)), ids=[1])


def test_a_scan_without_any_label_is_refused():
    with pytest.raises(MedlabError, match=r"no label on this scan yet.*Label a few"):
        prepare_case(make_volume(), np.zeros((7, 8, 9), np.uint8), ids=[1])


def test_hounsfield_units_keep_their_meaning():
    voxels = np.array([-3024.0, -1000, 0, 500, 3000, np.nan]).reshape(1, 1, 6)
    scaled = normalise(voxels, modality="CT")
    np.testing.assert_allclose(scaled.ravel(), [-1, -1, 0, 0.5, 1, -1])


def test_a_scan_of_unknown_kind_with_air_and_bone_is_taken_for_a_ct():
    voxels = np.array([-1000.0, 0, 1000]).reshape(1, 1, 3)
    np.testing.assert_allclose(normalise(voxels).ravel(), [-1, 0, 1])


def test_other_scans_have_mean_0_and_deviation_1_in_each_channel():
    voxels = np.random.default_rng(0).gamma(2.0, 100, (9, 10, 11, 2))
    voxels[..., 1] *= 40
    scaled = normalise(voxels, modality="MR")
    np.testing.assert_allclose(scaled.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=(0, 1, 2)), 1, atol=1e-3)


def test_a_constant_scan_is_zero_and_not_nan():
    assert not normalise(np.full((3, 4, 5), 7.0), modality="MR").any()


def test_resampling_keeps_a_ramp_in_place():
    # The intensity is the position in mm of the voxel's middle, over a box of 24 mm.
    fine = np.broadcast_to(np.arange(24) + 0.5, (2, 2, 24))
    coarse = resample_to(fine, (2, 2, 12))
    np.testing.assert_allclose(coarse[0, 0, 1:-1], (np.arange(12) * 2 + 1)[1:-1])


def test_resampled_labels_stay_whole_numbers():
    labels = make_labels()
    assert set(np.unique(resample_to(labels, (4, 5, 20), labels=True))) <= {0, 1, 2, 3}


def test_spacing_is_that_of_the_canonical_axes():
    volume, labels = make_volume(axes="PIR"), make_labels()  # 0.7, 1.3, 2.5 mm along
    case = prepare_case(volume, labels, ids=[1], spacing_mm=(2.5, 0.7, 2.6))
    assert make_affine("PIR")[0, 2] == 2.5
    assert case.labels.shape == (9, 7, 4)


def test_scribbles_say_what_is_background_and_what_nobody_knows():
    volume, drawn = make_volume(), np.zeros((7, 8, 9), np.uint8)
    drawn[2:4, 3, 1:8], drawn[5, 3, 1:8], drawn[6, 6, 4] = 1, 2, 3

    case = prepare_case(volume, drawn, ids=[1], unsaid=[0, 3], only_labelled=True)

    labels = from_canonical(case.labels, volume.affine)
    assert (labels[drawn == 1] == 1).all()
    assert (labels[drawn == 2] == 0).all()
    assert (labels[(drawn == 0) | (drawn == 3)] == IGNORE).all()
    assert len(case.slices) == 7


def test_many_classes_are_told_apart_in_one_look():
    volume = make_volume()
    drawn = np.arange(7 * 8 * 9, dtype=np.uint16).reshape(7, 8, 9)
    case = prepare_case(volume, drawn, ids=list(range(1, 251)), slices=tuple(range(9)))
    labels = from_canonical(case.labels, volume.affine).astype(int)
    np.testing.assert_array_equal(labels, np.where(drawn <= 250, drawn, 0))


def test_the_voxel_size_is_told_after_resampling_too():
    volume, labels = make_volume(axes="PIR"), make_labels()
    assert prepare_case(volume, labels, ids=[1]).spacing_mm == (2.5, 0.7, 1.3)
    coarse = prepare_case(volume, labels, ids=[1], spacing_mm=(2.5, 0.7, 2.6))
    np.testing.assert_allclose(coarse.spacing_mm, (2.5, 0.7, 2.6))
