"""The volume cache holds what open_scan gives, in the types a browser is sent."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image

from medlab.scans import (
    Volume,
    find_home,
    find_scan,
    list_scans,
    open_scan,
    thumbnail_png,
    volume_cache,
)
from medlab.scans._cache import for_screen
from tests.support.scans import (
    PATIENT,
    make_affine,
    make_volume,
    write_colour_dicom,
    write_dicom_series,
    write_nifti_by_nibabel,
)


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".medlab").mkdir()
    return find_home(tmp_path)


def only_source(home):
    return find_scan(list_scans(home=home)[0].id, home)


def test_a_cached_volume_is_the_opened_one_with_x_fastest(home):
    write_dicom_series(home.root / "d", make_volume(oblique=True))
    source = only_source(home)

    cached = volume_cache(source, home)

    opened = open_scan(home.root / "d", home=home)
    np.testing.assert_array_equal(cached.voxels, opened.voxels)
    np.testing.assert_array_equal(cached.affine, opened.affine)
    assert cached.voxels.flags.f_contiguous
    assert cached.voxels.dtype == np.int16
    assert isinstance(cached.voxels, np.memmap)


def test_info_tells_what_a_viewer_must_know(home):
    volume = make_volume()
    write_nifti_by_nibabel(home.root / "a_ct.nii.gz", volume.voxels, volume.affine)
    source = only_source(home)

    info = volume_cache(source, home).info

    assert info == {
        "id": source.scan_id,
        "name": "a_ct.nii.gz",
        "shape": [7, 8, 9],
        "spacing_mm": pytest.approx([0.7, 1.3, 2.5]),
        "spacing_unit": "mm",
        "inverted": False,
        "affine": [pytest.approx(row) for row in volume.affine.tolist()],
        "orientation": "LPS",
        "modality": "CT",
        "unit": "HU",
        "dtype": "i2",
        "channels": 1,
        "warnings": [],
        "window": {"center": 40.0, "width": 400.0},
        "range": [-1024.0, 1999.0],
        "slab_bytes": 7 * 8 * 2,
    }


def test_a_colour_scan_is_cached_with_the_channel_fastest(home):
    picture = write_colour_dicom(home.root / "d" / "a.dcm")

    cached = volume_cache(only_source(home), home)

    assert cached.voxels.shape == (3, 8, 7, 1)
    assert cached.info["channels"] == 3
    sent = np.asarray(cached.voxels).tobytes(order="F")
    assert sent == picture.tobytes()


def test_a_replaced_scan_is_decoded_again_and_the_old_state_removed(home):
    path = home.root / "a.nii"
    write_nifti_by_nibabel(path, make_volume(seed=1).voxels, np.eye(4))
    source = only_source(home)
    volume_cache(source, home)

    write_nifti_by_nibabel(path, make_volume(seed=2).voxels, np.eye(4))
    os.utime(path, ns=(5, 5))
    cached = volume_cache(source, home)

    np.testing.assert_array_equal(cached.voxels, make_volume(seed=2).voxels)
    assert len(list((home.cache / "volumes").glob("*.npy"))) == 1


def test_a_torn_cache_file_is_made_anew(home):
    write_nifti_by_nibabel(home.root / "a.nii", make_volume().voxels, np.eye(4))
    source = only_source(home)
    volume_cache(source, home)
    for path in (home.cache / "volumes").glob("*.npy"):
        path.write_bytes(path.read_bytes()[:300])

    cached = volume_cache(source, home)

    np.testing.assert_array_equal(cached.voxels, make_volume().voxels)


def test_the_cache_names_no_patient(home):
    write_dicom_series(home.root / "d", make_volume())
    source = only_source(home)
    volume_cache(source, home)
    thumbnail_png(source, home)

    told = ""
    for path in home.cache.rglob("*"):
        told += path.name
        told += path.read_text() if path.suffix == ".json" else ""
    assert source.scan_id in told
    for word in (*PATIENT.split("^"), "study", "1.2.826"):
        assert word not in told


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        (np.array([[[-5, 9], [3, 4]]], np.int64), "int16"),
        (np.array([[[0, 60000], [3, 4]]], np.uint32), "uint16"),
        (np.array([[[0, 90000], [3, 4]]], np.int32), "float32"),
        (np.array([[[0, 0.5], [3, 4]]], np.float64), "float32"),
        (np.array([[[0, 200], [3, 4]]], np.uint8), "uint8"),
    ],
)
def test_voxels_are_sent_in_the_narrowest_type_that_holds_them(stored, sent):
    voxels, _ = for_screen(Volume(stored, np.eye(4)))

    assert voxels.dtype == sent
    assert voxels.flags.f_contiguous
    np.testing.assert_array_equal(voxels, stored)


def test_voxels_that_are_not_a_number_become_zero_and_are_told(home):
    voxels = np.ones((7, 8, 9), np.float32)
    voxels[0, 0, 0], voxels[1, 0, 0] = np.nan, np.inf
    write_nifti_by_nibabel(home.root / "a.nii", voxels, np.eye(4))

    cached = volume_cache(only_source(home), home)

    assert cached.info["range"] == [0.0, 1.0]
    assert "Voxels that are not a number are shown as 0." in cached.info["warnings"]
    json.dumps(cached.info, allow_nan=False)


@pytest.mark.parametrize("axes", ["LPS", "RAS", "PIR", "SAL"])
def test_a_thumbnail_shows_the_patients_left_on_the_right_and_the_front_on_top(
    home, axes
):
    bright = np.zeros((32, 32, 32), np.float32)
    scan = make_affine(axes, spacing_mm=(1, 1, 1), origin_mm=(0, 0, 0))
    # A cube at the patient's left front, in the middle of the height.
    where = np.argwhere(np.ones_like(bright)) @ scan[:3, :3].T
    where -= where.mean(axis=0)
    left_front = (where[:, 0] < -4) & (where[:, 1] > 4)
    bright.ravel()[left_front] = 100
    write_nifti_by_nibabel(home.root / "a.nii", bright, scan)

    png = thumbnail_png(only_source(home), home)

    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    assert picture.shape == (96, 96)
    assert picture[20, 76] > 200
    assert picture[20, 20] == picture[76, 20] == picture[76, 76] == 0


def test_a_thumbnail_keeps_the_proportions_in_mm(home):
    affine = make_affine("LPS", spacing_mm=(1, 2, 9))
    voxels = np.arange(20 * 20 * 2, dtype=np.int16).reshape(20, 20, 2)
    write_nifti_by_nibabel(home.root / "a.nii", voxels, affine)

    png = thumbnail_png(only_source(home), home)

    assert Image.open(io.BytesIO(png)).size == (48, 96)
