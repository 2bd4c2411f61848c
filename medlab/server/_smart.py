"""`smart`: previews by tools that take longer than a stroke; see `medlab.smart`.

A request is answered with the preview where that takes up to a second, else with a job's id.
"""

import asyncio
from typing import Any

from medlab.errors import MedlabError
from medlab.scans import find_scan
from medlab.server._base import MedlabHandler, answer
from medlab.server._jobs import desk_of, wait_for
from medlab.server._limits import TOOL_BYTES
from medlab.smart import Desk, Job
from medlab.smart._desk import SOON_S

_LONGEST_WAIT_S = 10.0


class SmartHandler(MedlabHandler):
    """What the handlers of previews share."""

    job: Job | None = None
    body_limit = TOOL_BYTES

    @property
    def desk(self) -> Desk:
        return desk_of(self.workplace)


class ToolHandler(SmartHandler):
    """POST smart/{tool} `{scan, layer, rev, params}`: what the tool would draw."""

    def on_connection_close(self) -> None:
        # Nobody has heard of the job yet, so nobody will ever ask for it.
        if self.job is not None:
            self.desk.pool.cancel(self.job)
        super().on_connection_close()

    @answer
    async def post(self, tool: str) -> None:
        body = self.json_body()
        scan_id = self.scan_id(str(body.get("scan", "")))
        self.desk.pool.warm()
        source = await self.workplace.run(
            "quick", find_scan, scan_id, self.workplace.home
        )
        await self.workplace.run("volumes", self.workplace.volume, scan_id)
        self.job = self.desk.start(tool, body, source)
        await wait_for(self.job, SOON_S)
        job, self.job = self.job, None
        self.reply(self.desk.reply(job))


class JobHandler(SmartHandler):
    """GET smart/jobs/{job}?wait_s=: its result, or how far it is; DELETE gives it up."""

    @answer
    async def get(self, job_id: str) -> None:
        job = self.desk.job(job_id)
        wait_s = _seconds(self.get_query_argument("wait_s", "0"))
        with self.held(wait_s):
            await wait_for(job, wait_s)
        self.reply(self.desk.reply(job))

    @answer
    async def delete(self, job_id: str) -> None:
        await asyncio.to_thread(self.desk.cancel, job_id)
        self.reply_json({})


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT_S:
        raise MedlabError(
            f"wait_s must be 0 to {_LONGEST_WAIT_S:g} seconds, got {text[:20]!r}. Ask "
            "again with ?wait_s=10.",
            code="bad-request",
        )
    return seconds


ROUTES: list[tuple[str, type[Any]]] = [
    ("smart/jobs/{job}", JobHandler),
    ("smart/{tool}", ToolHandler),
]
