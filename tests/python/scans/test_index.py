"""Lists of scans: what is in them, what is left out, what is read again."""

import json
import os
import shutil
import sqlite3
import stat
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medlab.scans import (
    Home,
    IndexProgress,
    ScanSource,
    find_home,
    find_scan,
    find_summary,
    list_scans,
    open_scan,
    search_scans,
    update_index,
)
from medlab.scans.index import _read
from medlab.scans.index._find import note_error
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


def write_scan(path, **header):
    volume = make_volume()
    write_nifti_by_nibabel(path, volume.voxels, volume.affine, **header)


def paths_of(home):
    return [scan.path for scan in search_scans(home).scans]


def test_the_list_is_the_one_of_the_contract(home):
    # Keys are made with the salt of the workplace.
    (home.folder / "salt").write_bytes(b"0123456789abcdef")
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


def test_a_folder_is_left_out_while_it_says_so(home):
    write_scan(home.root / "a.nii")
    write_scan(home.root / "docs" / "pictures" / "b.nii")
    both = ["a.nii", "docs/pictures/b.nii"]
    update_index(home)
    assert paths_of(home) == both

    mark = home.root / "docs" / ".medlab-ignore"
    mark.touch()
    for changed in ("docs", "docs/pictures", None):
        update_index(home, changed)
        assert paths_of(home) == ["a.nii"]
    mark.unlink()
    update_index(home, "docs")
    assert paths_of(home) == both


def test_a_hidden_folder_is_listed_when_it_is_asked_for_by_name(home):
    write_scan(home.root / ".hidden" / "a.nii")

    assert list_scans(home=home) == []
    asked = list_scans(home.root / ".hidden", home=home)
    assert [scan.path for scan in asked] == [".hidden/a.nii"]


def test_what_was_fetched_from_a_server_is_listed_as_such(home):
    write_dicom_series(home.fetched / "0123456789abcdef", make_volume())

    scan = list_scans(home=home)[0]

    assert (scan.path, scan.origin) == (".medlab/dicomweb/0123456789abcdef", "dicomweb")
    assert scan.to_json()["source"] == "dicomweb"
    update_index(home)
    assert paths_of(home) == [scan.path]


def test_links_that_lead_out_of_the_root_are_left_out(tmp_path):
    home = Home(tmp_path / "root", tmp_path / "root" / ".medlab")
    home.root.mkdir()
    write_scan(tmp_path / "elsewhere" / "a.nii")
    (home.root / "folder").symlink_to(tmp_path / "elsewhere")
    (home.root / "file.nii").symlink_to(tmp_path / "elsewhere" / "a.nii")
    (home.root / "loop").symlink_to(home.root)

    assert list_scans(home=home) == []


def test_a_scan_is_listed_once_however_many_links_lead_to_it(home):
    write_scan(home.root / "real" / "a.nii")
    (home.root / "link").symlink_to(home.root / "real")
    (home.root / "b.nii").symlink_to(home.root / "real" / "a.nii")

    assert [scan.path for scan in list_scans(home=home)] == ["real/a.nii"]


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
    original = _read.read_group
    monkeypatch.setattr(
        _read,
        "read_group",
        lambda folder, group, home: (
            read.append(group.key) or original(folder, group, home)
        ),
    )
    first = list_scans(home=home)

    assert list_scans(home=home) == first
    assert read == ["a.nii"]

    os.utime(home.root / "a.nii", ns=(1, 1))
    list_scans(home=home)
    assert read == ["a.nii", "a.nii"]


def test_refresh_reads_every_header_again(home):
    write_scan(home.root / "a.nii")
    write_dicom_series(home.root / "d", make_volume())

    assert update_index(home).read == 10
    assert update_index(home).read == 0
    assert update_index(home, refresh=True).read == 10


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

    (home.root / "two" / "b.nii").unlink()
    list_scans("one", home=home)

    assert paths_of(home) == ["one/a.nii", "two/b.nii"]


def test_a_4d_scan_is_one_line_and_its_volumes_are_found_by_their_ids(home):
    voxels = np.random.default_rng(0).integers(0, 100, (5, 6, 7, 4)).astype(np.int16)
    write_nifti_by_nibabel(home.root / "bold.nii", voxels, np.diag([2, 2, 2, 1]))

    (scan,) = list_scans(home=home)

    assert (scan.frames, scan.shape, scan.error) == (4, [5, 6, 7], None)
    third = ScanSource("bold.nii", frame=2)
    assert find_scan(third.scan_id, home) == third
    assert find_summary(third.scan_id, home) == scan


def test_what_cannot_be_decoded_keeps_its_reason_until_the_file_changes(home):
    write_scan(home.root / "a.nii")
    source = list_scans(home=home)[0].source
    note_error(source, home, "Its voxels are missing.")

    assert list_scans(home=home)[0].error == "Its voxels are missing."
    assert update_index(home).errors == 1

    os.utime(home.root / "a.nii", ns=(1, 1))
    assert list_scans(home=home)[0].error is None


def write_seg(path, series):
    """The header of a segmentation that names a series."""
    write_dicom_series(path.parent, make_volume((3, 3, 1)), number=77)
    file = next(path.parent.glob("IM*"))
    import pydicom

    header = pydicom.dcmread(file)
    file.unlink()
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = (
        "1.2.840.10008.5.1.4.1.1.66.4"
    )
    header.Modality, header.SeriesDescription = "SEG", "Lungs"
    header.ReferencedSeriesSequence = [Dataset()]
    header.ReferencedSeriesSequence[0].SeriesInstanceUID = series
    header.save_as(path)


def test_dicom_labels_are_attached_to_their_series(home):
    series = write_dicom_series(home.root / "chest", make_volume())
    (home.root / "labels").mkdir()
    write_seg(home.root / "labels" / "lungs.dcm", series)

    (scan,) = list_scans(home=home)

    assert scan.attachments == [
        {"kind": "seg", "path": "labels/lungs.dcm", "name": "Lungs"}
    ]


def test_dicom_labels_without_their_series_are_a_line_of_their_own(home):
    series = write_dicom_series(home.root / "chest", make_volume())
    (home.root / "labels").mkdir()
    write_seg(home.root / "labels" / "lungs.dcm", series)
    update_index(home)
    shutil.rmtree(home.root / "chest")

    (scan,) = list_scans(home=home)

    assert (scan.path, scan.modality) == ("labels/lungs.dcm", "SEG")
    assert scan.error.startswith("lungs.dcm must lie in the same workplace")

    write_dicom_series(home.root / "chest", make_volume())
    assert [scan.path for scan in list_scans(home=home)] == ["chest"]


def test_patients_and_studies_have_keys_that_differ_between_workplaces(tmp_path):
    keys = []
    for name in ("one", "two"):
        home = Home(tmp_path / name, tmp_path / name / ".medlab")
        write_dicom_series(home.root / "a", make_volume(), number=1)
        write_dicom_series(home.root / "b", make_volume(), number=2)
        first, second = list_scans(home=home)
        assert (first.patient_key, first.study_key) == (
            second.patient_key,
            second.study_key,
        )
        assert len(first.patient_key) == len(first.study_key) == 12
        keys.append(first.patient_key)

    assert keys[0] != keys[1]


def test_keys_outlive_the_index(home):
    write_dicom_series(home.root / "a", make_volume())
    before = list_scans(home=home)[0].patient_key
    (home.folder / "index.sqlite").unlink()

    assert list_scans(home=home)[0].patient_key == before


def test_index_and_salt_are_for_their_owner_alone(home):
    write_scan(home.root / "a.nii")
    list_scans(home=home)

    for path in home.folder.iterdir():
        if path.name.startswith(("index.sqlite", "salt")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_index_of_earlier_versions_is_dropped(home):
    write_scan(home.root / "a.nii")
    (home.folder / "index.json").write_text("{}")

    list_scans(home=home)

    assert not (home.folder / "index.json").exists()


def test_progress_ends_at_all_files(home):
    write_scan(home.root / "a.nii")
    write_dicom_series(home.root / "d", make_volume())
    told = []

    report = update_index(home, on_progress=told.append)

    assert told[-1] == IndexProgress(done=10, total=10, found=2)
    assert (report.listed, report.errors, report.cancelled) == (2, 0, False)


def test_a_cancelled_update_keeps_what_it_read_and_goes_on_later(home):
    for number in range(20):
        write_dicom_series(
            home.root / f"s{number:02d}", make_volume((4, 4, 3)), number=number
        )
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 5

    first = update_index(home, cancelled=cancelled, workers=0)
    second = update_index(home)

    assert first.cancelled
    assert 0 < first.read < 60
    assert first.read + second.read == 60
    assert len(paths_of(home)) == 20


def test_reading_in_workers_gives_the_same_list(home):
    for number in range(5):
        write_dicom_series(
            home.root / f"s{number}", make_volume((4, 4, 3)), number=number
        )
    write_scan(home.root / "a.nii")
    write_text_as(home.root / "b.nii.gz")
    update_index(home, workers=0)
    alone = search_scans(home).scans

    update_index(home, workers=2, refresh=True)

    assert search_scans(home).scans == alone


def test_where_nothing_can_be_written_scans_are_listed_from_memory(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    root = tmp_path / "root"
    write_scan(root / "a.nii")
    (tmp_path / "file").touch()
    home = Home(root, tmp_path / "file" / ".medlab")

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]
    assert update_index(home).read == 0
    assert paths_of(home) == ["a.nii"]


def test_a_pipe_in_the_folder_does_not_stop_the_list(home):
    write_scan(home.root / "a.nii")
    os.mkfifo(home.root / "pipe.nii")
    os.mkfifo(home.root / "pipe.dcm")

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]


def test_a_file_whose_name_is_no_text_is_listed(home):
    name = os.fsdecode(b"caf\xe9.nii")
    write_scan(home.root / name)

    (scan,) = list_scans(home=home)

    assert scan.path == name
    assert find_scan(scan.id, home).path == name


def test_a_missing_folder_is_named(home):
    with pytest.raises(LookupError, match="must be a folder 'nowhere'"):
        list_scans("nowhere", home=home)


def test_a_folder_outside_the_root_has_no_index(home, tmp_path):
    with pytest.raises(LookupError, match="must lie below the root"):
        update_index(home, tmp_path.parent)


@pytest.mark.parametrize(
    "content", [b"{}" * 300, b"\xff" * 5000, b"SQLite format 3\0" + b"\1" * 4096]
)
def test_a_damaged_index_is_put_aside_and_made_anew(home, content):
    write_scan(home.root / "a.nii")
    (home.folder / "index.sqlite").write_bytes(content)

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]

    (aside,) = home.folder.glob("index-damaged-*.sqlite")
    assert aside.read_bytes() == content


def test_an_index_damaged_in_its_middle_is_put_aside_and_made_anew(home):
    for number in range(30):
        write_scan(home.root / f"{number}.nii")
    update_index(home)
    file = home.folder / "index.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = bytearray(file.read_bytes())
    (size,) = struct.unpack_from(">H", whole, 16)
    for page in range(1, len(whole) // size):
        whole[page * size : page * size + 64] = b"\xa5" * 64
    file.write_bytes(whole)

    assert len(list_scans(home=home)) == 30
    assert list(home.folder.glob("index-damaged-*.sqlite"))


def test_a_database_of_somebody_else_is_kept_under_another_name(home):
    write_scan(home.root / "a.nii")
    with sqlite3.connect(home.folder / "index.sqlite") as connection:
        connection.execute("CREATE TABLE theirs (value)")
        connection.execute("INSERT INTO theirs VALUES (42)")
    connection.close()

    assert [scan.path for scan in list_scans(home=home)] == ["a.nii"]

    (aside,) = home.folder.glob("index-damaged-*.sqlite")
    with sqlite3.connect(aside) as connection:
        assert connection.execute("SELECT value FROM theirs").fetchall() == [(42,)]
    connection.close()


def test_a_summary_goes_to_json_and_back(home):
    write_dicom_series(home.root / "d", make_volume())
    (scan,) = list_scans(home=home)
    scan = replace(scan, origin="dicomweb")

    assert type(scan).from_json(json.loads(json.dumps(scan.to_json()))) == scan
