"""A widget's own messages answer what the server answers, status and bytes alike."""

import json

import numpy as np
import pytest

from medlab.labels import (
    Delta,
    Layer,
    answer_labels,
    answer_of,
    encode_frame,
    encode_runs,
    join_frames,
    to_frame,
)
from medlab.scans import Home, ScanSource
from medlab.server._labels import LayersOfScan
from medlab.server._workplace import Workplace
from medlab.widgets._comm_server import CommServer
from tests.support.scans import make_volume, write_nifti_by_nibabel

SEGMENTS = [{"id": 1, "name": "lung", "color": "#e69f00"}]
WHO = "5eed5eed"


@pytest.fixture
def source():
    return ScanSource("scan.nii.gz", None)


@pytest.fixture
def homes(tmp_path):
    """Two workplaces with the same scan."""
    made = []
    for name in ("server", "widget"):
        root = tmp_path / name
        root.mkdir()
        volume = make_volume()
        write_nifti_by_nibabel(root / "scan.nii.gz", volume.voxels, volume.affine)
        made.append(Home(root.resolve(), root.resolve() / ".medlab"))
    return made


def edit(source, *, base, seq, before=0, after=1, **changes):
    """Eight voxels that turn from one label into another."""
    runs = [encode_runs(np.full((2, 2, 2), value)) for value in (before, after)]
    fields = (source.scan_id, "labels", base, "0a0b0c0d", seq, "brush", after)
    delta = Delta(*fields, (0, 2, 0, 2, 0, 2), *runs, by=WHO, step=seq, **changes)
    return join_frames([encode_frame(to_frame(delta))])


def requests(source):
    made = json.dumps({"segments": SEGMENTS}).encode()
    yield from [
        ("GET", "/labels", b""),
        ("POST", "/labels", b"[]"),
        ("POST", "/labels", b'{"segments": 3}'),
        ("POST", "/labels", made),
        ("POST", "/labels/ops", edit(source, base=0, seq=1)),
        ("POST", "/labels/ops", edit(source, base=0, seq=1)),
        ("POST", "/labels/ops", edit(source, base=0, seq=2, before=1)),
        ("POST", "/labels/ops", edit(source, base=1, seq=2, before=0)),
        ("POST", "/labels/ops", b"text"),
        ("GET", "/labels/ops?from=0", b""),
        ("GET", "/labels/ops?from=x", b""),
        ("GET", "/labels/ops?from=7", b""),
        ("GET", "/labels/snapshot", b""),
        ("GET", f"/labels/history?by={WHO}&steps=5", b""),
        ("GET", "/labels/history?by=me", b""),
        ("POST", "/labels/recover", b""),
        ("POST", "/other/recover", b""),
        ("GET", "/labels/recover", b""),
        ("POST", "/labels/snapshot", b""),
        ("GET", "", b""),
        ("GET", "/labels", b""),
    ]


def as_the_server(layers, method, path, body):
    route, _, text = path.partition("?")
    query = dict(pair.split("=") for pair in text.split("&")) if text else {}
    try:
        told = answer_labels(layers, method, route.split("/")[1:], query, body)
    except ValueError as error:
        told = answer_of(error)
    return told.status, json.dumps(
        told.json
    ).encode() if told.body is None else told.body


def test_each_request_is_answered_as_by_the_server(homes, source):
    workplace = Workplace(homes[0])
    workplace_scans = LayersOfScan(workplace, source.scan_id)
    widget = CommServer(homes[1], source, lambda *_: None)
    statuses = []

    for method, path, body in requests(source):
        reply = widget.answer(method, f"labels/{source.scan_id}{path}", body)
        expected = as_the_server(workplace_scans, method, path, body)

        assert (reply.status, reply.body) == expected, (method, path)
        statuses.append(reply.status)

    assert statuses[:8] == [404, 400, 400, 200, 200, 200, 409, 422]
    assert statuses[8:] == [
        400,
        200,
        400,
        422,
        200,
        200,
        400,
        200,
        404,
        405,
        405,
        200,
        200,
    ]


def test_a_disk_that_refuses_is_told_and_not_passed_over(homes, source, monkeypatch):
    widget = CommServer(homes[1], source, lambda *_: None)
    address = f"labels/{source.scan_id}/labels"
    widget.answer("POST", address, json.dumps({"segments": SEGMENTS}).encode())

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Layer, "apply", refuse)
    reply = widget.answer("POST", f"{address}/ops", edit(source, base=0, seq=1))

    assert (reply.status, json.loads(reply.body)["code"]) == (507, "disk")
