"""Sampling: what a recipe asks for is what comes, as often as it asks."""

import numpy as np
import pytest
from scipy import stats

from medlab.data import IGNORE, Sample, TrainingBatches, sampling_weights
from medlab.data._sampling import ANYWHERE, turns
from medlab.data._where import KEPT_VOXELS, LabelIndex
from medlab.errors import MedlabError


def drawn(segments, count=6000, **choice):
    choice = {"foreground": 0.5, **choice}
    return turns(segments, count, np.random.default_rng(0), **choice)


@pytest.mark.parametrize("foreground", [0.0, 0.25, 1 / 3, 0.5, 1.0])
def test_as_many_places_show_a_segment_as_the_recipe_says(foreground):
    found = drawn([(1,), (), ()], foreground=foreground)
    shown = [turn.label != ANYWHERE for turn in found]
    assert abs(sum(shown) - foreground * 6000) <= 1
    # Evenly spread: no batch of 12 has one more than its share.
    per_batch = np.reshape(shown, (-1, 12)).sum(axis=1)
    assert np.abs(per_batch - foreground * 12).max() <= 1
    assert all(turn.sample == 0 for turn in found if turn.label != ANYWHERE)


def test_segments_come_by_their_weights_wherever_they_are():
    has = [(1, 2)] * 19 + [(1, 2, 3)]
    found = drawn(has, foreground=1.0, weights={1: 1.0, 2: 1.0, 3: 2.0})
    counts = np.bincount([turn.label for turn in found], minlength=4)[1:]
    assert stats.chisquare(counts, [1500, 1500, 3000]).pvalue > 0.01
    assert {turn.sample for turn in found if turn.label == 3} == {19}


def test_without_weights_each_sample_keeps_its_turn_and_its_segments_are_alike():
    found = drawn([(1, 2), (3,), (1,)], foreground=1.0)
    assert np.bincount([turn.sample for turn in found]).tolist() == [2000] * 3
    first = [turn.label for turn in found if turn.sample == 0]
    assert stats.binomtest(first.count(1), len(first)).pvalue > 0.01


def test_weights_of_segments_that_nobody_has_change_nothing():
    has = [(1,), (1, 2)]
    with_them = drawn(has, weights={1: 1.0, 2: 1.0, 7: 5.0})
    assert with_them == drawn(has, weights={1: 1.0, 2: 1.0})


def test_without_any_segment_every_place_is_anywhere():
    assert {turn.label for turn in drawn([(), ()], foreground=1.0)} == {ANYWHERE}


def test_the_wanted_segment_is_in_the_middle_of_the_patch():
    random = np.random.default_rng(2)
    samples = []
    for _ in range(3):
        labels = np.zeros((30, 31, 32), np.uint8)
        labels[tuple(random.integers(8, 22, 3))] = 1
        labels[tuple(random.integers(8, 22, 3))] = 2
        samples.append(Sample(random.normal(size=(*labels.shape, 1)), labels))
    batches = TrainingBatches(
        samples, patch=(8, 8, 8), batch=4, steps=5, seed=0, foreground=1.0
    )
    for step in range(5):
        _, labels, _ = batches.raw(0, step)
        assert (labels[:, 4, 4, 4] > 0).all()


def test_an_index_draws_each_labelled_voxel_as_often_as_another():
    labels = np.array([[0, 0, 0, 1], [2, 2, IGNORE, IGNORE]], np.uint8)
    index, random = LabelIndex.of(labels), np.random.default_rng(0)
    counts = np.bincount([index.draw(random) for _ in range(6000)], minlength=8)
    assert counts[6] == counts[7] == 0
    assert stats.chisquare(counts[:6]).pvalue > 0.01


def test_of_a_large_segment_some_voxels_are_kept_evenly():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[:20] = 3
    index = LabelIndex.of(labels)
    places = index.places[list(index.labels).index(3)]
    assert len(places) == len(set(places.tolist())) == KEPT_VOXELS
    assert index.counts.tolist() == [32000, 32000]
    assert (labels.ravel()[places] == 3).all()
    depth = np.bincount(places // 1600, minlength=20)
    assert stats.chisquare(depth).pvalue > 0.01


def test_only_names_of_segments_have_weights():
    assert sampling_weights(None, ["a"]) is None
    assert sampling_weights({"b": 2}, ["a", "b"]) == {2: 2.0}
    for choice, says in [
        ({"c": 1}, r"names segments to learn, a, b, got c\."),
        ({"a": -1}, r"a number from 0 on, got -1"),
        ({"a": 0}, r"got 0 for all.*leave sampling out"),
    ]:
        with pytest.raises(MedlabError, match=says):
            sampling_weights(choice, ["a", "b"])
