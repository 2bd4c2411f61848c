"""Confined work opens what it should, and nothing that a link leads to outside."""

import os

import pytest

from medlab.scans._confine import can_confine, confined

pytestmark = pytest.mark.skipif(
    not can_confine(), reason="the kernel of this machine has no Landlock"
)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root/inner").mkdir(parents=True)
    (tmp_path / "root2").mkdir()
    (tmp_path / "root/a.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "root2/secret.txt").write_text("outside")
    return tmp_path / "root"


def test_files_below_the_folder_are_read_and_written(root):
    def work():
        (root / "inner/b.txt").write_text((root / "a.txt").read_text() + "!")
        (root / "inner/b.txt").replace(root / "c.txt")
        return sorted(p.name for p in root.iterdir())

    assert confined(work, folders=[root]) == ["a.txt", "c.txt", "inner"]
    assert (root / "c.txt").read_text() == "inside!"


@pytest.mark.parametrize("where", ["secret.txt", "root2/secret.txt"])
def test_a_link_out_is_not_followed_even_when_it_is_made_in_between(root, where):
    def work():
        (root / "a.txt").unlink()
        (root / "a.txt").symlink_to(root.parent / where)
        return (root / "a.txt").read_text()

    with pytest.raises(PermissionError):
        confined(work, folders=[root])
    assert (root / "a.txt").read_text() == "outside"


def test_nothing_is_written_outside(root):
    (root / "out").symlink_to(root.parent / "root2")

    with pytest.raises(PermissionError):
        confined((root / "out/new.txt").write_text, "x", folders=[root])
    with pytest.raises(PermissionError):
        confined((root.parent / "secret.txt").unlink, folders=[root])

    assert not (root.parent / "root2/new.txt").exists()


def test_others_in_the_process_stay_free(root):
    confined(int, folders=[root])

    assert (root.parent / "secret.txt").read_text() == "outside"


def test_libraries_are_still_loaded(root):
    """What is imported late must be found; each in a process, as imports are remembered."""
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from medlab.scans._confine import confined\n"
        "def work():\n"
        "    import pydicom, nibabel, PIL.Image, numpy, SimpleITK, zlib, gdcm, openjpeg\n"
        "    return 'all'\n"
        "print(confined(work, folders=[Path(sys.argv[1])]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], capture_output=True, text=True
    )

    assert done.stdout.strip() == "all", done.stderr


def test_errors_come_through(root):
    with pytest.raises(ZeroDivisionError):
        confined(lambda: 1 // 0, folders=[root])
    with pytest.raises(FileNotFoundError):
        confined(os.stat, root / "nothing", folders=[root, root / "nowhere"])
