"""Workers serve many scans, each under its own limits; a bad one takes only itself away."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.scans import ScanSource, find_home, volume_cache
from medlab.scans._worker_pool import (
    WORKERS,
    EndedWithoutAnswer,
    TookTooLong,
    Worker,
    WorkerPool,
)
from tests.support.scans import make_volume, write_nifti_by_nibabel


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".medlab").mkdir()
    volume = make_volume()
    for name in ("a.nii", "b.nii"):
        write_nifti_by_nibabel(tmp_path / name, volume.voxels, volume.affine)
    return find_home(tmp_path)


@pytest.fixture
def pool():
    pool = WorkerPool()
    yield pool
    pool.end()


def order(home, name, **more):
    return {
        "task": "volume",
        "path": name,
        "series": None,
        "frame": None,
        "root": str(home.root),
        "folder": str(home.folder),
        "out": str(home.root / "out"),
        "timeout_s": 60,
        "memory_bytes": 4 << 30,
        "volume_bytes": 1 << 30,
        **more,
    }


def address_space(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * os.sysconf(
        "SC_PAGE_SIZE"
    )


def idle(pool):
    return [worker._process.pid for worker in pool._idle]


def test_one_worker_serves_one_scan_after_the_other(home, pool):
    assert pool.ask(order(home, "a.nii"), 60) == {"ok": True}
    first = idle(pool)
    began = time.monotonic()
    assert pool.ask(order(home, "b.nii"), 60) == {"ok": True}
    took_s = time.monotonic() - began

    assert idle(pool) == first
    assert len(first) == 1
    assert took_s < 1.0  # Starting Python and NumPy alone takes about as long.


def test_a_worker_that_is_too_slow_is_ended_and_another_takes_over(home, pool):
    os.mkfifo(home.root / "pipe.nii")
    pool.ask(order(home, "a.nii"), 60)
    (slow,) = idle(pool)

    with pytest.raises(TookTooLong):
        pool.ask(order(home, "a.nii"), 0.0)

    assert idle(pool) == []
    with pytest.raises(ProcessLookupError):
        os.kill(slow, 0)
    assert pool.ask(order(home, "b.nii"), 60) == {"ok": True}


def test_a_worker_that_dies_is_told_with_its_signal(home):
    worker = Worker()
    os.kill(worker._process.pid, signal.SIGSEGV)

    with pytest.raises(EndedWithoutAnswer) as caught:
        worker.ask(order(home, "a.nii"), 60)

    assert caught.value.returncode == -signal.SIGSEGV


def test_a_worker_that_died_while_idle_is_replaced(home, pool):
    pool.ask(order(home, "a.nii"), 60)
    (pid,) = idle(pool)
    os.kill(pid, signal.SIGKILL)

    assert pool.ask(order(home, "b.nii"), 60) == {"ok": True}


def test_memory_is_limited_anew_for_each_order(home, pool):
    write_nifti_by_nibabel(home.root / "big.nii", np.zeros((512, 512, 256)), np.eye(4))
    assert pool.ask(order(home, "a.nii"), 60) == {"ok": True}
    pid = idle(pool)
    tight_bytes = address_space(pid[0]) + (32 << 20)

    tight = pool.ask(order(home, "big.nii", memory_bytes=tight_bytes), 60)
    wide = pool.ask(order(home, "big.nii", memory_bytes=4 << 30), 60)

    assert tight["code"] == "too-large"
    assert idle(pool) != pid  # What ran out of memory is not used again.
    assert wide == {"ok": True}


def test_the_limit_of_the_one_who_asks_counts(home, monkeypatch):
    volume_cache(ScanSource("a.nii"), home)
    monkeypatch.setenv("MEDLAB_MAX_VOLUME_BYTES", "100")

    with pytest.raises(MedlabError, match="more than the limit") as caught:
        volume_cache(ScanSource("b.nii"), home)

    assert caught.value.code == "too-large"


def test_what_libraries_print_does_not_come_between_the_answers(home, pool, tmp_path):
    # SimpleITK writes warnings to standard output and error about such a header.
    (home.root / "odd.mha").write_text(
        "ObjectType = Image\nNDims = 99\nElementDataFile"
    )

    told = [pool.ask(order(home, name), 60) for name in ("odd.mha", "a.nii")]

    assert told[0]["code"] == "not-a-scan"
    assert told[1] == {"ok": True}


def test_idle_workers_end_with_the_process_that_started_them(home):
    volume_cache(ScanSource("a.nii"), home)
    pids = idle(WORKERS)

    WORKERS.end()

    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
