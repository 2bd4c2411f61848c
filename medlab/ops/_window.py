"""Where a convolution's kernel stands: strides, padding, dilation and groups, in full.

The public function takes short forms (`strides=2`, `padding="same"`); everything below it
works with a `Window`, which is hashable and so can be a static argument in JAX.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medlab.errors import MedlabError

Padding = str | Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Window:
    """A kernel's geometry, one entry a spatial axis.

    Attributes:
        strides: Steps between two outputs, in voxels.
        padding: Zeros before and after each axis, in voxels; none is negative.
        dilation: Steps between two taps of the kernel, in voxels.
        groups: Parts the channels are split in.
    """

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def is_plain(self) -> bool:
        """No strides, no dilation, no groups."""
        return {*self.strides, *self.dilation, self.groups} == {1}

    def output_sizes(
        self, sizes: Sequence[int], kernel_sizes: Sequence[int]
    ) -> tuple[int, ...]:
        """Sizes of the spatial axes after the convolution, in voxels."""
        return tuple(
            max(0, (size + lo + hi - (kernel - 1) * dilation - 1) // stride + 1)
            for size, kernel, stride, (lo, hi), dilation in zip(
                sizes,
                kernel_sizes,
                self.strides,
                self.padding,
                self.dilation,
                strict=True,
            )
        )


def window_of(
    x_shape: Sequence[int],
    kernel_shape: Sequence[int],
    strides: int | Sequence[int],
    padding: Padding,
    dilation: int | Sequence[int],
    groups: int,
) -> Window:
    """The `Window` that the short forms mean for these shapes.

    Raises:
        MedlabError: If shapes and settings do not fit together.
    """
    rank = len(x_shape) - 2
    if rank not in (2, 3) or len(kernel_shape) != rank + 2:
        raise MedlabError(
            "convolve needs x as (B, H, W, C) or (B, H, W, D, C) and a kernel with as "
            f"many axes, got {len(x_shape)} and {len(kernel_shape)} axes. Add or drop "
            "an axis with reshape.",
            code="bad-convolution",
        )
    channels, inputs, outputs = x_shape[-1], *kernel_shape[-2:]
    if groups < 1 or channels != inputs * groups or outputs % groups:
        raise MedlabError(
            f"A kernel of shape {tuple(kernel_shape)} in {groups} group(s) needs "
            f"{inputs * groups} input channels and a number of outputs that the groups "
            f"divide, got {channels} channels. Check kernel and groups.",
            code="bad-convolution",
        )
    steps = _one_an_axis("strides", strides, rank)
    spread = _one_an_axis("dilation", dilation, rank)
    sizes, kernels = x_shape[1:-1], kernel_shape[:-2]
    if isinstance(padding, str):
        pads = _named_padding(padding.lower(), sizes, kernels, steps, spread)
    else:
        pads = tuple((int(lo), int(hi)) for lo, hi in padding)
        if len(pads) != rank or any(min(pair) < 0 for pair in pads):
            raise MedlabError(
                f"padding needs {rank} pairs of numbers from 0 up, got {pads}. Crop x "
                "before the convolution instead of padding with less than nothing.",
                code="bad-convolution",
            )
    return Window(steps, pads, spread, groups)


def _one_an_axis(name: str, value: Any, rank: int) -> tuple[int, ...]:
    entries = (value,) * rank if isinstance(value, int) else tuple(map(int, value))
    if len(entries) != rank or min(entries) < 1:
        raise MedlabError(
            f"{name} needs one number from 1 up, or {rank} of them, got {value}. "
            "Write one number for all axes.",
            code="bad-convolution",
        )
    return entries


def _named_padding(
    name: str,
    sizes: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    if name == "valid":
        return ((0, 0),) * len(sizes)
    if name != "same":
        raise MedlabError(
            f'padding is "same", "valid" or pairs of numbers, got "{name}". '
            'Write "same" to keep the size.',
            code="bad-convolution",
        )
    pads = []
    for size, kernel, stride, spread in zip(
        sizes, kernels, strides, dilation, strict=True
    ):
        reach = (math.ceil(size / stride) - 1) * stride + (kernel - 1) * spread + 1
        total = max(0, reach - size)
        pads.append((total // 2, total - total // 2))
    return tuple(pads)
