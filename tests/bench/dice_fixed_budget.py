"""Dice on real data after a fixed number of steps: against MONAI, and planned or not.

    python -m tests.bench.dice_fixed_budget [--quick] [--seeds 1 2 3] [--steps 400]

Two questions, each on two data sets: tissue of the brain (`brain`: ICBM152, grey and white
matter by arg-max of its probabilities) and organs of the chest (`chest`: LIDC-IDRI-0001),
learnt on blocks of slices and judged on blocks between them that nobody learnt from.

1. The same network as MONAI's BasicUNet, trained on the very same batches by the same
   optimiser, loss and number of steps. Mark: mean of the seeds at least MONAI's - 0.005.
   Needs MEDLAB_PEERS (see `interleave`).
2. The recipe that `medlab.plan` makes, against the plain `Recipe`, both for the same
   number of steps. Mark: planned at least as good as plain. The plan is asked for a short
   time, so that its network is one that this bench can afford.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

ORGANS = ["heart", "aorta", "esophagus", "trachea", "liver", "spleen", "stomach"]
LUNGS = "lung"
_NILEARN = "nilearn==0.14.1"
_NILEARN_SHA256 = "725206484e9fb3f6"
_TISSUE = "nilearn/datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
_BLOCK = {"brain": 32, "chest": 16}
NETWORK = {
    # patch, batch, channels at each resolution (MONAI's last number is the decoder's end)
    "brain": ((32, 32, 32), 4, (16, 16, 32, 64, 128)),
    "chest": ((128, 128), 8, (16, 16, 32, 64, 128)),
}
RATE = 1e-3
_AN_EPOCH = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer, smaller steps")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, help="of each training")
    parser.add_argument(
        "--only", choices=("monai", "plan"), help="one of the questions"
    )
    parser.add_argument("--data", nargs="+", default=["brain", "chest"])
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return work(*arguments.worker)
    steps = arguments.steps or (60 if arguments.quick else 400)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDLAB_HOME"] = str(Path(folder) / ".medlab")
        for name in arguments.data:
            scan, labels = DATA[name](Path(folder))
            if arguments.only != "plan":
                against_monai(name, scan, labels, arguments.seeds, steps, Path(folder))
            if arguments.only != "monai":
                planned_or_plain(
                    name, scan, labels, arguments.seeds, steps, arguments.quick, folder
                )


def brain(folder: Path) -> tuple[Path, Path]:
    """Write T1 and tissue labels, 1 mm: 1 grey matter, 2 white matter."""
    import nibabel as nib

    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--dest", str(folder), _NILEARN),
        ],
        check=True,
    )
    (wheel,) = folder.glob("nilearn*.whl")
    if not hashlib.sha256(wheel.read_bytes()).hexdigest().startswith(_NILEARN_SHA256):
        raise SystemExit(f"{_NILEARN} is not what it was.")
    with zipfile.ZipFile(wheel) as archive:
        for kind in ("t1", "gm", "wm"):
            (folder / f"{kind}.nii.gz").write_bytes(archive.read(_TISSUE.format(kind)))
    images = {kind: nib.load(folder / f"{kind}.nii.gz") for kind in ("t1", "gm", "wm")}
    grey, white = (images[kind].get_fdata() for kind in ("gm", "wm"))
    scale = max(grey.max(), white.max())
    rest = scale - grey - white
    labels = np.stack([rest, grey, white]).argmax(0).astype(np.uint8)
    affine = images["t1"].affine
    t1 = images["t1"].get_fdata().astype(np.float32)
    nib.save(nib.Nifti1Image(t1, affine), folder / "brain.nii")
    nib.save(nib.Nifti1Image(labels, affine), folder / "brain_seg.nii")
    return folder / "brain.nii", folder / "brain_seg.nii"


def chest(folder: Path) -> tuple[Path, Path]:
    """Write the chest at half the resolution in its plane, with a few organs."""
    import nibabel as nib

    from medlab.samples import fetch

    source = fetch("ct-chest")
    named = json.loads((source / "mask.labels.json").read_text())["segments"]
    scan, mask = (nib.load(source / file) for file in ("cxr.nii.gz", "mask.nii.gz"))
    every = (slice(None, None, 2), slice(None, None, 2))
    found = np.asarray(mask.dataobj)[every]
    labels = np.zeros(found.shape, np.uint8)
    for number, organ in enumerate([LUNGS, *ORGANS], start=1):
        ids = [s["id"] for s in named if organ in s["name"].split()]
        labels[np.isin(found, ids)] = number
    affine = scan.affine @ np.diag([2.0, 2.0, 1.0, 1.0])
    voxels = np.asarray(scan.dataobj)[every].astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, affine), folder / "chest.nii")
    nib.save(nib.Nifti1Image(labels, affine), folder / "chest_seg.nii")
    return folder / "chest.nii", folder / "chest_seg.nii"


DATA = {"brain": brain, "chest": chest}


def held_out(name: str, count: int) -> np.ndarray[Any, Any]:
    """Which slices nobody learns from: every third block."""
    return (np.arange(count) // _BLOCK[name]) % 3 == 1


def against_monai(
    name: str, scan: Path, labels: Path, seeds: list[int], steps: int, folder: Path
) -> None:
    """Train both on the same batches and print Dice on the same held-out patches."""
    from tests.bench.interleave import peer_python

    peer = peer_python()
    image, truth = prepared(name, scan, labels)
    found: dict[str, list[float]] = {"medlab": [], "monai": []}
    seconds = dict.fromkeys(found, 0.0)
    for seed in seeds:
        batches = folder / f"{name}-{seed}.npz"
        np.savez(batches, **drawn(name, image, truth, seed, steps), seed=seed)
        for side, python in (("medlab", sys.executable), ("monai", peer)):
            began = time.time()
            command = [python, "-m", "tests.bench.dice_fixed_budget", "--worker"]
            done = subprocess.run(
                [*command, side, str(batches)], capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"{side}: {done.stderr[-1500:]}")
            told = json.loads(done.stdout.strip().splitlines()[-1])
            found[side].append(told["dice"])
            seconds[side] += time.time() - began
            print(f"{name} seed {seed} {side}: {told}", flush=True)
        batches.unlink()
    means = {side: float(np.mean(values)) for side, values in found.items()}
    gap = means["medlab"] - means["monai"]
    print(
        f"\n{name}, {steps} steps, mean Dice of {len(seeds)} seeds: medlab "
        f"{means['medlab']:.4f}, MONAI {means['monai']:.4f}, difference {gap:+.4f} "
        f"(mark -0.005: {'met' if gap >= -0.005 else 'MISSED'}); "
        f"{seconds['medlab']:.0f} s and {seconds['monai']:.0f} s with start\n",
        flush=True,
    )


def prepared(name: str, scan: Path, labels: Path) -> tuple[Any, Any]:
    """Voxels on a scale, and labels, `(X, Y, Z)`."""
    import nibabel as nib

    voxels = nib.load(scan).get_fdata().astype(np.float32)
    truth = np.asarray(nib.load(labels).dataobj).astype(np.uint8)
    if name == "chest":
        return (np.clip(voxels, -1000, 1000) / 1000)[..., None], truth
    return ((voxels - voxels.mean()) / voxels.std())[..., None], truth


def drawn(
    name: str, image: Any, truth: Any, seed: int, steps: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Draw training batches, half of them around a label, and tile the held-out blocks."""
    patch, batch, _ = NETWORK[name]
    random = np.random.default_rng(seed)
    held = held_out(name, truth.shape[2])
    depth = patch[2] if len(patch) == 3 else 1
    whole = np.convolve(~held, np.ones(depth), "valid") == depth
    learnt = np.flatnonzero(whole)  # first slices of patches that touch no held-out one
    spots = [np.argwhere(truth[..., : len(whole)] == n) for n in range(truth.max() + 1)]
    spots = [s[np.isin(s[:, 2], learnt)] for s in spots]
    spots = [s for s in spots if len(s)]

    def cut(x: int, y: int, z: int) -> tuple[Any, Any]:
        x0 = int(np.clip(x - patch[0] // 2, 0, truth.shape[0] - patch[0]))
        y0 = int(np.clip(y - patch[1] // 2, 0, truth.shape[1] - patch[1]))
        where = (
            slice(x0, x0 + patch[0]),
            slice(y0, y0 + patch[1]),
            slice(z, z + depth),
        )
        x_, y_ = image[where], truth[where]
        return (x_, y_) if len(patch) == 3 else (x_[:, :, 0], y_[:, :, 0])

    pairs = []
    for place in range(steps * batch):
        if place % 2:
            label = spots[random.integers(len(spots))]
            pairs.append(cut(*label[random.integers(len(label))]))
        else:
            x, y = (random.integers(side) for side in truth.shape[:2])
            pairs.append(cut(x, y, learnt[random.integers(len(learnt))]))
    tiles = [
        cut(x + patch[0] // 2, y + patch[1] // 2, z)
        for z in range(0, truth.shape[2] - depth + 1, depth)
        if held[z : z + depth].all()
        for x in range(0, truth.shape[0] - patch[0] + 1, patch[0])
        for y in range(0, truth.shape[1] - patch[1] + 1, patch[1])
    ]
    sides = (steps, batch, *patch)
    return {
        "images": np.stack([x for x, _ in pairs]).reshape(*sides, 1).astype(np.float16),
        "labels": np.stack([y for _, y in pairs]).reshape(sides),
        "test_images": np.stack([x for x, _ in tiles]).astype(np.float16),
        "test_labels": np.stack([y for _, y in tiles]),
        "classes": np.array(truth.max() + 1),
        "widths": np.array(NETWORK[name][2]),
    }


def work(side: str, batches: str) -> None:
    """Be one side: train on the batches, and print Dice on the held-out tiles."""
    data = dict(np.load(batches))
    predict = {"medlab": train_medlab, "monai": train_monai}[side](data)
    test, truth = data["test_images"].astype(np.float32), data["test_labels"]
    size = data["labels"].shape[1]
    filled = np.concatenate([test, test[: -len(test) % size]])
    parts = [predict(filled[i : i + size]) for i in range(0, len(filled), size)]
    found = np.concatenate(parts)[: len(test)]
    each = [
        2
        * ((found == n) & (truth == n)).sum()
        / ((found == n).sum() + (truth == n).sum())
        for n in range(1, int(data["classes"]))
        if (truth == n).any()
    ]
    print(json.dumps({"dice": float(np.mean(each)), "weights": predict.weights}))


def train_medlab(data: dict[str, Any]) -> Any:
    """Train medlab's U-Net, of the same widths, norm and activation."""
    from medlab.backend import keras
    from medlab.layers import accelerate
    from medlab.models import unet
    from medlab.train.losses import make_loss

    keras.utils.set_random_seed(int(data["seed"]))
    shape, classes = data["images"].shape[2:], int(data["classes"])
    widths = [int(width) for width in data["widths"]]
    model = accelerate(
        unet(shape, classes=classes, widths=widths, activation="leaky_relu")
    )
    loss = make_loss("dice+cross-entropy", classes=classes)
    model.compile(keras.optimizers.Adam(RATE), loss)
    for images, labels in zip(data["images"], data["labels"], strict=True):
        model.train_on_batch(images.astype(np.float32), labels.astype(np.int32))

    def predict(images: Any) -> Any:
        return np.asarray(model.predict_on_batch(images)).argmax(-1)

    predict.weights = int(model.count_params())  # type: ignore[attr-defined]
    return predict


def train_monai(data: dict[str, Any]) -> Any:
    """Train MONAI's BasicUNet by its own Dice and cross-entropy."""
    import torch
    from monai.losses import DiceCELoss
    from monai.networks.nets import BasicUNet

    torch.manual_seed(int(data["seed"]))
    widths, classes = [int(w) for w in data["widths"]], int(data["classes"])
    rank = data["images"].ndim - 3
    model = BasicUNet(rank, 1, classes, features=(*widths, widths[0]))
    loss = DiceCELoss(to_onehot_y=True, softmax=True, include_background=False)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    model.train()
    for images, labels in zip(data["images"], data["labels"], strict=True):
        x = torch.from_numpy(np.moveaxis(images.astype(np.float32), -1, 1).copy())
        y = torch.from_numpy(labels.astype(np.int64)[:, None])
        optimizer.zero_grad(set_to_none=True)
        loss(model(x), y).backward()
        optimizer.step()
    model.eval()

    def predict(images: Any) -> Any:
        with torch.no_grad():
            logits = model(torch.from_numpy(np.moveaxis(images, -1, 1).copy()))
        return logits.argmax(1).numpy()

    predict.weights = sum(p.numel() for p in model.parameters())  # type: ignore[attr-defined]
    return predict


def planned_or_plain(
    name: str,
    scan: Path,
    labels: Path,
    seeds: list[int],
    steps: int,
    quick: bool,
    folder: str,
) -> None:
    """Train the planned and the plain recipe for as many steps, and print their Dice."""
    import medlab
    from medlab.scans import find_home
    from medlab.train import launch

    home = find_home()
    truth = medlab.open_labels(labels)
    held = held_out(name, truth.voxels.shape[2])
    entry = {"scan": str(scan), "labels": str(labels)}
    case = {**entry, "slices": np.flatnonzero(~held).tolist()}
    plain = medlab.Recipe(cases=[case], validation=0.0)
    plan = medlab.plan(
        [case], home=home, device="cpu", budget_s=240 if quick else 1200, validation=0.0
    )
    print(plan, flush=True)
    epochs = max(1, steps // _AN_EPOCH)
    found: dict[str, list[float]] = {"planned": [], "plain": []}
    seconds = dict.fromkeys(found, 0.0)
    for seed in seeds:
        for side, recipe in (("planned", plan.recipe), ("plain", plain)):
            began = time.time()
            run = launch(
                recipe.replace(seed=seed, epochs=epochs, steps_per_epoch=_AN_EPOCH),
                home,
            ).wait()
            seconds[side] += time.time() - began
            if run.state != "finished":
                raise SystemExit(f"{side}: {run.state}: {run.summary.message}")
            predicted = medlab.predict(run, scan, home=home)
            scores = medlab.dice(predicted, truth, slices=np.flatnonzero(held).tolist())
            found[side].append(float(np.nanmean(list(scores.values()))))
            print(f"{name} seed {seed} {side}: {found[side][-1]:.4f}", flush=True)
    means = {side: float(np.mean(values)) for side, values in found.items()}
    gap = means["planned"] - means["plain"]
    print(
        f"\n{name}, {epochs * _AN_EPOCH} steps, mean Dice of {len(seeds)} seeds: planned "
        f"({plan.name}) {means['planned']:.4f}, plain {means['plain']:.4f}, difference "
        f"{gap:+.4f} (mark 0: {'met' if gap >= 0 else 'MISSED'}); "
        f"{seconds['planned']:.0f} s and {seconds['plain']:.0f} s\n",
        flush=True,
    )


if __name__ == "__main__":
    main()
