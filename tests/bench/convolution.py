"""Convolution op by op against the stock path: values, gradients, and memory.

    python -m tests.bench.convolution [WORDS...] [--rounds 5]

Runs the layers whose name holds all the words. Both paths take turns in one process, a ratio
is taken within its round. Seconds of all cores stand beside those of the clock: they hold on a
busy machine as well. Memory is what XLA sets aside for the gradients beside inputs and results.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from medlab import ops
from medlab.backend import jax

# A U-Net's layers at 64^3 and 256^2, then strided, dilated, grouped and pointwise ones.
LAYERS: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "3d unet 1 to 32": ((2, 64, 64, 64, 1), (3, 3, 3, 1, 32), {}),
    "3d unet 32 to 32": ((2, 64, 64, 64, 32), (3, 3, 3, 32, 32), {}),
    "3d unet 64 to 64": ((2, 32, 32, 32, 64), (3, 3, 3, 64, 64), {}),
    "3d unet 128 to 128": ((2, 16, 16, 16, 128), (3, 3, 3, 128, 128), {}),
    "3d unet 256 to 256": ((2, 4, 4, 4, 256), (3, 3, 3, 256, 256), {}),
    "3d unet 32 to 2 pointwise": ((2, 64, 64, 64, 32), (1, 1, 1, 32, 2), {}),
    "3d odd 33x47x41": ((1, 33, 47, 41, 32), (3, 3, 3, 32, 32), {}),
    "3d kernel 5": ((1, 32, 32, 32, 16), (5, 5, 5, 16, 16), {}),
    "3d kernel 1x3x3": ((1, 32, 64, 64, 32), (1, 3, 3, 32, 32), {}),
    "3d stride 2": ((1, 48, 48, 48, 32), (3, 3, 3, 32, 64), {"strides": 2}),
    "3d stride 1x2x2": ((1, 24, 64, 64, 32), (3, 3, 3, 32, 64), {"strides": (1, 2, 2)}),
    "3d stride 2 pointwise": ((1, 48, 48, 48, 32), (1, 1, 1, 32, 64), {"strides": 2}),
    "3d dilation 2": ((1, 32, 32, 32, 32), (3, 3, 3, 32, 32), {"dilation": 2}),
    "3d groups 4": ((1, 32, 32, 32, 64), (3, 3, 3, 16, 64), {"groups": 4}),
    "3d each channel apart": ((1, 32, 32, 32, 32), (3, 3, 3, 1, 32), {"groups": 32}),
    "2d unet 1 to 32": ((8, 256, 256, 1), (3, 3, 1, 32), {}),
    "2d unet 32 to 32": ((8, 256, 256, 32), (3, 3, 32, 32), {}),
    "2d unet 64 to 64": ((8, 128, 128, 64), (3, 3, 64, 64), {}),
    "2d unet 256 to 256": ((8, 32, 32, 256), (3, 3, 256, 256), {}),
    "2d unet 512 to 512": ((8, 16, 16, 512), (3, 3, 512, 512), {}),
    "2d unet 32 to 2 pointwise": ((8, 256, 256, 32), (1, 1, 32, 2), {}),
    "2d odd 127x131": ((4, 127, 131, 32), (3, 3, 32, 32), {}),
    "2d resnet stem 7 stride 2": ((8, 224, 224, 3), (7, 7, 3, 64), {"strides": 2}),
    "2d resnet stride 2": ((8, 56, 56, 64), (3, 3, 64, 128), {"strides": 2}),
    "2d resnet shortcut": ((8, 56, 56, 64), (1, 1, 64, 128), {"strides": 2}),
    "2d resnet 56 stride 1": ((8, 56, 56, 64), (3, 3, 64, 64), {}),
    "2d dilation 2": ((4, 128, 128, 32), (3, 3, 32, 32), {"dilation": 2}),
    "2d groups 4": ((8, 64, 64, 64), (3, 3, 16, 64), {"groups": 4}),
    "2d groups 32 of 4": ((8, 56, 56, 128), (3, 3, 4, 128), {"groups": 32}),
    "2d each channel apart": ((8, 64, 64, 64), (3, 3, 1, 64), {"groups": 64}),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("words", nargs="*")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--paths", default="onednn,public")
    chosen = options.parse_args()
    paths = ["stock", *chosen.paths.split(",")]
    print(
        "| layer | part | path | stock ms | ratio (min-max) | CPU ratio | MB (stock) |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in LAYERS:
        if all(word in name for word in chosen.words):
            _compare(name, paths, chosen.rounds)


def _compare(name: str, paths: list[str], rounds: int) -> None:
    x_shape, kernel_shape, settings = LAYERS[name]
    x, kernel = _noise(x_shape, 0), _noise(kernel_shape, 1)
    y = jax.eval_shape(lambda x, k: ops.convolve(x, k, **settings), x, kernel)
    g = _noise(y.shape, 2)

    def layer(x: Any, kernel: Any) -> Any:
        return ops.convolve(x, kernel, **settings)

    parts: dict[str, Callable[..., Any]] = {
        "values": lambda x, kernel, g: layer(x, kernel),
        "by x": lambda x, k, g: jax.vjp(lambda x: layer(x, k), x)[1](g),
        "by kernel": lambda x, k, g: jax.vjp(lambda k: layer(x, k), k)[1](g),
    }
    for part, function in parts.items():
        programs, spare_mb = {}, {}
        for path in paths:
            with ops.with_path(path):
                program = jax.jit(function).lower(x, kernel, g).compile()
            jax.block_until_ready(program(x, kernel, g))
            programs[path] = program
            spare_mb[path] = program.memory_analysis().temp_size_in_bytes / 1e6
        wall: dict[str, list[float]] = {path: [] for path in paths}
        cpu: dict[str, list[float]] = {path: [] for path in paths}
        for _ in range(rounds):
            for path, program in programs.items():
                began, used = time.perf_counter(), time.process_time()
                jax.block_until_ready(program(x, kernel, g))
                wall[path].append(time.perf_counter() - began)
                cpu[path].append(time.process_time() - used)
        for path in paths[1:]:
            ratios, cpu_ratios = (
                [a / b for a, b in zip(taken[path], taken["stock"], strict=True)]
                for taken in (wall, cpu)
            )
            print(
                f"| {name} | {part} | {path} | "
                f"{1e3 * statistics.median(wall['stock']):.1f} | "
                f"{statistics.median(ratios):.2f} "
                f"({min(ratios):.2f}-{max(ratios):.2f}) | "
                f"{statistics.median(cpu_ratios):.2f} | "
                f"{spare_mb[path]:.1f} ({spare_mb['stock']:.1f}) |",
                flush=True,
            )


def _noise(shape: tuple[int, ...], seed: int) -> Any:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return jax.device_put(values)


if __name__ == "__main__":
    main()
