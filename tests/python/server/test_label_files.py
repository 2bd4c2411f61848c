"""Label files over HTTP: saved, watched, read; never overwritten unseen."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medlab.labels import (
    Labels,
    Layer,
    Mark,
    Segment,
    decode_frame,
    decode_runs,
    new_mark_id,
    open_label_layers,
    open_labels,
    read_marks,
    split_frames,
    write_marks,
)
from medlab.scans import ScanSource
from tests.support.scans import make_labels, write_dicom_series

CONTRACT = Path(__file__).parents[2] / "contract"
SHAPE = (7, 8, 9)
SEGMENTS = (
    Segment(1, "left lung", "#e69f00"),
    Segment(2, "right lung", "#56b4e9"),
    Segment(3, "liver", "#123456"),
)


def contract(name, **changes):
    return {**json.loads((CONTRACT / name).read_text()), **changes}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def address(scan):
    return ("labels", scan.scan_id, "lungs")


@pytest.fixture
def layer(ask, address, home, scan, jp_asyncio_loop):
    """A layer that holds the labels of `make_labels`."""
    jp_asyncio_loop.run_until_complete(
        ask(*address, method="POST", body={"segments": [vars_of(s) for s in SEGMENTS]})
    )
    layer = Layer.open(home, scan, "lungs")
    paint(layer, make_labels())
    return layer


def vars_of(segment):
    return {"id": segment.id, "name": segment.name, "color": segment.color}


def paint(layer, voxels):
    for segment in layer.segments:
        layer.paint(segment.id, voxels == segment.id)


@pytest.fixture
def save(ask, address):
    async def save(**body):
        return await ask(*address, "save", method="POST", body=body)

    return save


@pytest.fixture
def file_now(ask, address):
    async def file_now():
        return await ask(*address, "file")

    return file_now


def test_nothing_heavy_is_loaded_with_the_server():
    heavy = "{'highdicom', 'pydicom', 'nibabel', 'scipy', 'skimage', 'SimpleITK'}"
    probe = f"import sys, medlab.server._routes; print({heavy} & set(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"


# Saving.


async def test_replies_are_those_of_the_contract(save, file_now, layer, home):
    told = await save(path="out/lungs.seg.nrrd")

    changes = {"rev": layer.rev, "sha256": sha256(home.root / told["path"])}
    assert told == contract("saved-file.json", **changes)
    assert await file_now() == contract("layer-file.json", **changes)


@pytest.mark.parametrize(
    ("kind", "suffix"), [("nifti", ".nii.gz"), ("seg.nrrd", ".seg.nrrd")]
)
async def test_a_saved_file_holds_the_labels(save, file_now, layer, home, kind, suffix):
    told = await save(path="out/lungs", format=kind)

    path = home.root / "out" / f"lungs{suffix}"
    assert told == {
        "path": f"out/lungs{suffix}",
        "rev": layer.rev,
        "sha256": sha256(path),
    }
    written = open_labels(path)
    np.testing.assert_array_equal(written.voxels, make_labels())
    assert written.segments == layer.segments
    assert await file_now() == {**told, "state": "current"}


async def test_a_layer_that_was_never_saved_has_no_file(file_now, layer):
    assert await file_now() == {"path": None, "rev": 0, "sha256": None, "state": "none"}


async def test_the_state_of_the_file_is_told(save, file_now, layer, home):
    told = await save(path="lungs.nii.gz")
    layer.paint(None, np.ones(SHAPE, bool))
    assert await file_now() == {**told, "state": "behind"}

    again = await save(path="lungs.nii.gz")
    assert await file_now() == {**again, "state": "current"}

    (home.root / "lungs.nii.gz").write_bytes(b"something else")
    assert await file_now() == {**again, "state": "changed"}

    (home.root / "lungs.nii.gz").unlink()
    assert await file_now() == {**again, "state": "missing"}


async def test_a_file_that_another_program_changed_is_not_overwritten_unseen(
    save, refused, address, layer, home
):
    await save(path="lungs.seg.nrrd")
    path = home.root / "lungs.seg.nrrd"
    theirs = Labels(make_labels(seed=7), layer.affine, SEGMENTS)
    theirs.save(path)
    content = path.read_bytes()

    body = {"path": "lungs.seg.nrrd"}
    status, reply = await refused(*address, "save", method="POST", body=body)

    assert (status, reply["code"]) == (409, "file-changed")
    assert reply == contract("file-changed.json", sha256=sha256(path))
    assert path.read_bytes() == content
    # Only who names that very content may replace it, and then it is kept.
    wrong = {**body, "replace": "0" * 64}
    assert (await refused(*address, "save", method="POST", body=wrong))[0] == 409
    await save(**body, replace=reply["sha256"])
    (kept,) = path.parent.glob("lungs.seg.nrrd.before-*")
    assert kept.read_bytes() == content
    np.testing.assert_array_equal(open_labels(path).voxels, make_labels())


async def test_a_file_of_another_layer_is_not_overwritten_unseen(
    save, refused, scan, layer, home
):
    await save(path="lungs.seg.nrrd")
    other = Layer.open(home, scan, "other", segments=["heart"])
    other.paint(1, np.ones(SHAPE, bool))

    body = {"path": "lungs.seg.nrrd"}
    status, reply = await refused(
        "labels", scan.scan_id, "other", "save", method="POST", body=body
    )

    assert (status, reply["code"]) == (409, "file-changed")


async def test_layers_that_overlap_are_saved_to_one_file(
    save, file_now, ask, scan, layer, home
):
    other = Layer.open(home, scan, "other", segments=["heart"])
    other.paint(1, np.ones(SHAPE, bool))

    told = await save(path="both", format="seg.nrrd", layers=["other"])

    first, second = open_label_layers(home.root / told["path"])
    np.testing.assert_array_equal(first.voxels, make_labels())
    assert [segment.name for segment in second.segments] == ["heart"]
    assert second.voxels.all()
    kept = await ask("labels", scan.scan_id, "other", "file")
    assert kept == {**told, "rev": other.rev, "state": "current"}


async def test_nifti_refuses_layers_that_overlap(refused, address, scan, layer, home):
    other = Layer.open(home, scan, "other", segments=["heart"])
    other.paint(1, np.ones(SHAPE, bool))

    body = {"path": "both.nii.gz", "layers": ["other"]}
    status, reply = await refused(*address, "save", method="POST", body=body)

    assert (status, reply["code"]) == (422, "overlap")
    assert not (home.root / "both.nii.gz").exists()


NOWHERE = [
    ("../lungs.nii.gz", 404, "scan-not-found"),
    ("/tmp/lungs.nii.gz", 404, "scan-not-found"),
    (".medlab/lungs.nii.gz", 400, "bad-request"),
    ("scans/.lungs.nii.gz", 400, "bad-request"),
    ("scans/thorax.nii.gz", 409, "exists"),
    ("notes.json", 409, "exists"),
    ("scans/", 400, "bad-request"),
    ("lungs.exe", 422, "bad-suffix"),
    ("", 400, "bad-request"),
    (7, 400, "bad-request"),
]


async def test_a_save_goes_nowhere_it_must_not(refused, address, scan, layer, home):
    notes = home.root / "notes.json"
    notes.write_text('{"mine": 1}')
    before = (home.root / scan.path).read_bytes()
    found = {}

    for path, _, _ in NOWHERE:
        # Not even who knows what is there may replace it.
        for replace in ({}, {"replace": sha256(home.root / scan.path)}):
            body = {"path": path, **replace}
            told = await refused(*address, "save", method="POST", body=body)
            found.setdefault(path, set()).add((told[0], told[1]["code"]))

    assert found == {path: {(status, code)} for path, status, code in NOWHERE}
    assert (home.root / scan.path).read_bytes() == before
    assert json.loads(notes.read_text()) == {"mine": 1}


async def test_a_link_that_leads_out_of_the_root_is_not_followed(
    refused, address, layer, home, tmp_path_factory
):
    outside = tmp_path_factory.mktemp("outside")
    (home.root / "out").symlink_to(outside)

    body = {"path": "out/lungs.nii.gz"}
    status, _ = await refused(*address, "save", method="POST", body=body)

    assert status == 404
    assert list(outside.iterdir()) == []


async def test_a_disk_that_fails_leaves_the_old_file(
    save, refused, address, file_now, layer, home, monkeypatch
):
    told = await save(path="lungs.nii.gz")
    content = (home.root / "lungs.nii.gz").read_bytes()
    layer.paint(None, np.ones(SHAPE, bool))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("medlab.scans._atomic._sync", full)
    body = {"path": "lungs.nii.gz"}
    status, reply = await refused(*address, "save", method="POST", body=body)
    monkeypatch.undo()

    assert (status, reply["code"]) == (507, "disk")
    assert (home.root / "lungs.nii.gz").read_bytes() == content
    assert await file_now() == {**told, "state": "behind"}


# Reading.


async def test_a_read_file_comes_as_snapshots_and_writes_nothing(
    ask, address, layer, home
):
    voxels = make_labels(seed=3)
    Labels(voxels, layer.affine, SEGMENTS[:1]).save(home.root / "theirs.seg.nrrd")
    rev = layer.rev

    body = await ask(*address, "read", method="POST", body={"path": "theirs.seg.nrrd"})

    (data,) = split_frames(body)
    frame = decode_frame(data)
    header = frame.header
    assert (header["op"], header["layer"], header["rev"]) == ("snapshot", "lungs", rev)
    assert [s["name"] for s in header["segments"]] == [
        *("left lung", "segment 2", "segment 3")
    ]
    found = decode_runs(frame.payload, SHAPE, header["dtype"])
    np.testing.assert_array_equal(found, voxels)
    assert layer.rev == rev


async def test_marks_of_a_file_join_those_of_the_layer(ask, address, layer, home):
    theirs = Mark("0123456789ab", "point", "iso", points=((1, 2, 3),))
    ours = layer.add_mark(Mark(new_mark_id(), "point", "mine", points=((4, 5, 6),)))
    write_marks(home.root / "marks.csv", [theirs], layer.affine)

    body = await ask(*address, "read", method="POST", body={"path": "marks.csv"})

    (data,) = split_frames(body)
    frame = decode_frame(data)
    assert [mark["name"] for mark in frame.header["marks"]] == [ours.name, theirs.name]
    # A file of marks alone leaves the voxels as they are.
    found = decode_runs(frame.payload, SHAPE, frame.header["dtype"])
    np.testing.assert_array_equal(found, make_labels())


async def test_marks_are_saved_by_themselves(save, layer, home):
    mark = layer.add_mark(Mark(new_mark_id(), "point", "mine", points=((4, 5, 6),)))

    for kind, name in (("coco", "a.json"), ("csv", "a.csv")):
        assert (await save(path="a", format=kind))["path"] == name
        assert read_marks(home.root / name) == (mark,)


async def test_marks_of_a_scan_without_millimetres_are_saved_in_pixels(
    ask, home, jp_root_dir
):
    np.save(jp_root_dir / "plain.npy", np.zeros((64, 65, 2), np.int16))
    source = ScanSource("plain.npy")
    line = Mark(new_mark_id(), "line", points=((0, 0, 0), (3, 4, 0)))
    Layer.open(home, source, "marks").add_mark(line)

    address = ("labels", source.scan_id, "marks", "save")
    await ask(*address, method="POST", body={"path": "a.csv"})

    head = (home.root / "a.csv").read_text().splitlines()[0].split(",")
    assert [name for name in head if name.endswith(("px", "px2", "px3"))] == [
        *("points_ras_px", "length_px", "area_px2", "volume_px3")
    ]
    assert read_marks(home.root / "a.csv") == (line,)


async def test_a_file_on_another_grid_is_refused(refused, address, layer, home):
    affine = layer.affine.copy()
    affine[0, 3] += 0.5
    Labels(make_labels(), affine, SEGMENTS).save(home.root / "moved.nii.gz")

    body = {"path": "moved.nii.gz"}
    status, reply = await refused(*address, "read", method="POST", body=body)

    assert (status, reply["code"]) == (422, "another-grid")


async def test_label_files_beside_the_scan_are_listed(ask, scan, layer, home):
    folder = home.root / "scans"
    labels = Labels(make_labels(), layer.affine, SEGMENTS)
    for name in ("thorax.seg.nrrd", "thorax_organs.nii.gz", "other.nii.gz"):
        labels.save(folder / name)
    (folder / "other.labels.json").unlink()
    coarse = layer.affine @ np.diag([2, 2, 2, 1])
    Labels(make_labels(), coarse, SEGMENTS).save(folder / "coarse_mask.nii")
    (folder / "mask.nii.gz").write_text("no such thing")

    found = await ask("labels", scan.scan_id, "files")

    # Without a table or a telling name it may as well be another scan.
    assert found == contract("label-files.json")


# DICOM.


@pytest.fixture
def series(jp_root_dir, volume):
    """The id of a DICOM series below the root."""
    uid = write_dicom_series(jp_root_dir / "ct", volume)
    return ScanSource("ct", uid).scan_id


async def test_a_dicom_scan_is_saved_as_dicom_seg_found_and_read(ask, series, home):
    address = ("labels", series, "organs")
    told = await ask(
        *address, method="POST", body={"segments": [vars_of(s) for s in SEGMENTS]}
    )
    from medlab.scans import find_scan

    layer = Layer.open(home, find_scan(series, home), "organs")
    paint(layer, make_labels())

    saved = await ask(
        *(*address, "save"),
        method="POST",
        body={"path": "ct/organs", "format": "dicom-seg"},
    )
    found = await ask("labels", series, "files")
    body = await ask(*address, "read", method="POST", body={"path": saved["path"]})

    assert saved["path"] == "ct/organs.dcm"
    assert found["files"] == [
        {"path": "ct/organs.dcm", "format": "dicom-seg", "name": "medlab labels"}
    ]
    (data,) = split_frames(body)
    frame = decode_frame(data)
    read = decode_runs(frame.payload, told["shape"], frame.header["dtype"])
    np.testing.assert_array_equal(read, make_labels())
    named = [(s["id"], s["name"], s["color"]) for s in frame.header["segments"]]
    assert named == [(s.id, s.name, s.color) for s in SEGMENTS]


async def test_dicom_seg_of_a_nifti_scan_is_refused(refused, address, layer):
    body = {"path": "lungs.dcm"}
    status, reply = await refused(*address, "save", method="POST", body=body)

    assert (status, reply["code"]) == (422, "no-dicom-scan")
