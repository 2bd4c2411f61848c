"""What a training step of a U-Net needs: memory, arithmetic, and so time.

Counted from the layers, not measured: a plan tries many patches, and compiling one takes
seconds. A test holds the count against the memory that XLA plans for the real step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from medlab.planning._topology import Topology

_MAPS_A_CONVOLUTION = 2
"""Kept for the way back: what the normalisation takes, and what it gives."""
_MAPS_IN_PASSING = 4
"""Of the finest resolution, alive at once on the way back besides what is kept."""
_MAPS_A_CLASS = 4
"""Logits, probabilities, one-hot labels and a gradient, for each class."""
_COPIES_OF_WEIGHTS = {"sgd": 3, "adam": 4, "adamw": 4}
"""The weights, their gradients, and what the optimiser remembers."""


@dataclass(frozen=True)
class Cost:
    """Of one step.

    Args:
        parameters: How many weights the model has.
        memory_bytes: Weights, optimiser and activations.
        operations: Floating point operations.
    """

    parameters: int
    memory_bytes: int
    operations: float


def step_cost(
    patch: Sequence[int],
    batch: int,
    steps: Topology,
    widths: Sequence[int],
    *,
    channels: int,
    classes: int,
    convolutions: int = 2,
    value_bytes: int = 4,
    optimizer: str = "adamw",
) -> Cost:
    """Count a training step of `medlab.models.unet`.

    Args:
        patch: Sides in voxels.
        batch: Patches a step.
        steps: Strides and kernels.
        widths: Channels at each resolution, finest first.
        channels: Of the scans.
        classes: Background included.
        convolutions: At each resolution, on the way down and up.
        value_bytes: 4 for float32, 2 for bfloat16.
        optimizer: As in a recipe.
    """
    voxels = [float(batch * math.prod(patch))]
    for stride in steps.strides:
        voxels.append(voxels[-1] / math.prod(stride))
    values, parameters, operations = 0.0, 0, 0.0

    def convolve(level: int, inputs: int, outputs: int, taps: int) -> None:
        nonlocal values, parameters, operations
        parameters += taps * inputs * outputs
        operations += 2.0 * taps * inputs * outputs * voxels[level]

    inputs = channels
    for level, (width, kernel) in enumerate(zip(widths, steps.kernels, strict=True)):
        for _ in range(convolutions):
            convolve(level, inputs, width, math.prod(kernel))
            parameters += 2 * width  # of the normalisation
            values += _MAPS_A_CONVOLUTION * width * voxels[level]
            inputs = width
    for level in range(len(widths) - 2, -1, -1):
        width, kernel = widths[level], steps.kernels[level]
        taps = math.prod(steps.strides[level])
        convolve(level + 1, inputs, width, taps)
        parameters += width
        # What was up-sampled, and the same beside what was kept on the way down.
        values += 3 * width * voxels[level]
        inputs = 2 * width
        for _ in range(convolutions):
            convolve(level, inputs, width, math.prod(kernel))
            parameters += 2 * width  # of the normalisation
            values += _MAPS_A_CONVOLUTION * width * voxels[level]
            inputs = width
    convolve(0, inputs, classes, 1)
    parameters += classes
    values += _MAPS_IN_PASSING * max(
        width * count for width, count in zip(widths, voxels, strict=True)
    )
    memory = values * value_bytes + _MAPS_A_CLASS * classes * voxels[0] * 4
    memory += parameters * 4 * _COPIES_OF_WEIGHTS[optimizer]
    # Forward, and the gradients of inputs and of weights.
    return Cost(parameters, int(memory), 3 * operations)
