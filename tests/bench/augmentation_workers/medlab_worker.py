"""Worker of `augmentation`: medlab's."""

import itertools
import sys

import numpy as np

from medlab.augment import Augmentation, augment_batch
from medlab.backend import jax
from tests.bench.augmentation_workers.sample import SHAPES, made
from tests.bench.interleave import serve

LIMITS = Augmentation.of(
    {
        "preset": "none",
        "flip_p": 0.5,
        "turn_deg": 15,
        "scale": 0.1,
        "bend": 0.04,
        "gamma": 0.3,
        "contrast": 0.2,
        "noise": 0.1,
    }
)


def main() -> None:
    rank, batch = map(int, sys.argv[1:])
    image, labels = made(SHAPES[rank])
    images = jax.device_put(np.repeat(image[None, ..., None], batch, 0))
    labels = jax.device_put(np.repeat(labels[None], batch, 0).astype(np.int32))
    epochs = itertools.count()

    def step() -> float:
        found = augment_batch(
            0, next(epochs), np.arange(batch), images, labels, limits=LIMITS
        )
        jax.block_until_ready(found)
        return float((found[1][0] != labels[0]).mean())

    serve(step, {"changed": f"{step():.2f} of the labels differ"})


if __name__ == "__main__":
    main()
