"""A trained run as a tool: on slice, slab and volume, through the worker that serves it."""

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.infer._propose import ReadyModel, propose
from medlab.labels import Layer, Segment, decode_frame, decode_runs
from medlab.scans import Home, ScanSource, Volume
from medlab.smart import Desk
from medlab.train import Recipe, train
from tests.support.scans import make_affine
from tests.support.training import write_case


def threshold_model(rank):
    """Class 1 where the intensity is above 0, class 2 above 500 HU: known everywhere."""
    image = keras.Input((*(None,) * rank, 1))
    convolution = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    layer = convolution(3, 1)
    model = keras.Model(image, layer(image))
    kernel, bias = np.zeros(layer.kernel.shape, np.float32), np.array([0, 0, -0.5])
    kernel[..., 1], kernel[..., 2] = 1, 2
    layer.set_weights([kernel, bias])
    return model


@pytest.fixture(scope="module", params=["RAS", "PIL"])
def volume(request):
    rng = np.random.default_rng(4)
    voxels = rng.integers(-1000, 1000, (12, 10, 9)).astype(np.int16)
    return Volume(voxels, make_affine(request.param), "CT")


@pytest.fixture(scope="module")
def ready(volume):
    recipe = Recipe(normalise="ct", segments=["soft tissue", "bone"])
    return ReadyModel(threshold_model(2), volume, recipe)


def expected(volume):
    return np.where(volume.voxels > 500, 2, np.where(volume.voxels > 0, 1, 0))


KNOWN = [Segment(4, "Bone", "#112233"), Segment(9, "lung", "#445566")]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slab_of_any_plane_is_that_part_of_the_volume(ready, volume, axis):
    labels = np.zeros(volume.shape, np.uint8)

    found = propose(
        *(ready, volume, labels),
        known=KNOWN,
        extent="slab",
        axis=axis,
        index=4,
        half_width=2,
    )

    assert found.box[2 * axis : 2 * axis + 2] == (2, 7)
    truth = np.take(expected(volume), range(2, 7), axis=axis)
    # "bone" is the segment 4, whatever its capitals; "soft tissue" is new.
    np.testing.assert_array_equal(found.labels == 4, truth == 2)
    np.testing.assert_array_equal(found.labels == 1, truth == 1)
    assert [(s.id, s.name) for s in found.new_segments] == [(1, "soft tissue")]


def test_what_is_locked_or_drawn_where_the_model_sees_nothing_stays(ready, volume):
    labels = np.zeros(volume.shape, np.uint8)
    labels[:6] = 9
    locked = [KNOWN[0], Segment(9, "lung", "#445566", locked=True)]

    free = propose(ready, volume, labels, known=KNOWN, segments={"soft tissue": 4})
    kept = propose(ready, volume, labels, known=locked)

    assert not (free.labels == 0).any()
    assert kept.box[0] == 6


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"extent": "all"}, "extent must be one of slice, slab, volume, got 'all'."),
        (
            {"extent": "slice", "axis": 0},
            "A slice must be told its axis and index, got 0 and None. Send both.",
        ),
        (
            {"extent": "slice", "axis": 0, "index": 12},
            "The slices across axis 0 are numbered 0 to 11, got 12. Choose one in between.",
        ),
        (
            {"segments": {"liver": 3}},
            "This model draws soft tissue, bone, got liver. Name its own.",
        ),
    ],
)
def test_what_cannot_be_is_said(ready, volume, told, sentence):
    labels = np.zeros(volume.shape, np.uint8)
    with pytest.raises(MedlabError) as refusal:
        propose(ready, volume, labels, known=KNOWN, **told)
    assert str(refusal.value) == sentence


def test_a_trained_run_draws_balls_through_a_worker_that_keeps_it(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    truth = write_case(tmp_path)
    home = Home(tmp_path, tmp_path / ".medlab")
    recipe = Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]},
        **{
            "patch": [16, 16],
            "batch": 2,
            "steps_per_epoch": 12,
            "epochs": 8,
            "seed": 7,
        },
        learning_rate=0.01,
        augmentation="none",
    )
    run = train(recipe, home)
    source = ScanSource("scan.nii", None)
    layer = Layer.open(home, source, segments=["heart"])
    desk = Desk(home)

    def preview(**params):
        body = {"scan": source.scan_id, "layer": "labels", "rev": layer.rev}
        job = desk.start("model", {**body, "params": {"run": run.id, **params}}, source)
        assert job.wait(120)
        assert job.error is None, job.error
        header = decode_frame(job.payload).header
        i0, i1, j0, j1, k0, k1 = header["box"]
        shape = (i1 - i0, j1 - j0, k1 - k0)
        block = decode_runs(decode_frame(job.payload).payload, shape, "u2")
        whole = np.zeros(truth.shape, np.uint16)
        whole[i0:i1, j0:j1, k0:k1] = np.where(block == 65535, 0, block)
        return header, whole

    try:
        header, whole = preview(extent="volume")
        pids = desk.pool.processes("model")
        _, one = preview(extent="slice", axis=2, index=3)
        assert desk.pool.processes("model") == pids
    finally:
        desk.pool.close()

    overlap = ((whole > 0) & (truth > 0)).sum()
    assert 2 * overlap / ((whole > 0).sum() + (truth > 0).sum()) > 0.8
    assert {s["id"] for s in header["new_segments"]} == {2, 3}
    np.testing.assert_array_equal(one[:, :, 3], whole[:, :, 3])
    assert not np.delete(one, 3, axis=2).any()
