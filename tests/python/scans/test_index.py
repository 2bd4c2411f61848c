"""Lists of scans: what is in them, what is left out, what is read again."""

import json
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from medlab.scans import Home, _index, find_home, find_scan, list_scans, open_scan
from tests.support.scans import (
    make_labels,
    make_volume,
    write_dicom_series,
    write_nifti_by_nibabel,
    write_text_as,
)

CONTRACT = Path(__file__).parents[2] / "contract" / "scans.json"


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".medlab").mkdir()
    return find_home(tmp_path)


def write_scan(path):
    volume = make_volume()
    write_nifti_by_nibabel(path, volume.voxels, volume.affine)


def test_the_list_is_the_one_of_the_contract(home):
    write_dicom_series(home.root / "chest", make_volume(oblique=True), skip=[4])
    write_scan(home.root / "brain" / "sub-01_T1w.nii")
    write_text_as(home.root / "notes.nii.gz")
    source = open_scan(home.root / "brain" / "sub-01_T1w.nii", home=home).source
    layer = home.labels / source.scan_id / "lesion"
    layer.mkdir(parents=True)
    (layer / "layer.json").write_text("{}")

    found = [scan.to_json() for scan in list_scans(home=home)]

    assert {"scans": found, "root": ""} == json.loads(CONTRACT.read_text())


def test_paths_lead_back_to_the_scan_from_any_folder(home, monkeypatch):
    write_scan(home.root / "data" / "a.nii")
    (home.root / "notebooks").mkdir()
    monkeypatch.chdir(home.root / "notebooks")

    scan = list_scans("../data")[0]

    assert scan.path == "data/a.nii"
    opened = open_scan(scan.path)
    assert opened.source.scan_id == scan.id
    assert find_scan(scan.id, home) == opened.source


def test_hidden_folders_environments_and_labels_are_left_out(home):
    write_scan(home.root / "a.nii")
    for folder in (".hidden", ".medlab/cache", "node_modules/x", "env/lib"):
        write_scan(home.root / folder / "b.nii")
    (home.root / "env" / "pyvenv.cfg").touch()
    shutil.copy(home.root / "a.nii", home.root / "a.seg.nrrd")
    write_nifti_by_nibabel(home.root / "lungs.nii.gz", make_labels(), np.eye(4))
    (home.root / "lungs.labels.json").write_text('{"segments": []}')

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]


def test_links_that_lead_out_of_the_root_are_left_out(tmp_path):
    home = Home(tmp_path / "root", tmp_path / "root" / ".medlab")
    home.root.mkdir()
    write_scan(tmp_path / "elsewhere" / "a.nii")
    (home.root / "folder").symlink_to(tmp_path / "elsewhere")
    (home.root / "file.nii").symlink_to(tmp_path / "elsewhere" / "a.nii")
    (home.root / "loop").symlink_to(home.root)

    assert list_scans(home=home) == []


def test_a_scan_outside_the_root_is_listed_but_not_found_by_its_id(tmp_path):
    home = Home(tmp_path / "root", tmp_path / "root" / ".medlab")
    home.root.mkdir()
    write_scan(tmp_path / "elsewhere" / "a.nii")

    scan = list_scans(tmp_path / "elsewhere", home=home)[0]

    assert Path(scan.path) == tmp_path / "elsewhere" / "a.nii"
    with pytest.raises(LookupError, match="no scan with that id below the root"):
        find_scan(scan.id, home)


def test_a_header_is_read_again_only_when_its_file_changed(home, monkeypatch):
    write_scan(home.root / "a.nii")
    write_dicom_series(home.root / "d", make_volume())
    read = []
    original = _index.read_source_header
    monkeypatch.setattr(
        _index,
        "read_source_header",
        lambda source, home: read.append(source.path) or original(source, home),
    )
    first = list_scans(home=home)

    assert list_scans(home=home) == first
    assert read == ["a.nii"]

    os.utime(home.root / "a.nii", ns=(1, 1))
    list_scans(home=home)
    assert read == ["a.nii", "a.nii"]


def test_a_slice_that_arrives_later_is_counted(home):
    write_dicom_series(home.root / "d", make_volume(), skip=[8], shuffled=False)
    assert list_scans(home=home)[0].slices == 8

    write_dicom_series(home.root / "d", make_volume(), shuffled=False)

    assert list_scans(home=home)[0].slices == 9


def test_a_removed_scan_leaves_the_list_and_the_index(home):
    write_scan(home.root / "a.nii")
    scan_id = list_scans(home=home)[0].id
    (home.root / "a.nii").unlink()

    with pytest.raises(LookupError):
        find_scan(scan_id, home)

    assert list_scans(home=home) == []


def test_a_list_of_one_folder_keeps_what_is_known_of_others(home):
    write_scan(home.root / "one" / "a.nii")
    write_scan(home.root / "two" / "b.nii")
    list_scans(home=home)

    list_scans("one", home=home)

    index = json.loads((home.folder / "index.json").read_text())
    assert sorted(index["files"]) == ["one/a.nii", "two/b.nii"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"version": 1}', b"\xff", b"[]"])
def test_a_damaged_index_is_made_anew(home, content):
    write_scan(home.root / "a.nii")
    (home.folder / "index.json").write_bytes(content)

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]


def test_the_index_is_for_its_owner_alone(home):
    write_scan(home.root / "a.nii")
    list_scans(home=home)

    mode = stat.S_IMODE((home.folder / "index.json").stat().st_mode)
    assert mode == 0o600


def test_a_pipe_in_the_folder_does_not_stop_the_list(home):
    write_scan(home.root / "a.nii")
    os.mkfifo(home.root / "pipe.nii")

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]


def test_a_missing_folder_is_named(home):
    with pytest.raises(LookupError, match="must be a folder 'nowhere'"):
        list_scans("nowhere", home=home)
