"""A batch is a pure function of seed, epoch and step; augmentation keeps labels on it."""

import numpy as np
import pytest
from scipy import ndimage

from medlab.augment import augment_batch
from medlab.data import (
    IGNORE,
    Augmentation,
    FixedBatches,
    Sample,
    TrainingBatches,
)
from medlab.errors import MedlabError


def samples(count=3, shape=(16, 16)):
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        image = random.normal(size=(*shape, 1)).astype(np.float32)
        image[0] = number
        made.append((image, random.integers(0, 3, shape).astype(np.uint8)))
    return made


def batches(**changes):
    settings = {"patch": (16, 16), "batch": 2, "steps": 3, "seed": 4, **changes}
    return TrainingBatches(samples(), **settings)


def test_going_on_later_gives_the_batches_there_would_have_been():
    from_start, later = batches().after(0), batches().after(4)
    for _ in range(4):
        next(from_start)
    for _ in range(3):
        for whole, resumed in zip(next(from_start), next(later), strict=True):
            np.testing.assert_array_equal(whole, resumed)


def test_seed_epoch_and_step_each_change_the_batch():
    usual = np.asarray(batches().batch(1, 1)[0])
    for other in (
        batches(seed=5).batch(1, 1),
        batches().batch(2, 1),
        batches().batch(1, 2),
    ):
        assert not np.array_equal(usual, np.asarray(other[0]))


def test_an_epoch_goes_through_all_samples_before_any_comes_again():
    plain = batches(augmentation="none")
    seen = [plain.batch(0, step)[0][:, 0, 0, 0] for step in range(3)]
    drawn = np.concatenate(seen).tolist()
    assert sorted(drawn[:3]) == sorted(drawn[3:]) == [0, 1, 2]


def test_smaller_samples_are_padded_and_the_padding_ignored():
    image, labels = batches(patch=(20, 16), augmentation="none").batch(0, 0)
    assert image.shape == (2, 20, 16, 1)
    assert (labels[:, :2] == IGNORE).all()
    assert (labels[:, 18:] == IGNORE).all()
    assert (labels[:, 2:18] != IGNORE).all()


def test_larger_samples_are_cropped_where_something_is_labelled():
    image = np.zeros((40, 40, 1), np.float32)
    labels = np.full((40, 40), IGNORE, np.uint8)
    labels[30:33, 5:8] = 1
    made = TrainingBatches(
        [(image, labels)],
        patch=(8, 8),
        batch=2,
        steps=2,
        seed=0,
        augmentation="none",
    )
    for step in range(2):
        assert (made.batch(0, step)[1] == 1).any(axis=(1, 2)).all()


def test_the_last_validation_batch_is_filled_with_ignored_samples():
    fixed = FixedBatches(samples(3), patch=(16, 16), batch=2)
    assert len(fixed) == 2
    assert (fixed[1][1][0] != IGNORE).all()
    assert (fixed[1][1][1] == IGNORE).all()


def test_training_without_samples_is_refused():
    with pytest.raises(MedlabError, match=r"at least one labelled slice.*got none"):
        TrainingBatches([], patch=(8, 8), batch=1, steps=1, seed=0)


def test_without_limits_augmentation_changes_nothing():
    image, labels = samples(1)[0]
    moved = augment_batch(
        0, 0, np.arange(1), image[None], labels[None], limits=Augmentation.of("none")
    )
    np.testing.assert_allclose(moved[0][0], image, atol=1e-5)
    np.testing.assert_array_equal(moved[1][0], labels)


def test_image_and_labels_move_together():
    grid = np.indices((32, 32))
    labels = (np.hypot(grid[0] - 12, grid[1] - 20) < 6).astype(np.uint8)
    image = ndimage.gaussian_filter(labels.astype(np.float32), 0.5)[..., None]
    limits = Augmentation(gamma=0, contrast=0, brightness=0, noise=0)
    images, moved = augment_batch(
        3,
        0,
        np.arange(8),
        np.repeat(image[None], 8, 0),
        np.repeat(labels[None], 8, 0),
        limits=limits,
    )
    found, known = np.asarray(images)[..., 0] > 0.5, np.asarray(moved) != IGNORE
    truth = np.asarray(moved) == 1
    assert not (truth == labels).all(axis=(1, 2)).any(), "nothing moved"
    overlap = 2 * (found & truth & known).sum() / ((found & known).sum() + truth.sum())
    assert overlap > 0.95


def test_an_unknown_limit_is_refused():
    with pytest.raises(MedlabError, match=r"limits for some of turn_deg.*'flip'"):
        Augmentation.of({"flip": 1})


def test_the_raw_batch_is_what_augmentation_starts_from():
    plain, usual = batches(augmentation="none"), batches()
    images, labels, places = usual.raw(1, 2)
    np.testing.assert_array_equal(places, [4, 5])
    assert (images.dtype, labels.dtype) == (np.float32, np.int32)
    for got, wanted in zip((images, labels), plain.batch(1, 2), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_a_patch_is_the_part_of_its_sample_around_the_centre():
    grid = np.stack(np.indices((20, 30)), axis=-1).astype(np.float32)
    labels = np.zeros((20, 30), np.uint8)
    labels[6, 28] = 1
    made = TrainingBatches(
        [(grid, labels)], patch=(8, 8), batch=1, steps=1, seed=0, foreground=1.0
    )
    image, cut, _ = made.raw(0, 0)
    # As close to the middle as the edge of the image allows.
    np.testing.assert_array_equal(image[0, 0, 0], [2, 22])
    np.testing.assert_array_equal(image[0, -1, -1], [9, 29])
    assert cut[0, 4, 6] == 1


def test_voxel_sizes_go_with_their_patches():
    pairs = samples(2)
    made = TrainingBatches(
        [Sample(*pairs[0], spacing_mm=(1.0, 2.0)), pairs[1]],
        patch=(16, 16),
        batch=4,
        steps=1,
        seed=0,
    )
    from_first = made.raw(0, 0)[0][:, 0, 0, 0] == 0
    expected = np.where(from_first[:, None], [1.0, 2.0], [1.0, 1.0])
    np.testing.assert_array_equal(made.spacing_mm(0, 0), expected)


def test_a_batch_names_its_cases():
    pairs = samples(3)
    made = TrainingBatches(pairs, patch=(16, 16), batch=3, steps=2, seed=0)
    seen = made.raw(0, 1)[0][:, 0, 0, 0]
    assert made.cases(0, 1) == [int(number) for number in seen]
