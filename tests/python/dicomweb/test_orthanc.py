"""Search, fetch and send against a real Orthanc: what comes is what lies there."""

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.data import get_testdata_file

from medlab.dicomweb import (
    Progress,
    SeriesQuery,
    fetch_series,
    fetched,
    find_series,
    send,
)
from medlab.errors import MedlabError
from medlab.labels import Layer, grid_of, save_labels
from medlab.scans import find_summary, list_scans, open_scan
from tests.support.orthanc import PASSWORD
from tests.support.scans import PATIENT, write_dicom_series

MADE = "1.2.826.0.1.3680043.8.498.77"


def real_series():
    """Five real CT slices that come with pydicom, and their SeriesInstanceUID."""
    first = get_testdata_file("dicomdirtests/98892001/CT5N/2062", download=False)
    assert first is not None
    folder = Path(first).parent
    return folder, str(
        pydicom.dcmread(first, stop_before_pixels=True).SeriesInstanceUID
    )


def by_simpleitk(folder, series):
    """The series as SimpleITK reads it: voxels `(I, J, K)`, affine to RAS mm."""
    names = SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series)
    image = SimpleITK.ReadImage(names)
    affine = np.eye(4)
    directions = np.reshape(image.GetDirection(), (3, 3))
    affine[:3, :3] = directions * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).T, np.diag([-1, -1, 1, 1]) @ affine


def test_the_whole_loop_with_a_real_series(orthanc, server, home):
    folder, series = real_series()
    orthanc.push(sorted(folder.iterdir()))

    (found,) = [one for one in find_series(server, "CT") if one.series == series]
    assert found.instances == 5
    told = []
    done = fetch_series(server, found.study, series, home, told.append)
    assert told[0] == Progress(0, 5, 0)
    assert (told[-1].done, told[-1].total) == (5, 5)
    assert told[-1].received_bytes == done.received_bytes > 5 * 16 * 16 * 2

    volume = open_scan(home.locate(done.source.path), home=home)
    voxels, affine = by_simpleitk(folder, series)
    np.testing.assert_array_equal(volume.voxels, voxels)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-4)

    (row,) = list_scans(home.root, home=home)
    assert (row.id, row.to_json()["source"]) == (done.source.scan_id, "dicomweb")
    layer = Layer.open(home, volume, "labels", segments=[{"id": 1, "name": "Lesion"}])
    labels = layer.labels()
    labels.voxels[2:5, 3:9, 1:4] = 1
    layer.replace(labels)
    file = home.root / "lesion.dcm"
    save_labels(file, layer.labels(), grid_of(volume, home), home=home)

    sent = send(server, file)

    assert (sent.stored, sent.refused) == (1, 0)
    (there,) = find_series(server, SeriesQuery(study=found.study, modality="SEG"))
    sop = sent.instances[0].instance
    (at,) = orthanc.ask("/tools/lookup", sop.encode())
    tags = orthanc.ask(f"/instances/{at['ID']}/simplified-tags")
    assert tags["SeriesInstanceUID"] == there.series
    assert tags["SegmentSequence"][0]["SegmentLabel"] == "Lesion"
    (referenced,) = tags["ReferencedSeriesSequence"]
    assert referenced["SeriesInstanceUID"] == series


def test_a_fetched_file_is_the_servers_byte_for_byte(orthanc, server, home, pushed):
    folder, series = pushed
    done = fetch_series(server, f"{MADE}.0", series, home)

    files = sorted(home.locate(done.source.path).glob("*.dcm"))

    theirs = {file.read_bytes() for file in folder.iterdir()}
    assert {file.read_bytes() for file in files} == theirs


def test_compressed_images_come_in_the_syntax_they_are_stored_in(orthanc, server, home):
    path = Path(str(get_testdata_file("JPEG2000.dcm", download=False)))
    orthanc.push([path])
    header = pydicom.dcmread(path)

    done = fetch_series(server, header.StudyInstanceUID, header.SeriesInstanceUID, home)

    (file,) = home.locate(done.source.path).glob("*.dcm")
    fetched_one = pydicom.dcmread(file)
    syntax = fetched_one.file_meta.TransferSyntaxUID
    assert syntax == header.file_meta.TransferSyntaxUID
    assert fetched_one.PixelData == header.PixelData


@pytest.mark.parametrize(
    ("words", "is_there"),
    [
        ("", True),
        ("doe", True),
        ("JANE", True),
        ("jane doe", True),
        ("doe^jane", True),
        ("CT 2024-01-31", True),
        ("ct 20240131 thin", True),
        ("chest study", True),
        ("<i>study</i>", True),
        ("doe nobody", False),
        ("MR", False),
        ("2024-02-01", False),
        ("*", True),
        ("th*in?", True),
        ("dœ", False),
    ],
)
def test_every_word_must_be_found_somewhere(server, pushed, words, is_there):
    _, series = pushed

    found = {one.series for one in find_series(server, words)}

    assert (series in found) == is_there


def test_a_series_is_described(server, pushed):
    _, series = pushed
    query = SeriesQuery("thin", date="20240101-20240228", study=f"{MADE}.0")

    (found,) = [one for one in find_series(server, query) if one.series == series]

    assert (found.modality, found.date, found.instances) == ("CT", "20240131", 9)
    assert (found.patient, found.patient_id) == (PATIENT, "7")
    assert (found.study_description, found.description) == (
        "Chest <i>study</i>",
        "thin",
    )


def test_a_list_ends_at_its_limit(server, pushed, orthanc, tmp_path, volume):
    write_dicom_series(tmp_path / "second", volume, number=42)
    orthanc.push(sorted((tmp_path / "second").iterdir())[:1])

    assert len(find_series(server, SeriesQuery("thin", limit=1))) == 1
    assert len(find_series(server, SeriesQuery("thin", limit=2))) == 2


def test_a_fetch_goes_on_where_it_broke_off(server, home, pushed):
    _, series = pushed
    seen = []

    with pytest.raises(MedlabError, match="Cancelled, as asked") as raised:
        fetch_series(
            *(server, f"{MADE}.0", series, home, seen.append),
            cancelled=lambda: len(seen) > 3,
        )
    assert raised.value.code == "cancelled"
    assert list_scans(home.root, home=home) == []
    there = {path.name: path.stat().st_ino for path in home.fetched.rglob("*.dcm")}
    assert 3 <= len(there) < 9

    done = fetch_series(server, f"{MADE}.0", series, home)

    assert (done.instances, done.kept) == (9, len(there))
    after = {path.name: path.stat().st_ino for path in home.fetched.rglob("*.dcm")}
    assert len(after) == 9
    assert there.items() <= after.items()


def test_a_second_fetch_asks_for_the_list_alone(orthanc, server, home, pushed):
    _, series = pushed
    first = fetch_series(server, f"{MADE}.0", series, home)

    again = fetch_series(server, f"{MADE}.0", series, home)

    assert again.source == first.source
    assert (again.kept, again.received_bytes) == (9, 0)
    assert fetched(home) == {
        ("orthanc", f"{MADE}.0", series): home.locate(first.source.path)
    }


def test_a_damaged_file_is_fetched_anew(server, home, pushed, volume):
    _, series = pushed
    done = fetch_series(server, f"{MADE}.0", series, home)
    files = sorted(home.locate(done.source.path).glob("*.dcm"))
    files[0].write_bytes(b"overwritten")
    files[1].write_bytes(files[2].read_bytes())

    again = fetch_series(server, f"{MADE}.0", series, home)

    assert again.kept == 7
    opened = open_scan(home.locate(done.source.path), home=home)
    np.testing.assert_array_equal(opened.voxels, volume.voxels)


def test_names_hold_no_patient_text_and_others_cannot_look(server, home, pushed):
    _, series = pushed
    fetch_series(server, f"{MADE}.0", series, home)

    paths = list(home.fetched.rglob("*"))

    names = [path.relative_to(home.fetched).as_posix() for path in paths]
    assert not [name for name in names if "Doe" in name or "1.2.826" in name]
    files = [path for path in paths if path.suffix in (".dcm", ".json")]
    assert len(files) == 10
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    assert home.fetched.stat().st_mode & 0o077 == 0


def test_a_fetched_scan_is_found_by_its_id(server, home, pushed):
    _, series = pushed
    done = fetch_series(server, f"{MADE}.0", series, home)

    summary = find_summary(done.source.scan_id, home)

    assert (summary.series, summary.shape) == (series, [7, 8, 9])
    assert summary.to_json()["source"] == "dicomweb"


def test_a_wrong_password_is_told(server, monkeypatch):
    monkeypatch.setenv("ORTHANC_PASSWORD", "a wrong one")

    with pytest.raises(MedlabError, match="refuses the login") as raised:
        find_series(server)

    assert raised.value.code == "server-login"
    assert "wrong one" not in str(raised.value)


def test_nothing_of_a_patient_or_a_login_is_logged(server, pushed, home, caplog):
    _, series = pushed
    caplog.set_level(logging.DEBUG)
    for name in ("dicomweb_client", "urllib3", "retrying", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)

    find_series(server, "doe")
    fetch_series(server, f"{MADE}.0", series, home)
    with pytest.raises(MedlabError):
        find_series(replace(server, url=server.url + "/nowhere"), "doe")

    assert "doe" not in caplog.text.casefold()
    assert PASSWORD not in caplog.text
    assert "Authorization" not in caplog.text


def test_sending_again_is_no_refusal(server, pushed):
    folder, _ = pushed

    sent = send(server, folder)

    assert (sent.stored, sent.refused) == (9, 0)


def test_a_file_that_is_no_dicom_is_not_sent(server, tmp_path):
    (tmp_path / "letter.dcm").write_text("Dear Jane Doe")

    with pytest.raises(MedlabError, match="must be a DICOM file at 'letter.dcm'"):
        send(server, tmp_path / "letter.dcm")


def run(arguments, home, **environment):
    """`medlab dicomweb` as a person types it."""
    return subprocess.run(
        [sys.executable, "-m", "medlab", "dicomweb", *arguments],
        cwd=home.root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_command_line_lists_finds_fetches_and_sends(table_file, pushed, home):
    folder, series = pushed

    listed = run(["servers"], home)
    assert listed.stdout == "orthanc  Test archive\n"
    found = run(["find", "orthanc", "thin", "2024-01-31", "--json"], home)
    rows = {row["series"]: row for row in json.loads(found.stdout)["series"]}
    assert rows[series]["instances"] == 9
    assert "Doe" not in found.stdout
    shown = run(["find", "orthanc", "doe", "--private"], home)
    assert PATIENT in shown.stdout
    done = run(["fetch", "orthanc", f"{MADE}.0", series], home)
    assert "9 files" in done.stdout, done.stderr
    path = home.root / done.stdout.split()[0]
    assert open_scan(path, home=home).shape == (7, 8, 9)
    sent = run(["send", "orthanc", str(folder)], home)
    assert sent.stdout.endswith("9 stored, 0 refused\n")


def test_the_command_line_says_in_a_line_what_is_wrong(table_file, home):
    other = run(["find", "elsewhere"], home)
    assert other.returncode == 2
    assert other.stderr == (
        "medlab: The server must be one that the administrator allows, got another name. "
        "Choose one of: orthanc.\n"
    )
    gone = run(["fetch", "orthanc", "1.2.3", "1.2.4"], home)
    assert (gone.returncode, gone.stderr.count("\n")) == (2, 1)
    assert "has no instance of that series" in gone.stderr
    none = run(["find", "orthanc"], home, MEDLAB_DICOMWEB="")
    assert "None is set up" in none.stderr


def test_without_the_package_it_says_what_to_install(table_file, home, tmp_path):
    (tmp_path / "shadow").mkdir()
    missing = "raise ImportError('not here')\n"
    (tmp_path / "shadow" / "dicomweb_client.py").write_text(missing)

    told = run(["find", "orthanc"], home, PYTHONPATH=str(tmp_path / "shadow"))

    assert told.returncode == 2
    assert 'pip install "medlab[dicomweb]"' in told.stderr
