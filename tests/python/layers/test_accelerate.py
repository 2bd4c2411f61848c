"""An accelerated model computes as before, and is a stock model to everybody else."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from medlab import accelerate, ops
from medlab.backend import jax, keras, layers
from medlab.layers import _convolution
from medlab.ops._probe import remembered_verdict

FIRST = "channels_first"
LONG = os.environ.get("MEDLAB_LONG") == "1"


@pytest.fixture(autouse=True)
def _fast_path():
    with ops.with_path("public"):
        yield


def small_model(**settings):
    shared = layers.GroupNormalization(groups=-1, name="shared")
    x = image = keras.Input((8, 8, 2))
    x = shared(layers.Conv2D(4, 3, padding="same", name="first", **settings)(x))
    x = shared(layers.Conv2D(4, 3, padding="same", name="again")(x))
    inner = keras.Sequential([keras.Input((8, 8, 4)), layers.MaxPooling2D()])
    x = layers.LeakyReLU()(inner(x))
    x = layers.Conv2DTranspose(3, 2, strides=2, name="grow")(x)
    return keras.Model(image, x)


def images(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def is_fast(layer):
    return bool({"call", "convolution_op"} & set(vars(layer)))


# A layer, and the shape of its input without the batch.
LAYERS = {
    "Conv2D": (lambda: layers.Conv2D(4, 3, activation="relu"), (7, 8, 3)),
    "Conv2D strided, in groups": (
        lambda: layers.Conv2D(4, 3, strides=2, padding="same", groups=2),
        (9, 8, 2),
    ),
    "Conv3D dilated": (
        lambda: layers.Conv3D(2, 3, dilation_rate=2, padding="same"),
        (5, 6, 4, 3),
    ),
    "Conv3D channels first": (
        lambda: layers.Conv3D(4, 3, padding="same", data_format=FIRST),
        (3, 5, 4, 6),
    ),
    "Conv2DTranspose 2": (lambda: layers.Conv2DTranspose(3, 2, strides=2), (5, 4, 2)),
    "Conv3DTranspose 3, strides 2": (
        lambda: layers.Conv3DTranspose(2, 3, strides=2, padding="same"),
        (3, 4, 2, 2),
    ),
    "Conv3DTranspose uneven, channels first": (
        lambda: layers.Conv3DTranspose(
            2, (2, 3, 4), strides=(2, 1, 3), data_format=FIRST, activation="relu"
        ),
        (2, 3, 4, 2),
    ),
    "MaxPooling3D": (lambda: layers.MaxPooling3D(2, padding="same"), (5, 4, 3, 2)),
    "MaxPooling2D channels first": (
        lambda: layers.MaxPooling2D(3, 2, data_format=FIRST),
        (2, 7, 8),
    ),
    "AveragePooling2D": (lambda: layers.AveragePooling2D(2), (7, 8, 2)),
    "GroupNormalization by instance": (
        lambda: layers.GroupNormalization(groups=-1, epsilon=1e-5),
        (6, 5, 4, 4),
    ),
    "GroupNormalization bare": (
        lambda: layers.GroupNormalization(groups=2, scale=False, center=False),
        (6, 5, 4),
    ),
    "BatchNormalization": (lambda: layers.BatchNormalization(), (6, 5, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients_are_those_of_the_stock_layer(name):
    make, shape = LAYERS[name]
    layer = make()
    model = keras.Sequential([keras.Input(shape), layer])
    x = images(2, *shape)
    weights = [
        np.cos(np.arange(np.prod(w.shape))).reshape(w.shape) for w in layer.weights
    ]
    if name == "BatchNormalization":
        weights[3] = weights[3] ** 2
    model.set_weights(weights)
    trained = [w.value for w in model.trainable_variables]
    others = [w.value for w in model.non_trainable_variables]

    @jax.jit
    def everything(trained, x):
        def run(trained, x):
            y, updated = model.stateless_call(trained, others, x, training=True)
            return (y * jax.numpy.cos(y)).sum(), (y, updated)

        return jax.value_and_grad(run, argnums=(0, 1), has_aux=True)(trained, x)

    with ops.with_path("stock"):
        stock = jax.tree.leaves(everything(trained, x))
    accelerate(model)
    everything.clear_cache()
    assert is_fast(layer)

    for mine, theirs in zip(
        jax.tree.leaves(everything(trained, x)), stock, strict=True
    ):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5] if LONG else [2, 3, 5])
@pytest.mark.parametrize("strides", [1, 2, 3] if LONG else [2, 3])
@pytest.mark.parametrize(
    ("padding", "added"), [("same", None), ("valid", None), ("same", 0), ("valid", 0)]
)
def test_a_transposed_convolution_lands_where_keras_puts_it(
    kernel, strides, padding, added
):
    layer = layers.Conv2DTranspose(
        2, kernel, strides=strides, padding=padding, output_padding=added
    )
    model = keras.Sequential([keras.Input((4, 5, 2)), layer])
    x = images(1, 4, 5, 2)
    stock = np.asarray(layer(x))
    accelerate(model)

    np.testing.assert_allclose(layer(x), stock, atol=1e-5)


def test_every_layer_is_found_and_keeps_its_class_and_its_weights():
    model = small_model()
    before = model.get_weights()
    model.get_layer("again").trainable = False

    assert accelerate(model) is model

    fast = [layer for layer in model._flatten_layers() if is_fast(layer)]
    assert sorted(type(layer).__name__ for layer in fast) == [
        *("Conv2D", "Conv2D", "Conv2DTranspose", "GroupNormalization", "MaxPooling2D")
    ]
    assert all(type(layer).__module__.startswith("keras.") for layer in fast)
    assert not model.get_layer("again").trainable
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_second_call_changes_nothing():
    model = accelerate(small_model())
    held = [dict(vars(layer)) for layer in model._flatten_layers()]
    model.compile("adam", "mse")
    model.train_function = compiled = object()

    accelerate(model)

    assert model.train_function is compiled
    kept = [vars(layer) for layer in model._flatten_layers()]
    for was, now in zip(held, kept, strict=True):
        for method in {"call", "convolution_op"} & set(was):
            assert now[method] is was[method]


def test_whatever_describes_a_model_describes_stock_layers(tmp_path):
    model = small_model()
    described = json.loads(model.to_json())
    accelerate(model)

    assert json.loads(model.to_json()) == described
    copies = {
        "clone": keras.models.clone_model(model),
        "config": keras.Model.from_config(model.get_config()),
        "pickle": pickle.loads(pickle.dumps(model)),
        "layer": type(model.layers[1]).from_config(model.layers[1].get_config()),
    }
    for copy in copies.values():
        assert not any(is_fast(layer) for layer in copy._flatten_layers())
    x = images(1, 8, 8, 2)
    np.testing.assert_allclose(copies["pickle"](x), model(x), atol=1e-5)


def test_a_saved_model_loads_where_medlab_is_not_installed(tmp_path):
    model = accelerate(small_model())
    model.save(tmp_path / "model.keras")
    x = images(1, 8, 8, 2)
    np.save(tmp_path / "x.npy", x)
    script = (
        "import sys; sys.modules['medlab'] = None\n"
        "import keras, numpy as np\n"
        "model = keras.saving.load_model('model.keras')\n"
        "np.save('y.npy', np.asarray(model(np.load('x.npy'))))\n"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
    )

    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(x), atol=1e-5)


def test_a_compiled_model_is_compiled_anew(monkeypatch):
    model = small_model()
    model.compile("sgd", "mse")
    batch = images(2, 8, 8, 2), images(2, 8, 8, 3)
    model.train_on_batch(*batch)
    model.predict_on_batch(batch[0])
    used = []
    convolve = _convolution.convolve
    monkeypatch.setattr(
        _convolution, "convolve", lambda *a, **k: used.append(1) or convolve(*a, **k)
    )

    accelerate(model)
    model.train_on_batch(*batch)

    assert len(used) == 2  # the two convolutions
    model.predict_on_batch(batch[0])
    assert len(used) == 4


@pytest.mark.parametrize("recompute", [False, True])
def test_training_goes_as_it_would_with_stock_layers(recompute):
    def losses(model):
        model.compile(keras.optimizers.SGD(0.01), "mse")
        batch = images(2, 8, 8, 2), images(2, 8, 8, 3)
        return [model.train_on_batch(*batch) for _ in range(3)]

    model = small_model()
    copy = small_model()
    copy.set_weights(model.get_weights())
    fast = accelerate(model, recompute=recompute)

    np.testing.assert_allclose(losses(fast), losses(copy), rtol=1e-5)


def test_recomputing_holds_less_memory():
    def needed(recompute):
        x = image = keras.Input((24, 24, 24, 1))
        for _ in range(4):
            x = layers.Conv3D(8, 3, padding="same")(x)
            x = layers.LeakyReLU()(layers.GroupNormalization(groups=-1)(x))
        model = accelerate(keras.Model(image, x), recompute=recompute)
        trained = [w.value for w in model.trainable_variables]

        def loss(trained, x):
            y, _ = model.stateless_call(trained, [], x, training=True)
            return (y * y).mean()

        program = jax.jit(jax.grad(loss)).lower(trained, images(4, 24, 24, 24, 1))
        return program.compile().memory_analysis().temp_size_in_bytes

    if remembered_verdict() != "onednn":
        pytest.skip("this machine lacks the kernel")
    with ops.with_path("onednn"):
        assert needed(True) < 0.8 * needed(False)


def test_moving_averages_are_updated_in_training_alone():
    layer = layers.BatchNormalization(momentum=0.5)
    model = accelerate(keras.Sequential([keras.Input((4, 4, 1)), layer]))
    x = images(2, 4, 4, 1) + 7

    model(x, training=False)
    assert layer.moving_mean.numpy().tolist() == [0]
    model(x, training=True)

    np.testing.assert_allclose(layer.moving_mean, [x.mean() / 2], rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, [(1 + x.var()) / 2], rtol=1e-5)


def test_layers_that_compute_in_their_own_way_are_left_alone():
    class Standardised(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel - kernel.mean())

    class Renamed(layers.Conv2D):
        def call(self, inputs):
            return super().call(inputs) + 1

    class Damped(layers.GroupNormalization):
        def _apply_normalization(self, reshaped_inputs, input_shape):
            return super()._apply_normalization(reshaped_inputs, input_shape) / 2

    own = [Standardised(2, 3), Renamed(2, 3), Damped(groups=1)]
    accelerate(keras.Sequential([keras.Input((8, 8, 1)), *own]))

    assert [is_fast(layer) for layer in own] == [False, True, False]


def test_the_layers_of_a_model_class_are_found_before_it_is_built():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [layers.Conv2D(2, 3), {"pool": layers.MaxPooling2D()}]

        def call(self, x):
            return self.blocks[1]["pool"](self.blocks[0](x))

    model = Own()
    stock = Own()
    x = images(1, 8, 8, 1)
    stock(x)

    accelerate(model)(x)
    model.set_weights(stock.get_weights())

    assert is_fast(model.blocks[0])
    np.testing.assert_allclose(model(x), stock(x), atol=1e-6)


def test_mixed_precision_keeps_its_policy():
    model = small_model(dtype="mixed_bfloat16")
    first = model.get_layer("first")
    stock = np.asarray(first(images(1, 8, 8, 2)).astype("float32"))
    accelerate(model)

    y = first(images(1, 8, 8, 2))

    assert (y.dtype, first.kernel.dtype) == ("bfloat16", "float32")
    np.testing.assert_allclose(y.astype("float32"), stock, rtol=0.02, atol=0.02)


def test_on_the_stock_path_keras_computes(monkeypatch):
    monkeypatch.setattr(_convolution, "convolve", None)
    model = accelerate(small_model())

    with ops.with_path("stock"):
        assert model(images(1, 8, 8, 2)).shape == (1, 8, 8, 3)
