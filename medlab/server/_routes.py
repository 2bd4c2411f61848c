"""Which address is answered by which handler."""

import logging
from typing import Any

from jupyter_server.utils import url_path_join

from medlab.server import _label_files, _labels, _runs, _scans, _smart, _volumes
from medlab.server._workplace import Workplace


def add_routes(web_app: Any, log: logging.Logger) -> None:
    """Add medlab's addresses, below `medlab/`, to a Jupyter server's web application."""
    settings = web_app.settings
    workplace = Workplace.at(settings["server_root_dir"])
    if not workplace.prepare():
        log.warning(
            "medlab: the root must be writable for labels and runs to be kept, got one "
            "that is not. Scans can be looked at; set MEDLAB_HOME to keep the rest."
        )
    routes = [
        *(*_scans.ROUTES, *_volumes.ROUTES),
        *(*_label_files.ROUTES, *_labels.ROUTES),
        *_runs.ROUTES,
    ]
    routes += _smart.ROUTES
    web_app.add_handlers(
        ".*$",
        [
            (
                url_path_join(settings["base_url"], "medlab", pattern),
                handler,
                {"workplace": workplace},
            )
            for pattern, handler in routes
        ],
    )
