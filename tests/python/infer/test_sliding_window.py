"""The sliding window gives what pasting one patch after another in NumPy gives."""

import itertools

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.infer import sliding_window
from medlab.infer._window import Window

PATCH = (8, 6, 4)


def model_that_sees_around(seed=0, rank=3, classes=3):
    """Two convolutions, so that the edges of a patch matter."""
    keras.utils.set_random_seed(seed)
    convolution = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    image = keras.Input((*(None,) * rank, 1))
    x = convolution(4, 3, padding="same", activation="relu")(image)
    logits = convolution(classes, 3, padding="same")(x)
    for layer in (x, logits):
        bias = layer._keras_history.operation.bias
        bias.assign(np.random.default_rng(seed).normal(size=bias.shape))
    return keras.Model(image, logits)


@pytest.fixture(scope="module")
def model():
    return model_that_sees_around()


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(1)
    return rng.normal(size=(19, 14, 9, 1)).astype(np.float32)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def pasted(predict, image, patch, overlap=0.5):
    """Patch by patch: the weighted mean of all that was predicted for a voxel."""
    missing = [max(p - n, 0) for n, p in zip(image.shape, patch, strict=False)]
    pads = [(m // 2, m - m // 2) for m in missing]
    padded = np.pad(image, [*pads, (0, 0)], constant_values=image.min())
    places = []
    for size, side in zip(padded.shape, patch, strict=False):
        step = int(side * (1 - overlap))
        count = int(np.ceil((size - side) / step)) + 1
        places.append([round(place) for place in np.linspace(0, size - side, count)])
    grid = np.stack(np.meshgrid(*map(np.arange, patch), indexing="ij"), -1)
    far = (grid - (np.array(patch) - 1) / 2) / (np.array(patch) / 8)
    weight = np.exp(-0.5 * (far**2).sum(-1))[..., None]
    total = count = 0.0
    for corner in itertools.product(*places):
        here = tuple(slice(c, c + p) for c, p in zip(corner, patch, strict=True))
        share = np.zeros((*padded.shape[:-1], 1))
        share[here] = weight
        found = predict(padded[here])
        spread = np.zeros((*padded.shape[:-1], found.shape[-1]))
        spread[here] = found * weight
        total, count = total + spread, count + share
    inner = tuple(
        slice(low, low + n) for (low, _), n in zip(pads, image.shape, strict=False)
    )
    return (total / count)[inner]


def probabilities(model, patch):
    return softmax(model.predict_on_batch(patch[None])[0].astype(float))


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.7])
def test_any_overlap_is_what_pasting_gives(model, image, overlap):
    expected = pasted(lambda p: probabilities(model, p), image, PATCH, overlap)
    found = sliding_window(model, image, PATCH, overlap=overlap)
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("size", [(8, 6, 4), (5, 14, 9), (3, 4, 3), (20, 5, 5)])
def test_images_smaller_than_a_patch_along_some_axes_are_padded(model, size):
    image = np.random.default_rng(2).normal(size=(*size, 1)).astype(np.float32)
    expected = pasted(lambda p: probabilities(model, p), image, PATCH)
    np.testing.assert_allclose(sliding_window(model, image, PATCH), expected, atol=2e-6)


def test_slices_are_walked_like_volumes():
    model = model_that_sees_around(rank=2)
    image = np.random.default_rng(3).normal(size=(21, 30, 1)).astype(np.float32)
    expected = pasted(lambda p: probabilities(model, p), image, (8, 12))
    np.testing.assert_allclose(
        sliding_window(model, image, (8, 12)), expected, atol=2e-6
    )


def test_mirroring_is_the_mean_over_flipped_images(model, image):
    def flipped(patch):
        found = []
        for axes in [(), (0,), (2,), (0, 2)]:
            there = probabilities(model, np.flip(patch, axes))
            found.append(np.flip(there, axes))
        return np.mean(found, axis=0)

    found = sliding_window(model, image, PATCH, mirror=[0, 2])

    np.testing.assert_allclose(found, pasted(flipped, image, PATCH), atol=2e-6)


def test_mirroring_along_all_axes_makes_a_model_blind_to_them(model):
    image = np.random.default_rng(4).normal(size=(12, 9, 6, 1)).astype(np.float32)
    plain = sliding_window(model, image, PATCH, mirror=True)
    turned = sliding_window(model, image[::-1, :, ::-1], PATCH, mirror=True)
    np.testing.assert_allclose(turned[::-1, :, ::-1], plain, atol=2e-6)


def test_an_ensemble_is_the_mean_of_its_members(model, image):
    other = model_that_sees_around(seed=9)

    both = sliding_window([model, other], image, PATCH)

    alone = [sliding_window(one, image, PATCH) for one in (model, other)]
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 0.1


def test_strips_that_fit_into_little_memory_give_the_same(model, image):
    whole = sliding_window(model, image, PATCH)
    # A patch's thickness x 9 deep x (2 x 3 classes + 1 channel) numbers a plane wide.
    a_plane = 8 * 9 * 7 * 4 / 2**20
    for planes in (11, 12):
        found = sliding_window(model, image, PATCH, memory_mb=planes * a_plane)
        np.testing.assert_allclose(found, whole, atol=1e-6)
    strips = Window(PATCH, memory_mb=11 * a_plane).strips(
        image.shape[:3], images=1, channels=1, classes=3
    )
    assert len(strips) > 1
    assert max(strip.high - strip.low for strip in strips) == 11


def test_a_file_is_read_and_written_in_place(model, image, tmp_path):
    np.save(tmp_path / "image.npy", image)
    stored = np.load(tmp_path / "image.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(
        tmp_path / "out.npy", "w+", np.float32, (*image.shape[:3], 3)
    )

    assert sliding_window(model, stored, PATCH, out=out) is out

    out.flush()
    np.testing.assert_array_equal(
        np.load(tmp_path / "out.npy"), sliding_window(model, image, PATCH)
    )


def test_the_network_is_compiled_once_whatever_the_size_and_the_axes(model, image):
    for size in [(19, 14, 9), (8, 6, 4), (11, 9, 12)]:
        sliding_window(model, image[: size[0], : size[1], : size[2]], PATCH)
    sliding_window(model, image, PATCH, mirror=[1])
    assert model._medlab_network._cache_size() == 1


def test_what_the_model_has_learnt_since_is_seen(image):
    model = model_that_sees_around(seed=5)
    before = sliding_window(model, image, PATCH)
    model.set_weights([weight * 2 for weight in model.get_weights()])
    after = sliding_window(model, image, PATCH)
    expected = pasted(lambda p: probabilities(model, p), image, PATCH)
    np.testing.assert_allclose(after, expected, atol=2e-6)
    assert np.abs(after - before).max() > 0.1


def test_members_built_alike_share_a_program_and_others_do_not(image):
    alike = [model_that_sees_around(seed=seed) for seed in (7, 8)]
    other = model_that_sees_around(seed=9)
    wider = keras.Sequential([keras.Input((None, None, None, 1)), other])

    sliding_window([*alike, wider], image, PATCH)

    compiled = [m._medlab_network._cache_size() for m in (*alike, wider)]
    assert compiled == [1, 0, 1]


def test_regions_are_told_apart_one_by_one(image):
    model = model_that_sees_around(seed=6, classes=2)

    def sigmoid(patch):
        return 1 / (1 + np.exp(-model.predict_on_batch(patch[None])[0].astype(float)))

    found = sliding_window(model, image, PATCH, by_regions=True)

    np.testing.assert_allclose(found, pasted(sigmoid, image, PATCH), atol=2e-6)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"overlap": 1.0},
            "overlap is the share of a patch that the next one sees again, from 0 to "
            "below 1, got 1.0. 0.5 is usual.",
        ),
        (
            {"mirror": [3]},
            "mirror names axes from 0 to 2, got [3]. Leave it out to mirror along none.",
        ),
        (
            {"memory_mb": 0.001},
            "This window needs 0.0211 MiB at least, memory_mb allows 0.001. Allow more, or "
            "choose a smaller patch.",
        ),
    ],
)
def test_what_cannot_be_is_said(model, image, arguments, says):
    with pytest.raises(MedlabError) as refusal:
        sliding_window(model, image, PATCH, **arguments)
    assert str(refusal.value) == says
