"""U-Net: labels every pixel of a slice, or every voxel of a volume.

Source:
    Ronneberger et al., 2015, https://arxiv.org/abs/1505.04597
    Çiçek et al., 2016 (the 3D form), https://arxiv.org/abs/1606.06650
"""

from collections.abc import Sequence

from medlab.backend import keras, layers
from medlab.errors import MedlabError


def unet(
    shape: Sequence[int | None],
    *,
    classes: int,
    widths: Sequence[int] = (16, 32, 64, 128),
    convolutions: int = 2,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a U-Net.

    Args:
        shape: One input without the batch axis: a slice `(I, J, C)` or a volume
            `(I, J, K, C)`. I, J and K are multiples of `2 ** (len(widths) - 1)`, or
            None for any such multiple.
        classes: Number of labels, background included.
        widths: Channels at each resolution, finest first. Each step halves I, J and K.
        convolutions: 3-wide convolutions at each resolution, on the way down and up.
        dropout: Share of channels set to zero at the coarsest resolution.

    Returns:
        A model from images `(B, I, J[, K], C)` to logits `(B, I, J[, K], classes)`.

    Raises:
        MedlabError: If the input cannot be halved that often, or has no such shape.

    Example:
        >>> unet((32, 32, 1), classes=3, widths=(4, 8)).output_shape
        (None, 32, 32, 3)
    """
    _check(tuple(shape), classes, tuple(widths))
    rank = len(shape) - 1
    pool = {2: layers.MaxPooling2D, 3: layers.MaxPooling3D}[rank]
    grow = {2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}[rank]
    convolve = {2: layers.Conv2D, 3: layers.Conv3D}[rank]
    drop = {2: layers.SpatialDropout2D, 3: layers.SpatialDropout3D}[rank]

    def block(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
        # Normalised image by image: a batch here is too small for batch statistics.
        for _ in range(convolutions):
            x = convolve(width, 3, padding="same", use_bias=False)(x)
            x = layers.GroupNormalization(groups=-1)(x)
            x = layers.Activation("relu")(x)
        return x

    image = keras.Input(shape, name="image")
    x, skips = image, []
    for width in widths[:-1]:
        x = block(x, width)
        skips.append(x)
        x = pool()(x)
    x = block(x, widths[-1])
    if dropout:
        x = drop(dropout)(x)
    for width, skip in zip(widths[-2::-1], reversed(skips), strict=True):
        x = grow(width, 2, strides=2)(x)
        x = block(layers.Concatenate()([x, skip]), width)
    logits = convolve(classes, 1, name="logits")(x)
    return keras.Model(image, logits, name="unet")


def _check(
    shape: tuple[int | None, ...], classes: int, widths: tuple[int, ...]
) -> None:
    if len(shape) not in (3, 4):
        raise MedlabError(
            "A U-Net takes slices (I, J, C) or volumes (I, J, K, C), got the shape "
            f"{shape}. The last number counts channels: add a 1 for a plain scan.",
            code="bad-shape",
        )
    if classes < 2 or not widths:
        raise MedlabError(
            "A U-Net needs at least 2 classes (background and one segment) and one "
            f"width, got classes={classes} and widths={widths}.",
            code="bad-shape",
        )
    multiple = 2 ** (len(widths) - 1)
    if any(size is not None and (size % multiple or size < 1) for size in shape[:-1]):
        axes = "I and J" if len(shape) == 3 else "I, J and K"
        raise MedlabError(
            f"A U-Net with {len(widths)} widths needs {axes} to be multiples of "
            f"{multiple}, got {shape[:-1]}. Crop or pad the scans, or pass fewer "
            "widths.",
            code="bad-shape",
        )
