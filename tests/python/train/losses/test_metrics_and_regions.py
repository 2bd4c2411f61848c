"""SegmentDice counts what was found; regions are decoded to the likeliest label."""

import itertools

import numpy as np
import pytest
from scipy.special import log_expit

from medlab.augment import IGNORE
from medlab.errors import MedlabError
from medlab.train.losses import (
    SegmentDice,
    number_regions,
    region_members,
)

REGIONS = {"whole": (1, 2, 3), "core": (2, 3), "enhancing": (3,)}


def test_dice_adds_up_over_batches_and_looks_away_where_nobody_labelled():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (4, 5, 6))
    labels[rng.random(labels.shape) < 0.2] = IGNORE
    logits = rng.normal(size=(4, 5, 6, 4)).astype("float32")
    logits[..., 3] = -9
    metric = SegmentDice(4)
    metric.update_state(labels[:2], logits[:2])
    metric.update_state(labels[2:], [logits[2:], logits[2:, :1, :1]])

    found, known = logits.argmax(-1), labels != IGNORE
    scores = [
        2
        * ((labels == s) & (found == s)).sum()
        / ((labels == s).sum() + (known & (found == s)).sum())
        for s in (1, 2)
    ]
    np.testing.assert_allclose(metric.result(), np.mean(scores), rtol=1e-6)


def test_dice_of_regions_counts_each_region():
    labels = np.array([[[0, 1, 2, 3, IGNORE]]])
    logits = np.full((1, 1, 5, 3), -1.0)
    logits[0, 0, 1:, 0], logits[0, 0, 3:, 1] = 1, 1

    metric = SegmentDice(4, regions=REGIONS)
    metric.update_state(labels, logits)

    np.testing.assert_allclose(metric.result(), (1 + 2 / 3 + 0) / 3, rtol=1e-6)


def test_the_best_label_of_regions_is_the_likeliest_one():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(50, 3)) * 3
    members = region_members(REGIONS, 4)

    decoded = (logits @ members).argmax(-1)

    for row, label in zip(logits, decoded, strict=True):
        likelihood = [
            sum(
                log_expit(row[r] if made_of_it else -row[r])
                for r, made_of_it in enumerate(members[:, candidate])
            )
            for candidate in range(4)
        ]
        assert label == int(np.argmax(likelihood))


def test_regions_that_agree_are_decoded_to_their_label():
    members = region_members(REGIONS, 4)
    for label, strength in itertools.product(range(4), (0.1, 5)):
        logits = np.where(members[:, label] > 0, strength, -strength)
        assert (logits @ members).argmax() == label


@pytest.mark.parametrize(("made_of", "says"), [(["rim"], "rim"), ([], "none")])
def test_a_region_of_unknown_segments_is_refused(made_of, says):
    with pytest.raises(MedlabError) as refusal:
        number_regions({"tumour": made_of}, ["core", "oedema"])
    assert str(refusal.value) == (
        "A region is made of some of the segments core, oedema, but 'tumour' is made of "
        f"{says}. Name segments as the labels do."
    )
