"""Jupyter server extension: requests in, replies out.

A handler translates: it reads the request, asks `medlab.scans`, `medlab.labels` or
`medlab.train.runs`, and writes the reply. What one place holds for all requests (the root,
open layers, threads) is the `Workplace`. Never imports Keras or JAX, which would take the
GPU away from the kernels: tests/python/server/test_server_starts_light.py.
"""

from typing import Any

from medlab.server._routes import add_routes


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "medlab.server"}]


def _load_jupyter_server_extension(app: Any) -> None:
    add_routes(app.web_app, app.log)
