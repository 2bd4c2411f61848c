"""A sample depends on seed, epoch and place alone; image, labels and marks agree."""

import jax
import numpy as np
import pytest
from scipy import ndimage

from medlab.augment import IGNORE, Augmentation, augment_batch
from medlab.errors import MedlabError

SHAPE = (16, 16)
STRONG = Augmentation.of({"preset": "strong", "flip_p": 0.5})


def only(**limits):
    return Augmentation.of({"preset": "none", **limits})


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    images = random.normal(size=(6, *SHAPE, 2)).astype(np.float32)
    return images, random.integers(0, 4, (6, *SHAPE)).astype(np.int32)


@pytest.fixture(scope="module")
def augmented(batch):
    return [*map(np.asarray, augment_batch(1, 2, np.arange(6), *batch, limits=STRONG))]


def test_a_sample_is_the_same_bit_for_bit_in_any_batch_and_any_order(batch, augmented):
    for places in ([5], [4, 0, 1]):
        some = [part[places] for part in batch]
        again = augment_batch(1, 2, np.array(places), *some, limits=STRONG)
        for found, expected in zip(again, augmented, strict=True):
            np.testing.assert_array_equal(found, expected[places])


def test_a_sample_is_the_same_inside_another_compiled_function(batch, augmented):
    @jax.jit
    def step(seed, epoch, places, images, labels):
        found = augment_batch(seed, epoch, places, images, labels, limits=STRONG)
        return found, found[0].sum()

    found, total = step(1, 2, np.arange(6), *batch)
    for inside, outside in zip(found, augmented, strict=True):
        np.testing.assert_array_equal(inside, outside)
    assert total == pytest.approx(augmented[0].sum(), rel=1e-4)


def test_seed_epoch_and_place_each_change_the_sample(batch, augmented):
    one = [part[:1] for part in batch]
    for seed, epoch, place in ((2, 2, 0), (1, 3, 0), (1, 2, 1)):
        other, _ = augment_batch(seed, epoch, np.array([place]), *one, limits=STRONG)
        assert not np.array_equal(other[0], augmented[0][0])


def test_none_returns_the_very_same_arrays(batch):
    points = np.zeros((6, 1, 2))
    none = Augmentation.of("none")
    found = augment_batch(0, 0, np.arange(6), *batch, limits=none, points=points)
    assert all(a is b for a, b in zip(found, (*batch, points), strict=True))


def test_flips_and_quarter_turns_are_exact(batch):
    images, labels = batch
    marks = np.array([[[2.0, 5.0]]] * 6)
    found, known, points = augment_batch(
        0,
        0,
        np.arange(6),
        images,
        labels,
        limits=only(flip_p=0.5, quarter_turn_p=0.8),
        points=marks,
    )
    seen = set()
    for sample in range(6):
        ways = {
            (turns, flip): np.flip(np.rot90(images[sample], turns), (0,) * flip)
            for turns in range(4)
            for flip in (0, 1)
        }
        (way,) = [w for w, i in ways.items() if np.array_equal(i, found[sample])]
        expected = np.flip(np.rot90(labels[sample], way[0]), (0,) * way[1])
        np.testing.assert_array_equal(known[sample], expected)
        at = tuple(np.asarray(points[sample, 0]).round().astype(int))
        np.testing.assert_array_equal(found[sample][at], images[sample, 2, 5])
        seen.add(way)
    assert len(seen) >= 3


@pytest.mark.parametrize("shape", [(48, 40), (24, 20, 28)])
def test_a_blob_is_found_where_its_point_and_its_box_say(shape):
    rank, count = len(shape), 12
    centre = np.array(shape) / 2 + 2.3
    grid = np.moveaxis(np.indices(shape), 0, -1)
    blob = np.exp(-((grid - centre) ** 2).sum(-1) / (2 * 1.5**2)).astype(np.float32)
    labels = (blob > 0.3).astype(np.uint8)
    inside = np.argwhere(labels)
    box = np.stack([inside.min(0) - 0.5, inside.max(0) + 0.5])
    spacing_mm = np.array([1.0, 1.5, 2.0][:rank])
    images, known, boxes, points = map(
        np.asarray,
        augment_batch(
            4,
            0,
            np.arange(count),
            np.repeat(blob[None, ..., None], count, 0),
            np.repeat(labels[None], count, 0),
            limits=only(
                turn_deg=40,
                scale=0.2,
                shift=0.1,
                shear_deg=15,
                shear_p=1,
                bend=0.03,
                flip_p=0.5,
            ),
            boxes=np.repeat(box[None, None], count, 0),
            points=np.repeat(centre[None, None], count, 0),
            spacing_mm=spacing_mm,
        ),
    )
    looked_at = 0
    for sample in range(count):
        if np.isnan(points[sample]).any():
            continue
        around = np.argwhere(known[sample] == 1)
        border = np.minimum(around.min(0), np.array(shape) - 1 - around.max(0))
        if border.min() < 2:  # partly outside: its middle is not the blob's
            continue
        looked_at += 1
        found = ndimage.center_of_mass(images[sample, ..., 0])
        np.testing.assert_allclose(points[sample, 0], found, atol=0.6)
        low, high = boxes[sample, 0]
        assert (around.min(0) >= low - 1).all()
        assert (around.max(0) <= high + 1).all()
    assert looked_at >= count // 2


def test_what_comes_from_outside_is_ignored_and_looks_like_the_border():
    images, labels = np.ones((1, *SHAPE, 1), np.float32), np.ones((1, *SHAPE), np.int32)
    found, known = augment_batch(
        0, 0, np.arange(1), images, labels, limits=only(shift=0.5)
    )
    assert set(np.unique(known)) == {1, IGNORE}
    np.testing.assert_array_equal(found, images)


def test_what_is_drawn_does_not_depend_on_what_else_is_on(batch):
    noise = {"noise": 0.1, "turn_deg": 0.0}
    shared = augment_batch(0, 0, np.arange(6), *batch, limits=only(**noise))
    more = only(**noise, brightness=0.3)
    brighter = augment_batch(0, 0, np.arange(6), *batch, limits=more)
    added = np.asarray(brighter[0] - shared[0])
    assert (np.ptp(added, axis=(1, 2, 3)) < 1e-5).all()


def test_as_many_samples_get_a_transform_as_its_chance_says():
    images = np.zeros((400, 2, 2, 1), np.float32)
    labels = np.zeros((400, 2, 2), np.uint8)
    limits = only(brightness=1, brightness_p=0.3)
    found, _ = augment_batch(0, 0, np.arange(400), images, labels, limits=limits)
    changed = (np.asarray(found) != 0).all(axis=(1, 2, 3)).mean()
    assert abs(changed - 0.3) < 4 * (0.3 * 0.7 / 400) ** 0.5


def test_one_chance_an_axis_is_needed(batch):
    with pytest.raises(MedlabError, match=r"a chance for each of 2 axes.*Give 2, or"):
        augment_batch(0, 0, np.arange(6), *batch, limits=only(flip_p=(0, 0, 1)))
