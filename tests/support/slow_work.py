"""A Jupyter server extension for tests: what the server does in threads takes long.

Work of a kind (see `Workplace.run`) waits in its thread as long as the folder that
`MEDLAB_SLOW` names holds a file of that kind's name. An errand to an archive waits as long as
there is one of the name `archive`, and finds nothing.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.02


def _load_jupyter_server_extension(app: Any) -> None:
    from medlab.server import _thumbnails
    from medlab.server._dicomweb import Errand
    from medlab.server._workplace import Workplace

    folder, quick = Path(os.environ["MEDLAB_SLOW"]), Workplace.run
    draw = _thumbnails._png

    def wait(kind: str) -> None:
        while (folder / kind).exists():
            time.sleep(_LOOK_EVERY_S)

    async def run(self: Any, kind: str, work: Callable[..., Any], *args: Any) -> Any:
        def slowly(*told: Any) -> Any:
            wait(kind)
            return work(*told)

        return await quick(self, kind, slowly, *args)

    def picture(
        *told: Any,
    ) -> bytes:  # Their queue was given `run` before this file came.
        wait("thumbnails")
        return draw(*told)

    def errand(_: Any) -> dict[str, Any]:
        wait("archive")
        return {}

    _thumbnails._png = picture
    Workplace.run = run  # type: ignore[method-assign]
    Errand.run = errand  # type: ignore[method-assign]
