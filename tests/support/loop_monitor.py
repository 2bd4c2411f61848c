"""A Jupyter server extension for tests: how long the event loop was ever held up.

A coroutine sleeps 2 ms over and over, and writes down every gap above 20 ms into the file
that `MEDLAB_GAPS` names: the time, the gap, how long the loop's thread computed meanwhile
and how long all threads of the process did, in seconds. A gap in which nothing was computed
is another program's or the disk's.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

_SLEEP_S, _NOTED_S = 0.002, 0.02


def _load_jupyter_server_extension(app: Any) -> None:
    app.io_loop.add_callback(_watch, Path(os.environ["MEDLAB_GAPS"]))


async def _watch(file: Path) -> None:
    with file.open("a") as gaps:
        while True:
            start, cpu, all_cpu = (
                time.monotonic(),
                time.thread_time(),
                time.process_time(),
            )
            await asyncio.sleep(_SLEEP_S)
            gap = time.monotonic() - start
            if gap > _NOTED_S:
                own, every = time.thread_time() - cpu, time.process_time() - all_cpu
                gaps.write(f"{start} {gap} {own} {every}\n")
                gaps.flush()
