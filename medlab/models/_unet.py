"""U-Net: labels every pixel of a slice, or every voxel of a volume.

Source:
    Ronneberger et al., 2015, https://arxiv.org/abs/1505.04597
    Çiçek et al., 2016 (the 3D form), https://arxiv.org/abs/1606.06650
"""

from collections.abc import Sequence
from typing import Any

from medlab.backend import keras
from medlab.backend import layers as keras_layers
from medlab.errors import MedlabError
from medlab.models._attention import attention_gate
from medlab.models._blocks import Blocks
from medlab.models._steps import Sizes, read_kernels, read_strides, size_multiples

RESIDUAL_BLOCKS = {"M": (1, 3, 4, 6, 6, 6), "L": (1, 3, 4, 6, 6, 6)}
"""Blocks at each resolution of the residual encoders. M and L are the same network: they
differ in the patch and batch that a plan chooses for 8 and 24 GB of memory."""


def unet(
    shape: Sequence[int | None],
    *,
    classes: int,
    widths: Sequence[int] = (16, 32, 64, 128),
    convolutions: int = 2,
    dropout: float = 0.0,
    strides: Sequence[Any] | None = None,
    kernels: Sequence[Any] | None = None,
    residual: bool | str | Sequence[int] = False,
    attention: bool = False,
    deep_supervision: bool = False,
    normalisation: str = "instance",
    activation: str = "relu",
) -> keras.Model:
    """Build a U-Net: plain, with a residual encoder, attention gates, several heads.

    Args:
        shape: One input without the batch axis: a slice `(I, J, C)` or a volume
            `(I, J, K, C)`. I, J and K are multiples of the product of the strides along
            them, `2 ** (len(widths) - 1)` by default, or None for any such multiple.
        classes: Number of labels, background included; or of regions, 2 at least.
        widths: Channels at each resolution, finest first.
        convolutions: 3-wide convolutions at each resolution, on the way down and up.
        dropout: Share of channels set to zero at the coarsest resolution.
        strides: By how much each step between two widths shrinks I, J and K: a number
            or one an axis, such as `[[1, 2, 2], 2]`. None: 2.
        kernels: Size of the convolutions at each resolution, likewise. None: 3.
        residual: Residual blocks on the way down, strided, and one convolution a
            resolution on the way up: `"M"` or `"L"` (or True) for the presets of
            `RESIDUAL_BLOCKS`, or blocks at each resolution. Use leaky ReLU with it.
        attention: Gate each skip connection.
        deep_supervision: A head at each resolution but the coarsest. The model then
            gives a list of logits, finest first; see `inference_model`.
        normalisation: `instance` or `batch`.
        activation: `relu` or `leaky_relu`.

    Returns:
        A model from images `(B, I, J[, K], C)` to logits `(B, I, J[, K], classes)`.

    Raises:
        MedlabError: If the input cannot be shrunk that often, or has no such shape, or
            strides, kernels or blocks do not fit the widths.

    Source:
        Residual encoders: Isensee et al., 2024, https://arxiv.org/abs/2404.09556, and
        nnU-Net's planner of the presets. Deep supervision: Isensee et al., 2021,
        https://doi.org/10.1038/s41592-020-01008-z. Gates: see `attention_gate`.

    Example:
        >>> unet((32, 32, 1), classes=3, widths=(4, 8)).output_shape
        (None, 32, 32, 3)
    """
    _check(tuple(shape), classes, tuple(widths))
    rank = len(shape) - 1
    steps = read_strides(strides, len(widths) - 1, rank)
    sizes = read_kernels(kernels, len(widths), rank)
    _check_multiples(tuple(shape), tuple(widths), steps)
    blocks = Blocks(rank, normalisation, activation)
    counts = _residual_blocks(residual, len(widths))

    image = keras.Input(shape, name="image")
    if counts:
        skips = _residual_encoder(image, widths, sizes, steps, counts, blocks)
    else:
        skips = _plain_encoder(image, widths, sizes, steps, convolutions, blocks)
    x = skips.pop()
    if dropout:
        x = blocks.drop(dropout)(x)
    finished = []
    for level in reversed(range(len(skips))):
        width, step = widths[level], steps[level]
        x = blocks.up(width, step, strides=step)(x)
        skip = attention_gate(skips[level], x, blocks) if attention else skips[level]
        x = keras_layers.Concatenate()([x, skip])
        x = blocks.plain(x, width, sizes[level], 1 if counts else convolutions)
        finished.append(x)
    logits = [blocks.convolution(classes, 1, name="logits")(x)]
    if deep_supervision:
        for depth, features in enumerate(finished[-2::-1], start=1):
            head = blocks.convolution(classes, 1, name=f"logits_{depth}")
            logits.append(head(features))
    return keras.Model(image, logits if len(logits) > 1 else logits[0], name="unet")


def _plain_encoder(
    x: keras.KerasTensor,
    widths: Sequence[int],
    sizes: list[Sizes],
    steps: list[Sizes],
    convolutions: int,
    blocks: Blocks,
) -> list[keras.KerasTensor]:
    found = []
    for level, width in enumerate(widths):
        if level:
            x = blocks.max_pool(steps[level - 1])(x)
        x = blocks.plain(x, width, sizes[level], convolutions)
        found.append(x)
    return found


def _residual_encoder(
    x: keras.KerasTensor,
    widths: Sequence[int],
    sizes: list[Sizes],
    steps: list[Sizes],
    counts: Sequence[int],
    blocks: Blocks,
) -> list[keras.KerasTensor]:
    still = (1,) * blocks.rank
    x = blocks.plain(x, widths[0], sizes[0], 1)
    found = []
    for level, width in enumerate(widths):
        for number in range(counts[level]):
            shrinks = level and not number
            stride = steps[level - 1] if shrinks else still
            x = blocks.residual(x, width, sizes[level], stride)
        found.append(x)
    return found


def _residual_blocks(
    residual: bool | str | Sequence[int], levels: int
) -> tuple[int, ...]:
    """How many residual blocks each resolution has; none for a plain encoder."""
    if residual is False or residual is None:
        return ()
    preset = RESIDUAL_BLOCKS.get("M" if residual is True else str(residual))
    if preset:
        # Deeper networks go on with the last number.
        return (*preset, *preset[-1:] * levels)[:levels]
    counts = tuple(residual) if isinstance(residual, (list, tuple)) else ()
    if len(counts) != levels or any(not isinstance(n, int) or n < 1 for n in counts):
        raise MedlabError(
            f"residual is False, one of {', '.join(RESIDUAL_BLOCKS)}, or a number of "
            f"blocks for each of the {levels} widths, got {residual!r}.",
            code="bad-template-args",
        )
    return counts


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


def _check_multiples(
    shape: tuple[int | None, ...], widths: tuple[int, ...], steps: list[Sizes]
) -> None:
    sizes = shape[:-1]
    multiples = size_multiples(len(sizes), widths=widths, strides=steps)
    if any(
        size is not None and (size < 1 or size % multiple)
        for size, multiple in zip(sizes, multiples, strict=True)
    ):
        axes = "I and J" if len(sizes) == 2 else "I, J and K"
        told = [str(multiple) for multiple in multiples]
        alike = len(set(told)) == 1
        wanted = told[0] if alike else f"{', '.join(told[:-1])} and {told[-1]}"
        raise MedlabError(
            f"A U-Net with {len(widths)} widths needs {axes} to be multiples of "
            f"{wanted}, got {sizes}. Crop or pad the scans, or pass fewer "
            f"widths{'' if alike else ' or smaller strides'}.",
            code="bad-shape",
        )
