"""What holds for every loss, whatever it computes."""

import numpy as np
import pytest

from medlab.augment import IGNORE
from medlab.backend import jax
from medlab.errors import MedlabError
from medlab.train.losses import LOSSES, make_loss

REGIONS = {"whole": (1, 2), "core": (2,)}
# What holds for the parts of a sum holds for the sum.
PARTS = sorted({part for name in LOSSES for part in name.split("+")})
KINDS = {"classes": (None, 3), "regions": (REGIONS, 2)}


def example(channels, dtype="float32"):
    rng = np.random.default_rng(5)
    labels = np.zeros((2, 8, 8, 4), np.int32)
    labels[:, 2:6, 2:7, 1:], labels[:, 3:5, 3:6, 2:] = 1, 2
    labels[rng.random(labels.shape) < 0.3] = IGNORE
    labels[..., 0] = IGNORE
    return labels, rng.normal(size=(*labels.shape, channels)).astype(dtype)


@pytest.fixture(scope="module", params=[(n, k) for n in PARTS for k in KINDS], ids=str)
def compiled(request):
    """A loss with its gradient, compiled once for all tests below."""
    name, kind = request.param
    regions, channels = KINDS[kind]
    loss = make_loss(name, classes=3, regions=regions)
    return jax.jit(jax.value_and_grad(lambda x, y: loss(y, x))), channels


def test_what_nobody_labelled_has_no_say(compiled):
    step, channels = compiled
    labels, logits = example(channels)
    unknown = labels == IGNORE
    changed = logits.copy()
    changed[unknown] = np.random.default_rng(6).normal(
        scale=50, size=(unknown.sum(), 1)
    )
    changed[unknown.nonzero()[0][0], ..., 0, :] = np.nan

    value, slope = step(logits, labels)
    other, other_slope = step(changed, labels)

    assert value == other
    slope = np.asarray(slope)
    assert (slope[unknown] == 0).all()
    assert np.abs(slope[~unknown]).max() > 0
    np.testing.assert_array_equal(slope, other_slope)


def test_a_batch_that_nobody_labelled_does_no_harm(compiled):
    step, channels = compiled
    labels, logits = example(channels)
    value, slope = step(logits, np.full_like(labels, IGNORE))
    assert np.isfinite(value)
    assert not np.asarray(slope).any()


def test_following_the_gradient_lowers_it(compiled):
    step, channels = compiled
    labels, logits = example(channels)
    first, slope = step(logits, labels)
    slope = np.asarray(slope)
    length = np.linalg.norm(slope)
    after, _ = step((logits - 0.2 * slope / length).astype("float32"), labels)
    assert after < first - 0.1 * length


def test_certain_logits_give_finite_values_and_gradients(compiled):
    step, channels = compiled
    labels, logits = example(channels)
    for sign in (1, -1):
        value, slope = step(sign * 1e4 * np.sign(logits), labels)
        assert np.isfinite(value)
        assert np.isfinite(slope).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["dice+cross-entropy", "boundary+dice"])
def test_half_precision_is_computed_in_float32(name, dtype):
    labels, logits = example(3)
    # 60,000 voxels overflow a sum in float16.
    labels, logits = (np.tile(a, (8, 6, 6, 1, 1)[: a.ndim]) for a in (labels, logits))
    halved = jax.numpy.asarray(logits * 8, dtype)
    loss = make_loss(name, classes=3)

    value = loss(labels, halved)

    assert value.dtype == "float32"
    expected = loss(labels, np.asarray(halved.astype("float32")))
    np.testing.assert_array_equal(value, expected)


def test_one_region_survives_keras_taking_its_axis_away():
    labels, logits = example(1)
    loss = make_loss("dice+cross-entropy", classes=3, regions={"all": (1, 2)})
    np.testing.assert_array_equal(loss(labels, logits[..., 0]), loss(labels, logits))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"choice": "dise"},
            f"loss is one of {', '.join(LOSSES)}, got 'dise'. In a recipe write its "
            "name, or a mapping with 'name' and settings.",
        ),
        (
            {"choice": {"name": "dice+focal", "gama": 2}},
            "The loss dice+focal has the settings weights, smooth, gamma, got gama. "
            "Correct or remove them.",
        ),
        (
            {"choice": {"name": "dice+focal", "weights": [1]}},
            "The loss dice+focal has 2 part(s) and takes as many weights of 0 or more, "
            "got [1].",
        ),
        (
            {"choice": "dice", "class_weights": [1, 2]},
            "class_weights has one number of 0 or more for each of the 3 classes, "
            "background included, not all of them 0, got [1, 2].",
        ),
        (
            {"choice": "dice", "class_weights": [0, 0], "regions": REGIONS},
            "class_weights has one number of 0 or more for each of the 2 regions, not "
            "all of them 0, got [0, 0].",
        ),
        (
            {"choice": "dice", "regions": {"core": (3,)}},
            "A region is made of some of the labels 1 to 2, but 'core' is made of [3]. "
            "Name labels of segments.",
        ),
    ],
)
def test_what_cannot_be_is_said(arguments, says):
    with pytest.raises(MedlabError) as refusal:
        make_loss(**arguments, classes=3)
    assert str(refusal.value) == says
