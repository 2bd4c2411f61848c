"""SliceLabeler keeps voxels on disk, and answers by message where there is no server."""

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

import medlab
from medlab import MedlabError, SliceLabeler, Volume
from medlab.labels import (
    Delta,
    decode_frame,
    decode_runs,
    encode_frame,
    encode_runs,
    join_frames,
    split_frames,
    to_frame,
)
from medlab.scans import Home
from tests.support.scans import make_affine

SHAPE = (7, 8, 9)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".medlab").mkdir()
    voxels = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    image = nibabel.Nifti1Image(voxels, make_affine("PSL", skewed=True))
    nibabel.save(image, tmp_path / "scan.nii.gz")
    return Home(tmp_path, tmp_path / ".medlab")


@pytest.fixture
def labeler(home: Home) -> SliceLabeler:
    return SliceLabeler("scan.nii.gz", [("left lung", "#e6550d"), "right lung"])


class Browser:
    """The other end of a widget's messages."""

    def __init__(self, labeler: SliceLabeler, monkeypatch: pytest.MonkeyPatch) -> None:
        self.labeler = labeler
        self.heard: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(
            labeler,
            "send",
            lambda content, buffers: self.heard.append((content, buffers)),
        )

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        chunks = [body[at : at + (1 << 20)] for at in range(0, len(body), 1 << 20)]
        for part, chunk in enumerate(chunks or [b""]):
            content = {
                **{"kind": "request", "id": 1, "method": method, "path": path},
                **{"part": part, "parts": len(chunks or [b""])},
            }
            self.labeler._receive(None, content, [memoryview(chunk)])
        replies, self.heard[:] = list(self.heard), []
        assert [r["part"] for r, _ in replies] == list(range(replies[0][0]["parts"]))
        assert all(len(buffers[0]) <= 1 << 20 for _, buffers in replies)
        return replies[0][0]["status"], b"".join(buffers[0] for _, buffers in replies)


@pytest.fixture
def browser(labeler: SliceLabeler, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return Browser(labeler, monkeypatch)


def edit(labeler: SliceLabeler, seq: int, base: int, after: list[int]) -> bytes:
    """An edit of three voxels along i, as the browser sends it."""
    before = labeler.labels[1:4, 2, 3]
    delta = Delta(
        **{"scan": labeler.scan_id, "layer": "labels", "base": base},
        **{"session": "0a1b2c3d", "seq": seq, "tool": "brush", "segment": 1},
        box=(1, 4, 2, 3, 3, 4),
        before=encode_runs(before.reshape(3, 1, 1)),
        after=encode_runs(np.array(after, np.uint8).reshape(3, 1, 1)),
    )
    return join_frames([encode_frame(to_frame(delta))])


def test_the_labels_lie_on_the_scans_own_grid(labeler: SliceLabeler):
    mask = np.zeros(SHAPE, bool)
    mask[2:4, 5, 7] = True

    labeler.paint("right lung", mask)

    np.testing.assert_array_equal(labeler.labels, np.where(mask, 2, 0))


def test_labels_are_a_copy_that_later_strokes_leave_alone(labeler: SliceLabeler):
    labeler.paint("left lung", np.ones(SHAPE, bool))
    now = labeler.labels

    labeler.paint(None, np.ones(SHAPE, bool))

    assert now.min() == 1


def test_another_process_and_a_new_widget_see_the_same_strokes(labeler: SliceLabeler):
    mask = np.arange(np.prod(SHAPE)).reshape(SHAPE) % 3 == 0
    labeler.paint("left lung", mask)

    again = SliceLabeler("scan.nii.gz")

    np.testing.assert_array_equal(again.labels, labeler.labels)
    assert [s.name for s in again.layer.segments] == ["left lung", "right lung"]


@pytest.mark.parametrize("name", ["out.nii.gz", "out.seg.nrrd"])
def test_saved_labels_come_back_equal(labeler: SliceLabeler, name: str):
    labeler.paint("right lung", np.eye(7, 8, dtype=bool)[:, :, None] & np.ones(9, bool))

    labeler.save(name)

    back = medlab.open_labels(name)
    np.testing.assert_array_equal(back.voxels, labeler.labels)
    np.testing.assert_allclose(
        back.affine, medlab.open_scan("scan.nii.gz").affine, atol=1e-4
    )
    assert [s.name for s in back.segments] == ["left lung", "right lung"]


def test_no_voxel_travels_in_a_synced_trait(labeler: SliceLabeler):
    labeler.paint("left lung", np.ones(SHAPE, bool))

    state = labeler.get_state()

    ours = ("scan_id", "layer_name", "new_segments", "plane", "planes", "height")
    assert len(json.dumps({name: state[name] for name in ours})) < 500


def test_a_volume_made_in_memory_is_refused_with_advice(home: Home):
    volume = Volume(np.zeros(SHAPE, np.int16), np.eye(4))

    with pytest.raises(
        MedlabError,
        match=r"needs a scan that lies on disk, got a volume made in memory\. "
        r"Save it with medlab\.scans\.write_nifti, and open that file\.",
    ):
        SliceLabeler(volume)


def test_a_plane_that_does_not_exist_is_refused(home: Home):
    with pytest.raises(
        MedlabError, match=r"one of axial, sagittal, coronal or grid, got 'transversal'"
    ):
        SliceLabeler("scan.nii.gz", plane="transversal")


def test_without_a_server_the_kernel_sends_the_volume(browser: Browser):
    scan = browser.labeler.scan_id

    status, info = browser.ask("GET", f"volumes/{scan}")
    _, slab = browser.ask("GET", f"volumes/{scan}/slab?k0=2&k1=5")

    assert status == 200
    assert json.loads(info)["shape"] == list(SHAPE)
    frame = decode_frame(slab)
    expected = medlab.open_scan("scan.nii.gz").voxels[:, :, 2:5]
    assert frame.header["box"] == [0, 7, 0, 8, 2, 5]
    assert frame.payload == expected.astype("<i2").tobytes(order="F")


def test_without_a_server_strokes_reach_the_kernels_journal(browser: Browser):
    path = f"labels/{browser.labeler.scan_id}/labels"

    status, body = browser.ask(
        "POST", f"{path}/ops", edit(browser.labeler, 1, 0, [1, 0, 2])
    )

    assert status == 200
    acks = [decode_frame(data).header for data in split_frames(body)]
    assert [(a["rev"], a["seq"], a["state"]) for a in acks] == [(1, 1, "on-disk")]
    assert browser.labeler.labels[1:4, 2, 3].tolist() == [1, 0, 2]


def test_without_a_server_a_stale_stroke_gets_what_it_missed(browser: Browser):
    path = f"labels/{browser.labeler.scan_id}/labels"
    stale = edit(browser.labeler, 1, 0, [1, 1, 1])
    browser.labeler.paint("right lung", np.ones(SHAPE, bool))

    status, body = browser.ask("POST", f"{path}/ops", stale)

    assert status == 409
    assert [decode_frame(data).header["rev"] for data in split_frames(body)] == [1]
    assert browser.labeler.labels[1, 2, 3] == 2


def test_without_a_server_the_page_loads_the_layer(browser: Browser):
    path = f"labels/{browser.labeler.scan_id}/labels"
    browser.labeler.paint("left lung", np.ones((2, 2, 2), bool), at=(3, 3, 3))

    _, opened = browser.ask("POST", path, b'{"segments": []}')
    _, snapshot = browser.ask("GET", f"{path}/snapshot")
    _, ops = browser.ask("GET", f"{path}/ops?from=0")

    assert json.loads(opened)["rev"] == 1
    voxels = decode_runs(decode_frame(snapshot).payload, SHAPE, "u1")
    np.testing.assert_array_equal(voxels, browser.labeler.labels)
    assert len(split_frames(ops)) == 1


def test_without_a_server_a_long_stroke_travels_in_pieces(browser: Browser):
    path = f"labels/{browser.labeler.scan_id}/labels"
    padded = edit(browser.labeler, 1, 0, [1, 1, 1]) + b"\0" * (2 << 20)

    status, body = browser.ask("POST", f"{path}/ops", padded)

    # Refused as a whole: what follows the edit is no frame. All parts arrived.
    assert status == 400
    assert json.loads(body)["code"] == "bad-frame"
    assert browser.labeler.labels.max() == 0


def test_a_widget_answers_for_its_own_scan_only(browser: Browser):
    status, body = browser.ask("GET", "volumes/0123456789abcdef")

    assert status == 404
    assert json.loads(body)["message"] == (
        "This widget answers for its own scan only. Open another widget."
    )


def test_a_layer_that_is_not_there_is_said_to_be(browser: Browser):
    status, body = browser.ask("GET", f"labels/{browser.labeler.scan_id}/other")

    assert status == 404
    assert json.loads(body)["code"] == "layer-not-found"


def test_the_names_of_the_tools_are_those_of_the_browser(home: Home):
    contract = Path(__file__).parents[2] / "contract" / "labeling_tools.json"
    names = json.loads(contract.read_text())

    labeler = SliceLabeler("scan.nii.gz", tools=names)

    assert labeler.offered == names
    assert labeler.is_drawn_on


def test_a_labeler_to_look_at_offers_no_tools(home: Home):
    labeler = SliceLabeler("scan.nii.gz", tools=False, planes=["coronal"], plane="grid")

    assert not labeler.is_drawn_on
    assert labeler.offered is None
    assert labeler.planes == ["coronal"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tools": ["brush", "pencil"]}, "pencil"),
        ({"planes": ["oblique"]}, "oblique"),
        ({"planes": ["coronal"], "plane": "axial"}, "coronal or grid, got 'axial'"),
    ],
)
def test_an_option_that_does_not_exist_is_told(home: Home, options, told: str):
    with pytest.raises(MedlabError, match=told):
        SliceLabeler("scan.nii.gz", **options)


def test_segments_and_marks_are_those_of_the_layer_now(labeler: SliceLabeler):
    changed = [
        {**segment, "state": "completed"}
        for segment in labeler.new_segments
        if segment["name"] == "left lung"
    ]
    labeler.layer.set_segments(changed)
    labeler.layer.add_mark({"kind": "point", "name": "nodule", "points": [(1, 2, 3)]})

    assert [(s.name, s.state) for s in labeler.segments] == [("left lung", "completed")]
    assert [(m.name, m.points) for m in labeler.marks] == [("nodule", ((1, 2, 3),))]


@pytest.mark.parametrize("name", ["labels.nii.gz", "labels.seg.nrrd", "marks.csv"])
def test_labels_and_marks_are_saved_by_the_ending_of_the_file(
    labeler: SliceLabeler, tmp_path: Path, name: str
):
    labeler.paint("left lung", np.ones((2, 2, 2), bool), at=(1, 1, 1))
    labeler.layer.add_mark({"kind": "point", "name": "nodule", "points": [(1, 2, 3)]})

    written = labeler.save(tmp_path / name)

    assert written.stat().st_size > 0
    if name == "labels.nii.gz":
        voxels = np.asarray(nibabel.load(written).dataobj)
        assert voxels.sum() == 8
        assert voxels[1:3, 1:3, 1:3].all()
    if name == "marks.csv":
        assert "nodule" in written.read_text()
