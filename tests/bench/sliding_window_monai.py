"""Worker of `sliding_window`: MONAI's, in a Python that has PyTorch and MONAI."""

import sys
from pathlib import Path

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.networks.nets import BasicUNet

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.interleave import serve


def main() -> None:
    folder, *size, patch, setting = sys.argv[1:]
    torch.manual_seed(0)
    torch.set_num_threads(torch.get_num_threads())
    net = BasicUNet(spatial_dims=3, in_channels=1, out_channels=2).eval()
    if setting == "default":
        weights = {name: array.numpy() for name, array in net.state_dict().items()}
        np.savez(Path(folder) / "weights.npz", **weights)
    else:
        net = net.to(memory_format=torch.channels_last_3d)
    sides = (int(patch),) * 3
    rng = np.random.default_rng(0)
    two = rng.normal(size=(*sides[:2], sides[2] * 3 // 2)).astype("float32")
    volume = torch.tensor(rng.normal(size=tuple(map(int, size))).astype("float32"))
    volume = volume[None, None]

    def walk(image: torch.Tensor, predictor: object) -> torch.Tensor:
        with torch.no_grad():
            return sliding_window_inference(
                *(image, sides, 1, predictor), overlap=0.5, mode="gaussian"
            )

    if setting == "default":
        found = walk(torch.tensor(two)[None, None], lambda x: torch.softmax(net(x), 1))
        np.save(Path(folder) / "monai.npy", np.moveaxis(found[0].numpy(), 0, -1))
    serve(lambda: walk(volume, net) is None, warm=1)


if __name__ == "__main__":
    main()
