"""A 4D series is split by what its files say: b-value, echo, component, phase, time."""

import gzip
import time
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from nibabel.nicom import csareader
from nibabel.nicom.dicomwrappers import wrapper_from_data
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medlab.errors import MedlabError
from medlab.labels._dicom_seg_write import write_dicom_seg
from medlab.labels._grid import grid_of
from medlab.labels._segment import Segment
from medlab.labels._stack import LayerStack
from medlab.scans import (
    ScanSource,
    find_home,
    list_scans,
    open_scan,
    read_slice,
    volume_cache,
)
from medlab.scans.dicom._file import read_dicom
from medlab.scans.dicom._mosaic import Mosaic, csa_fields
from medlab.scans.dicom._series import read_header
from tests.support.scans import make_volume, write_dicom_series

NICOM = Path(nibabel.__file__).parent / "nicom/tests/data"
SHAPE = (7, 8, 4)


def _write_4d(folder, change, count=3, modality="MR", skip=()):
    """`count` volumes in one series; file names and instance numbers say nothing."""
    volumes = [make_volume(SHAPE, modality=modality, seed=n) for n in range(count)]
    rng = np.random.default_rng(5)
    numbers = list(rng.permutation(100))
    for n, volume in enumerate(volumes):
        part = folder.parent / f"part{n}"
        write_dicom_series(part, volume, shuffled=False)
        for k, path in enumerate(sorted(part.iterdir())):
            if (n, k) in skip:
                continue
            header = pydicom.dcmread(path)
            header.SOPInstanceUID = f"1.2.3.{n}.{k}"
            header.InstanceNumber = int(numbers.pop())
            change(header, n, k)
            folder.mkdir(exist_ok=True)
            header.save_as(folder / f"IM{rng.integers(1 << 40):013d}")
    return volumes


def _header(folder):
    files = [read_dicom(path, path.name) for path in sorted(folder.iterdir())]
    return read_header(files, "a")


def _check(folder, volumes, order=None):
    for n, volume in enumerate(volumes):
        found = open_scan(folder, frame=n if order is None else order[n])
        np.testing.assert_array_equal(found.voxels, volume.voxels)
        np.testing.assert_allclose(found.affine, volume.affine, rtol=0, atol=1e-4)


def test_echoes_are_volumes_with_their_times(tmp_path):
    def change(header, n, k):
        header.EchoTime = [9.2, 2.3, 4.6][n]

    volumes = _write_4d(tmp_path / "s", change)

    header = _header(tmp_path / "s")
    assert (header.frames, header.frame_kind) == (3, "echo")
    assert header.frame_values == (2.3, 4.6, 9.2)
    _check(tmp_path / "s", volumes, order=[2, 0, 1])


def test_times_are_seconds_since_the_first_volume(tmp_path):
    def change(header, n, k):
        # Slices are taken one after the other: no two files have the same time.
        header.AcquisitionDate = "20240131"
        header.AcquisitionTime = f"2359{[10, 50, 30][n] + 0.25 * k:05.2f}"

    volumes = _write_4d(tmp_path / "s", change)

    header = _header(tmp_path / "s")
    assert (header.frames, header.frame_kind) == (3, "time")
    assert header.frame_values == (0.0, 20.0, 40.0)
    _check(tmp_path / "s", volumes, order=[0, 2, 1])


def test_cardiac_phases_are_ordered_by_their_trigger(tmp_path):
    def change(header, n, k):
        header.TriggerTime = [40.0, 0.0, 80.0][n] + k

    volumes = _write_4d(tmp_path / "s", change)

    header = _header(tmp_path / "s")
    assert header.frame_kind == "phase"
    np.testing.assert_allclose(header.frame_values, [1.5, 41.5, 81.5])
    _check(tmp_path / "s", volumes, order=[1, 0, 2])


def test_b_values_with_directions_are_volumes(tmp_path):
    gradients = [(0.0, None), (1000.0, (1.0, 0.0, 0.0)), (1000.0, (0.0, 1.0, 0.0))]

    def change(header, n, k):
        header.DiffusionBValue = gradients[n][0]
        if gradients[n][1] is not None:
            header.DiffusionGradientOrientation = list(gradients[n][1])

    volumes = _write_4d(tmp_path / "s", change)

    header = _header(tmp_path / "s")
    assert (header.frames, header.frame_kind) == (3, "b-value")
    assert sorted(header.frame_values) == [0.0, 1000.0, 1000.0]
    found = [open_scan(tmp_path / "s", frame=n).voxels for n in range(3)]
    for volume in volumes:
        assert sum(np.array_equal(volume.voxels, voxels) for voxels in found) == 1


@pytest.mark.parametrize("maker", ["siemens", "ge", "philips"])
def test_b_values_that_makers_keep_to_themselves_are_found(tmp_path, maker):
    def change(header, n, k):
        b_value = [0, 500, 1000][n]
        if maker == "siemens":
            block = header.private_block(0x0019, "SIEMENS MR HEADER", create=True)
            block.add_new(0x0C, "IS", str(b_value))
        elif maker == "ge":
            block = header.private_block(0x0043, "GEMS_PARM_01", create=True)
            block.add_new(0x39, "IS", [1_000_000_000 + b_value, 8, 0, 0])
        else:
            block = header.private_block(0x2001, "Philips Imaging DD 001", create=True)
            block.add_new(0x03, "FL", float(b_value))

    _write_4d(tmp_path / "s", change)

    header = _header(tmp_path / "s")
    assert header.frame_kind == "b-value"
    assert sorted(header.frame_values) == [0.0, 500.0, 1000.0]


def test_magnitude_and_phase_are_components(tmp_path):
    def change(header, n, k):
        header.ImageType = ["ORIGINAL", "PRIMARY", "MP"[n]]

    _write_4d(tmp_path / "s", change, count=2)

    header = _header(tmp_path / "s")
    assert header.frame_kind == "component"
    assert sorted(header.frame_values) == ["M", "P"]


def test_echoes_of_two_components_are_told_in_words(tmp_path):
    def change(header, n, k):
        header.EchoTime = [2.3, 4.6][n // 2]
        header.ImageType = ["ORIGINAL", "PRIMARY", "MP"[n % 2]]

    _write_4d(tmp_path / "s", change, count=4)

    header = _header(tmp_path / "s")
    assert (header.frames, header.frame_kind) == (4, "echo")
    assert sorted(header.frame_values) == [
        "echo 2.3 ms, M", "echo 2.3 ms, P", "echo 4.6 ms, M", "echo 4.6 ms, P",
    ]  # fmt: skip


def test_a_volume_that_lacks_slices_is_left_out_and_told(tmp_path):
    def change(header, n, k):
        header.TemporalPositionIdentifier = n + 1

    volumes = _write_4d(tmp_path / "s", change, skip=[(2, 1), (2, 3)])

    header = _header(tmp_path / "s")
    assert (header.frames, header.frame_kind) == (2, "time")
    assert header.warnings == (
        "1 volume lacks slices (2 of 4 are there) and is left out.",
    )
    found = [open_scan(tmp_path / "s", frame=n).voxels for n in range(2)]
    for volume in volumes[:2]:
        assert sum(np.array_equal(volume.voxels, voxels) for voxels in found) == 1


def test_a_list_a_cache_and_a_slice_know_each_volume(tmp_path):
    (tmp_path / ".medlab").mkdir()
    home = find_home(tmp_path)
    volumes = _write_4d(
        tmp_path / "s", lambda header, n, k: setattr(header, "EchoTime", n)
    )
    listed = next(scan for scan in list_scans(tmp_path / "s", home=home))

    source = ScanSource(listed.path, listed.series, frame=2)

    assert volume_cache(listed.source, home).voxels.shape == SHAPE
    for frame, volume in enumerate(volumes):
        one = ScanSource(listed.path, listed.series, frame)
        found = read_slice(one, home, 3)
        np.testing.assert_array_equal(found.voxels, volume.voxels[:, :, 3:])
        place = volume.affine @ [0, 0, 3, 1]
        np.testing.assert_allclose(found.affine[:, 3], place, atol=1e-4)
    np.testing.assert_array_equal(volume_cache(source, home).voxels, volumes[2].voxels)
    with pytest.raises(MedlabError, match="has slices 0 to 3, got slice 4"):
        read_slice(source, home, 4)


@pytest.mark.parametrize(
    ("name", "b_value"),
    [("siemens_dwi_0.dcm.gz", 0), ("siemens_dwi_1000.dcm.gz", 1000)],
)
def test_a_mosaic_is_cut_as_nibabel_cuts_it(tmp_path, name, b_value):
    (tmp_path / "a.dcm").write_bytes(gzip.decompress((NICOM / name).read_bytes()))
    theirs = wrapper_from_data(pydicom.dcmread(tmp_path / "a.dcm"))

    found = open_scan(tmp_path / "a.dcm")

    expected = np.diag([-1, -1, 1, 1]) @ theirs.affine
    # nibabel's first axis runs down the picture, medlab's along it.
    np.testing.assert_array_equal(found.voxels, theirs.get_data().transpose(1, 0, 2))
    np.testing.assert_allclose(found.affine, expected[:, [1, 0, 2, 3]], atol=1e-4)
    assert found.warnings == ()


def test_labels_of_a_mosaic_are_not_saved_as_dicom_seg(tmp_path):
    content = gzip.decompress((NICOM / "siemens_dwi_0.dcm.gz").read_bytes())
    (tmp_path / "a.dcm").write_bytes(content)
    grid = grid_of(open_scan(tmp_path / "a.dcm"))
    voxels = np.zeros(grid.shape, np.uint8, order="F")
    voxels[3, 4, 5] = 1
    stack = LayerStack((voxels,), grid.affine, ((Segment(1, "part", "#ff0000"),),))

    with pytest.raises(MedlabError, match="one image for all, got a mosaic"):
        write_dicom_seg(tmp_path / "seg.dcm", stack, grid)


def test_mosaics_of_one_series_are_volumes_by_b_value(tmp_path):
    for name in ("siemens_dwi_0.dcm.gz", "siemens_dwi_1000.dcm.gz"):
        path = tmp_path / name.removesuffix(".gz")
        path.write_bytes(gzip.decompress((NICOM / name).read_bytes()))
        header = pydicom.dcmread(path)
        header.SeriesInstanceUID = "1.2.3"
        header.save_as(path)

    header = _header(tmp_path)

    assert (header.frames, header.frame_kind) == (2, "b-value")
    assert header.frame_values == (0.0, 1000.0)
    assert header.shape == (128, 128, 48)


@pytest.mark.parametrize("name", ["csa2_b0.bin", "csa2_b1000.bin", "csa_str_valid.bin"])
def test_siemens_header_is_read_as_nibabel_reads_it(name):
    content = (NICOM / name).read_bytes()
    theirs = csareader.read(content)["tags"]

    ours = dict(csa_fields(content))

    assert set(ours) == set(theirs)
    for key in ("NumberOfImagesInMosaic", "SliceNormalVector", "B_value"):
        if key in theirs:
            assert [float(v) for v in ours[key]] == [
                float(v) for v in theirs[key]["items"]
            ]


def test_a_damaged_siemens_header_is_an_error_and_nothing_else():
    content = (NICOM / "csa2_b0.bin").read_bytes()
    whole = dict(csa_fields(content))
    rng, refused = np.random.default_rng(0), 0
    for _ in range(100):
        damaged = bytearray(content[: rng.integers(0, len(content))])
        for place in rng.integers(0, max(len(damaged), 1), 3):
            if place < len(damaged):
                damaged[place] = rng.integers(256)
        try:
            found = dict(csa_fields(bytes(damaged)))
        except ValueError:
            refused += 1
        else:
            assert found != whole  # It was cut short: nothing whole can come of it.
    assert refused > 0


def test_a_mosaic_that_cannot_be_cut_evenly_stays_one_picture(tmp_path):
    # 48 tiles in a picture of 256 x 256: seven in a row do not fit evenly.
    (tmp_path / "a.dcm").write_bytes((NICOM / "0.dcm").read_bytes())

    found = open_scan(tmp_path / "a.dcm")

    assert found.shape == (256, 256, 1)
    assert Mosaic(48, None).size(256, 256) == (0, 0)
    assert found.warnings[0].startswith("The picture is a mosaic that cannot be cut")


def _enhanced(tmp_path, frames):
    """A multi-frame file; `frames` are (volume index, k, changes of the frame's groups)."""
    volumes = [make_volume(SHAPE, modality="MR", seed=n) for n in range(3)]
    write_dicom_series(tmp_path / "one", volumes[0], shuffled=False)
    headers = [pydicom.dcmread(p) for p in sorted((tmp_path / "one").iterdir())]
    header = pydicom.dcmread(tmp_path / "one" / "IM00000")
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    shared = Dataset()
    plane, measures = Dataset(), Dataset()
    plane.ImageOrientationPatient = header.ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = header.PixelSpacing, "2.5"
    shared.PlaneOrientationSequence = Sequence([plane])
    shared.PixelMeasuresSequence = Sequence([measures])
    header.SharedFunctionalGroupsSequence = Sequence([shared])
    groups, pixels = [], []
    for n, k, change in frames:
        group, place, values, content = Dataset(), Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = headers[k].ImagePositionPatient
        # Each frame has a slope of its own, as scanners of Philips write.
        slope = 1 + (k + n) % 3
        values.RescaleSlope, values.RescaleIntercept = slope, -1024
        stored = (volumes[n].voxels[:, :, k].T.astype(int) + 1024) // slope
        expected = stored * slope - 1024
        volumes[n].voxels[:, :, k] = expected.T
        group.PlanePositionSequence = Sequence([place])
        group.PixelValueTransformationSequence = Sequence([values])
        content.StackID, content.InStackPositionNumber = "1", k + 1
        group.FrameContentSequence = Sequence([content])
        change(group, content)
        groups.append(group)
        pixels.append(stored.astype("<u2").tobytes())
    for keyword in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
        "RescaleSlope", "RescaleIntercept", "SliceThickness",
    ):  # fmt: skip
        delattr(header, keyword)
    header.PerFrameFunctionalGroupsSequence = Sequence(groups)
    header.NumberOfFrames, header.PixelData = len(frames), b"".join(pixels)
    (tmp_path / "s").mkdir()
    header.save_as(tmp_path / "s" / "a.dcm")
    return volumes


def test_frames_of_an_enhanced_file_are_placed_and_rescaled_one_by_one(tmp_path):
    order = [(0, k, lambda group, content: None) for k in (2, 0, 3, 1)]
    volumes = _enhanced(tmp_path, order)

    found = open_scan(tmp_path / "s")

    np.testing.assert_array_equal(found.voxels, volumes[0].voxels)
    np.testing.assert_allclose(found.affine, volumes[0].affine, rtol=0, atol=1e-4)


def test_an_enhanced_file_is_split_by_its_index_in_time(tmp_path):
    def at(n):
        def change(group, content):
            content.TemporalPositionIndex = n + 1
            content.FrameAcquisitionDateTime = f"20240131120{n}00"

        return change

    frames = [(n, k, at(n)) for k in (1, 3, 0, 2) for n in (2, 0, 1)]
    volumes = _enhanced(tmp_path, frames)

    header = _header(tmp_path / "s")

    assert (header.frame_kind, header.frame_values) == ("time", (0.0, 60.0, 120.0))
    _check(tmp_path / "s", volumes)


def test_an_enhanced_file_is_split_by_a_dimension_it_names(tmp_path):
    def at(n, k):
        def change(group, content):
            content.DimensionIndexValues = [3 - n, k + 1]

        return change

    frames = [(n, k, at(n, k)) for n in range(3) for k in (1, 3, 0, 2)]
    volumes = _enhanced(tmp_path, frames)
    header = pydicom.dcmread(tmp_path / "s" / "a.dcm")
    axes = [Dataset(), Dataset()]
    # Some map along an axis of its own, then the place in the stack.
    axes[0].DimensionIndexPointer, axes[1].DimensionIndexPointer = (
        0x00189087,
        0x00209057,
    )
    header.DimensionIndexSequence = Sequence(axes)
    header.save_as(tmp_path / "s" / "a.dcm")

    told = _header(tmp_path / "s")

    assert (told.frames, told.frame_kind) == (3, "volume")
    _check(tmp_path / "s", volumes, order=[2, 1, 0])


def test_stacks_of_an_enhanced_file_are_volumes_apart(tmp_path):
    def stack(name):
        return lambda group, content: setattr(content, "StackID", name)

    frames = [(0, k, stack("1")) for k in range(4)] + [
        (1, k, stack("2")) for k in (0, 1)
    ]
    volumes = _enhanced(tmp_path, frames)

    found = open_scan(tmp_path / "s")
    listed = list_scans(tmp_path / "s")

    np.testing.assert_array_equal(found.voxels, volumes[0].voxels)
    other = next(scan for scan in listed if "#" in scan.series)
    second = open_scan(tmp_path / "s", series=other.series)
    np.testing.assert_array_equal(second.voxels, volumes[1].voxels[:, :, :2])


def test_a_real_enhanced_file_lies_where_nibabel_says(tmp_path):
    path = tmp_path / "a.dcm"
    path.write_bytes(gzip.decompress((NICOM / "philips_mprage.dcm.gz").read_bytes()))
    theirs = wrapper_from_data(pydicom.dcmread(path))
    expected = np.diag([-1, -1, 1, 1]) @ theirs.affine

    header = _header(tmp_path)

    columns = expected[:, [1, 0, 2, 3]]
    if np.sign(columns[:3, 2] @ header.affine[:3, 2]) < 0:
        columns[:3, 3] += columns[:3, 2] * (header.shape[2] - 1)
        columns[:3, 2] *= -1
    # nibabel steps along the normal, medlab from position to position.
    np.testing.assert_allclose(header.affine, columns, atol=2e-3)
    assert header.shape == (256, 256, 176)


def test_a_header_that_claims_many_frames_is_refused_quickly(tmp_path):
    write_dicom_series(tmp_path, make_volume((7, 8, 1)), shuffled=False)
    header = pydicom.dcmread(tmp_path / "IM00000")
    header.NumberOfFrames = 100_000
    header.save_as(tmp_path / "IM00000")

    start = time.process_time()
    with pytest.raises(MedlabError, match="ends before its voxels do"):
        open_scan(tmp_path)

    assert time.process_time() - start < 4
