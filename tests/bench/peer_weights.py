"""Copies the weights of MONAI's BasicUNet into the same network in Keras.

Runs on both sides: the Python that has PyTorch writes a state dict with `np.savez`, the
Python that has Keras reads it. Only NumPy is imported here.
"""

from typing import Any

import numpy as np


def basic_unet_weights(state: Any) -> dict[str, list[np.ndarray]]:
    """Sort MONAI's weights by the names of the layers in `step_workers.networks`.

    Args:
        state: MONAI's names to arrays, such as what `np.load` gives.

    Returns:
        What `set_weights` of each layer takes. Kernels move from PyTorch's `(Cout, Cin,
        ...)` to Keras' `(..., Cin, Cout)`; transposed ones from `(Cin, Cout, ...)` to
        `(..., Cout, Cin)`.
    """
    found: dict[str, list[np.ndarray]] = {}

    def convolution(layer: str, name: str) -> None:
        kernel = np.moveaxis(state[f"{name}.weight"], (0, 1), (-1, -2))
        found[layer] = [kernel, state[f"{name}.bias"]]

    def two_convolutions(block: str, name: str) -> None:
        for i in (0, 1):
            convolution(f"{block}-conv{i}", f"{name}.conv_{i}.conv")
            norm = f"{name}.conv_{i}.adn.N"
            found[f"{block}-norm{i}"] = [state[f"{norm}.weight"], state[f"{norm}.bias"]]

    two_convolutions("down0", "conv_0")
    for i in (1, 2, 3, 4):
        two_convolutions(f"down{i}", f"down_{i}.convs")
        # (Cin, Cout, ...) to (..., Cout, Cin): the same move as above.
        convolution(f"up{i}-grow", f"upcat_{i}.upsample.deconv")
        two_convolutions(f"up{i}", f"upcat_{i}.convs")
    convolution("logits", "final_conv")
    return found
