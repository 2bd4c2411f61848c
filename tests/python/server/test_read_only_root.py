"""A root that nobody can write to: its scans are listed, found and shown all the same."""

import subprocess
import sys

import pytest

from medlab.scans import Home, ScanSource, search_scans
from tests.support.scans import make_affine, make_volume, write_nifti_by_nibabel
from tests.support.served import Served


@pytest.fixture
def archive(tmp_path):
    """A disk mounted read-only, with one scan on it."""
    disk = tmp_path / "archive"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        volume = make_volume()
        path = disk / "study" / "thorax.nii.gz"
        write_nifti_by_nibabel(path, volume.voxels, make_affine())
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (disk / ".medlab").mkdir()
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_server_on_a_read_only_disk_lists_and_shows_its_scans(archive, tmp_path):
    own = tmp_path / "own"
    scan = ScanSource("study/thorax.nii.gz").scan_id
    served = Served(
        archive, tmp_path / "settings", environment={"XDG_DATA_HOME": str(own)}
    ).start()
    try:
        served.wait_indexed()
        page = served.ask("POST", "scans/search", {"words": "thorax"}).json
        groups = served.ask("POST", "scans/groups", {}).json["groups"]
        picture = served.ask("GET", f"scans/{scan}/thumbnail")
        volume = served.ask("GET", f"volumes/{scan}")
        refused = served.ask("POST", f"labels/{scan}/lungs", {"segments": ["lung"]})
        log = served.log
    finally:
        served.stop()

    assert [row["id"] for row in page["scans"]] == [scan]
    assert page["indexing"]["read_only"] is True
    assert [group["scans"] for group in groups] == [1]
    assert (picture.status, picture.body[:4]) == (200, b"\x89PNG")
    assert (volume.status, volume.json["shape"]) == (200, [7, 8, 9])
    assert refused.status == 507
    assert refused.json["message"]
    assert log.count("their list is kept in your own data folder") == 1
    assert len(list(own.rglob("index.sqlite"))) == 1


def test_what_is_kept_of_a_read_only_disk_serves_the_next_time(
    archive, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    code = (
        "import sys; from pathlib import Path; from medlab.scans import *;"
        "home = Home(Path(sys.argv[1]), Path(sys.argv[1]) / '.medlab');"
        "print(update_index(home).read, search_scans(home).scans[0].patient_key)"
    )
    command = [sys.executable, "-c", code, str(archive)]

    first, second = (
        subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    )

    assert (first[0], second[0]) == ("1", "0")
    assert first[1] == second[1]
    found = search_scans(Home(archive, archive / ".medlab"))
    assert [scan.patient_key for scan in found.scans] == [first[1]]
