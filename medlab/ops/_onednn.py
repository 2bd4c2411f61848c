"""oneDNN's convolution and matrix product as jaxlib's CPU client has them, as custom calls.

XLA's CPU client links oneDNN and registers its kernels as custom calls. The encoding is
not documented and differed between versions, so nobody calls this before `_probe` has
tried it on this machine in a process of its own: a wrong encoding ends the process.

Source:
    The Intel oneDNN developer guide, "Convolution"; XLA's `backend_config.proto` and
    `onednn_config.proto` for the names of the fields.
"""

import functools
import json
import warnings
from typing import Any

from medlab.backend import jax
from medlab.ops._window import Window

jnp = jax.numpy


def onednn_convolution(x: Any, kernel: Any, window: Window) -> Any:
    """Convolve through oneDNN; float32, on the CPU only, no derivative of its own.

    Args:
        x: `(B, *spatial, C)`.
        kernel: `(*kernel, C / groups, outputs)`.
        window: Strides, padding, dilation and groups.

    Returns:
        `(B, *output sizes, outputs)`. Under `jax.vmap` the mapped axis joins the batch.
    """

    @jax.custom_batching.custom_vmap
    def call(x: Any, kernel: Any) -> Any:
        return _call(x, kernel, window)

    @call.def_vmap
    def _folded(size: int, mapped: list[bool], x: Any, kernel: Any) -> Any:
        x_mapped, kernel_mapped = mapped
        if kernel_mapped:
            x = x if x_mapped else jnp.broadcast_to(x, (size, *x.shape))
            return jax.lax.map(lambda pair: call(*pair), (x, kernel)), True
        y = call(x.reshape(-1, *x.shape[2:]), kernel)
        return y.reshape(*x.shape[:2], *y.shape[1:]), True

    return call(x, kernel)


@jax.custom_vjp
def onednn_row_products(a: Any, b: Any) -> Any:
    """Sum of products over the rows, `(rows, m), (rows, n)` to `(m, n)`, float32."""
    return _row_products(a, b)


def _row_products_forward(a: Any, b: Any) -> Any:
    return _row_products(a, b), (a, b)


def _row_products_backward(factors: Any, g: Any) -> Any:
    a, b = factors
    return b @ g.T, a @ g


onednn_row_products.defvjp(_row_products_forward, _row_products_backward)


@jax.custom_batching.custom_vmap
def _row_products(a: Any, b: Any) -> Any:
    _expect_programs_that_cannot_be_kept()
    return jax.ffi.ffi_call(
        "__onednn$matmul",
        jax.ShapeDtypeStruct((a.shape[1], b.shape[1]), a.dtype),
        custom_call_api_version=2,
        legacy_backend_config=json.dumps(
            {"onednn_matmul_config": {"transpose_a": True, "transpose_b": False}}
        ),
    )(a, b)


@_row_products.def_vmap
def _row_products_mapped(size: int, mapped: list[bool], a: Any, b: Any) -> Any:
    a, b = (
        factor if is_mapped else jnp.broadcast_to(factor, (size, *factor.shape))
        for factor, is_mapped in zip((a, b), mapped, strict=True)
    )
    return jax.lax.dot_general(a, b, (((1,), (1,)), ((0,), (0,)))), True


def _call(x: Any, kernel: Any, window: Window) -> Any:
    _expect_programs_that_cannot_be_kept()
    rank = x.ndim - 2
    axes = {
        "data": {
            "batch_dim": 0,
            "feature_dim": rank + 1,
            "spatial_dims": list(range(1, rank + 1)),
        }
    }
    convolution = {
        "dims": rank + 2,
        "feature_groups": window.groups,
        "input": axes,
        "output": axes,
        "kernel": {
            "filter": {
                "input_feature_dim": rank,
                "output_feature_dim": rank + 1,
                "spatial_dims": list(range(rank)),
            }
        },
        "window": {
            "pad_left": [before for before, _ in window.padding],
            "pad_right": [after for _, after in window.padding],
            "strides": list(window.strides),
            "window_dilations": list(window.dilation),
        },
    }
    sizes = window.output_sizes(x.shape[1:-1], kernel.shape[:-2])
    return jax.ffi.ffi_call(
        "__onednn$convolution",
        jax.ShapeDtypeStruct((x.shape[0], *sizes, kernel.shape[-1]), x.dtype),
        custom_call_api_version=2,
        legacy_backend_config=json.dumps({"onednn_conv_config": convolution}),
    )(x, kernel)


@functools.cache
def _expect_programs_that_cannot_be_kept() -> None:
    # XLA cannot write a program with these calls to the persistent compilation cache. JAX
    # says so with each of them, though nothing is lost but the time of the next compile.
    warnings.filterwarnings(
        "ignore",
        message=r"Error writing persistent compilation cache entry for "
        r"'[^']*': MemoryError: std::bad_alloc$",
        category=UserWarning,
        module=r"jax\._src\.compiler$",
    )
