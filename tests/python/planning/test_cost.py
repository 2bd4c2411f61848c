"""The counted cost of a step, held against the model and against XLA's own account."""

import pytest

from medlab.backend import jax
from medlab.models import unet
from medlab.ops import with_path
from medlab.planning._cost import step_cost
from medlab.planning._network import widths_of
from medlab.planning._topology import Topology, topology
from medlab.train.losses import make_loss

FACTOR = 1.5
"""The estimate is right within this factor, to either side."""


def built(patch, spacing_mm, base=8, classes=3):
    steps = topology(patch, spacing_mm)
    widths = widths_of(base, len(steps.kernels), len(patch))
    model = unet(
        (*patch, 1),
        classes=classes,
        widths=widths,
        strides=[list(s) for s in steps.strides],
        kernels=[list(k) for k in steps.kernels],
    )
    return model, steps, widths


@pytest.mark.parametrize(
    ("patch", "spacing_mm"), [((64, 48), (1, 1)), ((32, 32, 16), (1, 1, 4))]
)
def test_weights_are_counted_to_the_last_one(patch, spacing_mm):
    model, steps, widths = built(patch, spacing_mm)
    cost = step_cost(patch, 2, steps, widths, channels=1, classes=3)
    assert cost.parameters == model.count_params()


def test_memory_is_what_xla_plans_for_the_step_within_the_stated_factor():
    jnp, patch, batch = jax.numpy, (32, 32, 32), 2
    model, steps, widths = built(patch, (1, 1, 1))
    loss = make_loss("dice+cross-entropy", classes=3)
    others = [variable.value for variable in model.non_trainable_variables]

    def train_step(weights, first, second, images, labels):
        def judged(weights):
            logits, _ = model.stateless_call(weights, others, images, training=True)
            return loss(labels, logits)

        gradients = jax.grad(judged)(weights)
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
        second = [0.9 * v + 0.1 * g * g for v, g in zip(second, gradients, strict=True)]
        moved = [
            w - 1e-3 * m / (jnp.sqrt(v) + 1e-8)
            for w, m, v in zip(weights, first, second, strict=True)
        ]
        return moved, first, second

    weights = [variable.value for variable in model.trainable_variables]
    images = jnp.zeros((batch, *patch, 1))
    labels = jnp.zeros((batch, *patch), "int32")
    with with_path("stock"):
        program = jax.jit(train_step, donate_argnums=(0, 1, 2))
        told = program.lower(weights, weights, weights, images, labels).compile()
    account = told.memory_analysis()
    planned = account.argument_size_in_bytes + account.temp_size_in_bytes

    estimate = step_cost(patch, batch, steps, widths, channels=1, classes=3)

    assert planned / FACTOR < estimate.memory_bytes < planned * FACTOR


def test_arithmetic_is_that_of_the_network_measured_for_speed():
    # A 2D U-Net of 7.8 million weights at 256 x 256, batch 8: 612 GFLOP a step.
    steps = Topology(((2, 2),) * 4, ((3, 3),) * 5)
    cost = step_cost(
        (256, 256), 8, steps, [32, 64, 128, 256, 512], channels=1, classes=2
    )
    assert cost.parameters == pytest.approx(7.8e6, rel=0.01)
    assert cost.operations == pytest.approx(612e9, rel=0.1)


def test_half_as_wide_numbers_take_half_the_activations():
    steps = topology((64, 64, 64), (1, 1, 1))
    widths = widths_of(8, len(steps.kernels), 3)
    full, half = (
        step_cost(
            (64,) * 3, 2, steps, widths, channels=1, classes=2, value_bytes=size
        ).memory_bytes
        for size in (4, 2)
    )
    assert 0.45 < half / full < 0.65
