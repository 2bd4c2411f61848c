"""The table of contents of a media set lists its series, and leads to no file elsewhere."""

import shutil
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from medlab.errors import MedlabError
from medlab.scans import open_scan
from medlab.scans.dicom._dicomdir import is_dicomdir, read_dicomdir


@pytest.fixture
def media(tmp_path):
    table = get_testdata_file("dicomdirtests/DICOMDIR", download=False) or _shipped()
    folder = tmp_path / "media"
    shutil.copytree(Path(table).parent, folder)
    return folder / "DICOMDIR"


def _shipped():
    return Path(pydicom.__file__).parent / "data/test_files/dicomdirtests/DICOMDIR"


def test_the_series_are_those_of_the_files_themselves(media):
    theirs: dict[str, set[Path]] = {}
    for path in media.parent.rglob("*"):
        if path.is_file() and not path.name.startswith(("DICOMDIR", "README")):
            try:
                uid = str(pydicom.dcmread(path).SeriesInstanceUID)
            except (pydicom.errors.InvalidDicomError, AttributeError):
                continue
            theirs.setdefault(uid, set()).add(path)

    found = read_dicomdir(media)

    listed = {one.uid: set(one.files) for one in found}
    assert len(listed) == len(found) > 5
    for uid, files in listed.items():
        assert files == theirs[uid]
    assert {one.modality for one in found} >= {"CT", "MR"}
    assert all(one.missing == 0 for one in found)


def test_a_media_set_is_opened_by_the_number_of_a_series(media):
    listed = next(one for one in read_dicomdir(media) if len(one.files) > 1)

    found = open_scan(media, series=listed.uid)

    assert found.shape[2] == len(listed.files)
    assert found.source == open_scan(media.parent, series=listed.uid).source
    with pytest.raises(MedlabError, match=r"must hold one DICOM series, got \d+"):
        open_scan(media)


def test_a_series_whose_files_are_gone_says_how_many(media):
    before = {one.uid: len(one.files) for one in read_dicomdir(media)}
    series = next(one for one in read_dicomdir(media) if len(one.files) > 1)
    series.files[0].unlink()

    found = {one.uid: one for one in read_dicomdir(media)}[series.uid]

    assert (len(found.files), found.missing) == (before[series.uid] - 1, 1)


def test_names_in_other_letters_are_found(media):
    for path in sorted(media.parent.rglob("*"), key=lambda p: -len(p.parts)):
        if path != media:
            path.rename(path.with_name(path.name.lower()))

    assert all(one.missing == 0 for one in read_dicomdir(media))


@pytest.mark.parametrize(
    "name", [["..", "SECRET"], ["A", "..", "..", "SECRET"], "/SECRET"]
)
def test_a_name_that_leads_out_of_the_folder_is_not_followed(media, name):
    (media.parent.parent / "SECRET").write_bytes(b"secret")
    table = pydicom.dcmread(media)
    images = [
        record
        for record in table.DirectoryRecordSequence
        if record.get("ReferencedFileID")
    ]
    images[0].ReferencedFileID = name
    pydicom.dcmwrite(
        media,
        pydicom.FileDataset(
            media,
            table,
            file_meta=table.file_meta,
            preamble=bytes(128),
            is_implicit_VR=False,
        ),
    )

    found = read_dicomdir(media)

    assert sum(one.missing for one in found) == 1
    files = [file.resolve() for one in found for file in one.files]
    assert all(file.is_relative_to(media.parent.resolve()) for file in files)


def test_a_link_out_of_the_folder_is_not_followed(media):
    secret = media.parent.parent / "secret"
    file = read_dicomdir(media)[0].files[0]
    shutil.move(file, secret)
    file.symlink_to(secret)

    assert sum(one.missing for one in read_dicomdir(media)) == 1


def test_an_image_is_no_table_of_contents(tmp_path):
    path = Path(get_testdata_file("CT_small.dcm", download=False))

    with pytest.raises(
        MedlabError, match=r"table of contents of a media set \(DICOMDIR\)"
    ):
        read_dicomdir(path)

    assert not is_dicomdir(path)
