"""The process that reads headers takes orders at any time, and keeps to a cancel."""

import json
import threading
import time

import pytest

from medlab.scans import Home, Query, search_scans, update_index
from medlab.server import _index_process
from medlab.server._index_process import Indexer
from tests.support.scans import make_volume, write_nifti_by_nibabel


@pytest.fixture
def home(tmp_path):
    volume = make_volume()
    for n in range(3):
        write_nifti_by_nibabel(tmp_path / f"{n}.nii", volume.voxels, volume.affine)
    (tmp_path / ".medlab").mkdir()
    return Home(tmp_path, tmp_path / ".medlab")


@pytest.fixture
def news(capsys):
    """The states told so far, without how far each work was."""

    told = []

    def states():
        for line in capsys.readouterr().out.splitlines():
            state = json.loads(line).get("state")
            if state and told[-1:] != [state]:
                told.append(state)
        return told

    return states


def run(indexer):
    indexer.order(None)
    indexer.run()


def test_a_cancel_reaches_what_waits_and_nothing_that_was_asked_for_later(home, news):
    indexer = Indexer(home)

    indexer.order("start")
    indexer.order("cancel")
    indexer.order("start")
    worker = threading.Thread(target=indexer.run)
    worker.start()
    while news()[-1:] != ["idle"]:
        time.sleep(0.01)
    indexer.order(None)
    worker.join(10)

    assert news() == ["cancelled", "running", "idle"]
    assert search_scans(home, Query()).total == 3


def test_after_a_cancel_changes_on_disk_start_nothing_until_somebody_does(home, news):
    indexer = Indexer(home)
    indexer.order("cancel")

    indexer.order(["."])
    run(indexer)

    assert news() == []
    assert search_scans(home, Query()).total == 0


def test_a_cancel_ends_what_runs(home, news, monkeypatch):
    indexer = Indexer(home)

    def update(*place, on_progress, cancelled, **more):
        indexer.order("cancel")
        assert cancelled()
        return update_index(*place, cancelled=cancelled, **more)

    monkeypatch.setattr(_index_process, "update_index", update)
    indexer.order("start")
    indexer.order(["."])
    worker = threading.Thread(target=indexer.run)
    worker.start()
    while news()[-1:] != ["cancelled"]:
        time.sleep(0.01)
    indexer.order(None)
    worker.join(10)

    assert news() == ["running", "cancelled"]
