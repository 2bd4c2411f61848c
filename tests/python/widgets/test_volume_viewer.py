"""VolumeViewer: what it accepts, and what it hands a browser that asks."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK

from medlab import MedlabError, VolumeViewer
from medlab.labels import decode_frame, decode_runs
from medlab.scans import Volume
from medlab.widgets import _itkwidgets
from medlab.widgets._view_data import PIECE_BYTES, drawable

SHAPE = (7, 8, 9)
AFFINE = np.array([[-1.5, 0.1, 0, 5], [0.1, 2, 0, -6], [0, 0, 3, 7], [0, 0, 0, 1.0]])


def a_volume(shape: tuple[int, ...] = SHAPE) -> Volume:
    voxels = np.arange(np.prod(shape)).reshape(shape).astype(np.int16)
    return Volume(voxels, AFFINE, modality="CT")


def frame_of(viewer: VolumeViewer, what: str) -> bytes:
    """Ask as a browser does, piece after piece."""
    sent: list[tuple[dict[str, Any], bytes]] = []
    viewer.send = lambda content, buffers: sent.append((content, buffers[0]))
    viewer._answer(viewer, {"op": "need", "what": what, "part": 0}, [])
    while len(sent) < sent[0][0]["parts"]:
        viewer._answer(viewer, {"op": "need", "what": what, "part": len(sent)}, [])
    assert all(len(piece) <= PIECE_BYTES for _, piece in sent)
    return b"".join(piece for _, piece in sent)


def test_a_volume_arrives_whole_in_pieces_of_one_mebibyte():
    volume = a_volume((70, 128, 90))
    viewer = VolumeViewer(volume)

    payload = decode_frame(frame_of(viewer, "volume")).payload

    assert len(payload) > PIECE_BYTES
    np.testing.assert_array_equal(
        np.frombuffer(payload, "<i2").reshape(volume.shape, order="F"), volume.voxels
    )


def test_no_trait_carries_voxels():
    viewer = VolumeViewer(a_volume((70, 128, 90)))

    assert len(repr(viewer.get_state())) < 200_000
    assert not any(isinstance(v, bytes) for v in viewer.get_state().values())


@pytest.mark.parametrize("most", [3, 300])
def test_labels_arrive_as_they_are_with_their_names(most):
    labels = np.random.default_rng(1).integers(0, most, SHAPE)

    frame = decode_frame(frame_of(VolumeViewer(a_volume(), labels), "labels"))

    header = frame.header
    np.testing.assert_array_equal(
        decode_runs(frame.payload, tuple(header["shape"]), header["dtype"]), labels
    )
    assert header["segments"][0]["name"] == "Segment 1"


def test_the_difference_is_chosen_first_where_there_is_one():
    labels = np.zeros(SHAPE, np.uint8)

    assert VolumeViewer(a_volume(), labels, labels).show == "difference"
    assert VolumeViewer(a_volume(), labels).show == "labels"
    assert VolumeViewer(a_volume()).show == "nothing"


def test_labels_of_another_shape_are_refused_with_advice():
    with pytest.raises(
        MedlabError, match=r"shape 7 x 8 x 9, got 3 x 3 x 3\..*resample"
    ):
        VolumeViewer(a_volume(), labels=np.zeros((3, 3, 3), np.uint8))


def test_probabilities_are_refused_with_advice():
    with pytest.raises(MedlabError, match=r"whole numbers from 0 to 65535.*Threshold"):
        VolumeViewer(a_volume(), prediction=np.full(SHAPE, 0.5))


def test_a_time_series_is_refused_with_advice():
    with pytest.raises(MedlabError, match=r"\(7, 8, 9, 5\)\. Pick one time point"):
        VolumeViewer(np.zeros((*SHAPE, 5)))


def test_an_unknown_backend_is_refused():
    with pytest.raises(MedlabError, match="one of niivue, itkwidgets, got 'vtk'"):
        VolumeViewer(a_volume(), backend="vtk")


def test_a_difference_without_a_prediction_is_refused():
    with pytest.raises(MedlabError, match=r"one of nothing here, got 'difference'"):
        VolumeViewer(a_volume(), show="difference")


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(_itkwidgets, "find_spec", lambda name: None)

    with pytest.raises(MedlabError, match=r"pip install 'medlab\[itkwidgets\]'"):
        VolumeViewer(a_volume(), backend="itkwidgets")


class Watcher:
    """Stands in for itkwidgets' own, which needs a kernel."""

    def __init__(self) -> None:
        self.ready: dict[str, bool] = {}

    def viewer_ready(self, name: str) -> bool:
        return self.ready.get(name, False)

    def update_viewer_status(self, name: str, status: bool) -> None:
        asyncio.get_running_loop()  # itkwidgets starts a task here
        self.ready[name] = status


def test_a_viewer_that_never_answers_holds_up_no_cell_for_ever(monkeypatch):
    watcher = Watcher()
    monkeypatch.setattr(_itkwidgets, "_watcher", lambda: watcher)

    async def wait() -> None:
        viewing = _itkwidgets.Viewing(SimpleNamespace(name="v"), "kernel")
        viewing.give_up_after(0.01)
        assert not viewing.answered
        await asyncio.sleep(0.1)

    asyncio.run(wait())
    assert watcher.ready == {"v": True}


def test_voxels_that_are_no_numbers_are_drawn_as_the_least():
    np.testing.assert_array_equal(drawable(np.array([np.inf, 2.0, 3.0])), [2, 2, 3])


def test_itk_sees_a_scan_where_simpleitk_puts_it():
    voxels = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    affine = np.array([[0, 0, 3.0, 5], [-2, 0, 0, 6], [0, 1.5, 0, 7], [0, 0, 0, 1]])
    image = SimpleITK.GetImageFromArray(voxels.transpose(2, 1, 0))
    to_lps = np.diag([-1, -1, 1]) @ affine[:3, :3]
    image.SetSpacing(np.linalg.norm(affine[:3, :3], axis=0).tolist())
    image.SetDirection((to_lps / np.linalg.norm(to_lps, axis=0)).ravel().tolist())
    image.SetOrigin((affine[:3, 3] * [-1, -1, 1]).tolist())
    theirs = SimpleITK.DICOMOrient(image, "LPS")

    turned, spacing_mm, origin = _itkwidgets.to_lps(voxels, affine)

    np.testing.assert_array_equal(
        turned.transpose(2, 1, 0), SimpleITK.GetArrayFromImage(theirs)
    )
    np.testing.assert_allclose(spacing_mm, theirs.GetSpacing())
    np.testing.assert_allclose(origin, theirs.GetOrigin())
