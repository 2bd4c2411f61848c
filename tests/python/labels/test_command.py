"""`medlab labels`, as a terminal sees it."""

import numpy as np
import pytest

from medlab.__main__ import main
from medlab.labels import Labels, Layer, as_segments, open_label_layers, open_labels
from medlab.scans import Home, open_scan
from tests.support.scans import make_labels, make_volume, write_dicom_series

SEGMENTS = as_segments(["left lung", "right lung", "liver"])


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A workplace with a DICOM series `ct`, which is the current folder."""
    monkeypatch.delenv("MEDLAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".medlab").mkdir()
    write_dicom_series(tmp_path / "ct", make_volume())
    return Home(tmp_path, tmp_path / ".medlab")


@pytest.fixture
def scan(home):
    return open_scan("ct", home=home)


def save(scan, name, **options):
    return Labels(make_labels(**options), scan.affine, SEGMENTS).save(name)


def test_a_file_is_imported_into_a_new_layer_and_exported(home, scan, capsys):
    save(scan, "theirs.nii.gz")

    assert main(["labels", "import", "ct", "theirs.nii.gz", "--layer", "organs"]) == 0
    assert main(["labels", "export", "ct", "out.dcm", "--layer", "organs"]) == 0
    assert main(["labels", "list", "ct"]) == 0

    layer = Layer.open(home, scan, "organs", create=False)
    np.testing.assert_array_equal(layer.voxels, make_labels())
    found = open_labels("out.dcm", scan, home=home)
    np.testing.assert_array_equal(found.voxels, make_labels())
    assert capsys.readouterr().out.splitlines() == [
        "organs  left lung, right lung, liver",
        f"out.dcm: revision {layer.rev}",
        f"organs  revision {layer.rev}: left lung, right lung, liver  out.dcm (current)",
    ]


def test_layers_that_overlap_are_converted(home, scan, capsys):
    layers = [Labels(make_labels(seed=n), scan.affine, SEGMENTS) for n in range(2)]
    from medlab.labels import save_labels

    save_labels("both.seg.nrrd", layers)

    arguments = ["both.seg.nrrd", "both.dcm", "--scan", "ct"]
    assert main(["labels", "convert", *arguments]) == 0

    found = open_label_layers("both.dcm", scan, home=home)
    for ours, theirs in zip(found, layers, strict=True):
        np.testing.assert_array_equal(ours.voxels, theirs.voxels)
    assert capsys.readouterr().out == "both.dcm: 6 segments in 2 layers\n"


def test_a_layer_that_is_there_is_not_imported_over(home, scan, capsys):
    save(scan, "theirs.nii.gz")
    main(["labels", "import", "ct", "theirs.nii.gz"])

    assert main(["labels", "import", "ct", "theirs.nii.gz"]) == 2

    assert "got labels already there. Choose another name" in capsys.readouterr().err


def test_a_file_of_another_program_is_replaced_only_when_asked(home, scan, capsys):
    save(scan, "theirs.nii.gz")
    main(["labels", "import", "ct", "theirs.nii.gz"])
    other = save(scan, "theirs.nii.gz", seed=5).read_bytes()

    assert main(["labels", "export", "ct", "theirs.nii.gz"]) == 2
    assert "another program or layer wrote it" in capsys.readouterr().err
    assert main(["labels", "export", "ct", "theirs.nii.gz", "--replace"]) == 0

    np.testing.assert_array_equal(open_labels("theirs.nii.gz").voxels, make_labels())
    (kept,) = home.root.glob("theirs.nii.gz.before-*")
    assert kept.read_bytes() == other


def test_a_converted_file_replaces_none(home, scan, capsys):
    save(scan, "a.nii.gz")
    (home.root / "b.seg.nrrd").write_text("mine")

    assert main(["labels", "convert", "a.nii.gz", "b.seg.nrrd"]) == 2
    assert "There is a file 'b.seg.nrrd' already" in capsys.readouterr().err


def test_names_from_files_are_one_line_on_a_terminal(home, scan, capsys):
    evil = as_segments([{"id": 1, "name": "\x1b[2Jlung\nrm"}])
    layer = Layer.open(home, scan, segments=evil)
    layer.paint(1, np.ones(layer.shape, bool))

    main(["labels", "list", "ct"])

    assert capsys.readouterr().out == "labels  revision 1: ?[2Jlung?rm\n"
