"""Which address is answered by which handler."""

import logging
import re
from collections.abc import Iterable
from typing import Any

from jupyter_server.utils import url_path_join

from medlab.server import (
    _dicomweb,
    _label_files,
    _labels,
    _runs,
    _scans,
    _smart,
    _volumes,
)
from medlab.server._base import MedlabHandler, NowhereHandler
from medlab.server._workplace import Workplace

ROUTES: tuple[tuple[str, type[MedlabHandler]], ...] = (
    *(*_scans.ROUTES, *_volumes.ROUTES),
    *(*_label_files.ROUTES, *_labels.ROUTES),
    *_runs.ROUTES,
    *_smart.ROUTES,
    *_dicomweb.ROUTES,
)
"""Every address below `medlab/`: `{scan}` stands for one part of it, `{a|b}` for a or b."""

METHODS = ("get", "post", "put", "patch", "delete")


def add_routes(web_app: Any, log: logging.Logger) -> None:
    """Add medlab's addresses, below `medlab/`, to a Jupyter server's web application."""
    settings = web_app.settings
    workplace = Workplace.at(settings["server_root_dir"])
    if not workplace.prepare():
        log.warning(
            "medlab: the root must be writable for labels and runs to be kept, got one "
            "that is not. Scans are listed and shown, and their list is kept in your own "
            "data folder; set MEDLAB_HOME to a folder of yours to keep the rest."
        )
    settings["medlab_workplace"] = workplace
    told: list[tuple[str, type[MedlabHandler], str]] = [
        (pattern_of(template), handler, template) for template, handler in ROUTES
    ]
    told.append((".*", NowhereHandler, "..."))
    web_app.add_handlers(
        ".*$",
        [
            (
                re.escape(url_path_join(settings["base_url"], "medlab/")) + pattern,
                handler,
                {"workplace": workplace, "template": template},
            )
            for pattern, handler, template in told
        ],
    )


def pattern_of(template: str) -> str:
    """The regular expression that finds a route's addresses.

    Example:
        >>> pattern_of("runs/{run}/export/{csv|json}")
        'runs/([^/]+)/export/(csv|json)'
    """
    found = re.split(r"\{([^}]*)\}", template)
    parts: Iterable[str] = (
        re.escape(part) if place % 2 == 0 else f"({part if '|' in part else '[^/]+'})"
        for place, part in enumerate(found)
    )
    return "".join(parts)


def methods_of(handler: type[MedlabHandler]) -> tuple[str, ...]:
    """What a handler can be asked with, in capitals."""
    return tuple(
        method.upper()
        for method in METHODS
        if getattr(handler, method) is not getattr(MedlabHandler, method)
    )
