"""An index that is killed, doubled or given files that end their reader."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from medlab.scans import Home, search_scans, update_index
from medlab.scans.index import _pool
from medlab.scans.index._read import Piece
from medlab.scans.index._walk import Unit
from tests.support.scans import make_volume, write_dicom_series

ROUNDS = 40 if os.environ.get("MEDLAB_LONG") == "1" else 3
SERIES, SLICES = 40, 3

_INDEX = (
    "import sys; from pathlib import Path; from medlab.scans import Home, update_index;"
    "from functools import partial; from medlab.scans.index import _update;"
    # Small pieces, kept one by one: a kill is likely to come between two of them.
    "_update._BATCH_ENTRIES = 1; _update.cut = partial(_update.cut, files=3);"
    "root = Path(sys.argv[1]); home = Home(root, root / '.medlab');"
    "print('ready', flush=True); sys.stdin.readline();"
    "report = update_index(home, workers=int(sys.argv[2]), refresh=len(sys.argv) > 3);"
    "print(report.read)"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    for number in range(SERIES):
        place = folder / f"s{number:02d}"
        write_dicom_series(place, make_volume((4, 4, SLICES)), number=number)
    return folder


def start(root, workers, *more):
    process = subprocess.Popen(
        [sys.executable, "-c", _INDEX, str(root), str(workers), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def rows_of(home):
    return search_scans(home).scans


def test_a_killed_index_goes_on_where_it_was(root, tmp_path):
    rng = random.Random(3)
    whole = Home(root, tmp_path / "whole")
    update_index(whole, workers=0)
    expected = [(scan.id, scan.shape, scan.warnings) for scan in rows_of(whole)]
    gone_on = 0
    for number in range(ROUNDS):
        home = Home(root, root / ".medlab")
        for path in home.folder.glob("index.sqlite*"):
            path.unlink()
        process = start(root, rng.choice((0, 2)))
        go(process)
        if number == 0:
            while not search_scans(home).all:
                time.sleep(0.002)
        else:
            time.sleep(rng.uniform(0.005, 0.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        kept = len(rows_of(home))
        report = update_index(home, workers=0)

        assert report.read == (SERIES - kept) * SLICES
        found = [(scan.id, scan.shape, scan.warnings) for scan in rows_of(home)]
        assert found == expected
        gone_on += 0 < kept < SERIES
    assert gone_on  # At least the first was ended in its middle.


def test_two_processes_that_index_the_same_root_share_the_work(root):
    home = Home(root, root / ".medlab")
    for path in home.folder.glob("index.sqlite*"):
        path.unlink()
    both = [start(root, 0), start(root, 0)]
    for process in both:
        go(process)

    read = [int(process.communicate(timeout=60)[0]) for process in both]

    assert sum(read) == SERIES * SLICES
    assert len(rows_of(home)) == SERIES


def test_lists_of_folders_while_another_process_reads_everything_lose_nothing(root):
    home = Home(root, root / ".medlab")
    process = start(root, 0, "refresh")
    go(process)
    while process.poll() is None:
        update_index(home, "s07", refresh=True)

    assert process.communicate()[0].strip() == str(SERIES * SLICES)
    assert len(rows_of(home)) == SERIES


def test_a_file_that_ends_its_reader_is_told_and_the_others_are_listed(
    root, monkeypatch
):
    # The worker process is replaced by one that dies of a certain name.
    deadly = (
        "import os, sys; from medlab.scans.index import _worker, _read;"
        "read = _read._read_folder;"
        "_worker.read_piece = lambda piece: os._exit(9) if any("
        "set(unit.files) - set(unit.skipped) & {'IM00001'} and unit.key == 's03/' and "
        "'IM00001' in set(unit.files) - set(unit.skipped) for _, unit in piece.units) "
        "else _read.read_piece(piece);"
        "_worker.main()"
    )
    original = subprocess.Popen
    monkeypatch.setattr(
        _pool.subprocess,
        "Popen",
        lambda command, **more: original([sys.executable, "-c", deadly], **more),
    )
    units = tuple(
        (
            f"s{n:02d}",
            Unit(f"s{n:02d}/", "dicom", "x", tuple(f"IM{k:05d}" for k in range(3))),
        )
        for n in range(5)
    )

    (entries,) = _pool.read_pieces([Piece(str(root), str(root), units)], workers=1)

    told = {entry.unit.key: entry for entry in entries}
    assert len(told) == 5
    errors = [row for row in told["s03/"].rows if row["path"] == "s03/IM00001"]
    assert "it is damaged" in errors[0]["error"]
    assert [row["shape"] for row in told["s02/"].rows] == [[4, 4, 3]]
