"""One place for what medlab makes, found from any folder of the workplace."""

import hashlib
import os

import pytest

from medlab.scans import Home, ScanSource, find_home, write_atomically


def test_the_nearest_medlab_folder_above_is_home(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDLAB_HOME", raising=False)
    (tmp_path / ".medlab").mkdir()
    inner = tmp_path / "notebooks" / "deep"
    inner.mkdir(parents=True)

    home = find_home(inner)

    assert (home.root, home.folder) == (tmp_path, tmp_path / ".medlab")
    assert home.labels == tmp_path / ".medlab" / "labels"
    assert home.runs == tmp_path / ".medlab" / "runs"


def test_without_one_it_will_be_here_and_nothing_is_made_yet(tmp_path, monkeypatch):
    monkeypatch.delenv("MEDLAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    home = find_home()

    assert home.folder == tmp_path / ".medlab"
    assert list(tmp_path.iterdir()) == []


def test_medlab_home_overrides(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / "elsewhere" / ".medlab"))

    assert find_home(tmp_path).root == tmp_path / "elsewhere"


def test_a_scan_id_is_part_of_a_sha256_of_path_and_series():
    source = ScanSource("data/chest", "1.2.3")

    expected = hashlib.sha256(b"data/chest\n1.2.3").hexdigest()[:16]
    assert source.scan_id == expected
    assert ScanSource("data/chest").scan_id != expected


def test_a_path_is_named_from_the_root_or_in_full(tmp_path):
    (tmp_path / ".medlab").mkdir()
    home = find_home(tmp_path)

    assert home.name(tmp_path / "a" / ".." / "b.nii") == "b.nii"
    assert (
        home.name(tmp_path.parent / "b.nii") == (tmp_path.parent / "b.nii").as_posix()
    )


def test_a_write_that_fails_leaves_the_old_content_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")
    monkeypatch.setattr("os.fsync", _disk_full)

    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def _disk_full(_handle: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_written_file_has_the_permissions_others_would_get(tmp_path):
    write_atomically(tmp_path / "ours", b"")
    (tmp_path / "theirs").write_bytes(b"")
    write_atomically(tmp_path / "private", b"", mode=0o600)

    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


def test_what_a_killed_writer_left_is_removed_later(tmp_path):
    (tmp_path / ".writing-old").touch()
    (tmp_path / ".writing-now").touch()
    os.utime(tmp_path / ".writing-old", (1, 1))

    write_atomically(tmp_path / "a", b"")

    assert sorted(p.name for p in tmp_path.iterdir()) == [".writing-now", "a"]


def test_what_can_be_made_again_lies_with_the_user_where_the_root_takes_nothing(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    (tmp_path / "file").touch()
    refused = Home(tmp_path, tmp_path / "file" / ".medlab")
    taken = Home(tmp_path, tmp_path / "new" / ".medlab")

    assert refused.remade.is_relative_to(tmp_path / "own")
    assert refused.cache.is_relative_to(refused.remade)
    assert taken.remade == taken.folder
    assert not list(tmp_path.glob("own")) + list(tmp_path.glob("new"))
