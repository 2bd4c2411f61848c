"""The step is Keras' own, in one program that augments, guards and waits for nobody."""

import numpy as np
import pytest

from medlab.augment import Augmentation, augment_batch
from medlab.backend import jax, keras
from medlab.train import Recipe
from medlab.train._build import augmenting
from medlab.train._step import Step


def a_model(seed=0, dropout=0.5):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dropout(dropout),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(2),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def samples(count=20, seed=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 3)).astype("f4"), np.ones((count, 2), "f4")


def test_it_learns_what_keras_own_step_learns():
    x, y = samples()
    theirs, ours = a_model(), a_model()
    expected = theirs.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False)

    with Step(ours).installed():
        told = ours.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False)

    for name, values in expected.history.items():
        np.testing.assert_allclose(told.history[name], values, rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_keras_has_its_own_step_again_afterwards():
    model = a_model()
    with Step(model).installed():
        pass
    model.fit(*samples(), epochs=1, verbose=0)
    assert not isinstance(model.train_function, Step)


def test_it_tells_the_length_of_the_gradient():
    """Of mean((w x - 1)^2) at w = 0, x = 3: -2 x = -6."""
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"),
        ]
    )
    model.compile("sgd", "mse")
    step = Step(model)
    with step.installed():
        model.fit(np.full((2, 1), 3.0), np.ones((2, 1)), verbose=0)
    loss, norm, halted = np.asarray(step.health)
    assert (loss, norm, halted) == pytest.approx((1.0, 6.0, 0.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nothing_is_learnt_from_the_bad_batch_on(bad):
    x, y = samples(count=40)
    good, model = a_model(), a_model()
    with Step(good).installed():
        good.fit(x[:16], y[:16], batch_size=8, verbose=0, shuffle=False)
    x[17] = bad  # in the third batch of five

    step = Step(model)
    with step.installed():
        model.fit(x, y, batch_size=8, verbose=0, shuffle=False)

    assert np.asarray(step.health)[2] == 1.0
    for a, b in zip(model.variables, good.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, good.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_is_given_away_to_the_next_step():
    model = a_model()
    step = Step(model)
    with step.installed():
        model.fit(*samples(8), batch_size=8, verbose=0)
    state = model._get_jax_state(
        trainable_variables=True,
        non_trainable_variables=True,
        optimizer_variables=True,
        metrics_variables=True,
    )
    _, kept = step(state, iter([samples(8)]))

    jax.block_until_ready(kept)
    assert all(array.is_deleted() for array in state[0])


def test_each_shape_is_compiled_once():
    model = a_model()
    step = Step(model)
    with step.installed():
        model.fit(*samples(20), batch_size=8, epochs=3, verbose=0)
    assert len(step._programs) == 2  # 8, 8 and 4 samples
    assert step.compile_s > 0
    assert step.needed > 0
    assert step.done == 9


def test_the_step_augments_as_augment_batch_does():
    random = np.random.default_rng(0)
    images = random.normal(size=(2, 16, 16, 1)).astype("f4")
    labels = random.integers(0, 3, (2, 16, 16)).astype("i4")
    recipe, limits = Recipe(seed=5), Augmentation.of("default")
    marks = np.array([[5, 2, 6], [5, 2, 7]], "i4")
    expected = augment_batch(5, 2, np.array([6, 7]), images, labels, limits=limits)

    got = jax.jit(augmenting(recipe))((images, labels, marks))

    np.testing.assert_allclose(got[0], expected[0], atol=1e-4)
    assert (np.asarray(got[1]) == np.asarray(expected[1])).mean() > 0.999


def test_without_augmentation_the_batch_stays_as_it_is():
    images, labels = np.ones((2, 4, 4, 1), "f4"), np.ones((2, 4, 4), "i4")
    marks = np.zeros((2, 3), "i4")
    got = augmenting(Recipe(augmentation="none"))((images, labels, marks))
    assert got[0] is images
    assert got[1] is labels


def test_it_waits_for_no_device_between_two_batches():
    """A step that takes long comes back at once; only its values are waited for."""
    model = keras.Sequential([keras.Input((1500,)), keras.layers.Dense(1500)])
    for _ in range(8):
        model.add(keras.layers.Dense(1500))
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    step = Step(model)
    batch = (np.ones((256, 1500), "f4"), np.ones((256, 1500), "f4"))

    def state():
        names = ("trainable", "non_trainable", "optimizer", "metrics")
        return model._get_jax_state(**{f"{name}_variables": True for name in names})

    with step.installed():
        model.fit(*batch, batch_size=256, verbose=0)
    _, kept = step(state(), iter([batch]))
    jax.block_until_ready(kept)

    _, kept = step(kept, iter([batch]))

    assert not step.health.is_ready()
    jax.block_until_ready(kept)
