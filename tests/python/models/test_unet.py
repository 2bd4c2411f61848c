"""The U-Net's variants: what each changes, and that the plain one never changes."""

import hashlib
import json

import numpy as np
import pytest

from medlab.backend import jax, keras
from medlab.errors import MedlabError
from medlab.models import RESIDUAL_BLOCKS, inference_model, size_multiples, unet
from medlab.train.losses import make_loss

TOLD = (
    *("filters", "kernel_size", "strides", "pool_size", "padding", "use_bias"),
    *("groups", "epsilon", "activation", "rate", "axis"),
)

VARIANTS = {
    "strides and kernels": {
        "shape": (8, 8, 4, 1),
        "strides": [[2, 2, 1], 2],
        "kernels": [[3, 3, 1], [3, 3, 1], 3],
        "activation": "leaky_relu",
    },
    "residual": {"shape": (16, 16, 1), "residual": [1, 2, 1]},
    "residual in 3D": {
        "shape": (8, 8, 4, 1),
        "residual": [1, 1, 2],
        "strides": [[2, 2, 1], 2],
        "activation": "leaky_relu",
    },
    "attention and heads": {
        "shape": (16, 16, 1),
        "attention": True,
        "deep_supervision": True,
    },
    "batch normalisation": {"shape": (16, 16, 1), "normalisation": "batch"},
}


def build(shape, **settings):
    keras.utils.set_random_seed(0)
    return unet(shape, classes=3, **{"widths": (4, 6, 8), **settings})


def fingerprint(model):
    """SHA-256 of what decides a model: its layers, how they are joined, their weights."""
    order = {layer.name: number for number, layer in enumerate(model.layers)}
    rows = []
    for layer in model.layers:
        settings = {k: v for k, v in layer.get_config().items() if k in TOLD}
        before = [order[p.operation.name] for p in layer._inbound_nodes[0].parent_nodes]
        shapes = [list(weight.shape) for weight in layer.weights]
        rows.append([type(layer).__name__, settings, before, shapes])
    text = json.dumps(rows, sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        (
            (16, 16, 1),
            {"classes": 3, "widths": (4, 8)},
            "5170951ad7c0f9dc840df4ecd6e34d8dfe9dd6fb450173c06fe960caf151cb20",
        ),
        (
            (None, None, None, 2),
            {"classes": 2, "widths": (4, 8, 12), "convolutions": 1, "dropout": 0.25},
            "c1af9cd4658769ae68514c1a82c196ace0faf6bccddbfc108e9c911a36a22244",
        ),
    ],
)
def test_checkpoints_of_earlier_versions_fit_the_plain_one(shape, settings, expected):
    # As the first version that had checkpoints built them.
    assert fingerprint(unet(shape, **settings)) == expected


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_learns_and_its_file_needs_no_medlab(name, tmp_path):
    settings = dict(VARIANTS[name])
    shape = settings.pop("shape")
    model = build(shape, **settings)
    modules = {row["module"] for row in json.loads(model.to_json())["config"]["layers"]}
    assert modules == {"keras.layers"}

    rng = np.random.default_rng(0)
    images = rng.normal(size=(2, *shape)).astype("float32")
    labels = (images[..., 0] > 0).astype("int32")
    loss = make_loss("cross-entropy", classes=3)
    others = [v.value for v in model.non_trainable_variables]

    @jax.jit
    def step(weights):
        def run(weights):
            found, _ = model.stateless_call(weights, others, images, training=True)
            return loss(labels, found)

        value, slopes = jax.value_and_grad(run)(weights)
        return value, [w - 0.05 * s for w, s in zip(weights, slopes, strict=True)]

    weights = [v.value for v in model.trainable_variables]
    losses = []
    for _ in range(6):
        value, weights = step(weights)
        losses.append(float(value))
    assert losses[-1] < 0.97 * losses[0]

    alone = inference_model(model)
    assert alone.output_shape == (None, *shape[:-1], 3)
    alone.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        again.predict_on_batch(images), alone.predict_on_batch(images)
    )


def test_heads_get_coarser_by_each_step_and_share_their_weights():
    model = unet(
        (None, None, None, 1),
        classes=2,
        widths=(2, 4, 6, 8),
        strides=[[2, 2, 1], [2, 2, 1], 2],
        deep_supervision=True,
    )
    sizes = [head.shape for head in model(np.zeros((1, 16, 16, 4, 1), "float32"))]
    assert sizes == [(1, 16, 16, 4, 2), (1, 8, 8, 4, 2), (1, 4, 4, 4, 2)]
    finest = inference_model(model)
    assert {id(w) for w in finest.weights} <= {id(w) for w in model.weights}
    assert inference_model(finest) is finest


def test_one_step_has_one_head():
    model = unet((8, 8, 1), classes=2, widths=(2, 4), deep_supervision=True)
    assert model.output_shape == (None, 8, 8, 2)


@pytest.mark.parametrize("preset", RESIDUAL_BLOCKS)
def test_presets_have_nnunets_blocks_at_each_resolution(preset):
    widths = (2,) * 8
    model = unet((128, 128, 1), classes=2, widths=widths, residual=preset)
    sizes = [
        layer.output.shape[1] for layer in model.layers if layer.name.startswith("add")
    ]
    # nnU-Net's residual encoder planner, https://arxiv.org/abs/2404.09556
    expected = [
        128,
        *[64] * 3,
        *[32] * 4,
        *[16] * 6,
        *[8] * 6,
        *[4] * 6,
        *[2] * 6,
        *[1] * 6,
    ]
    assert sizes == expected


def test_a_residual_block_has_two_convolutions_and_a_short_cut():
    plain, residual = build((16, 16, 1)), build((16, 16, 1), residual=[1, 1, 1])
    counts = [
        sum(type(layer).__name__ == kind for layer in model.layers)
        for model in (plain, residual)
        for kind in ("Conv2D", "Add", "AveragePooling2D", "MaxPooling2D")
    ]
    # Stem, 3 blocks of 2, a short cut where the width changes (2), 2 up, the logits.
    assert counts == [11, 0, 0, 2, 12, 3, 2, 0]


def test_gates_fade_a_skip_out():
    model = build((16, 16, 1), attention=True)
    gates = [layer for layer in model.layers if type(layer).__name__ == "Multiply"]
    assert len(gates) == 2
    image = np.random.default_rng(0).normal(size=(1, 16, 16, 1)).astype("float32")
    skip, gate = gates[0].input
    both = keras.Model(model.inputs[0], [skip, gate, gates[0].output])(image)
    assert 0 < both[1].min() < both[1].max() < 1
    np.testing.assert_allclose(both[2], both[0] * both[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"shape": (16, 16, 15, 1), "strides": [[2, 2, 1], 2]},
            "A U-Net with 3 widths needs I, J and K to be multiples of 4, 4 and 2, got "
            "(16, 16, 15). Crop or pad the scans, or pass fewer widths or smaller "
            "strides.",
        ),
        (
            {"shape": (16, 16, 1), "strides": [2]},
            "strides has one entry for each of the 2 steps between its widths, a whole "
            "number or 2 of them, such as [[1, 2], 2] for two, got [2]. Leave it out "
            "for 2 everywhere.",
        ),
        (
            {"shape": (16, 16, 1), "kernels": [3, 3, [3, 0]]},
            "kernels has one entry for each of the 3 widths, a whole number or 2 of "
            "them, such as [[1, 3], 3] for two, got [3, 3, [3, 0]]. Leave it out for 3 "
            "everywhere.",
        ),
        (
            {"shape": (16, 16, 1), "residual": "XXL"},
            "residual is False, one of M, L, or a number of blocks for each of the 3 "
            "widths, got 'XXL'.",
        ),
        (
            {"shape": (16, 16, 1), "normalisation": "layer"},
            "normalisation is one of instance, batch, got 'layer'.",
        ),
        (
            {"shape": (16, 16, 1), "activation": "gelu"},
            "activation is one of relu, leaky_relu, got 'gelu'.",
        ),
    ],
)
def test_what_cannot_be_built_is_said(settings, says):
    with pytest.raises(MedlabError) as refusal:
        build(**settings)
    assert str(refusal.value) == says


def test_a_patch_can_be_chosen_by_the_templates_own_arguments():
    settings = {"widths": (8, 16, 32), "strides": [[2, 2, 1], 2], "residual": "M"}
    assert size_multiples(3, **settings) == (4, 4, 2)
    assert size_multiples(2, widths=(8, 16, 32, 64)) == (8, 8)
