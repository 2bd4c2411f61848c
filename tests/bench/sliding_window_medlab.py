"""Worker of `sliding_window`: medlab's, on the same network of stock Keras layers."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from medlab.backend import keras, layers
from medlab.infer import sliding_window
from medlab.infer._network import networks
from medlab.infer._sliding_window import window_labels
from medlab.infer._window import Window
from tests.bench.interleave import serve

WIDTHS = (32, 32, 64, 128, 256, 32)


def main() -> None:
    folder, *size, patch, wanted = sys.argv[1:]
    model = basic_unet()
    load(model, dict(np.load(Path(folder) / "weights.npz")))
    sides = (int(patch),) * 3
    rng = np.random.default_rng(0)
    two = rng.normal(size=(*sides[:2], sides[2] * 3 // 2)).astype("float32")
    volume = rng.normal(size=tuple(map(int, size))).astype("float32")[..., None]
    np.save(Path(folder) / "medlab.npy", sliding_window(model, two[..., None], sides))

    def labels() -> Any:
        looks = networks([model])
        return window_labels(looks, volume[None], Window(sides), classes=2)

    def probabilities() -> Any:
        return sliding_window(model, volume, sides)

    step = {"labels": labels, "probabilities": probabilities}[wanted]
    serve(lambda: step() is None, warm=1)


def basic_unet() -> keras.Model:
    """MONAI's BasicUNet, its layers named as MONAI names their weights."""

    def two(x: Any, width: int, name: str) -> Any:
        for n in (0, 1):
            x = layers.Conv3D(width, 3, padding="same", name=f"{name}.conv_{n}.conv")(x)
            norm = f"{name}.conv_{n}.adn.N"
            x = layers.GroupNormalization(groups=-1, epsilon=1e-5, name=norm)(x)
            x = layers.LeakyReLU(negative_slope=0.1)(x)
        return x

    image = keras.Input((None, None, None, 1))
    steps = [two(image, WIDTHS[0], "conv_0")]
    for n in range(1, 5):
        pooled = layers.MaxPooling3D(2)(steps[-1])
        steps.append(two(pooled, WIDTHS[n], f"down_{n}.convs"))
    x = steps.pop()
    for n in (4, 3, 2, 1):
        width = x.shape[-1] // 2 if n > 1 else x.shape[-1]
        name = f"upcat_{n}.upsample.deconv"
        x = layers.Conv3DTranspose(width, 2, strides=2, name=name)(x)
        x = layers.Concatenate()([steps.pop(), x])
        x = two(x, WIDTHS[n - 1] if n > 1 else WIDTHS[5], f"upcat_{n}.convs")
    return keras.Model(image, layers.Conv3D(2, 1, name="final_conv")(x))


def load(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    """Copy PyTorch's weights, whose kernels have the channels first."""
    for layer in model.layers:
        if layer.weights:
            first, bias = (
                weights[f"{layer.name}.{kind}"] for kind in ("weight", "bias")
            )
            if (
                first.ndim > 1
            ):  # (out, in, ...), transposed (in, out, ...): ours reversed
                first = np.moveaxis(first, (0, 1), (-1, -2))
            layer.set_weights([first, bias])


if __name__ == "__main__":
    main()
