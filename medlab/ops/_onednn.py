"""oneDNN's convolution as jaxlib's CPU client carries it: a custom call without a manual.

XLA's CPU client links oneDNN and registers its kernels as custom calls. The encoding is
not documented and differed between versions, so nobody calls this before `_probe` has
tried it on this machine in a process of its own: a wrong encoding ends the process.

Source:
    The Intel oneDNN developer guide, "Convolution"; XLA's `backend_config.proto` and
    `onednn_config.proto` for the names of the fields.
"""

import json
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


def _call(x: Any, kernel: Any, window: Window) -> Any:
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
