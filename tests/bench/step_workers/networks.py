"""The networks of the benchmark in Keras, with stock layers only."""

from collections.abc import Sequence
from typing import Any

from medlab.backend import jax, keras, layers

jnp = jax.numpy


def basic_unet(dims: int, size: int, widths: Sequence[int]) -> keras.Model:
    """MONAI's BasicUNet: `(B, *size, 1)` to logits `(B, *size, 2)`."""
    convolve = getattr(layers, f"Conv{dims}D")
    grow = getattr(layers, f"Conv{dims}DTranspose")
    pool = getattr(layers, f"MaxPooling{dims}D")

    def two_convolutions(x: Any, width: int, block: str) -> Any:
        for i in (0, 1):
            x = convolve(width, 3, padding="same", name=f"{block}-conv{i}")(x)
            norm = layers.GroupNormalization(
                groups=-1, epsilon=1e-5, name=f"{block}-norm{i}"
            )
            x = layers.LeakyReLU(negative_slope=0.1)(norm(x))
        return x

    x = image = keras.Input((*[size] * dims, 1))
    skips = []
    for i in range(5):
        x = two_convolutions(pool()(x) if i else x, widths[i], f"down{i}")
        skips.append(x)
    for i in (4, 3, 2, 1):
        channels = x.shape[-1] // 2 if i > 1 else x.shape[-1]
        x = grow(channels, 2, strides=2, name=f"up{i}-grow")(x)
        x = layers.Concatenate()([skips[i - 1], x])
        x = two_convolutions(x, widths[i - 1] if i > 1 else widths[5], f"up{i}")
    return keras.Model(image, convolve(2, 1, name="logits")(x))


def residual_unet(dims: int, size: int, widths: Sequence[int]) -> keras.Model:
    """MONAI's UNet with two residual units a level: strides instead of pooling."""
    convolve = getattr(layers, f"Conv{dims}D")
    grow = getattr(layers, f"Conv{dims}DTranspose")
    every_axis = list(range(1, dims + 2))

    def normalised(x: Any) -> Any:
        x = layers.GroupNormalization(-1, epsilon=1e-5, center=False, scale=False)(x)
        return layers.PReLU(alpha_initializer="zeros", shared_axes=every_axis)(x)

    def unit(x: Any, width: int, strides: int) -> Any:
        taps = 3 if strides > 1 else 1
        beside = convolve(width, taps, strides=strides, padding="same")(x)
        for step in (strides, 1):
            x = normalised(convolve(width, 3, strides=step, padding="same")(x))
        return layers.Add()([x, beside])

    def level(x: Any, index: int) -> Any:
        if index == len(widths) - 1:
            return unit(x, widths[index], 1)
        down = unit(x, widths[index], 2)
        x = layers.Concatenate()([down, level(down, index + 1)])
        width = widths[index - 1] if index else 2
        x = normalised(grow(width, 3, strides=2, padding="same")(x))
        beside, x = x, convolve(width, 3, padding="same")(x)
        return layers.Add()([x if index == 0 else normalised(x), beside])

    image = keras.Input((*[size] * dims, 1))
    return keras.Model(image, level(image, 0))


def resnet(dims: int, size: int, widths: Sequence[int]) -> keras.Model:
    """A residual classifier with batch normalisation: `(B, *size, 1)` to 2 logits."""
    convolve = getattr(layers, f"Conv{dims}D")

    def normalised(x: Any) -> Any:
        return layers.BatchNormalization()(x)

    def block(x: Any, width: int, strides: int) -> Any:
        beside = x
        if strides > 1 or x.shape[-1] != width:
            beside = normalised(convolve(width, 1, strides=strides, use_bias=False)(x))
        for step, last in ((strides, False), (1, True)):
            x = convolve(width, 3, strides=step, padding="same", use_bias=False)(x)
            x = normalised(x)
            x = x if last else layers.ReLU()(x)
        return layers.ReLU()(layers.Add()([x, beside]))

    image = keras.Input((*[size] * dims, 1))
    x = convolve(widths[0], 7, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU()(normalised(x))
    x = getattr(layers, f"MaxPooling{dims}D")(3, 2, padding="same")(x)
    for i, width in enumerate(widths):
        x = block(block(x, width, 2 if i else 1), width, 1)
    x = getattr(layers, f"GlobalAveragePooling{dims}D")()(x)
    return keras.Model(image, layers.Dense(2)(x))


def dice_and_cross_entropy(labels: Any, logits: Any) -> Any:
    """What MONAI's DiceCELoss(to_onehot_y=True, softmax=True) computes.

    Args:
        labels: `(B, *size, 1)`, whole numbers.
        logits: `(B, *size, classes)`.
    """
    logged = jax.nn.log_softmax(logits)
    shares = jnp.exp(logged)
    hot = jax.nn.one_hot(labels[..., 0].astype("int32"), logits.shape[-1])
    axes = tuple(range(1, logits.ndim - 1))
    overlap, total = (shares * hot).sum(axes), (shares + hot).sum(axes)
    dice = (1 - (2 * overlap + 1e-5) / (total + 1e-5)).mean()
    return dice - (hot * logged).sum(-1).mean()
