"""More is asked than the server takes on at once: 429, and an answer when the slow are done.

Each limit is reached with requests that are really held: by slow work, by a scan that takes
long to decode, by clients that do not read or do not send, by a trainer without news, by
workers that were stopped.
"""

import contextlib
import http.client
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from medlab.scans import ScanSource
from medlab.server import _limits
from tests.python.server.routes_table import ROWS, RUN
from tests.support.scans import make_volume, write_nifti_by_nibabel
from tests.support.served import TOKEN, Served

LARGE = (512, 512, 256)
THORAX = ScanSource("thorax.nii.gz").scan_id
LARGE_SCAN = ScanSource("large.nii.gz").scan_id
LABELS = f"labels/{THORAX}/lungs"
MANY = 203


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    return tmp_path_factory.mktemp("slow")


@pytest.fixture(scope="module")
def served(tmp_path_factory, slow):
    around = tmp_path_factory.mktemp("around")
    root = around / "data"
    volume = make_volume()
    write_nifti_by_nibabel(root / "thorax.nii.gz", volume.voxels, volume.affine)
    voxels = np.zeros(LARGE, np.int16)
    write_nifti_by_nibabel(root / "large.nii.gz", voxels, volume.affine)
    (root / "many").mkdir()
    for number in range(MANY):
        shutil.copy(root / "thorax.nii.gz", root / f"many/{number}.nii.gz")
    run = root / ".medlab/runs" / RUN
    run.mkdir(parents=True)
    contract = Path(__file__).parents[2] / "contract"
    told = json.loads((contract / "runs.json").read_text())["runs"][0]
    kept = ("name", "template", "created", "host", "where")
    about = {key: told[key] for key in kept}
    (run / "run.json").write_text(json.dumps({**about, "recipe": {}}))
    (run / "metrics.jsonl").touch()
    table = around / "table.json"
    table.write_text(json.dumps({"slow": {"url": "http://127.0.0.1:9/dicom-web"}}))
    served = Served(
        root,
        tmp_path_factory.mktemp("settings"),
        extensions=("medlab.server", "tests.support.slow_work"),
        environment={
            "MEDLAB_SLOW": str(slow),
            "MEDLAB_DICOMWEB": str(table),
            "PYTHONPATH": str(Path(__file__).parents[3]),
        },
    ).start()
    served.wait_indexed()
    assert served.ask("POST", LABELS, {"segments": ["lung"]}).status == 200
    yield served
    served.stop()


class Open:
    """A request that was sent, or a part of it; its answer may take long."""

    def __init__(self, served, method, path, body=None, **headers):
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", served.port, timeout=60
        )
        data = json.dumps(body) if body is not None else None
        self.connection.request(
            *(method, f"{served.base_url}medlab/{path}", data),
            {"Authorization": f"token {TOKEN}", **headers},
        )

    def answer(self):
        """Status, headers and content, or as much of it as there is."""
        came = self.connection.getresponse()
        content = came.read()
        self.close()
        return came.status, came.headers, content

    def close(self):
        self.connection.close()


def answered(requests, wait_s=0.0):
    """Those of the requests that have an answer by now."""
    found = {one.connection.sock: one for one in requests}
    return [found[sock] for sock in select.select(list(found), [], [], wait_s)[0]]


def is_refused(reply, most):
    """429, a time to come back after, a code, and sentences that tell the limit."""
    status, headers, content = reply
    told = json.loads(content)
    assert (status, told["code"]) == (429, "too-many")
    assert int(headers["Retry-After"]) >= 1
    assert str(most) in told["message"]
    assert all(told[key] for key in ("title", "detail", "hint"))
    return True


def refused_one(held, ask, most):
    """With `most` requests held one more is sent, and one is refused and no other answered.

    Which of them it is the server's threads decide, who take them up in any order.
    """
    held.append(ask())
    refused = answered(held, 30)
    assert len(refused) == 1
    held.remove(refused[0])
    assert is_refused(refused[0].answer(), most)
    assert not answered(held)


@contextlib.contextmanager
def all_held(ask, count, settle_s=0.3):
    """So many requests that the server has taken up and not answered."""
    held = [ask() for _ in range(count)]
    try:
        assert not answered(held, settle_s)
        yield held
    finally:
        for one in held:
            one.close()


SLOW = {
    "quick": ("GET", "runs", None),
    "listing": ("POST", "scans/search", {"words": "thorax"}),
    "volumes": ("GET", f"volumes/{THORAX}", None),
    "files": ("GET", f"labels/{THORAX}/files", None),
}


def test_each_kind_of_slow_work_is_asked_for_here():
    kinds = set(_limits._AT_ONCE) - {"thumbnails"}  # They have a queue of their own.

    assert set(SLOW) == kinds


@pytest.mark.parametrize("kind", SLOW)
def test_beside_as_much_slow_work_as_it_takes_on_it_refuses_more(served, slow, kind):
    most = _limits._AT_ONCE[kind]

    def ask():
        return Open(served, *SLOW[kind])

    (slow / kind).touch()
    with all_held(ask, most) as held:
        refused_one(held, ask, most)
        (slow / kind).unlink()
        assert {one.answer()[0] for one in held} == {200}
    assert ask().answer()[0] == 200


def test_only_so_many_pictures_wait_to_be_drawn(served, slow):
    scans = iter([ScanSource(f"many/{n}.nii.gz").scan_id for n in range(MANY)])

    def ask():
        return Open(served, "GET", f"scans/{next(scans)}/thumbnail")

    (slow / "thumbnails").touch()
    with all_held(ask, MANY - 1) as held:  # Two are being drawn, the others wait.
        refused_one(held, ask, MANY - 3)
        (slow / "thumbnails").unlink()
        assert {one.answer()[0] for one in held} == {200}


def test_while_a_large_scan_is_decoded_only_so_many_may_wait_for_it(served):
    most = _limits._AT_ONCE["volumes"]

    def ask():
        return Open(served, "GET", f"volumes/{LARGE_SCAN}")

    with all_held(ask, most, settle_s=0) as held:
        refused_one(held, ask, most)
        replies = [one.answer() for one in held]
    assert {status for status, _, _ in replies} == {200}
    assert {tuple(json.loads(body)["shape"]) for _, _, body in replies} == {LARGE}
    assert ask().answer()[0] == 200


def test_clients_that_do_not_read_take_no_more_than_their_share(served):
    slab = f"volumes/{LARGE_SCAN}/slab?k0=0&k1=64"
    assert Open(served, "GET", f"volumes/{LARGE_SCAN}").answer()[0] == 200

    def ask():
        return Open(served, "GET", slab)

    held = [ask() for _ in range(_limits.SLABS)]
    until = time.monotonic() + 30
    while len(answered(held)) < len(held):  # The head of each has come.
        assert time.monotonic() < until
        time.sleep(0.05)
    assert is_refused(ask().answer(), _limits.SLABS)
    for one in held:
        one.close()
    status, _, content = _when_free(ask)
    assert (status, len(content) > 64 * 512 * 512 * 2) == (200, True)


def test_only_so_many_may_wait_for_news_of_a_run(served):
    most, metrics = _limits.HELD, served.root / ".medlab/runs" / RUN / "metrics.jsonl"

    def ask():
        size = metrics.stat().st_size
        return Open(served, "GET", f"runs/{RUN}/metrics?from={size}&wait_s=20")

    with all_held(ask, most) as held:
        refused_one(held, ask, most)
        at_once = served.ask("GET", f"runs/{RUN}/metrics?from=0")
        assert at_once.status == 200  # Who does not wait takes nobody's place.
        with metrics.open("a") as file:
            file.write('{"kind": "step", "step": 1, "loss": 0.5}\n')
        replies = [one.answer() for one in held]
    assert {status for status, _, _ in replies} == {200}
    assert all(json.loads(body)["lines"] for _, _, body in replies)
    with all_held(ask, 1):
        pass


def test_only_so_many_previews_wait_for_workers(served):
    """The workers are stopped: what they were given takes as long as one likes."""
    body = {"scan": THORAX, "layer": "lungs", "rev": 0}
    body |= {"params": {"segments": None}}

    def ask():
        return Open(served, "POST", "smart/statistics", body)

    assert ask().answer()[0] in (200, 202)
    until = time.monotonic() + 60
    while len(workers := _workers(served)) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        jobs = []
        for count in (20, 14):  # Two are at work, the others wait.
            asked = [ask() for _ in range(count)]
            replies = [one.answer() for one in asked]
            assert {status for status, _, _ in replies} == {202}, replies
            jobs += [json.loads(content)["job"] for _, _, content in replies]
        assert is_refused(ask().answer(), 32)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    for job in jobs:
        reply = served.ask("GET", f"smart/jobs/{job}?wait_s=10")
        assert reply.status in (200, 422)
    assert ask().answer()[0] in (200, 202, 422)


def _workers(served):
    told = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(served.process.pid)],
        *(),
        **{"capture_output": True, "text": True, "check": False},
    )
    lines = [line.split(None, 1) for line in told.stdout.splitlines()]
    return [int(pid) for pid, line in lines if "medlab.smart._worker" in line]


def test_only_so_many_questions_wait_for_a_slow_archive(served, slow):
    (slow / "archive").touch()

    def ask():
        return Open(served, "POST", "dicomweb/slow/search", {})

    with all_held(ask, 8) as held:
        refused_one(held, ask, 8)
        (slow / "archive").unlink()
        assert {one.answer()[0] for one in held} == {200}
    assert ask().answer()[0] == 200


def test_only_so_many_fetches_wait_for_a_slow_archive(served, slow):
    (slow / "archive").touch()

    def ask(number):
        body = {"study": "1.2", "series": f"1.2.{number}"}
        return Open(served, "POST", "dicomweb/slow/fetch", body).answer()

    assert {ask(number)[0] for number in range(50)} == {202}
    assert is_refused(ask(50), 50)
    assert ask(7)[0] == 202  # The fetch of that series is found, and no other begun.
    (slow / "archive").unlink()
    until = time.monotonic() + 30
    while any(job["state"] != "finished" for job in _fetches(served)):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert ask(50)[0] == 202


def _fetches(served):
    jobs = json.loads(served.ask("GET", "dicomweb/jobs").body)["jobs"]
    assert len(jobs) == 50
    return jobs


@pytest.fixture(scope="module")
def room_taken(served):
    """Two senders announced all that may be received at once, and send nothing of it."""

    def ask():
        path, half = f"{LABELS}/ops", _limits.ALL_BODIES_BYTES // 2
        return Open(served, "POST", path, None, **{"Content-Length": str(half)})

    with all_held(ask, 2) as held:
        until = time.monotonic() + 10
        while Open(served, "POST", "scans/search", {}).answer()[0] != 429:
            assert time.monotonic() < until  # Both are taken up, which takes a moment.
            time.sleep(0.05)
        yield held


with_body = [row for row in ROWS if row.method == "POST"]


@pytest.mark.parametrize("row", with_body, ids=lambda row: row.id)
@pytest.mark.parametrize("is_told", [True, False], ids=["length told", "in chunks"])
def test_beside_bodies_that_come_slowly_none_is_taken(served, room_taken, row, is_told):
    path = row.path.replace("{scan}", THORAX).replace("{series}", THORAX)
    body = b'{"a": 1}'

    reply = served.ask("POST", path, body if is_told else iter([body[:3], body[3:]]))

    most = _limits.ALL_BODIES_BYTES
    assert is_refused((reply.status, reply.headers, reply.body), most)


def test_once_the_slow_senders_are_gone_bodies_are_taken_again(served, room_taken):
    for one in room_taken:
        one.close()

    assert _when_free(lambda: Open(served, "POST", "scans/search", {}))[0] == 200
    for chunks in itertools.repeat([b'{"words"', b': "thorax"}'], 3):
        assert served.ask("POST", "scans/search", iter(chunks)).status == 200


def _when_free(ask, wait_s=10.0):
    """The answer once those who hung up are noticed, which takes a moment."""
    until = time.monotonic() + wait_s
    while (reply := ask().answer())[0] == 429 and time.monotonic() < until:
        time.sleep(0.05)
    return reply
