"""Worker: one training step of a network in Keras, with stock layers or medlab's.

    python -m tests.bench.step_workers.keras_step CASE.npz --network basic-unet
        --dims 3 --layers medlab [--through fit] [--recompute]

CASE.npz holds the batch, and MONAI's weights for `basic-unet`.
"""

import argparse
import time
from typing import Any

import numpy as np

from medlab.backend import jax, keras
from tests.bench.interleave import serve
from tests.bench.peer_weights import basic_unet_weights
from tests.bench.step_workers import networks

BUILDERS = {
    "basic-unet": networks.basic_unet,
    "residual-unet": networks.residual_unet,
    "resnet": networks.resnet,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case")
    parser.add_argument("--network", choices=BUILDERS, required=True)
    parser.add_argument("--dims", type=int, choices=(2, 3), required=True)
    parser.add_argument("--layers", choices=("stock", "medlab"), required=True)
    parser.add_argument("--through", choices=("train_on_batch", "fit"))
    parser.add_argument("--recompute", action="store_true")
    asked = parser.parse_args()

    keras.utils.set_random_seed(0)
    case = np.load(asked.case)
    images, labels = case["images"], case["labels"]
    model = BUILDERS[asked.network](
        asked.dims, images.shape[1], case["widths"].tolist()
    )
    loss: Any = networks.dice_and_cross_entropy
    if asked.network == "basic-unet":
        for name, weights in basic_unet_weights(case).items():
            model.get_layer(name).set_weights(weights)
    elif asked.network == "resnet":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        labels = labels.reshape(len(labels), -1)[:, 0]
    told: dict[str, Any] = {"parameters": model.count_params()}
    if asked.layers == "medlab":
        from medlab import accelerate, ops

        began = time.perf_counter()
        told["path"], told["probe_s"] = ops.path(), time.perf_counter() - began
        accelerate(model, recompute=asked.recompute)
    # PyTorch's epsilon; Keras' own is ten times as large.
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-8), loss)

    def step() -> float:
        if asked.through == "fit":
            history = model.fit(images, labels, batch_size=len(images), verbose=0)
            found = history.history["loss"][0]
        else:
            found = model.train_on_batch(images, labels)
        jax.block_until_ready([w.value for w in model.trainable_variables])
        return float(found)

    # Optimiser and weights are there before memory is first looked at.
    model.optimizer.build(model.trainable_variables)
    serve(step, told)


if __name__ == "__main__":
    main()
