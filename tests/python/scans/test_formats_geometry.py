"""Headers drawn at random: geometry as SimpleITK and nibabel read it, or an error.

Where two libraries read one header differently, ours must side with one and say what is
doubtful. `MEDLAB_LONG=1` draws fifty times as many.
"""

import os
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.scans import open_scan
from medlab.scans.formats._nifti import read_header as nifti_header

TIMES = 50 if os.environ.get("MEDLAB_LONG") == "1" else 1
SOME = settings(
    max_examples=40 * TIMES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
TOLERANCE_MM = 1e-4

sizes = st.tuples(*[st.integers(1, 5)] * 3)
steps = st.tuples(*[st.floats(0.0625, 20, width=32)] * 3)
places = st.tuples(*[st.floats(-500, 500, width=32)] * 3)
odd = st.sampled_from([0.0, -1.0, 1.0, np.nan, np.inf, 1e-30, 1e30])
turns = st.tuples(*[st.floats(-1, 1, width=32)] * 4)


def rotation(quaternion):
    """A rotation from four numbers that are not all zero."""
    q = np.array(quaternion, np.float64)
    assume(np.linalg.norm(q) > 0.1)
    w, x, y, z = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def apart_mm(one, other, shape):
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    return np.abs((one - other) @ np.vstack([corners, np.ones(8)])).max()


def itk_affine(image):
    """Affine to RAS of a 3D SimpleITK image."""
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


@given(
    shape=sizes,
    spacing=st.tuples(*[st.one_of(st.floats(0.0625, 20, width=32), odd)] * 3),
    qfac=st.sampled_from([1.0, -1.0, 0.0, 0.5]),
    quaternion=st.tuples(*[st.one_of(st.floats(-0.5625, 0.5625, width=32), odd)] * 3),
    offset=places,
    srow=st.tuples(*[st.one_of(st.floats(-9, 9, width=32), odd)] * 12),
    codes=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    version=st.sampled_from([1, 2]),
)
@SOME
def test_any_nifti_header_is_read_as_nibabel_reads_it_or_refused(
    tmp_path, shape, spacing, qfac, quaternion, offset, srow, codes, version
):
    kind = nibabel.Nifti1Header if version == 1 else nibabel.Nifti2Header
    header = kind()
    header.set_data_shape(shape)
    header.set_data_dtype(np.uint8)
    header["pixdim"][:4] = (qfac, *spacing)
    header["quatern_b"], header["quatern_c"], header["quatern_d"] = quaternion
    header["qoffset_x"], header["qoffset_y"], header["qoffset_z"] = offset
    header["srow_x"], header["srow_y"], header["srow_z"] = srow[:4], srow[4:8], srow[8:]
    header["qform_code"], header["sform_code"] = codes
    header["xyzt_units"] = 2
    header["vox_offset"] = header.sizeof_hdr + 4
    header["magic"] = b"n+1" if version == 1 else b"n+2"
    path = tmp_path / "a.nii"
    path.write_bytes(header.binaryblock + bytes(4) + bytes(int(np.prod(shape))))

    try:
        ours = nifti_header(path, path.name)
    except MedlabError:
        return

    assert ours.shape == shape
    assert np.isfinite(ours.affine).all()
    try:
        theirs = nibabel.load(path).affine
    except Exception:
        assert ours.warnings
        return
    doubtful = ("not usable", "left and right may be swapped")
    if not any(word in " ".join(ours.warnings) for word in doubtful):
        assert apart_mm(ours.affine, theirs, shape) <= TOLERANCE_MM


@given(
    shape=st.tuples(*[st.integers(2, 5)] * 3), spacing=steps, origin=places, turn=turns
)
@SOME
@pytest.mark.parametrize("ending", ["nii", "nrrd", "mha", "nhdr", "mhd"])
def test_what_simpleitk_places_is_placed_there(
    tmp_path, ending, shape, spacing, origin, turn
):
    image = SimpleITK.Image(*shape, SimpleITK.sitkInt16)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(rotation(turn).ravel().tolist())
    path = tmp_path / f"a.{ending}"
    SimpleITK.WriteImage(image, str(path))
    # NIfTI keeps single precision, so its own file is what must be agreed on.
    theirs = itk_affine(SimpleITK.ReadImage(str(path)))

    ours = open_scan(path)

    assert ours.shape == shape
    assert apart_mm(ours.affine, theirs, shape) <= 2 * TOLERANCE_MM
    assert ours.spacing_unit == "mm"


@given(
    shape=sizes,
    spacing=st.tuples(*[st.one_of(st.floats(0.01, 20), odd)] * 3),
    matrix=st.tuples(*[st.one_of(st.floats(-1, 1), odd)] * 9),
    origin=st.tuples(*[st.one_of(st.floats(-500, 500), odd)] * 3),
)
@SOME
def test_any_metaimage_header_is_read_as_simpleitk_reads_it_or_refused(
    tmp_path, shape, spacing, matrix, origin
):
    def words(numbers):
        return " ".join(f"{n:.9g}" for n in numbers)

    text = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\n"
        f"TransformMatrix = {words(matrix)}\nOffset = {words(origin)}\n"
        f"ElementSpacing = {words(spacing)}\nDimSize = {words(shape)}\n"
        "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    )
    path = tmp_path / "a.mha"
    path.write_bytes(text.encode() + bytes(int(np.prod(shape))))

    try:
        ours = open_scan(path)
    except MedlabError:
        return

    theirs = itk_affine(SimpleITK.ReadImage(str(path)))
    assert ours.shape == shape
    scale = max(1.0, np.abs(theirs).max() / 1e4)
    assert apart_mm(ours.affine, theirs, shape) <= TOLERANCE_MM * scale


@given(
    shape=st.tuples(*[st.integers(2, 5)] * 3),
    rows=st.tuples(*[st.one_of(st.floats(-5, 5), odd)] * 9),
    origin=places,
    space=st.sampled_from(
        ["left-posterior-superior", "right-anterior-superior", "LAS", "scanner-xyz"]
    ),
)
@SOME
def test_any_nrrd_header_is_read_as_simpleitk_reads_it_or_refused(
    tmp_path, shape, rows, origin, space
):
    vectors = [
        "(" + ",".join(f"{n:.9g}" for n in rows[i : i + 3]) + ")" for i in (0, 3, 6)
    ]
    text = (
        "NRRD0004\ntype: uint8\ndimension: 3\n"
        f"space: {space}\nsizes: {' '.join(map(str, shape))}\n"
        f"space directions: {' '.join(vectors)}\nencoding: raw\n"
        f"space origin: ({','.join(f'{n:.9g}' for n in origin)})\n\n"
    )
    path = tmp_path / "a.nrrd"
    path.write_bytes(text.encode() + bytes(int(np.prod(shape))))

    try:
        ours = open_scan(path)
    except MedlabError:
        return

    try:
        theirs = SimpleITK.ReadImage(str(path))
    except RuntimeError:
        return  # ITK refuses axes that are not at right angles; they are kept here.
    assert ours.shape == theirs.GetSize()
    affine = itk_affine(theirs)
    # ITK straightens directions that are nearly at right angles.
    directions = ours.affine[:3, :3] / np.linalg.norm(ours.affine[:3, :3], axis=0)
    if np.allclose(directions.T @ directions, np.eye(3), atol=1e-6):
        assert apart_mm(ours.affine, affine, shape) <= TOLERANCE_MM


@given(content=st.binary(min_size=0, max_size=400), at=st.integers(0, 340))
@SOME
def test_random_bytes_in_a_nifti_header_end_in_one_kind_of_error(tmp_path, content, at):
    header = nibabel.Nifti1Header()
    header.set_data_shape((3, 4, 5))
    header.set_sform(np.eye(4), code=1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    block = bytearray(header.binaryblock + bytes(4 + 60 * 4))
    block[at : at + len(content)] = content
    path = tmp_path / "a.nii"
    path.write_bytes(block[:4] + bytes(block[4:]))

    try:
        found = open_scan(path)
    except MedlabError:
        return
    assert np.isfinite(found.affine).all()
    assert abs(np.linalg.det(found.affine[:3, :3])) > 0


def test_the_odd_numbers_reach_the_header(tmp_path):
    """So that the properties above are about headers with NaN in them at all."""
    path = tmp_path / "a.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 3, 4), np.uint8), np.eye(4)), path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 280, np.nan)
    path.write_bytes(content)

    with pytest.raises(MedlabError, match="must hold finite numbers"):
        open_scan(path)
