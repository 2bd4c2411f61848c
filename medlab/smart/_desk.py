"""Desk: where a request for a preview is taken, and where its result is asked for."""

import contextlib
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any

from medlab.errors import MedlabError
from medlab.labels import Answer
from medlab.scans import Home, ScanNotFound, ScanSource
from medlab.smart._orders import order_of
from medlab.smart._pool import Job, Pool

SOON_S = 1.0
"""How long a request waits for its result before it is told a job's id instead."""

_KEPT = 64
_KERNEL_WAITS_S = 0.3


class NoSuchJob(MedlabError, LookupError):
    """A job that never was, or whose result was fetched long ago."""

    code = "no-job"


class Desk:
    """Takes requests for one workplace.

    Args:
        home: Where the workplace lies.
        pool: Who does the work.
    """

    def __init__(self, home: Home, pool: Pool | None = None) -> None:
        self._home = home
        self.pool = pool or Pool()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._guard = Lock()

    def start(self, tool: str, body: Mapping[str, Any], source: ScanSource) -> Job:
        """Begin what a request asks for.

        Args:
            tool: Name of the tool.
            body: `{scan, layer, rev, params}`.
            source: The scan.

        Raises:
            MedlabError: If the request is wrong, or too many wait.
        """
        order = {
            **order_of(tool, body),
            **{"root": str(self._home.root), "folder": str(self._home.folder)},
            **{"path": source.path, "series": source.series},
        }
        job = self.pool.submit("model" if tool == "model" else "tools", order)
        with self._guard:
            self._jobs[job.id] = job
            over = [key for key, found in self._jobs.items() if found.is_over]
            for key in over[: max(0, len(self._jobs) - _KEPT)]:
                del self._jobs[key]
        return job

    def job(self, job_id: str) -> Job:
        """The job of that id.

        Raises:
            NoSuchJob: If there is none.
        """
        with self._guard:
            found = self._jobs.get(job_id)
        if found is None:
            raise NoSuchJob(
                f"There is no job {job_id[:12]!r}; its result may have been fetched. Ask "
                "for the preview again."
            )
        return found

    def cancel(self, job_id: str) -> None:
        """Give a job up; one that is not there any more is none the less given up."""
        with contextlib.suppress(NoSuchJob):
            self.pool.cancel(self.job(job_id))
            with self._guard:
                self._jobs.pop(job_id, None)

    def reply(self, job: Job) -> Answer:
        """The result of a job, or how far it is.

        Raises:
            MedlabError: Why there is no result.
        """
        if not job.is_over:
            told = {"job": job.id, "progress": job.progress, "message": job.message}
            return Answer(told, status=202)
        with self._guard:
            self._jobs.pop(job.id, None)
        if job.error is not None:
            raise job.error
        if job.content == "json":
            return Answer(json.loads(job.payload))
        return Answer(body=job.payload)

    def answer(
        self,
        method: str,
        route: Sequence[str],
        body: bytes,
        source: ScanSource,
    ) -> Answer:
        """Answer a request as a server would, for the one scan of a widget.

        A kernel does nothing else meanwhile, so it waits a fraction of a second only, and
        the page asks again.

        Args:
            method: `"GET"`, `"POST"` or `"DELETE"`.
            route: What follows `smart/` in the address.
            body: Of the request.
            source: The scan the widget shows.

        Raises:
            MedlabError: As the server's handlers do.
        """
        match method, list(route):
            case "POST", [tool]:
                asked = _object(body)
                if asked.get("scan") != source.scan_id:
                    raise ScanNotFound(
                        "This widget answers for its own scan only. Open another widget."
                    )
                job = self.start(tool, asked, source)
                job.wait(_KERNEL_WAITS_S)
                return self.reply(job)
            case "GET", ["jobs", job_id]:
                job = self.job(job_id)
                job.wait(_KERNEL_WAITS_S)
                return self.reply(job)
            case "DELETE", ["jobs", job_id]:
                self.cancel(job_id)
                return Answer({})
        raise NoSuchJob("There is no such request about a preview. Update the page.")


@cache
def desk_at(home: Home) -> Desk:
    """The one desk of this process for a workplace: widgets of a kernel share workers."""
    return Desk(home)


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise MedlabError(
            "The body must be a JSON object. Send it again as one.", code="bad-request"
        )
    return told
