"""Workers of a real Dask cluster are killed in the middle: nothing is lost, nothing doubled."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medlab.cluster import spread
from medlab.scans import Home, Query, convert_scans, search_scans, update_index
from medlab.scans.index import _update
from medlab.scans.index._read import cut
from tests.support.lab import free_port
from tests.support.pieces import count_and_square
from tests.support.scans import make_volume, write_dicom_series, write_nifti_by_nibabel

KILLS = 30 if os.environ.get("MEDLAB_LONG") else 3


class Cluster:
    """`dask scheduler` and `dask worker`, as an administrator starts them."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        port = self.address.rpartition(":")[2]
        self._all = [self._run("scheduler", "--host", "127.0.0.1", "--port", port)]
        self.workers: list[subprocess.Popen] = []

    def add_worker(self) -> None:
        """A worker of one thread without a nanny: killed, it stays away."""
        local = ("--no-nanny", "--nthreads", "1", "--host", "127.0.0.1")
        worker = self._run("worker", self.address, *local)
        self.workers.append(worker)
        self._all.append(worker)

    def kill_one(self, chance: random.Random) -> None:
        """Kill a worker as the machine's memory killer would; another one comes."""
        worker = self.workers.pop(chance.randrange(len(self.workers)))
        worker.send_signal(signal.SIGKILL)
        self.add_worker()

    def end(self) -> None:
        for process in self._all:
            process.kill()
            process.wait()

    @staticmethod
    def _run(kind: str, *arguments: str) -> subprocess.Popen:
        no_page = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        command = [sys.executable, "-m", "dask", kind, *arguments, *no_page]
        quiet = subprocess.DEVNULL
        root = str(Path(__file__).parents[2])
        return subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=root)


@pytest.fixture(scope="module")
def cluster():
    running = Cluster()
    for _ in range(2):
        running.add_worker()
    yield running
    running.end()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Scans enough to be in the middle of: 12 series of 9 files and 90 NIfTI files."""
    root = tmp_path_factory.mktemp("disk")
    for number in range(12):
        volume = make_volume(seed=number)
        write_dicom_series(root / f"series{number}", volume)
    for number in range(90):
        volume = make_volume(seed=number)
        write_nifti_by_nibabel(root / f"{number}_ct.nii", volume.voxels, volume.affine)
    return root


def rows(home):
    """Everything the index tells, without what each workplace salts for itself."""
    page = search_scans(home, Query(limit=1000))
    private = {"patient_key", "study_key"}
    return [
        {k: v for k, v in scan.to_json().items() if k not in private}
        for scan in page.scans
    ]


def test_an_index_made_while_workers_are_killed_is_the_same(
    cluster, root, tmp_path, monkeypatch
):
    monkeypatch.setattr(_update, "cut", lambda units, home: cut(units, home, 6))
    alone, spread_out = Home(root, tmp_path / "a"), Home(root, tmp_path / "b")
    update_index(alone, workers=0)
    told = []

    # The first worker goes as soon as something was read.
    def on_progress(progress):
        if progress.found and not told:
            told.append(progress)
            cluster.kill_one(random.Random(0))

    report = update_index(
        spread_out, scheduler=cluster.address, on_progress=on_progress
    )

    assert (report.listed, report.errors, report.cancelled) == (102, 0, False)
    assert told[0].done < told[0].total == 198
    assert rows(spread_out) == rows(alone)


def test_scans_converted_while_workers_are_killed_are_all_there_once(
    cluster, root, tmp_path
):
    home = Home(root, tmp_path / "home")

    def on_progress(ended, total):
        if ended == 20:
            cluster.kill_one(random.Random(1))

    report = convert_scans(
        root,
        tmp_path / "out",
        home=home,
        scheduler=cluster.address,
        on_progress=on_progress,
    )

    assert (report.made, report.failed) == (102, {})
    # A killed writer leaves its unfinished file behind, under a hidden name.
    files = list((tmp_path / "out").glob("ct-*.nii.gz"))
    assert len(files) == 102
    for scan in search_scans(home, Query(words="7_ct.nii", limit=1000)).scans:
        ours = nibabel.load(tmp_path / "out" / f"ct-{scan.id}.nii.gz")
        theirs = nibabel.load(root / scan.path)
        np.testing.assert_array_equal(np.asanyarray(ours.dataobj), theirs.dataobj)


def test_no_kill_loses_or_doubles_a_result(cluster, tmp_path):
    count, written = 40 * KILLS, []
    pieces = [
        {"number": n, "tries": str(tmp_path), "takes_s": 0.02} for n in range(count)
    ]
    chance = random.Random(7)

    def write(piece, result):
        written.append((piece["number"], result))
        if len(written) % 40 == 20:
            cluster.kill_one(chance)

    report = spread(count_and_square, pieces, cluster.address, write)

    assert sorted(written) == [(n, n * n) for n in range(count)]
    assert (report.done, report.failed) == (count, ())
    assert report.deaths >= 1
