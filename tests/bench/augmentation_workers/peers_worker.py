"""Worker of `augmentation`: the peers, in a Python that has PyTorch and them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[3]))
from tests.bench.augmentation_workers.sample import SHAPES, made
from tests.bench.interleave import serve

TURN = np.pi / 12


def monai(rank: int, two_steps: bool) -> Callable[[Any, Any], Any]:
    from monai import transforms

    keys, modes = ("image", "label"), ("bilinear", "nearest")
    looks = {"keys": keys, "mode": modes, "padding_mode": "border", "prob": 1.0}
    affine = {"rotate_range": (TURN,) * (1 if rank == 2 else 3)}
    affine["scale_range"] = (0.1,) * rank
    if rank == 2:
        elastic, how = transforms.Rand2DElasticd, {"spacing": (40, 40)}
        how["magnitude_range"] = (2, 6)
    else:
        elastic, how = transforms.Rand3DElasticd, {"sigma_range": (6, 8)}
        how["magnitude_range"] = (50, 150)
    if two_steps:
        moves = [transforms.RandAffined(**looks, **affine), elastic(**looks, **how)]
    else:
        moves = [elastic(**looks, **how, **affine)]
    flips = [transforms.RandFlipd(keys, prob=0.5, spatial_axis=a) for a in range(rank)]
    chain = transforms.Compose(
        [
            *flips,
            *moves,
            transforms.RandAdjustContrastd("image", prob=1.0, gamma=(0.74, 1.35)),
            transforms.RandScaleIntensityd("image", prob=1.0, factors=0.2),
            transforms.RandGaussianNoised("image", prob=1.0, std=0.1),
        ]
    )
    return lambda image, labels: chain({"image": image, "label": labels})["label"]


def torchio(rank: int) -> Callable[[Any, Any], Any]:
    import torchio as tio

    flat = (0,) if rank == 2 else ()
    turn = (0, 0, 15) if rank == 2 else 15
    scales = (0.1, 0.1, 0) if rank == 2 else 0.1
    chain = tio.Compose(
        [
            tio.RandomFlip(axes=tuple(range(rank)), flip_probability=0.5),
            tio.RandomAffine(scales=scales, degrees=turn),
            tio.RandomElasticDeformation(7, max_displacement=(5,) * rank + flat),
            tio.RandomGamma((-0.3, 0.3)),
            tio.RandomNoise(std=(0, 0.1)),
        ]
    )

    def step(image: Any, labels: Any) -> Any:
        if rank == 2:
            image, labels = image[..., None], labels[..., None]
        subject = tio.Subject(
            image=tio.ScalarImage(tensor=image), label=tio.LabelMap(tensor=labels)
        )
        return chain(subject)["label"].data.reshape(1, *SHAPES[rank])

    return step


def batchgeneratorsv2(rank: int) -> Callable[[Any, Any], Any]:
    from batchgeneratorsv2.transforms.intensity.contrast import (
        BGContrast,
        ContrastTransform,
    )
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import (
        GaussianNoiseTransform,
    )
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

    chain = ComposeTransforms(
        [
            SpatialTransform(
                SHAPES[rank],
                patch_center_dist_from_border=0,
                random_crop=False,
                p_elastic_deform=1,
                elastic_deform_scale=(0.1, 0.2),
                elastic_deform_magnitude=(0.02, 0.05),
                p_rotation=1,
                rotation=(-TURN, TURN),
                p_scaling=1,
                scaling=(0.9, 1.1),
            ),
            GammaTransform(BGContrast((0.74, 1.35)), 0, 1, 1, 1),
            ContrastTransform(BGContrast((0.8, 1.2)), True, 1, 1),
            GaussianNoiseTransform((0, 0.01), 1, True),
            MirrorTransform(tuple(range(rank))),
        ]
    )
    return lambda image, labels: chain(image=image, segmentation=labels)["segmentation"]


def main() -> None:
    rank, batch, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(2)
    chain = {
        "monai": lambda: monai(rank, two_steps=False),
        "monai-two-steps": lambda: monai(rank, two_steps=True),
        "torchio": lambda: torchio(rank),
        "batchgeneratorsv2": lambda: batchgeneratorsv2(rank),
    }[name]()
    image, labels = (torch.from_numpy(part)[None] for part in made(SHAPES[rank]))
    if name == "batchgeneratorsv2":  # its noise and elastic want signed labels
        labels = labels.to(torch.int16)

    def step() -> float:
        for _ in range(batch):
            found = chain(image.clone(), labels.clone())
        return float((torch.as_tensor(found) != labels).float().mean())

    serve(step, {"changed": f"{step():.2f} of the labels differ"})


if __name__ == "__main__":
    main()
