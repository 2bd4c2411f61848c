"""Headers that hypothesis makes up: shape, spacing and affine are those of SimpleITK and dcmtk.

Where medlab refuses, it says so; where it opens, it agrees with the others within 1e-4 mm.
"""

import os
import re
import subprocess
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medlab.errors import MedlabError
from medlab.scans import open_scan
from tests.support.hostile._text_headers import metaimage, nrrd
from tests.support.hostile._whole import dicom_bytes, dicom_slice, nifti_header

EXAMPLES = 2000 if os.environ.get("MEDLAB_LONG") == "1" else 40
often = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=20),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
sizes = st.tuples(*[st.integers(1, 6)] * 3)
lengths = st.floats(0.0625, 50, width=32)
spacings = st.tuples(lengths, lengths, lengths)
places = st.tuples(*[st.floats(-500, 500, width=32)] * 3)
turns = st.tuples(*[st.floats(-3, 3)] * 3)

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def rotation(angles):
    """Three turns about x, y and z, in radians."""
    a, b, c = angles
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


def by_simpleitk(path):
    """Shape and affine (RAS) of SimpleITK; None if it refuses."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError:
        return None
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return image.GetSize(), LPS_TO_RAS @ affine


def agrees(path):
    """Open the file in both ways, and compare."""
    ours, theirs = open_scan(path), by_simpleitk(path)
    assert theirs is not None
    shape, affine = theirs
    assert ours.shape == tuple(shape)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1)
    points = np.vstack([corners, np.ones(8)])
    np.testing.assert_allclose(ours.affine @ points, affine @ points, atol=1e-4)
    np.testing.assert_allclose(
        ours.spacing_mm, np.linalg.norm(affine[:3, :3], axis=0), atol=1e-4
    )


def numbers(values):
    return " ".join(repr(float(value)) for value in values)


@often
@given(sizes, spacings, places, turns)
def test_metaimage_headers_agree_with_simpleitk(tmp_path, size, spacing, place, turn):
    path = tmp_path / "a.mha"
    path.write_bytes(
        metaimage(
            bytes(2 * size[0] * size[1] * size[2]),
            DimSize=" ".join(map(str, size)),
            ElementSpacing=numbers(spacing),
            Offset=numbers(place),
            TransformMatrix=numbers(rotation(turn).ravel()),
        )
    )

    agrees(path)


@often
@given(sizes, spacings, places, turns)
def test_nrrd_headers_agree_with_simpleitk(tmp_path, size, spacing, place, turn):
    path = tmp_path / "a.nrrd"
    rows = [rotation(turn)[:, n] * step for n, step in enumerate(spacing)]
    path.write_bytes(
        nrrd(
            bytes(2 * size[0] * size[1] * size[2]),
            sizes=" ".join(map(str, size)),
            space_directions=" ".join(
                f"({numbers(row).replace(' ', ',')})" for row in rows
            ),
            space_origin=f"({numbers(place).replace(' ', ',')})",
        )
    )

    agrees(path)


@often
@given(sizes, spacings, places, turns)
def test_nifti_headers_agree_with_simpleitk(tmp_path, size, spacing, place, turn):
    import nibabel

    path = tmp_path / "a.nii"
    affine = np.eye(4)
    affine[:3, :3] = rotation(turn) * spacing
    affine[:3, 3] = place
    image = nibabel.Nifti1Image(np.zeros(size, np.int16), affine)
    nibabel.save(image, path)

    # Both forms hold single precision, and ITK works one out from the other.
    ours, theirs = open_scan(path), by_simpleitk(path)

    assert theirs is not None
    assert ours.shape == tuple(theirs[0])
    np.testing.assert_allclose(ours.affine, theirs[1], atol=2e-4)
    np.testing.assert_allclose(ours.affine, nibabel.load(path).affine, atol=1e-9)


@often
@given(st.binary(max_size=40), st.integers(0, 351))
def test_damaged_nifti_headers_are_refused_or_read_as_nibabel_does(tmp_path, data, at):
    import nibabel

    content = nifti_header()
    content[at : at + len(data)] = data
    path = tmp_path / "a.nii"
    path.write_bytes(bytes(content[:352]).ljust(352, b"\0") + bytes(1008))

    try:
        ours = open_scan(path)
    except MedlabError:
        return
    try:
        theirs = nibabel.load(path)
    except nibabel.filebasedimages.ImageFileError:
        return  # A field that medlab does not use, such as the magic of an extension.
    assert ours.shape == (*theirs.shape, 1, 1)[:3]
    if not ours.warnings or not any("form" in note for note in ours.warnings):
        scale = {1: 1000.0, 3: 0.001}.get(int(theirs.header["xyzt_units"]) & 7, 1.0)
        if ours.spacing_unit == "mm":
            wanted = np.diag([scale, scale, scale, 1]) @ theirs.affine
            np.testing.assert_allclose(ours.affine, wanted, rtol=1e-5, atol=1e-4)


@settings(often, max_examples=max(EXAMPLES // 4, 8))
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.tuples(lengths, lengths),
    places,
    turns,
    st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]),
)
def test_dicom_headers_agree_with_dcmtk(
    tmp_path, rows, columns, spacing, place, turn, syntax
):
    def text(values):
        return [f"{value:.10g}"[:16] for value in values]

    axes = rotation(turn)
    scan = dicom_slice(
        syntax,
        Rows=rows,
        Columns=columns,
        PixelSpacing=text(spacing),
        ImagePositionPatient=text(place),
        ImageOrientationPatient=text([*axes[:, 0], *axes[:, 1]]),
        PixelData=bytes(2 * rows * columns),
    )
    path = tmp_path / "a.dcm"
    path.write_bytes(dicom_bytes(scan))

    ours = open_scan(path)

    told = by_dcmdump(path)
    assert ours.shape == (int(told["0028,0011"][0]), int(told["0028,0010"][0]), 1)
    down, across = map(float, told["0028,0030"])
    np.testing.assert_allclose(ours.spacing_mm[:2], (across, down), atol=1e-4)
    lps = LPS_TO_RAS @ ours.affine
    np.testing.assert_allclose(lps[:3, 3], [*map(float, told["0020,0032"])], atol=1e-4)
    along = np.array([*map(float, told["0020,0037"])]).reshape(2, 3)
    np.testing.assert_allclose(lps[:3, 0], along[0] * across, atol=1e-4)
    np.testing.assert_allclose(lps[:3, 1], along[1] * down, atol=1e-4)


def by_dcmdump(path):
    """Tag to values, as dcmtk's dcmdump prints them."""
    tags = ("0028,0010", "0028,0011", "0028,0030", "0020,0032", "0020,0037")
    command = [
        "dcmdump",
        "-q",
        "+L",
        *(part for tag in tags for part in ("+P", tag)),
        str(path),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("dcmtk is not installed")
    found = {}
    for line in done.stdout.splitlines():
        match = re.match(r"\((\S+)\) \w\w \[?([^\]#]*)\]?", line)
        assert match is not None, line
        found[match[1]] = match[2].strip().split("\\")
    return found
