"""Attention gates: what the coarse part of a U-Net makes of a skip connection."""

from medlab.backend import keras, layers
from medlab.models._blocks import Blocks


def attention_gate(
    skip: keras.KerasTensor, coarse: keras.KerasTensor, blocks: Blocks
) -> keras.KerasTensor:
    """Fade out the voxels of a skip connection that do not matter.

    Args:
        skip: Features on the way down.
        coarse: Features on the way up, brought to the same size.
        blocks: Of the template.

    Returns:
        The skip, each voxel times a number between 0 and 1.

    Source:
        Oktay et al., 2018, https://arxiv.org/abs/1804.03999, eqs. 1 and 2, at the
        resolution of the skip, so that nothing is interpolated.
    """
    width = max(1, skip.shape[-1] // 2)
    seen = blocks.convolution(width, 1)(skip)
    asked = blocks.convolution(width, 1, use_bias=False)(coarse)
    together = layers.Activation("relu")(layers.Add()([seen, asked]))
    gate = blocks.convolution(1, 1, activation="sigmoid")(together)
    return layers.Multiply()([skip, gate])
