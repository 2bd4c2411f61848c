"""DICOM SEG: valid for dciodvfy, the same voxels for highdicom, pydicom and dcmqi, and back."""

import shutil
import subprocess

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.data import get_testdata_file
from pydicom.sr.coding import Code

from medlab.errors import MedlabError
from medlab.labels import (
    Labels,
    as_segments,
    open_label_layers,
    open_labels,
    save_labels,
)
from medlab.samples import fetch, open_sample
from medlab.scans import Home, Volume, open_scan
from tests.support.scans import (
    PATIENT,
    make_labels,
    make_volume,
    write_dicom_series,
    write_nifti_by_nibabel,
)

LUNG = {"scheme": "SCT", "value": "39607008", "meaning": "Lung"}
SEGMENTS = as_segments(
    [
        {"id": 2, "name": "left lung", "color": "#16c547", "code": LUNG},
        {"id": 1, "name": "Rippe – links «1»", "color": "#fde89e"},
        {"id": 3, "name": "a very long name " * 6 + "end", "color": "#010203"},
    ]
)
RIGHT_ANGLES = ("LPS", "RAS", "PIR", "SLA", "AIL", "IRP")
WIDE = 300  # Larger than a byte.


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path, tmp_path / ".medlab")


@pytest.fixture
def open_series(home):
    """Write a volume as a DICOM series, and open it as a scan."""

    def open_one(volume=None, **options):
        folder = home.root / "series"
        write_dicom_series(folder, volume or make_volume(oblique=True), **options)
        return open_scan(folder, home=home)

    return open_one


@pytest.fixture
def scan(open_series):
    return open_series()


def sphere():
    voxels = np.zeros((7, 8, 9), np.uint8)
    voxels[2:5, 3:6, 1:7] = 1
    return voxels


def two_layers(scan):
    tumour = as_segments([{"id": 1, "name": "tumour", "color": "#ffffff"}])
    return (
        Labels(make_labels(), scan.affine, SEGMENTS),
        Labels(sphere(), scan.affine, tumour),
    )


def told(segments):
    return [(s.id, s.name, s.color, s.code) for s in segments]


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours.voxels, theirs.voxels)
        np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-4)
        assert told(ours.segments) == told(theirs.segments)


def by_instance(path, images):
    """The mask `(I, J, K)` of each segment number, put together from single frames."""
    seg = pydicom.dcmread(path)
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    place = {image.SOPInstanceUID: k for k, image in enumerate(images)}
    shape = (seg.Columns, seg.Rows, len(images))
    masks = {}
    for frame, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        k = place[source.ReferencedSOPInstanceUID]
        if "SegmentIdentificationSequence" in group:
            number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            numbered = [(number, frame)]
        else:
            numbered = [(n, frame == n) for n in np.unique(frame) if n]
        for number, mask in numbered:
            masks.setdefault(int(number), np.zeros(shape, bool))[:, :, k] = mask.T
    return masks


def images_of(scan, home):
    """Headers of the series by place along the normal."""
    folder = home.locate(scan.source.path)
    images = [pydicom.dcmread(path) for path in folder.iterdir()]
    across, down = np.array(images[0].ImageOrientationPatient).reshape(2, 3)
    normal = np.cross(across, down)
    return sorted(images, key=lambda one: normal @ np.array(one.ImagePositionPatient))


def volume_of(path, affine, **options):
    """The voxels `(I, J, K[, S])` as highdicom reads them, on the grid of `affine`.

    highdicom counts slices, rows, columns, in LPS mm, and slices from the other end.
    """
    volume = highdicom.seg.segread(path).get_volume(**options)
    flip = np.eye(4)
    flip[2, 2], flip[2, 3] = -1, volume.shape[0] - 1
    array = np.moveaxis(volume.array, (2, 1, 0), (0, 1, 2))
    theirs = np.diag([-1, -1, 1, 1]) @ volume.affine @ np.eye(4)[[2, 1, 0, 3]]
    for matrix, turned in ((theirs, array), (theirs @ flip, array[:, :, ::-1])):
        if np.allclose(matrix, affine, atol=1e-4):
            return turned
    raise AssertionError(f"highdicom sees another grid: {theirs}")


# Valid, and read by others.


@pytest.mark.parametrize("labelmap", [False, True], ids=["binary", "labelmap"])
@pytest.mark.parametrize(
    "source", ["oblique", "layers", "anonymised", "wide", "multi-frame"]
)
def test_dciodvfy_finds_no_error(open_series, home, source, labelmap):
    judge = shutil.which("dciodvfy")
    if judge is None:
        pytest.skip("dciodvfy of dicom3tools is not installed")
    if source == "multi-frame":
        scan, voxels, segments = *multi_frame_scan(home), SEGMENTS
    else:
        without = ["PatientID", "StudyDate", "StudyDescription"]
        scan = open_series(without=without if source == "anonymised" else [])
        voxels, segments = make_labels(), SEGMENTS
    if source == "wide":
        voxels = voxels.astype(np.uint16) * WIDE
        segments = as_segments([{"id": n * WIDE, "name": f"s{n}"} for n in (1, 2, 3)])
    if source == "layers" and labelmap:
        pytest.skip("a label map has one layer")
    path = home.root / "labels.dcm"
    labels = [Labels(voxels, scan.affine, segments)]
    if source == "layers":
        labels += [*two_layers(scan)[1:], Labels(sphere() * 2, scan.affine, SEGMENTS)]
    save_labels(path, labels, scan, labelmap=labelmap, home=home)

    done = subprocess.run([judge, str(path)], capture_output=True, text=True)

    said = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert said == []
    assert "Segmentation" in done.stderr + done.stdout


def multi_frame_scan(home):
    """One file of many frames, in no order, as highdicom makes it; labels of its shape."""
    write_dicom_series(home.root / "single", make_volume(oblique=True, modality="MR"))
    images = [pydicom.dcmread(p) for p in sorted((home.root / "single").iterdir())]
    for image in images:
        image.PatientBirthDate = image.StudyTime = image.StudyID = image.PatientSex = ""
        image.AccessionNumber = image.ReferringPhysicianName = ""
        image.FrameOfReferenceUID, image.ImageType = "1.2.3", ["ORIGINAL", "PRIMARY"]
    enhanced = highdicom.legacy.LegacyConvertedEnhancedMRImage(
        images, highdicom.UID(), 5, highdicom.UID(), 1
    )
    (home.root / "enhanced").mkdir()
    enhanced.save_as(home.root / "enhanced" / "one.dcm")
    scan = open_scan(home.root / "enhanced", home=home)
    return scan, make_labels(scan.shape)


@pytest.mark.parametrize("labelmap", [False, True], ids=["binary", "labelmap"])
def test_every_frame_names_the_image_it_was_drawn_on(scan, home, tmp_path, labelmap):
    path = tmp_path / "labels.dcm"
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(path, labels, scan, labelmap=labelmap, home=home)

    masks = by_instance(path, images_of(scan, home))

    # Binary counts from 1 in the order of the list; a label map keeps the ids.
    numbers = (1, 2, 3) if labelmap else (2, 1, 3)
    assert sorted(masks) == [1, 2, 3]
    for number, value in zip((1, 2, 3), numbers, strict=True):
        np.testing.assert_array_equal(masks[number], make_labels() == value)
    seg = pydicom.dcmread(path)
    (series,) = seg.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == scan.source.series
    assert seg.PatientName == PATIENT
    assert seg.SegmentationType == ("LABELMAP" if labelmap else "BINARY")


@pytest.mark.parametrize("axes", RIGHT_ANGLES)
@pytest.mark.parametrize("labelmap", [False, True], ids=["binary", "labelmap"])
def test_highdicom_reads_the_same_volume(open_series, home, tmp_path, axes, labelmap):
    scan = open_series(make_volume(axes=axes, oblique=True))
    path = tmp_path / "labels.dcm"
    listed = as_segments(["one", "two", "three"])
    labels = Labels(make_labels(), scan.affine, listed)
    save_labels(path, labels, scan, labelmap=labelmap, home=home)

    found = volume_of(path, scan.affine, combine_segments=True)

    np.testing.assert_array_equal(found, labels.voxels)
    seg = highdicom.seg.segread(path)
    described = [seg.get_segment_description(n) for n in (1, 2, 3)]
    assert [d.segment_label for d in described] == ["one", "two", "three"]
    channels = [
        highdicom.color.CIELabColor.from_dicom_value(
            d.RecommendedDisplayCIELabValue
        ).to_rgb()
        for d in described
    ]
    assert ["#{:02x}{:02x}{:02x}".format(*c) for c in channels] == [
        s.color for s in listed
    ]


def test_codes_and_names_are_told(scan, home, tmp_path):
    path = tmp_path / "labels.dcm"
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(path, labels, scan, home=home)

    seg = highdicom.seg.segread(path)

    lung, rib, long = (seg.get_segment_description(n) for n in (1, 2, 3))
    assert lung.segmented_property_type == Code("39607008", "SCT", "Lung")
    assert rib.segmented_property_type == Code(
        "123037004", "SCT", "Anatomical Structure"
    )
    assert rib.segment_label == "Rippe – links «1»"
    assert lung.algorithm_type.value == "MANUAL"
    # DICOM has room for 64 letters; the whole name stands in the description.
    assert len(long.segment_label) <= 64
    assert long.SegmentDescription == SEGMENTS[2].name


def test_segments_that_overlap_are_whole_for_highdicom(scan, home, tmp_path):
    path, layers = tmp_path / "labels.dcm", two_layers(scan)
    save_labels(path, layers, scan, home=home)

    array = volume_of(path, scan.affine)

    for number, (value, voxels) in enumerate(
        [*((s.id, layers[0].voxels) for s in SEGMENTS), (1, layers[1].voxels)]
    ):
        np.testing.assert_array_equal(array[..., number] == 1, voxels == value)


@pytest.mark.parametrize("kind", ["binary", "labelmap", "layers"])
def test_dcmqi_reads_the_same_voxels(scan, home, tmp_path, kind):
    judge = shutil.which("segimage2itkimage")
    if judge is None:
        pytest.skip("segimage2itkimage of dcmqi is not installed")
    path, layers = tmp_path / "labels.dcm", two_layers(scan)
    layers = layers if kind == "layers" else layers[:1]
    save_labels(path, layers, scan, labelmap=kind == "labelmap", home=home)
    out = tmp_path / "out"
    out.mkdir()

    command = [judge, "--inputDICOM", path, "--outputDirectory", out, "-t", "nifti"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)

    found = [SimpleITK.ReadImage(str(p)) for p in sorted(out.glob("*.nii.gz"))]
    lps = np.diag([-1, -1, 1, 1]) @ scan.affine
    expected = [(s.id, labels) for labels in layers for s in labels.segments]
    if kind == "labelmap":
        (image,) = found
        array = SimpleITK.GetArrayFromImage(image).T
        np.testing.assert_array_equal(array, layers[0].voxels)
    else:
        for image, (value, labels) in zip(found, expected, strict=True):
            array = SimpleITK.GetArrayFromImage(image).T
            np.testing.assert_array_equal(array > 0, labels.voxels == value)
    np.testing.assert_allclose(found[0].GetOrigin(), lps[:3, 3], atol=1e-4)


# And back.


@pytest.mark.parametrize("labelmap", [False, True], ids=["binary", "labelmap"])
def test_one_layer_comes_back_with_ids_order_names_colours_and_codes(
    scan, home, tmp_path, labelmap
):
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", labels, scan, labelmap=labelmap, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), [labels])
    # Without the scan the frames tell their grid themselves.
    assert_equal(open_label_layers(tmp_path / "a.dcm", home=home), [labels])


def test_layers_that_overlap_come_back_as_they_were(scan, home, tmp_path):
    layers = two_layers(scan)
    save_labels(tmp_path / "a.dcm", layers, scan, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), layers)


def test_layers_whose_frames_end_within_a_byte_come_back(open_series, home, tmp_path):
    # 7 x 9 pixels of a bit each: every frame begins at another bit of a byte.
    scan = open_series(make_volume((7, 9, 5)))
    layers = [
        Labels(make_labels(scan.shape, seed), scan.affine, SEGMENTS) for seed in (1, 2)
    ]
    save_labels(tmp_path / "a.dcm", layers, scan, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), layers)
    masks = by_instance(tmp_path / "a.dcm", images_of(scan, home))
    for number, (value, one) in enumerate(
        [(s.id, one) for one in layers for s in SEGMENTS], start=1
    ):
        np.testing.assert_array_equal(masks[number], one.voxels == value)


def test_a_layer_without_segments_leaves_no_trace(scan, home, tmp_path):
    empty = Labels(np.zeros((7, 8, 9), np.uint8), scan.affine, ())
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", [empty, labels], scan, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), [labels])
    with pytest.raises(MedlabError, match="at least one segment"):
        save_labels(tmp_path / "b.dcm", empty, scan, home=home)


def test_segments_in_which_nothing_is_drawn_come_back(scan, home, tmp_path):
    for labelmap in (False, True):
        path = tmp_path / f"{labelmap}.dcm"
        labels = Labels(np.zeros((7, 8, 9), np.uint8), scan.affine, SEGMENTS)
        save_labels(path, labels, scan, labelmap=labelmap, home=home)
        assert_equal(open_label_layers(path, scan, home=home), [labels])


def test_ids_above_a_byte_come_back(scan, home, tmp_path):
    segments = as_segments([{"id": n * WIDE, "name": f"s{n}"} for n in (1, 2, 3)])
    voxels = make_labels().astype(np.uint16) * WIDE
    labels = Labels(voxels, scan.affine, segments)
    for labelmap in (False, True):
        path = tmp_path / f"{labelmap}.dcm"
        save_labels(path, labels, scan, labelmap=labelmap, home=home)
        assert_equal(open_label_layers(path, scan, home=home), [labels])


def test_slices_at_uneven_distances_come_back(open_series, home, tmp_path):
    scan = open_series(skip=[3, 4])
    assert scan.shape == (7, 8, 7)
    labels = Labels(make_labels(scan.shape), scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", labels, scan, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), [labels])
    masks = by_instance(tmp_path / "a.dcm", images_of(scan, home))
    np.testing.assert_array_equal(masks[1], labels.voxels == 2)


def test_a_skewed_series_comes_back(open_series, home, tmp_path):
    scan = open_series(make_volume(skewed=True))
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", labels, scan, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), [labels])


def test_an_enhanced_scan_comes_back(home, tmp_path):
    scan, voxels = multi_frame_scan(home)
    labels = Labels(voxels, scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", labels, scan, home=home)

    assert_equal(open_label_layers(tmp_path / "a.dcm", scan, home=home), [labels])
    found = volume_of(tmp_path / "a.dcm", scan.affine)
    np.testing.assert_array_equal(found[..., 0] == 1, voxels == 2)


def test_the_real_chest_comes_back_overlaps_and_all(home, tmp_path):
    scan, _ = open_sample("ct-chest-small")
    voxels = np.clip(scan.voxels, -1024, 3000).astype(np.int16)
    write_dicom_series(home.root / "ct", Volume(voxels, scan.affine, "CT"))
    series = open_scan(home.root / "ct", home=home)
    sample = fetch("ct-chest-small") / "SegmentationOverlapping.seg.nrrd"
    layers = open_label_layers(sample, series, home=home)

    save_labels(tmp_path / "chest.dcm", layers, series, home=home)

    assert_equal(open_label_layers(tmp_path / "chest.dcm", series, home=home), layers)
    volume = highdicom.seg.segread(tmp_path / "chest.dcm").get_volume()
    counts = volume.array.sum(axis=(0, 1, 2)).tolist()
    assert counts == [
        np.count_nonzero(one.mask(s.id)) for one in layers for s in one.segments
    ]


# Other makers' files.


def test_the_file_that_highdicom_writes_of_its_own_opens(scan, home, tmp_path):
    images = images_of(scan, home)
    for image in images:
        image.PatientBirthDate = image.StudyTime = image.StudyID = ""
        image.PatientSex = image.AccessionNumber = ""
        image.FrameOfReferenceUID = "1.2.3"
    described = [
        highdicom.seg.SegmentDescription(
            *(number, name, Code("123037004", "SCT", "Anatomical Structure")),
            *(Code("39607008", "SCT", "Lung"), "MANUAL"),
            display_color=highdicom.color.CIELabColor.from_rgb(*color),
        )
        for number, name, color in ((1, "left", (200, 10, 30)), (2, "right", (1, 2, 3)))
    ]
    masks = np.stack([make_labels() == 1, sphere() == 1], axis=-1)
    seg = highdicom.seg.Segmentation(
        *(images, masks.transpose(2, 1, 0, 3), "BINARY", described),
        *(highdicom.UID(), 2, highdicom.UID(), 1, "a", "b", "c", "d"),
    )
    seg.save_as(tmp_path / "theirs.dcm")

    first, second = open_label_layers(tmp_path / "theirs.dcm", scan, home=home)

    np.testing.assert_array_equal(first.voxels == 1, make_labels() == 1)
    np.testing.assert_array_equal(second.voxels == 2, sphere() == 1)
    assert [(s.name, s.color) for s in (*first.segments, *second.segments)] == [
        ("left", "#c80a1e"),
        ("right", "#010203"),
    ]


def test_half_a_probability_and_more_is_taken(scan, home, tmp_path):
    images = images_of(scan, home)
    for image in images:
        image.PatientBirthDate = image.StudyTime = image.StudyID = ""
        image.PatientSex = image.AccessionNumber = ""
        image.FrameOfReferenceUID = "1.2.3"
    share = np.random.default_rng(0).random((7, 8, 9)).astype(np.float32)
    kind = Code("39607008", "SCT", "Lung")
    described = [highdicom.seg.SegmentDescription(1, "lung", kind, kind, "MANUAL")]
    seg = highdicom.seg.Segmentation(
        *(images, share.transpose(2, 1, 0), "FRACTIONAL", described),
        *(highdicom.UID(), 2, highdicom.UID(), 1, "a", "b", "c", "d"),
    )
    seg.save_as(tmp_path / "theirs.dcm")

    labels = open_labels(tmp_path / "theirs.dcm", scan, home=home)

    np.testing.assert_array_equal(labels.voxels == 1, np.round(share * 255) >= 127.5)
    assert "those of a half and more were taken" in labels.warnings[0]


@pytest.mark.parametrize(
    "name", ["liver_1frame.dcm", "liver_expb_1frame.dcm"], ids=["little", "big"]
)
def test_the_liver_that_pydicom_ships_opens(name, home):
    path = get_testdata_file(name, download=False)
    pixels = pydicom.dcmread(path).pixel_array

    labels = open_labels(path, home=home)

    assert labels.shape == (512, 512, 1)
    np.testing.assert_array_equal(labels.voxels[:, :, 0], pixels.T)
    assert [s.name for s in labels.segments] == ["Liver"]
    # What 3D Slicer, which drew it, shows: brown.
    assert labels.segments[0].color == "#dd8265"
    assert labels.segments[0].code.value == "T-62000"


# What is refused.


def test_another_scan_is_refused(scan, home, tmp_path):
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", labels, scan, home=home)
    moved = scan.affine.copy()
    moved[:3, 3] += 0.4 * moved[:3, 0]
    other = Volume(scan.voxels, moved)

    with pytest.raises(MedlabError, match="does not resample labels") as refused:
        open_labels(tmp_path / "a.dcm", other, home=home)

    assert refused.value.code == "another-grid"


def test_labels_of_another_shape_are_refused(scan, home, tmp_path):
    labels = Labels(make_labels((7, 8, 5)), scan.affine, SEGMENTS)

    with pytest.raises(MedlabError) as refused:
        save_labels(tmp_path / "a.dcm", labels, scan, home=home)

    assert refused.value.code == "another-shape"
    assert not (tmp_path / "a.dcm").exists()


def test_a_scan_that_is_no_dicom_is_refused(home, tmp_path):
    volume = make_volume()
    write_nifti_by_nibabel(home.root / "scan.nii", volume.voxels, volume.affine)
    scan = open_scan(home.root / "scan.nii", home=home)
    labels = Labels(make_labels(), scan.affine, SEGMENTS)

    for given, code in ((None, "no-scan"), (scan, "no-dicom-scan")):
        with pytest.raises(MedlabError) as refused:
            save_labels(tmp_path / "a.dcm", labels, given, home=home)
        assert refused.value.code == code


def test_a_label_map_refuses_overlaps(scan, home, tmp_path):
    with pytest.raises(MedlabError) as refused:
        save_labels(
            tmp_path / "a.dcm", two_layers(scan), scan, labelmap=True, home=home
        )

    assert refused.value.code == "overlap"


def test_the_images_themselves_are_no_labels(scan, home):
    path = next(home.locate(scan.source.path).iterdir())

    with pytest.raises(MedlabError, match="must be a DICOM segmentation"):
        open_labels(path, scan, home=home)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9, 0.99])
def test_a_cut_file_is_refused(scan, home, tmp_path, share):
    path = tmp_path / "a.dcm"
    save_labels(path, Labels(make_labels(), scan.affine, SEGMENTS), scan, home=home)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(MedlabError) as refused:
        open_labels(path, scan, home=home)

    assert PATIENT not in str(refused.value)


def test_nothing_of_the_patient_is_logged(open_series, home, tmp_path, caplog):
    scan = open_series()
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    save_labels(tmp_path / "a.dcm", labels, scan, home=home)

    assert "Doe" not in caplog.text
    assert "Jane" not in caplog.text
