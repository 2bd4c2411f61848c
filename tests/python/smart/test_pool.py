"""Workers stay, are ended and replaced, and never outlive whoever started them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medlab.labels import Layer, decode_frame
from medlab.scans import Home, ScanSource
from medlab.smart import Desk, Pool, WorkerDied


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    rng = np.random.default_rng(0)
    voxels = rng.normal(0, 50, (160, 160, 60)).astype(np.int16)
    image = nibabel.Nifti1Image(voxels, np.diag([0.8, 0.8, 2, 1]))
    nibabel.save(image, root / "scan.nii")
    home = Home(root, root / ".medlab")
    layer = Layer.open(home, SOURCE, segments=["lung", "heart"])
    mask = np.zeros(voxels.shape, bool)
    mask[40:120, 40:120, 10:50] = True
    layer.paint("lung", mask)
    return home


SOURCE = ScanSource("scan.nii", None)


@pytest.fixture(scope="module")
def desk(home):
    desk = Desk(home, Pool({"tools": 60}))
    yield desk
    desk.pool.close()


def body(**params):
    return {"scan": SOURCE.scan_id, "layer": "labels", "rev": 1, "params": params}


def start(desk, tool="margin", **params):
    return desk.start(tool, body(**params), SOURCE)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie still has a number.
    return (
        "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    )


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_job_gives_a_frame_and_the_same_processes_do_the_next_one(desk):
    job = start(desk, segment=1, mm=2)
    assert job.wait(60)
    before = desk.pool.processes()
    for _ in range(5):
        job = start(desk, segment=1, mm=2)
        assert job.wait(20)

    assert decode_frame(job.payload).header["tool"] == "margin"
    assert set(desk.pool.processes()) == set(before)


def test_what_a_worker_refuses_comes_back_as_its_sentence(desk):
    job = start(desk, segment=2, mm=2)
    assert job.wait(20)
    assert str(job.error) == (
        "The segment 2 must have voxels, and has none here. Draw some of it first."
    )


def test_labels_older_than_the_page_are_not_used(desk):
    job = desk.start("margin", {**body(segment=1, mm=1), "rev": 99}, SOURCE)
    assert job.wait(20)
    assert job.error.code == "behind"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_after_a_worker_died_the_next_job_works(desk, number):
    slow = start(desk, "smooth", segments=[1], method="gaussian", mm=60)
    assert until(lambda: any(slot.job is slow for slot in desk.pool._slots["tools"]))
    (busy,) = [s.pid for s in desk.pool._slots["tools"] if s.job is slow]
    os.kill(busy, number)

    assert slow.wait(20)
    assert isinstance(slow.error, WorkerDied)
    assert f"was ended by signal {int(number)}, and another one" in str(slow.error)
    for _ in range(3):
        job = start(desk, segment=1, mm=1)
        assert job.wait(60)
        assert job.error is None


def test_a_cancelled_job_ends_at_once_and_its_worker_is_free_again(desk):
    start(desk, segment=1, mm=1).wait(60)
    slow = start(desk, "smooth", segments=[1], method="gaussian", mm=60)
    assert until(lambda: any(slot.job is slow for slot in desk.pool._slots["tools"]))

    began = time.monotonic()
    desk.cancel(slow.id)
    assert slow.wait(5)
    assert time.monotonic() - began < 1

    assert slow.error.code == "cancelled"
    jobs = [start(desk, segment=1, mm=1) for _ in range(4)]
    assert all(job.wait(60) and job.error is None for job in jobs)
    # The other worker may have done all four before this one was back.
    assert until(lambda: len(desk.pool.processes()) == 2)


def test_a_job_that_still_waits_is_cancelled_without_harm(desk):
    slow = [
        start(desk, "smooth", segments=[1], method="gaussian", mm=60) for _ in range(2)
    ]
    waiting = start(desk, segment=1, mm=1)

    desk.cancel(waiting.id)

    assert waiting.wait(1)
    assert waiting.error.code == "cancelled"
    for job in slow:
        desk.cancel(job.id)


def test_a_job_that_takes_too_long_is_given_up(home):
    desk = Desk(home, Pool({"tools": 0.05}))
    try:
        job = start(desk, "smooth", segments=[1], method="gaussian", mm=60)
        assert job.wait(60)
        assert job.error.code == "took-too-long"
        assert "took longer than 0.05 s and was given up" in str(job.error)
    finally:
        desk.pool.close()


def test_workers_have_a_limit_of_memory_and_end_with_their_pool(home, monkeypatch):
    monkeypatch.setenv("MEDLAB_TOOL_MEMORY_BYTES", str(1500 << 20))
    desk = Desk(home)
    start(desk, segment=1, mm=1).wait(60)
    pids = desk.pool.processes()
    limits = Path(f"/proc/{pids[0]}/limits").read_text()
    assert f"{1500 << 20}" in limits.split("Max address space")[1].split("\n")[0]

    desk.pool.close()

    assert until(lambda: not any(alive(pid) for pid in pids))


def test_workers_end_when_whoever_started_them_is_killed(home):
    program = (
        "import json, sys, time; from pathlib import Path\n"
        "from medlab.scans import Home, ScanSource; from medlab.smart import Desk\n"
        f"home = Home(Path({str(home.root)!r}), Path({str(home.folder)!r}))\n"
        "desk = Desk(home)\n"
        f"job = desk.start('margin', {body(segment=1, mm=1)!r}, "
        "ScanSource('scan.nii', None))\n"
        "job.wait(60); print(json.dumps(desk.pool.processes()), flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    pids = json.loads(parent.stdout.readline())
    assert pids

    parent.kill()
    parent.wait()

    assert until(lambda: not any(alive(pid) for pid in pids))


def test_a_kernel_answers_its_page_like_a_server(desk):
    """Start, ask again, cancel: by message, for the scan of the widget alone."""
    asked = json.dumps(body(segment=1, mm=2)).encode()

    told = desk.answer("POST", ["margin"], asked, SOURCE)
    while told.status == 202:
        told = desk.answer("GET", ["jobs", told.json["job"]], b"", SOURCE)

    assert decode_frame(told.body).header["op"] == "preview"
    assert desk.answer("DELETE", ["jobs", "0" * 12], b"", SOURCE).status == 200
    with pytest.raises(LookupError, match="own scan only"):
        desk.answer("POST", ["margin"], asked, ScanSource("other.nii", None))
