"""What saving costs a training, and how long a kill's work is lost.

A 2D U-Net of 7.8 million parameters with Adam (94 MB a checkpoint) trains for a while
with a checkpoint every 30 s, with one as often as the disk allows, and without any, by
turns. Run `python -m tests.bench.checkpoint [seconds a turn]`; it prints seconds a step,
the share that checkpoints add, and how long one takes to lie on disk.

Marks: at most 2 % at 30 s, at most 60 s of work lost.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from medlab.backend import jax
from medlab.data import Sample
from medlab.train import Recipe
from medlab.train._build import augmenting, build_model
from medlab.train._log import RunLog, new_run_folder
from medlab.train._samples import Plan, RecipeBatches
from medlab.train._saver import Saver
from medlab.train._step import Step

ROUNDS = 3
EVERY_S = {"none": float("inf"), "each 30 s": 30.0, "all the time": 0.0}


def main() -> None:
    turn_s = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    side, batch = 64, 2
    random = np.random.default_rng(0)
    image = random.normal(size=(side, side, 1)).astype("f4")
    labels = random.integers(0, 3, (side, side)).astype("u1")
    recipe = Recipe(template_args={"widths": [32, 64, 128, 256, 512]}, batch=batch)
    samples = [Sample(image, labels)]
    plan = Plan(samples, [], ("a", "b"), [side, side], batch, 10_000)
    model = build_model(recipe, plan)
    step = Step(model, augmenting(recipe))
    data = RecipeBatches(recipe, plan, workers=1).after(0)
    with step.installed():  # compiles, and builds the metrics
        model.fit(data, steps_per_epoch=1, epochs=1, verbose=0)
    print(f"{model.count_params() / 1e6:.1f} million parameters, {turn_s:g} s a turn")
    paces: dict[str, list[float]] = {name: [] for name in EVERY_S}
    with tempfile.TemporaryDirectory() as name:
        log = RunLog(new_run_folder(Path(name), {"name": "bench"}))
        for _ in range(ROUNDS):
            for what, every_s in EVERY_S.items():
                paces[what].append(_pace(model, step, data, log, every_s, turn_s))
        log.close("finished")
    bare = statistics.median(paces["none"])
    for what, seconds in paces.items():
        ratios = [s / b for s, b in zip(seconds, paces["none"], strict=True)]
        print(
            f"{what:13} {statistics.median(seconds):.4f} s a step  "
            f"{statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f}) x"
        )
    print(f"bare step {bare:.4f} s; mark: <= 1.02 x at each 30 s")


def _pace(model, step, data, log, every_s, turn_s):
    """Seconds a step over a turn, checkpoints included."""
    saver = Saver(log, every_s=every_s)
    if every_s == EVERY_S["each 30 s"]:
        saver._saved_s -= every_s - turn_s / 2  # so that a turn holds its share of them
    state, count, saves, written = _state(model), 0, 0, []
    began = time.monotonic()
    before = None
    while time.monotonic() - began < turn_s:
        _, state = step(state, data)
        if before is not None:
            jax.block_until_ready(before)
        before = step.health
        count += 1
        if saver.is_due:
            _put(model, state)
            saved = time.monotonic()
            saver.save(model, {"step": count})
            saver._writing.add_done_callback(
                lambda _, at=saved: written.append(time.monotonic() - at)
            )
            saves += 1
            state = _state(model)
    jax.block_until_ready(state)
    pace = (time.monotonic() - began) / count
    _put(model, state)
    saver.close()
    told = f", {statistics.median(written):.2f} s until on disk" if written else ""
    print(f"  {count} steps, {saves} checkpoints{told}", flush=True)
    return pace


def _state(model):
    kinds = ("trainable", "non_trainable", "optimizer", "metrics")
    return model._get_jax_state(**{f"{kind}_variables": True for kind in kinds})


def _put(model, state):
    owners = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    for variables, values in zip(owners, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


if __name__ == "__main__":
    main()
