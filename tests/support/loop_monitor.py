"""A Jupyter server extension for tests: how long the event loop was ever held up.

A coroutine sleeps 2 ms over and over, and writes down every gap above 20 ms into the file
that `MEDLAB_GAPS` names: the time, the gap without what the loop's thread waited for a core,
how long that thread computed meanwhile and how long all threads of the process did, in
seconds. A gap in which nothing was computed is another program's or the disk's.
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
            start, cpu, all_cpu, waited = (
                time.monotonic(),
                time.thread_time(),
                time.process_time(),
                _waited_s(),
            )
            await asyncio.sleep(_SLEEP_S)
            gap = time.monotonic() - start - (_waited_s() - waited)
            if gap > _NOTED_S:
                own, every = time.thread_time() - cpu, time.process_time() - all_cpu
                gaps.write(f"{start} {gap} {own} {every}\n")
                gaps.flush()


def _waited_s() -> float:
    """How long this thread ever waited for a core, ready to run; 0 where nobody counts."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
