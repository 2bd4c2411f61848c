"""NIfTI: what is doubtful about its geometry is said exactly; pairs, units, 4D, vectors."""

import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from medlab.errors import MedlabError
from medlab.scans import Home, open_scan
from medlab.scans._open import header_tags, read_source_header
from medlab.scans._volume import ScanSource
from tests.support.scans import make_affine, make_volume

TEST_DATA = Path(nibabel.__file__).parent / "tests" / "data"
VOXELS = make_volume().voxels


def save(path, *, sform=None, qform=None, units="mm", voxels=VOXELS, **header):
    """A file with just these forms; `header` sets raw fields."""
    image = nibabel.Nifti1Image(voxels, None)
    if qform is not None:
        image.header.set_qform(qform, code=1)
    if sform is not None:
        image.header.set_sform(sform, code=1)
        if qform is None:
            image.header["pixdim"][1:4] = np.linalg.norm(sform[:3, :3], axis=0)
    image.header.set_xyzt_units(units)
    for key, value in header.items():
        image.header[key] = value
    nibabel.save(image, path)
    return path


def patch(path, at, kind, *numbers):
    content = bytearray(path.read_bytes())
    struct.pack_into(f"<{len(numbers)}{kind}", content, at, *numbers)
    path.write_bytes(content)
    return path


def header_of(path):
    return read_source_header(ScanSource(path.name), Home(path.parent, path.parent))


def test_forms_that_are_moved_apart_are_told_in_mm(tmp_path):
    sform, qform = make_affine("RAS"), make_affine("RAS")
    qform[:3, 3] += (3, 4, 12)

    scan = open_scan(save(tmp_path / "a.nii", sform=sform, qform=qform))

    assert scan.warnings == (
        "qform and sform put the voxels up to 13 mm apart and are turned by 0 degrees; "
        "the sform is used.",
    )
    np.testing.assert_allclose(scan.affine, sform, atol=1e-4)


def test_forms_that_are_turned_are_told_in_degrees(tmp_path):
    turned = np.eye(4)
    a = np.deg2rad(5)
    turned[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]

    scan = open_scan(save(tmp_path / "a.nii", sform=np.eye(4), qform=turned))

    # The far corner of 7 x 8 x 9 lies sqrt(6^2 + 7^2) from the axis of the turn.
    furthest = 2 * np.sin(a / 2) * np.hypot(6, 7)
    assert (
        f"up to {furthest:.4g} mm apart and are turned by 5 degrees"
        in (scan.warnings[0])
    )


def test_a_form_that_mirrors_the_other_is_told(tmp_path):
    path = save(
        tmp_path / "a.nii", sform=np.eye(4), qform=np.diag([-1.0, 1.0, 1.0, 1.0])
    )

    assert "one is the mirror image of the other" in open_scan(path).warnings[0]


def test_forms_that_agree_but_for_rounding_are_silent(tmp_path):
    affine = make_affine("PIR", oblique=True)

    scan = open_scan(save(tmp_path / "a.nii", sform=affine, qform=affine))

    assert scan.warnings == ()


@pytest.mark.parametrize("bad", [np.nan, 0.0], ids=["NaN", "singular"])
def test_a_sform_that_places_nothing_gives_way_to_the_qform(tmp_path, bad):
    affine = make_affine("LPS", oblique=True)
    path = save(tmp_path / "a.nii", sform=np.eye(4), qform=affine)
    patch(path, 280, "f", *[bad] * 4)

    scan = open_scan(path)

    np.testing.assert_allclose(scan.affine, affine, atol=1e-4)
    assert scan.warnings == (
        "The sform is not usable (not finite, or two axes coincide); the qform is used.",
    )


def test_a_qform_that_is_no_rotation_is_refused_when_there_is_no_other(tmp_path):
    path = save(tmp_path / "a.nii", qform=np.eye(4))
    patch(path, 256, "f", 2.0, 2.0, 2.0)

    with pytest.raises(MedlabError, match="must hold finite numbers") as caught:
        open_scan(path)
    assert caught.value.code == "affine"


def test_sizes_that_the_sform_belies_are_told(tmp_path):
    path = save(tmp_path / "a.nii", sform=np.diag([2.0, 2.0, 2.0, 1.0]))
    patch(path, 80, "f", 1.0, 1.0, 3.0)

    scan = open_scan(path)

    assert scan.spacing_mm == (2, 2, 2)
    assert scan.warnings == (
        "The header gives voxels of 1 x 1 x 3 mm, but places them 2 x 2 x 2 mm apart "
        "(sform); the sform is used.",
    )


@pytest.mark.parametrize(
    ("units", "factor"), [("mm", 1), ("micron", 1e-3), ("meter", 1e3)]
)
def test_lengths_come_in_mm_whatever_the_file_counts_in(tmp_path, units, factor):
    affine = make_affine("RAS")
    stored = affine.copy()
    stored[:3] /= factor

    scan = open_scan(save(tmp_path / "a.nii", sform=stored, units=units))

    np.testing.assert_allclose(scan.affine, affine, rtol=1e-6, atol=1e-4)
    assert (scan.warnings == ()) == (factor == 1)


def test_a_missing_unit_of_length_is_told(tmp_path):
    scan = open_scan(save(tmp_path / "a.nii", sform=np.eye(4), units=0))

    assert scan.warnings == (
        "The file names no unit of length; millimetres are assumed.",
    )
    assert scan.spacing_unit == "mm"


@pytest.mark.parametrize("sizes", [(1, 1, 1), (0, 2, 2), (np.nan, 1, 1)])
def test_a_missing_spacing_is_pixels_and_not_one_mm(tmp_path, sizes):
    path = save(tmp_path / "a.nii", units=0)
    patch(path, 80, "f", *sizes)

    scan, header = open_scan(path), header_of(path)

    assert (scan.spacing_unit, header.spacing_unit) == ("pixels", "pixels")
    assert scan.spacing_mm == (1, 1, 1)
    assert "The file gives no pixel size; distances are in pixels." in scan.warnings


def test_sizes_without_a_place_are_used_as_nibabel_does(tmp_path):
    path = save(tmp_path / "a.nii")
    patch(path, 80, "f", 0.5, 1.5, 2.0)

    scan = open_scan(path)

    np.testing.assert_allclose(scan.affine, nibabel.load(path).affine, atol=1e-6)
    assert "left and right may be swapped" in scan.warnings[0]
    assert scan.spacing_unit == "mm"


@pytest.mark.parametrize(
    ("unit", "seconds"), [("sec", 1), ("msec", 1e-3), ("usec", 1e-6)]
)
def test_times_of_a_series_are_in_seconds(tmp_path, unit, seconds):
    voxels = np.arange(7 * 8 * 9 * 3, dtype=np.int16).reshape(7, 8, 9, 3)
    path = save(tmp_path / "a.nii.gz", sform=np.eye(4), voxels=voxels)
    image = nibabel.load(path)
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4], image.header["toffset"] = 2.5 / seconds, 1 / seconds
    path = tmp_path / "b.nii.gz"
    nibabel.save(image, path)

    header = header_of(path)

    assert (header.frames, header.frame_kind) == (3, "time")
    assert header.frame_values == (1.0, 3.5, 6.0)
    for frame in range(3):
        found = open_scan(path, frame=frame).voxels
        np.testing.assert_array_equal(found, voxels[..., frame])


def test_a_series_without_a_unit_of_time_has_volumes_without_times(tmp_path):
    path = save(
        tmp_path / "a.nii", sform=np.eye(4), voxels=np.zeros((7, 8, 9, 2), "i2")
    )

    assert header_of(path).frame_kind == "volume"
    assert header_of(path).frame_values == ()


def test_the_components_of_a_vector_are_volumes_as_simpleitk_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(9, 8, 7, 3)).astype(np.float32)
    image = SimpleITK.GetImageFromArray(vectors, isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "a.nii.gz"))

    header = header_of(tmp_path / "a.nii.gz")

    assert (header.shape, header.frames, header.channels) == ((7, 8, 9), 3, 1)
    assert (header.frame_kind, header.frame_values) == ("component", ("x", "y", "z"))
    found = open_scan(tmp_path / "a.nii.gz", frame=1).voxels
    np.testing.assert_array_equal(found, vectors[..., 1].T)


def test_five_axes_are_told_apart_volume_by_volume(tmp_path):
    voxels = np.arange(3 * 4 * 5 * 2 * 3).reshape(3, 4, 5, 2, 3).astype(np.float32)
    path = save(tmp_path / "a.nii", sform=np.eye(4), voxels=voxels)

    header = header_of(path)

    assert (header.frames, header.frame_kind) == (6, "volume")
    assert header.frame_values[:3] == (
        "t0, component 0",
        "t1, component 0",
        "t0, component 1",
    )
    found = open_scan(path, frame=3).voxels
    np.testing.assert_array_equal(found, voxels[..., 1, 1])


@pytest.mark.parametrize(
    "kind", [nibabel.Nifti1Pair, nibabel.Nifti2Pair, nibabel.AnalyzeImage]
)
@pytest.mark.parametrize("ending", [".hdr", ".img"])
def test_a_pair_is_read_from_either_of_its_files(tmp_path, kind, ending):
    affine = np.diag([-2.0, 3.0, 4.0, 1.0])
    nibabel.save(kind(VOXELS, affine), tmp_path / "a.img")
    theirs = nibabel.load(tmp_path / "a.img")

    found = open_scan(tmp_path / f"a{ending}", home=Home(tmp_path, tmp_path))

    np.testing.assert_array_equal(found.voxels, VOXELS)
    np.testing.assert_allclose(found.affine, theirs.affine, atol=1e-5)
    assert found.source == ScanSource("a.hdr")


def test_a_header_without_its_image_says_so(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(VOXELS, np.eye(4)), tmp_path / "a.img")
    (tmp_path / "a.img").unlink()

    with pytest.raises(MedlabError) as caught:
        open_scan(tmp_path / "a.hdr")
    assert str(caught.value) == (
        "a.hdr must have its voxels in an .img file of the same name beside it, got "
        "none. Put both in one folder."
    )


def test_an_image_that_is_a_link_out_of_the_root_is_refused(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    nibabel.save(nibabel.Nifti1Pair(VOXELS, np.eye(4)), root / "a.img")
    (root / "a.img").rename(tmp_path / "secret.img")
    (root / "a.img").symlink_to(tmp_path / "secret.img")

    with pytest.raises(MedlabError, match="got a link to another place"):
        open_scan(root / "a.hdr", home=Home(root, root / ".medlab"))


def test_surface_values_are_no_scan():
    with pytest.raises(MedlabError, match="got CIFTI: values on a surface"):
        open_scan(TEST_DATA / "row_major.dconn.nii")


@pytest.mark.parametrize(
    "name",
    [
        "anatomical.nii",
        "example4d.nii.gz",
        "example_nifti2.nii.gz",
        "functional.nii",
        "reoriented_anat_moved.nii",
        "standard.nii.gz",
    ],
)
def test_real_files_are_read_as_nibabel_reads_them(name):
    theirs = nibabel.load(TEST_DATA / name)

    found = open_scan(TEST_DATA / name, frame=0)

    data = np.asarray(theirs.dataobj)
    np.testing.assert_allclose(found.voxels, data[..., 0] if data.ndim == 4 else data)
    np.testing.assert_allclose(found.affine, theirs.affine, atol=1e-4)


def test_header_fields_are_rows_and_free_text_identifies(tmp_path):
    path = save(tmp_path / "a.nii", sform=np.eye(4), descrip=b"Doe, Jane")

    rows = header_tags(ScanSource("a.nii"), Home(tmp_path, tmp_path))

    told = {row["keyword"]: row for row in rows}
    assert told["descrip"]["value"] == "Doe, Jane"
    assert told["descrip"]["identifies"]
    assert told["dim"]["value"] == "3 7 8 9 1 1 1 1"
    assert not told["dim"]["identifies"]
    assert path.name not in str(rows)
