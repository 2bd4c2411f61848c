"""Building blocks that templates share: convolutions with their normalisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from medlab.backend import keras, layers
from medlab.errors import MedlabError

_NORMALISATIONS = ("instance", "batch")
_ACTIVATIONS = ("relu", "leaky_relu")
_LEAK = 0.01


@dataclass(frozen=True)
class Blocks:
    """Blocks of one rank and one taste.

    Args:
        rank: 2 for slices, 3 for volumes.
        normalisation: `instance`: image by image, for batches too small for batch
            statistics; or `batch`.
        activation: `relu`, or `leaky_relu` with a slope of 0.01 below 0.
    """

    rank: int
    normalisation: str = "instance"
    activation: str = "relu"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("normalisation", self.normalisation, _NORMALISATIONS),
            ("activation", self.activation, _ACTIVATIONS),
        ):
            if value not in allowed:
                raise MedlabError(
                    f"{name} is one of {', '.join(allowed)}, got {value!r}.",
                    code="bad-template-args",
                )

    @property
    def convolution(self) -> Any:
        return {2: layers.Conv2D, 3: layers.Conv3D}[self.rank]

    @property
    def up(self) -> Any:
        return {2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}[self.rank]

    @property
    def max_pool(self) -> Any:
        return {2: layers.MaxPooling2D, 3: layers.MaxPooling3D}[self.rank]

    @property
    def average_pool(self) -> Any:
        return {2: layers.AveragePooling2D, 3: layers.AveragePooling3D}[self.rank]

    @property
    def drop(self) -> Any:
        return {2: layers.SpatialDropout2D, 3: layers.SpatialDropout3D}[self.rank]

    def plain(
        self, x: keras.KerasTensor, width: int, kernel: Sequence[int], count: int
    ) -> keras.KerasTensor:
        """Convolve, normalise, activate, so many times."""
        for _ in range(count):
            x = self._active(self._normalised(self._convolved(x, width, kernel)))
        return x

    def residual(
        self,
        x: keras.KerasTensor,
        width: int,
        kernel: Sequence[int],
        strides: Sequence[int],
    ) -> keras.KerasTensor:
        """Two convolutions beside a short cut; strides act in the first.

        Source:
            He et al., 2016, https://arxiv.org/abs/1512.03385, with the short cut of
            He et al., 2019, https://arxiv.org/abs/1812.01187 (ResNet-D): an average,
            then a 1-wide convolution where the width changes.
        """
        short = x
        if any(stride > 1 for stride in strides):
            short = self.average_pool(tuple(strides))(short)
        if x.shape[-1] != width:
            short = self._normalised(self._convolved(short, width, (1,) * self.rank))
        x = self._convolved(x, width, kernel, strides=tuple(strides))
        x = self._convolved(self._active(self._normalised(x)), width, kernel)
        return self._active(layers.Add()([self._normalised(x), short]))

    def _convolved(
        self, x: keras.KerasTensor, width: int, kernel: Sequence[int], **more: Any
    ) -> keras.KerasTensor:
        # The normalisation that follows would take a bias away again.
        settings = {"padding": "same", "use_bias": False, **more}
        return self.convolution(width, tuple(kernel), **settings)(x)

    def _normalised(self, x: keras.KerasTensor) -> keras.KerasTensor:
        layer = {
            "instance": partial(layers.GroupNormalization, groups=-1),
            "batch": layers.BatchNormalization,
        }[self.normalisation]()
        return layer(x)

    def _active(self, x: keras.KerasTensor) -> keras.KerasTensor:
        if self.activation == "leaky_relu":
            return layers.LeakyReLU(negative_slope=_LEAK)(x)
        return layers.Activation("relu")(x)
