"""The trial of oneDNN's kernels: compare with XLA's own, weigh the time, print a line.

Runs as `python -m medlab.ops._trial`, in a process of its own because a jaxlib that encodes
the call in another way may end the process. `_probe` starts it and reads the line.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from medlab.backend import jax
from medlab.ops._convolve import public_convolution, stock_convolution
from medlab.ops._input_gradient import Convolution
from medlab.ops._onednn import onednn_convolution, onednn_row_products
from medlab.ops._window import window_of

# Shape of x, of the kernel; strides, padding, dilation, groups. Odd sizes show swapped axes.
CASES: list[tuple[Any, ...]] = [
    ((2, 7, 9, 4), (3, 3, 4, 8), 1, "same", 1, 1),
    ((1, 5, 6, 7, 3), (3, 2, 3, 3, 4), 1, "same", 1, 1),
    ((1, 8, 9, 4), (3, 3, 4, 6), (2, 3), [(1, 0), (2, 1)], 1, 1),
    ((1, 6, 7, 8, 2), (3, 3, 3, 2, 5), 2, "valid", 1, 1),
    ((1, 9, 9, 3), (3, 3, 3, 3), 1, "same", (2, 3), 1),
    ((1, 6, 6, 6, 4), (1, 3, 3, 2, 6), 1, "same", 1, 2),
]
TOLERANCE = 1e-4
WEIGHED = ((1, 20, 20, 20, 16), (3, 3, 3, 16, 16), 1, "same", 1, 1)


def trial(
    convolution: Convolution = onednn_convolution,
    row_products: Callable[[Any, Any], Any] = onednn_row_products,
) -> dict[str, Any]:
    """Try a convolution and a matrix product against XLA's own.

    Returns:
        `largest_error`, relative to the largest value of each case; `agrees`, whether
        that is rounding; `speed`, times as fast as the way without oneDNN.
    """
    inputs = [(_noise(case[0]), _noise(case[1])) for case in CASES]
    factors = (_noise((33, 7)), _noise((33, 5)))

    @jax.jit
    def both(inputs: Any, factors: Any) -> Any:
        pairs = [(row_products(*factors), factors[0].T @ factors[1])]
        for case, (x, kernel) in zip(CASES, inputs, strict=True):
            window = window_of(*case)
            pairs.append(
                (
                    convolution(x, kernel, window),
                    stock_convolution(x, kernel, window),
                )
            )
        return pairs

    errors = [
        np.abs(found - wanted).max() / np.abs(wanted).max()
        for found, wanted in jax.device_get(both(inputs, factors))
    ]
    largest = float(np.max(errors))
    window = window_of(*WEIGHED)
    plain_s = _shortest_s(lambda x, kernel: public_convolution(x, kernel, window))
    tried_s = _shortest_s(lambda x, kernel: convolution(x, kernel, window))
    return {
        "largest_error": largest,
        "agrees": largest <= TOLERANCE,
        "speed": round(plain_s / tried_s, 2),
    }


def _noise(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _shortest_s(function: Callable[[Any, Any], Any]) -> float:
    x, kernel = _noise(WEIGHED[0]), _noise(WEIGHED[1])
    compiled = jax.jit(function)
    jax.block_until_ready(compiled(x, kernel))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(compiled(x, kernel))
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    print(json.dumps(trial()), flush=True)
