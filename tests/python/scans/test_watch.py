"""watch tells about folders whose scans came, changed or went."""

import os
import shutil
import threading
import time

import pytest

from medlab.scans import Home, watch
from tests.support.scans import make_volume, write_nifti_by_nibabel


def write_scan(path):
    volume = make_volume()
    write_nifti_by_nibabel(path, volume.voxels, volume.affine)


@pytest.fixture
def watched(tmp_path):
    home = Home(tmp_path, tmp_path / ".medlab")
    write_scan(tmp_path / "a" / "one.nii")
    told, stop = [], threading.Event()
    thread = threading.Thread(
        target=watch,
        args=(home, told.append),
        kwargs={"stop": stop, "interval_s": 0.05, "whole_s": 0.3},
    )
    thread.start()
    time.sleep(0.3)
    yield home.root, told
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def wait_for(told, folder):
    until = time.monotonic() + 20
    while not any(folder in folders for folders in told):
        assert time.monotonic() < until, told
        time.sleep(0.02)


def test_a_new_file_is_told(watched):
    root, told = watched
    write_scan(root / "a" / "two.nii")
    wait_for(told, "a")


def test_a_new_folder_is_told(watched):
    root, told = watched
    write_scan(root / "b" / "c" / "two.nii")
    wait_for(told, "b/c")


def test_a_removed_file_is_told(watched):
    root, told = watched
    (root / "a" / "one.nii").unlink()
    wait_for(told, "a")


def test_in_place_of_a_folder_that_is_gone_comes_the_one_it_was_in(watched):
    root, told = watched
    shutil.rmtree(root / "a")
    wait_for(told, ".")
    assert {folder for folders in told for folder in folders} == {"."}


def test_a_file_that_is_written_in_place_is_told_by_the_seldom_look(watched):
    root, told = watched
    os.utime(root / "a" / "one.nii", ns=(1, 1))
    wait_for(told, "a")


def test_what_is_hidden_is_not_told(watched):
    root, told = watched
    write_scan(root / ".medlab" / "cache" / "x.nii")
    write_scan(root / "a" / "two.nii")
    wait_for(told, "a")
    assert {folder for folders in told for folder in folders} <= {"a", "."}
