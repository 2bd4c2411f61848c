"""How long a training step takes: MONAI on PyTorch, stock Keras, and medlab.

    MEDLAB_PEERS=/path/to/python python -m tests.bench.train_step --dims 3 2

For each number of dimensions MONAI's BasicUNet with copied weights: the losses of the
first two steps are compared first, then times and memory. Then MONAI's strided residual
UNet and a residual classifier with batch normalisation, where medlab must never be
slower than stock Keras. `--quick` leaves out all but the main variants of the former, `--only`
all but the base and those that it names.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.interleave import ROOT, Figures, Variant, compare, peer_python

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
MONAI, KERAS = (
    "tests.bench.step_workers.monai_step",
    "tests.bench.step_workers.keras_step",
)
# No larger: an error of the wiring shows in the first or second digit.
LOSSES_AGREE = 1e-4


def monai(
    about: list[str], *settings: str, env: dict[str, str] | None = None
) -> Variant:
    paths = {"PYTHONPATH": str(ROOT)}
    command = [peer_python(), "-m", MONAI, *about, *settings]
    return Variant(command, {**paths, **(env or {})})


def keras(
    about: list[str], *settings: str, env: dict[str, str] | None = None
) -> Variant:
    return Variant(
        [sys.executable, "-m", KERAS, *about, "--layers", *settings], env or {}
    )


def variants_of(network: str, about: list[str], *, quick: bool) -> dict[str, Variant]:
    """All ways of doing the step, by name; the first is the base."""
    stock = {"stock Keras": keras(about, "stock")}
    fast = {"medlab": keras(about, "medlab")}
    if network == "resnet":
        return {**stock, **fast}
    peers = {"MONAI": monai(about)}
    if network == "residual-unet":
        return {**peers, **stock, **fast}
    best = {
        "MONAI, channels last, huge pages": monai(
            about, "--channels-last", env=HUGE_PAGES
        ),
        "MONAI, huge pages": monai(about, env=HUGE_PAGES),
        "MONAI, compiled, huge pages": monai(about, "--compile", env=HUGE_PAGES),
    }
    less = {"medlab, recomputing": keras(about, "medlab", "--recompute")}
    public = {
        "medlab, public calls only": keras(
            about, "medlab", env={"MEDLAB_CONVOLUTIONS": "public"}
        )
    }
    if quick:
        first = dict([next(iter(best.items()))])
        return {**peers, **first, **stock, **fast, **less}
    fit = {"medlab, in fit": keras(about, "medlab", "--through", "fit")}
    huge = {"medlab, huge pages": keras(about, "medlab", env=HUGE_PAGES)}
    return {**peers, **best, **stock, **fast, **fit, **less, **huge, **public}


def measure(
    network: str,
    dims: int,
    rounds: int,
    *,
    quick: bool,
    only: list[str],
    smaller: int,
    batch: int,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        about = [str(Path(folder) / "case.npz")]
        about += ["--network", network, "--dims", str(dims)]
        sizes = ["--smaller", str(smaller), "--batch", str(batch)]
        writer = monai(about, "--write", *sizes)
        subprocess.run(
            writer.command, env={**os.environ, **writer.env}, cwd=ROOT, check=True
        )
        variants = variants_of(network, about, quick=quick)
        base = next(iter(variants))
        if only:
            variants = {n: v for n, v in variants.items() if n == base or n in only}
        title = f"{dims}D {network}"
        figures = compare(variants, base=base, rounds=rounds, title=title)
    report(network, figures)


def report(network: str, figures: dict[str, Figures]) -> None:
    """Print the first losses and the marks, and complain where losses differ."""
    first: list[float] | None = None
    for name, found in figures.items():
        losses = found.info["first_results"]
        count = found.info["parameters"] / 1e6
        path = found.info.get("path", "")
        print(f"{name}: losses {losses[0]:.7f} {losses[1]:.7f}, {count:.2f} M {path}")
        if network != "basic-unet" and name == "MONAI":
            continue  # its weights are not copied
        first = first or losses
        if any(
            abs(a - b) > LOSSES_AGREE * abs(b)
            for a, b in zip(losses, first, strict=True)
        ):
            print(f"{name}: THE LOSSES DIFFER, the times compare different work.")
    for slow, fast in (("stock Keras", "medlab"), ("MONAI", "medlab")):
        if all(n in figures and figures[n].seconds for n in (slow, fast)):
            pairs = zip(figures[fast].seconds, figures[slow].seconds, strict=False)
            ratios = sorted(a / b for a, b in pairs)
            memory = figures[fast].net_mb / max(figures[slow].net_mb, 1)
            print(
                f"{fast} / {slow}: time {ratios[len(ratios) // 2]:.3f} "
                f"({ratios[0]:.3f}-{ratios[-1]:.3f}), net memory {memory:.2f}"
            )
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dims", type=int, nargs="+", choices=(2, 3), default=[3, 2])
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument(
        "--networks",
        nargs="+",
        choices=("basic-unet", "residual-unet", "resnet"),
        help="by default all three, with --quick the first",
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], help="names of variants")
    parser.add_argument(
        "--smaller",
        type=int,
        default=1,
        help="divide the image's sides by this, to see whether everything runs",
    )
    parser.add_argument("--batch", type=int, default=0, help="instead of the usual one")
    asked = parser.parse_args()
    every = ["basic-unet", "residual-unet", "resnet"]
    rounds = asked.rounds or (3 if asked.quick else 9)
    for dims in asked.dims:
        for network in asked.networks or (every[:1] if asked.quick else every):
            measure(
                network,
                dims,
                rounds,
                quick=asked.quick,
                only=asked.only,
                smaller=asked.smaller,
                batch=asked.batch,
            )


if __name__ == "__main__":
    main()
