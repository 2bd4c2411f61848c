"""What holds for every template, whatever it computes."""

import numpy as np
import pytest

from medlab.backend import keras
from medlab.errors import MedlabError
from medlab.models import TEMPLATES

SHAPES = [(16, 16, 1), (8, 8, 8, 1)]
SMALL = {"unet": {"widths": (4, 8)}}
ALL = [(name, shape) for name in TEMPLATES for shape in SHAPES]


def build(name, shape):
    keras.utils.set_random_seed(0)
    return TEMPLATES[name](shape, classes=3, **SMALL[name])


def scans(shape, size=None):
    shape = shape if size is None else (*[size] * (len(shape) - 1), shape[-1])
    return np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")


def test_every_template_has_small_settings_here():
    assert set(SMALL) == set(TEMPLATES)


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_gives_a_logit_for_each_voxel_and_class(name, shape):
    model = build(name, shape)
    assert type(model) is keras.Model or isinstance(model, keras.Model)
    assert model.predict_on_batch(scans(shape)).shape == (2, *shape[:-1], 3)


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_saves_and_loads_with_nothing_registered(name, shape, tmp_path):
    model = build(name, shape)
    model.save(tmp_path / "model.keras")

    again = keras.saving.load_model(tmp_path / "model.keras")

    np.testing.assert_array_equal(
        again.predict_on_batch(scans(shape)), model.predict_on_batch(scans(shape))
    )


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_training_lowers_the_loss(name, shape):
    model = build(name, shape)
    model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    x = scans(shape)
    y = (x[..., 0] > 0).astype("int32")

    losses = [float(model.train_on_batch(x, y)) for _ in range(5)]

    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", TEMPLATES)
def test_takes_another_size_when_the_axes_are_left_open(name):
    model = TEMPLATES[name]((None, None, 1), classes=3, **SMALL[name])
    for size in (16, 24):
        x = scans((16, 16, 1), size)
        assert model.predict_on_batch(x).shape == (2, size, size, 3)


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("shape", [(16, 18, 1), (16, 16, 17, 1)])
def test_refuses_a_size_it_cannot_halve_with_advice(name, shape):
    with pytest.raises(MedlabError) as refusal:
        TEMPLATES[name](shape, classes=3, widths=(4, 8, 16))

    axes = "I and J" if len(shape) == 3 else "I, J and K"
    assert str(refusal.value) == (
        f"A U-Net with 3 widths needs {axes} to be multiples of 4, got {shape[:-1]}. "
        "Crop or pad the scans, or pass fewer widths."
    )


@pytest.mark.parametrize("name", TEMPLATES)
def test_refuses_a_shape_without_channels(name):
    with pytest.raises(MedlabError, match=r"\(I, J, C\).*got the shape \(16, 16\)"):
        TEMPLATES[name]((16, 16), classes=3)


@pytest.mark.parametrize("name", TEMPLATES)
def test_refuses_fewer_than_two_classes(name):
    with pytest.raises(MedlabError, match=r"at least 2 classes.*got classes=1"):
        TEMPLATES[name]((16, 16, 1), classes=1)
