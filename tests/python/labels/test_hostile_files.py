"""Label files made to do harm: refused in a sentence, at once, without the patient's name."""

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medlab.errors import MedlabError
from medlab.labels import (
    Labels,
    as_segments,
    open_label_layers,
    open_labels,
    save_labels,
)
from medlab.scans import Home, open_scan
from tests.support.scans import (
    PATIENT,
    make_affine,
    make_labels,
    make_volume,
    write_dicom_series,
    write_gzip_bomb,
)

SEGMENTS = as_segments(["one", "two", "three"])
TIME_S, MEMORY_MB = 20.0, 450
OPEN = """
import re, sys, time
from pathlib import Path
import nibabel, nrrd, pydicom.pixels
from medlab.errors import MedlabError
from medlab.labels import open_labels

start = time.perf_counter()
try:
    print(open_labels(sys.argv[1]))
except MedlabError as error:
    print(error)
print(time.perf_counter() - start)
status = Path("/proc/self/status").read_text()
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("workplace")
    return Home(root, root / ".medlab")


@pytest.fixture(scope="module")
def scan(home):
    write_dicom_series(home.root / "ct", make_volume())
    return open_scan(home.root / "ct", home=home)


@pytest.fixture(scope="module")
def whole(scan, home):
    """A whole segmentation of the scan, as bytes."""
    labels = Labels(make_labels(), scan.affine, SEGMENTS)
    path = save_labels(home.root / "labels.dcm", labels, scan, home=home)
    return path.read_bytes()


@pytest.fixture
def seg(whole, tmp_path):
    """A copy of it, as pydicom reads it, and its path."""
    path = tmp_path / "labels.dcm"
    path.write_bytes(whole)
    return pydicom.dcmread(path), path


def open_alone(path):
    """Open a file in a process of its own: what it said, seconds, and its largest MB."""
    command = [sys.executable, "-c", OPEN, str(path)]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    told, time_s, memory_mb = done.stdout.splitlines()
    return told, float(time_s), float(memory_mb)


# Bombs.


def test_a_segmentation_that_promises_gigabytes_is_refused_at_once(seg):
    header, path = seg
    header.Rows = header.Columns = 65535
    header.NumberOfFrames = 90_000
    header.save_as(path)

    told, time_s, memory_mb = open_alone(path)

    assert "must be a whole DICOM segmentation" in told
    assert (time_s < TIME_S, memory_mb < MEMORY_MB) == (True, True)


def test_a_deflated_segmentation_that_unpacks_to_gigabytes_is_refused(seg):
    header, path = seg
    header.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    header.save_as(path)
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A private element of 600 MiB of zeros.
    size = (600 << 20).to_bytes(4, "little")
    packed = [packer.compress(b"\x09\x00\x01\x10OB\0\0" + size)]
    packed += [packer.compress(bytes(1 << 20)) for _ in range(600)]
    path.write_bytes(content[:start] + b"".join(packed) + packer.flush())

    told, time_s, memory_mb = open_alone(path)

    assert told.startswith("labels.dcm would unpack to more than 64 MiB, 100 times")
    assert (time_s < TIME_S, memory_mb < MEMORY_MB) == (True, True)


def test_a_nifti_that_unpacks_to_gigabytes_is_refused(tmp_path):
    path = write_gzip_bomb(tmp_path / "labels.nii.gz")

    told, time_s, memory_mb = open_alone(path)

    assert "would unpack to 128 GiB" in told
    assert (time_s < TIME_S, memory_mb < MEMORY_MB) == (True, True)


# Segmentations that contradict themselves.


def change(header, what):
    groups = header.PerFrameFunctionalGroupsSequence
    if what == "fewer groups than frames":
        del groups[3:]
    elif what == "a segment that nobody describes":
        groups[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 9
    elif what == "no pixels":
        del header.PixelData
    elif what == "too few pixels":
        header.PixelData = header.PixelData[:40]
    elif what == "no frames":
        header.NumberOfFrames = 0
    elif what == "no segments":
        del header.SegmentSequence
    elif what == "not a number":
        groups[0].PlanePositionSequence[0].ImagePositionPatient[0] = float("nan")
    elif what == "a flat frame":
        measures = header.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        measures.PixelSpacing = [0, 0]
    elif what == "both axes alike":
        (plane,) = header.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
        plane.ImageOrientationPatient = [1, 0, 0, 1, 0, 0]
    elif what == "between slices":
        groups[0].PlanePositionSequence[0].ImagePositionPatient[2] += 1
    elif what == "outside the scan":
        groups[0].PlanePositionSequence[0].ImagePositionPatient[2] += 1000


@pytest.mark.parametrize(
    "what",
    [
        *("fewer groups than frames", "a segment that nobody describes", "no pixels"),
        *("too few pixels", "no frames", "no segments", "not a number", "a flat frame"),
        *("both axes alike", "between slices", "outside the scan"),
    ],
)
def test_a_segmentation_that_contradicts_itself_is_refused(seg, scan, home, what):
    header, path = seg
    change(header, what)
    header.save_as(path)

    # By itself a file may well reach further than the scan it was drawn on.
    for given in (scan,) if what == "outside the scan" else (scan, None):
        with pytest.raises(MedlabError) as refused:
            open_label_layers(path, given, home=home)
        assert PATIENT not in str(refused.value)
        assert str(path.parent) not in str(refused.value)


def test_layers_that_a_file_makes_up_do_not_fill_the_memory(seg, scan, home):
    header, path = seg
    for item in header.SegmentSequence:
        item.TrackingID = f"medlab layer 9999{item.SegmentNumber} place 0 label 1"
    header.save_as(path)

    layers = open_label_layers(path, scan, home=home)

    assert len(layers) <= 3
    assert sum(np.count_nonzero(one.voxels) for one in layers) == np.count_nonzero(
        make_labels()
    )


@pytest.mark.parametrize("seed", range(25))
def test_a_flipped_byte_never_ends_in_anything_but_a_sentence(seg, scan, home, seed):
    _, path = seg
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(132, len(content), 8):
        content[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)

    try:
        shapes = {one.shape for one in open_label_layers(path, scan, home=home)}
    except MedlabError as error:
        told, shapes = str(error), set()
    else:
        told = ""
    assert PATIENT not in told
    assert shapes <= {scan.shape}


@pytest.mark.parametrize("seed", range(25))
def test_a_flipped_byte_of_a_seg_nrrd_ends_in_a_sentence(tmp_path, seed):
    path = tmp_path / "labels.seg.nrrd"
    Labels(make_labels(), make_affine(), SEGMENTS).save(path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(content), 4):
        content[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)

    try:
        told = repr(open_labels(path))
    except MedlabError as error:
        told = str(error)
    assert str(tmp_path) not in told


# Names.


@pytest.mark.parametrize("ending", [".seg.nrrd", ".nii.gz", ".dcm"])
@pytest.mark.parametrize(
    "name",
    [
        *("=cmd|' /C calc'!A0", "a\nb", "\x1b[2J", "\u202etxt.exe", "<img src=x>"),
        *("a\\b^c=d", "x" * 2000, "\0null", "|~^:", '"', "\ud800 half"),
    ],
)
def test_any_name_is_kept_as_one_line(scan, home, tmp_path, ending, name):
    segments = as_segments([{"id": n, "name": name} for n in (1, 2, 3)])
    path = tmp_path / f"labels{ending}"
    labels = Labels(make_labels(), scan.affine, segments)
    save_labels(path, labels, scan, home=home)

    found = open_labels(path, scan, home=home)

    np.testing.assert_array_equal(found.voxels, labels.voxels)
    expected = "".join(c if c.isprintable() else " " for c in name).strip()
    limit = 1024 if ending == ".dcm" else None
    assert [s.name for s in found.segments] == [expected[:limit]] * 3
