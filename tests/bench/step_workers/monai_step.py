"""Worker: one training step of MONAI's network on PyTorch. Runs in the peers' Python.

    python -m tests.bench.step_workers.monai_step CASE.npz --network basic-unet --dims 3
        [--channels-last] [--compile] [--write]

`--write` makes CASE.npz: the batch, and the weights that the Keras side is to copy.
"""

import argparse

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import BasicUNet, UNet

from tests.bench.interleave import serve

# Size of the cube or square, batch, and channels.
CASES = {
    ("basic-unet", 3): (64, 2, (32, 32, 64, 128, 256, 32)),
    ("basic-unet", 2): (256, 8, (32, 64, 128, 256, 512, 32)),
    ("residual-unet", 3): (64, 2, (16, 32, 64, 128, 256)),
    ("residual-unet", 2): (256, 8, (16, 32, 64, 128, 256)),
    ("resnet", 3): (64, 2, (32, 64, 128, 256)),
    ("resnet", 2): (128, 8, (32, 64, 128, 256)),
}


def build(network: str, dims: int, widths: tuple[int, ...]) -> torch.nn.Module:
    torch.manual_seed(0)
    if network == "basic-unet":
        return BasicUNet(dims, 1, 2, features=widths)
    return UNet(dims, 1, 2, widths, (2,) * (len(widths) - 1), num_res_units=2)


def write(path: str, network: str, dims: int, smaller: int, batch: int) -> None:
    size, usual, widths = CASES[network, dims]
    batch = batch or usual
    size //= smaller
    draw = np.random.default_rng(0)
    images = draw.normal(size=(batch, *[size] * dims, 1)).astype(np.float32)
    labels = (images > 0.5).astype(np.int32)
    weights = {}
    if network == "basic-unet":
        state = build(network, dims, widths).state_dict()
        weights = {name: tensor.numpy() for name, tensor in state.items()}
    np.savez(path, images=images, labels=labels, widths=np.array(widths), **weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case")
    parser.add_argument("--network", required=True)
    parser.add_argument("--dims", type=int, choices=(2, 3), required=True)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--smaller", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0)
    asked = parser.parse_args()
    if asked.write:
        return write(asked.case, asked.network, asked.dims, asked.smaller, asked.batch)

    case = np.load(asked.case)
    layout = torch.contiguous_format
    if asked.channels_last:
        layout = {2: torch.channels_last, 3: torch.channels_last_3d}[asked.dims]
    model = build(asked.network, asked.dims, tuple(case["widths"].tolist()))
    parameters = sum(p.numel() for p in model.parameters())
    model = model.to(memory_format=layout).train()
    images, labels = (
        torch.from_numpy(np.moveaxis(case[name], -1, 1).copy()).to(memory_format=layout)
        for name in ("images", "labels")
    )
    run = torch.compile(model) if asked.compile else model
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> float:
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(run(images), labels)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    serve(step, {"parameters": parameters})


if __name__ == "__main__":
    main()
