"""Hostile and broken files end in one sentence, or in the geometry they have; nothing else.

All of them are made and read under MEDLAB_LONG=1 (make test-long), about a third otherwise.
Which file may be opened, as what and why, stands beside it in `tests/support/hostile`.
"""

import os
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from medlab.scans import find_home, list_scans
from tests.support.hostile import make_hostile_files
from tests.support.hostile._cuts import opened_file, whole_files
from tests.support.hostile._whole import SHAPE, nifti_header, voxel_bytes
from tests.support.hostile_reader import Reader

MOST_MB, MOST_S = 256, 2
LONG = os.environ.get("MEDLAB_LONG") == "1"
EVERY = 1 if LONG else 3


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    root = tmp_path_factory.mktemp("hostile")
    return root, make_hostile_files(root)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    reader = Reader(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.end()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, reader):
    """What each whole file is read as."""
    root, told = tmp_path_factory.mktemp("whole"), {}
    for kind, (_, files) in whole_files().items():
        (root / kind).mkdir()
        for name, content in files.items():
            (root / kind / name).write_bytes(content)
        told[kind] = reader.read(root / kind / opened_file(kind))
    return told


@pytest.fixture(scope="module")
def results(zoo, reader):
    """Each case with what came of opening it, in processes that end when one hangs."""
    _, cases = zoo
    chosen = [case for n, case in enumerate(cases) if n % EVERY == 0]
    told = {case.name: (case, reader.read(case.path)) for case in chosen}
    return told


def errors_of(results):
    return {n: told["error"] for n, (_, told) in results.items() if "error" in told}


def test_there_are_more_than_three_hundred(zoo, results):
    _, cases = zoo
    names = {case.name for case in cases}

    assert len(names) == len(cases)
    assert len(cases) > 900
    assert len(results) > 300


def test_no_file_ends_or_stops_the_process(results):
    ended = {n: told["ended"] for n, (_, told) in results.items() if "ended" in told}

    assert ended == {}


def test_no_file_raises_anything_but_the_one_error(results):
    raised = {n: t["uncaught"] for n, (_, t) in results.items() if "uncaught" in t}

    assert raised == {}


def test_every_error_has_code_title_detail_and_hint(zoo, results):
    root, _ = zoo
    for name, error in errors_of(results).items():
        for part in ("message", "code", "title", "detail", "hint"):
            assert error[part].strip(), (name, part)
        assert error["code"] != "invalid", name
        assert str(root) not in error["message"], name
        assert "/etc" not in error["message"], name
        assert "Traceback" not in error["message"], name


def test_no_wrong_geometry_is_accepted(results):
    wrong = {}
    for name, (case, told) in results.items():
        if "scan" not in told:
            continue
        scan, accepted = told["scan"], case.accepted
        right = (
            accepted is not None
            and tuple(scan["shape"]) == accepted.shape
            and np.allclose(scan["spacing"], accepted.spacing, rtol=1e-5)
            and scan["unit"] == accepted.unit
            and accepted.warned in " ".join(scan["warnings"])
        )
        if not right:
            wrong[name] = scan

    assert wrong == {}


def test_what_is_whole_is_not_refused(results):
    refused = {
        name: told["error"]["message"]
        for name, (case, told) in results.items()
        if case.accepted is not None and case.accepted.needed and "error" in told
    }

    assert refused == {}


def test_a_cut_file_that_is_accepted_has_all_its_voxels(results, whole):
    compared = 0
    for name, (case, told) in results.items():
        kind = case.kind.removeprefix("cut-")
        if "scan" in told and case.kind.startswith("cut-"):
            assert told["scan"]["crc"] == whole[kind]["scan"]["crc"], name
            compared += 1

    assert compared > 3
    assert all("scan" in told for told in whole.values())


def test_no_file_takes_more_than_256_mb_or_two_seconds(results):
    costly = {
        name: (round(told["mb"]), round(told["s"], 1))
        for name, (_, told) in results.items()
        if told.get("mb", 0) > MOST_MB or told.get("s", 0) > MOST_S
    }

    assert costly == {}


def test_no_file_ran_a_program_or_wrote_beside_itself(zoo, results):
    root, _ = zoo
    assert len(results) > 300

    assert not list(root.rglob("ran"))
    assert not list(root.parent.rglob("slipped*"))


@pytest.mark.skipif(not LONG, reason="make test-long")
def test_half_of_them_are_refused_at_least(results):
    assert len(errors_of(results)) > len(results) // 2


def test_good_files_beside_hostile_ones_are_all_listed(zoo, tmp_path):
    _, cases = zoo
    (tmp_path / ".medlab").mkdir()
    home = find_home(tmp_path)
    folder = tmp_path / "mixed"
    folder.mkdir()
    content = bytes(nifti_header()) + voxel_bytes()
    bad = [c for c in cases if c.path.suffix in (".nii", ".nrrd", ".mha", ".png")]
    for n, case in enumerate(bad[:: 2 * EVERY]):
        (folder / f"good-{n}.nii").write_bytes(content)
        # In one folder with the good one: links and pipes as they are.
        case.path.rename(folder / f"bad-{n}{case.path.suffix}")

    listed = {scan.path: scan for scan in list_scans(home=home)}

    for n in range(len(bad[:: 2 * EVERY])):
        scan = listed[f"mixed/good-{n}.nii"]
        assert scan.error is None
        assert tuple(scan.shape) == SHAPE
    errors = [scan.error for scan in listed.values() if scan.error]
    assert len(errors) > 20
    assert not any(str(tmp_path) in error for error in errors)
    for n, case in enumerate(bad[:: 2 * EVERY]):
        (folder / f"bad-{n}{case.path.suffix}").rename(case.path)


@pytest.mark.parametrize("trick", ["removed", "cut", "replaced", "growing"])
def test_a_file_that_changes_while_it_is_read_ends_in_a_sentence(
    tmp_path, reader, trick
):
    path = tmp_path / "a.nii"
    content = bytes(nifti_header(dim=dict.fromkeys((1, 2, 3), 150)))
    content += bytes(2 * 150**3)
    path.write_bytes(content)
    stop = threading.Event()

    def change():
        while not stop.is_set():
            match trick:
                case "removed":
                    path.unlink(missing_ok=True)
                    path.write_bytes(content)
                case "cut":
                    os.truncate(path, 1000)
                    path.write_bytes(content)
                case "replaced":
                    other = path.with_suffix(".new")
                    other.write_bytes(b"text" * 500)
                    other.replace(path)
                    path.write_bytes(content)
                case "growing":
                    with path.open("ab") as more:
                        more.write(bytes(5000))
            time.sleep(0.001)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        told = [reader.read(path) for _ in range(100 if LONG else 12)]
    finally:
        stop.set()
        changing.join()

    for one in told:
        assert "error" in one or one["scan"]["shape"] == [150, 150, 150], one


@pytest.mark.skipif(not LONG, reason="make test-long")
def test_the_cases_are_the_same_each_time(zoo, tmp_path):
    root, cases = zoo
    again = make_hostile_files(tmp_path)

    def places(some, base):
        return [replace(c, path=c.path.relative_to(base)) for c in some]

    assert places(again, tmp_path) == places(cases, root)
