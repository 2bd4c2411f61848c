"""Does the step wait for data? Training with everything on, against the bare step.

    python -m tests.bench.data_pipeline [slices|volumes|loader ...]

`bare`: the compiled step on one batch that lies ready. `data`: patches cut from the cache
by so many threads. `data + augmentation`: the same, augmented as a recipe's default says.
The mark: 1 / 0.9 = 1.11 times the bare step at most. `loader` measures the cutting alone,
by threads and by processes.

`MEDLAB_BENCH_WIDTHS=16,32,64` takes another network, `MEDLAB_BENCH_ROUNDS` the rounds,
`MEDLAB_BENCH_THREADS=0,2,4` the threads. The smaller the network, the harder the mark.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.interleave import Variant, compare, serve

WORKS: dict[str, dict[str, Any]] = {
    "slices": {"plane": "axial", "patch": [256, 256], "batch": 8},
    "volumes": {"plane": None, "patch": [64, 64, 64], "batch": 2},
}
SCAN = (288, 288, 96)
CASES = 4
SEGMENTS = ("segment 1", "segment 2")
STEPS = 5
"""Steps of one call of `fit`, so that its own beginning and end weigh little."""


def main(works: list[str]) -> None:
    rounds = int(os.environ.get("MEDLAB_BENCH_ROUNDS", "5"))
    with tempfile.TemporaryDirectory() as folder:
        make_cases(Path(folder))
        for work in works:
            if work == "loader":
                measure_loader(Path(folder))
                continue
            command = [sys.executable, "-m", __spec__.name, "--worker", work, folder]
            variants = {"bare": Variant([*command, "bare", "0"])}
            for threads in os.environ.get("MEDLAB_BENCH_THREADS", "0,2,4").split(","):
                name = f"data + augmentation, {threads} threads"
                variants[name] = Variant([*command, "default", threads])
            variants["data alone, 2 threads"] = Variant([*command, "none", "2"])
            figures = compare(
                variants, base="bare", rounds=rounds, title=f"{work}, widths {widths()}"
            )
            for name, found in figures.items():
                print(f"{name}: {found.info.get('about', '')}")


def work_as_told(work: str, folder: str, augmentation: str, threads: int) -> None:
    """Be a worker: some steps of `fit` at a time."""
    from medlab.train._build import augmenting, build_model
    from medlab.train._samples import RecipeBatches, make_plan
    from medlab.train._step import Step

    told = recipe(
        work, Path(folder), "none" if augmentation == "bare" else augmentation
    )
    plan = make_plan(told, home(Path(folder)))
    model = build_model(told, plan)
    step = Step(model, augmenting(told))
    batches = RecipeBatches(told, plan, workers=threads)
    source: Iterator[Any] = batches.after(0)
    if augmentation == "bare":
        source = endless(next(source))

    def some_steps() -> float:
        with step.installed():
            seen = model.fit(source, steps_per_epoch=STEPS, epochs=1, verbose=0)
        return float(seen.history["loss"][0])

    serve(some_steps, {"about": f"{len(plan.samples)} samples, {STEPS} steps a figure"})


def measure_loader(folder: Path) -> None:
    """Cut batches, nothing else: milliseconds a batch."""
    from medlab.data import prefetched

    print("\n## loader alone\n\n| work | how | ms a batch |\n|---|---|---|")
    for work in WORKS:
        batches = raw_batches(work, folder)
        for threads in (0, 1, 2, 4):
            with prefetched(batches, 0, threads, depth=2 * max(threads, 1)) as ahead:
                taken = timed(lambda source=ahead: next(source))
            print(f"| {work} | {threads} threads | {taken * 1e3:.2f} |")
        context = multiprocessing.get_context("spawn")
        for count in (1, 2):
            with ProcessPoolExecutor(
                count, context, initializer=open_in_process, initargs=(work, folder)
            ) as pool:
                ahead = pool.map(batch_in_process, range(400))
                taken = timed(lambda source=ahead: next(source))
            print(f"| {work} | {count} processes | {taken * 1e3:.2f} |")


def timed(take: Any, count: int = 150) -> float:
    for _ in range(10):
        take()
    began = time.perf_counter()
    for _ in range(count):
        take()
    return (time.perf_counter() - began) / count


IN_PROCESS: dict[str, Any] = {}


def open_in_process(work: str, folder: Path) -> None:
    IN_PROCESS["batches"] = raw_batches(work, folder)


def batch_in_process(step: int) -> Any:
    batches = IN_PROCESS["batches"]
    return batches.raw(*divmod(step, batches.steps))


def raw_batches(work: str, folder: Path) -> Any:
    from medlab.data import TrainingBatches, load_cases, scan_samples
    from medlab.train._samples import case_of

    told = recipe(work, folder, "none")
    scans = load_cases(
        [case_of(entry, home(folder)) for entry in told.cases],
        segments=SEGMENTS,
        plane=told.plane,
        home=home(folder),
    )
    samples = [sample for scan in scans for sample in scan_samples(scan, told.plane)]
    settings = WORKS[work]
    return TrainingBatches(
        samples, patch=settings["patch"], batch=settings["batch"], steps=250, seed=1
    )


def recipe(work: str, folder: Path, augmentation: str) -> Any:
    from medlab.train import Recipe

    return Recipe(
        cases=[
            {
                "scan": str(folder / f"{n}.nii"),
                "labels": str(folder / f"{n}-labels.nii"),
            }
            for n in range(CASES)
        ],
        segments=list(SEGMENTS),
        validation=0.0,
        augmentation=augmentation,
        template_args={"widths": widths()},
        normalise="zscore",
        steps_per_epoch=250,
        **WORKS[work],
    )


def make_cases(folder: Path) -> None:
    """Write scans of noise with two balls each."""
    import nibabel as nib

    grid = np.indices(SCAN)
    for number in range(CASES):
        random = np.random.default_rng(number)
        labels = np.zeros(SCAN, np.uint8)
        for label in (1, 2):
            middle = random.integers(24, np.array(SCAN) - 24).reshape(3, 1, 1, 1)
            labels[((grid - middle) ** 2).sum(axis=0) < 20**2] = label
        voxels = (random.normal(0, 40, SCAN) + 100 * labels).astype(np.int16)
        nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / f"{number}.nii")
        nib.save(nib.Nifti1Image(labels, np.eye(4)), folder / f"{number}-labels.nii")


def endless(batch: Any) -> Iterator[Any]:
    while True:
        yield batch


def home(folder: Path) -> Any:
    from medlab.scans import Home

    return Home(folder, folder / ".medlab")


def widths() -> list[int]:
    told = os.environ.get("MEDLAB_BENCH_WIDTHS", "8,16,32,64,128")
    return [int(width) for width in told.split(",")]


if __name__ == "__main__":
    if "--worker" in sys.argv:
        _, _, chosen, place, how, count = sys.argv
        work_as_told(chosen, place, how, int(count))
    else:
        main(sys.argv[1:] or [*WORKS, "loader"])
