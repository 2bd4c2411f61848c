"""Each loss has the value that MONAI, SciPy or the formula written out has.

The literals are MONAI 1.6.1's on PyTorch 2.13, of the arrays that `example` draws:

    DiceLoss(include_background=False, to_onehot_y=True, softmax=True, batch=True,
             smooth_nr=1, smooth_dr=1)
    GeneralizedDiceLoss(to_onehot_y=True, softmax=True, batch=True, smooth_nr=0,
                        smooth_dr=0)
    TverskyLoss(include_background=False, to_onehot_y=True, softmax=True, batch=True,
                alpha=0.3, beta=0.7, smooth_nr=1, smooth_dr=1)
    3 * FocalLoss(to_onehot_y=True, use_softmax=True)   (its mean is over classes too)
    SoftclDiceLoss(iter_=..., smooth=1e-9, include_background=False), of the first image
                   (its mean is over images) and two classes
    torch.nn.functional.cross_entropy(..., weight=...)
"""

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import expit, log_softmax, softmax

from medlab.augment import IGNORE
from medlab.train import Recipe
from medlab.train.losses import LOSSES, make_loss, signed_distance

ALIKE = {"rtol": 2e-6}


@pytest.fixture(scope="module")
def example():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(2, 6, 7, 5, 3)).astype("float32")
    return rng.integers(0, 3, (2, 6, 7, 5)), logits


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("dice", 0.6613079309463501),
        ("generalised-dice", 0.6589001417160034),
        ("tversky", 0.6552449464797974),
        ("focal", 0.9089683294296265),
        ("cross-entropy", 1.3811932802200317),
        ("dice+cross-entropy", 0.6613079309463501 + 1.3811932802200317),
        ("dice+focal", 0.6613079309463501 + 0.9089683294296265),
        (
            {"name": "dice+cross-entropy", "weights": [2, 0.5]},
            2 * 0.6613079309463501 + 0.5 * 1.3811932802200317,
        ),
    ],
)
def test_losses_of_classes_have_monais_values(example, choice, expected):
    np.testing.assert_allclose(
        make_loss(choice, classes=3)(*example), expected, **ALIKE
    )


@pytest.mark.parametrize(
    ("iterations", "expected"), [(1, 0.42799168825149536), (3, 0.42793411016464233)]
)
def test_cldice_has_monais_value_in_3d(example, iterations, expected):
    labels, logits = example[0][:1], example[1][:1, ..., :2]
    loss = make_loss({"name": "cldice", "iterations": iterations}, classes=2)
    np.testing.assert_allclose(
        loss((labels > 0).astype(int), logits), expected, **ALIKE
    )


def test_cldice_has_monais_value_in_2d(example):
    labels, logits = example[0][:1, ..., 0], example[1][:1, ..., 0, :2]
    loss = make_loss({"name": "cldice", "iterations": 2}, classes=2)
    found = loss((labels > 0).astype(int), logits)
    np.testing.assert_allclose(found, 0.33500009775161743, **ALIKE)


@pytest.mark.parametrize("name", [name for name in LOSSES if "+" in name])
def test_a_loss_of_two_parts_is_their_weighted_sum(example, name):
    weights = {"boundary": 0.01}
    if name == "cldice+dice":
        weights = {"cldice": 0.5, "dice": 0.5}
    parts = [float(make_loss(part, classes=3)(*example)) for part in name.split("+")]
    expected = sum(
        weights.get(part, 1.0) * value
        for part, value in zip(name.split("+"), parts, strict=True)
    )
    np.testing.assert_allclose(
        make_loss(name, classes=3)(*example), expected, rtol=1e-5
    )


def test_weighted_cross_entropy_has_pytorchs_value(example):
    loss = make_loss("cross-entropy", classes=3, class_weights=[0.5, 1.0, 4.0])
    np.testing.assert_allclose(loss(*example), 1.4271416664123535, **ALIKE)


def test_focal_loss_of_regions_has_monais_value(example):
    labels, logits = example
    regions = {"all": (1, 2), "second": (2,)}
    loss = make_loss("focal", classes=3, regions=regions)
    np.testing.assert_allclose(
        loss(labels, logits[..., :2]), 0.35948365926742554, **ALIKE
    )


def test_dice_of_regions_is_the_mean_of_each_region_alone(example):
    labels, logits = example
    share = expit(logits[..., :2].astype(float))
    scores = []
    for channel, truth in enumerate([labels > 0, labels == 2]):
        guess = share[..., channel]
        scores.append((2 * (truth * guess).sum() + 1) / (truth.sum() + guess.sum() + 1))
    loss = make_loss("dice", classes=3, regions={"all": (1, 2), "second": (2,)})
    np.testing.assert_allclose(
        loss(labels, logits[..., :2]), 1 - np.mean(scores), **ALIKE
    )


def test_class_weights_weigh_the_segments_of_an_overlap(example):
    def dice(weights):
        return float(make_loss("dice", classes=3, class_weights=weights)(*example))

    mixed = (1 * dice([1, 1, 0]) + 3 * dice([1, 0, 1])) / 4
    np.testing.assert_allclose(dice([1, 1, 3]), mixed, **ALIKE)
    assert dice([1, 1, 0]) != dice([1, 0, 1])


def test_focal_without_focus_is_cross_entropy(example):
    focal = make_loss({"name": "focal", "gamma": 0.0}, classes=3)
    known = -np.take_along_axis(
        log_softmax(example[1].astype(float), -1), example[0][..., None], -1
    )
    np.testing.assert_allclose(focal(*example), known.mean(), **ALIKE)


@pytest.mark.parametrize("spacing", [None, [1.0, 1.0, 2.5], [0.5, 3.0, 1.0]])
def test_distances_are_scipys(spacing):
    inside = np.random.default_rng(0).random((2, 9, 8, 7, 2)) < 0.3
    inside[1, ..., 0] = False
    sizes = spacing or [1.0] * 3

    ours = np.asarray(signed_distance(inside, spacing))

    for image in range(2):
        for channel in range(2):
            body = inside[image, ..., channel]
            expected = np.zeros(body.shape)
            if body.any():
                outer = ndimage.distance_transform_edt(~body, sampling=sizes)
                inner = ndimage.distance_transform_edt(body, sampling=sizes)
                expected = np.where(body, min(sizes) - inner, outer)
            np.testing.assert_allclose(
                ours[image, ..., channel], expected, rtol=1e-6, atol=1e-6
            )


def test_the_boundary_loss_is_the_mean_distance_of_what_is_found(example):
    labels, logits = example
    share = softmax(logits.astype(float), -1)
    expected = 0.0
    for image in range(2):
        for segment in (1, 2):
            body = labels[image] == segment
            outer, inner = map(ndimage.distance_transform_edt, (~body, body))
            far = np.where(body, 1 - inner, outer)
            expected += (far * share[image, ..., segment]).mean() / 4
    loss = make_loss("boundary", classes=3)
    np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-5)


def test_several_heads_are_weighed_by_half_each(example):
    labels, logits = example
    labels, logits = labels[:, :6, :4, :4], logits[:, :6, :4, :4]
    coarse = logits[:, ::2, ::2]
    loss = make_loss("dice+cross-entropy", classes=3)

    both = loss(labels, [logits, coarse])

    alone = float(loss(labels, logits)), float(loss(labels[:, ::2, ::2], coarse))
    np.testing.assert_allclose(both, (alone[0] + alone[1] / 2) / 1.5, **ALIKE)


def test_a_coarse_head_learns_from_the_one_slice_that_is_labelled(example):
    _, logits = example
    labels = np.full((2, 6, 4, 4), IGNORE)
    labels[:, :, :, 3] = 1
    loss = make_loss("cross-entropy", classes=3)
    coarse = logits[:, ::2, ::2][:, :, :2, :2]

    both = loss(labels, [logits[:, :6, :4, :4], coarse])

    fine = -log_softmax(logits[:, :6, :4, 3].astype(float), -1)[..., 1].mean()
    rough = -log_softmax(coarse[..., 1, :].astype(float), -1)[..., 1].mean()
    np.testing.assert_allclose(both, (fine + rough / 2) / 1.5, **ALIKE)


def test_recipes_know_every_loss():
    for name in LOSSES:
        assert Recipe(loss=name).loss == name
