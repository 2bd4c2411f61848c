"""`runs`: what trainers write into their run folders, and the commands sent to them.

Somebody who looks on is not at work: these requests do not keep an idle server alive.
"""

import asyncio
import contextlib
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medlab.errors import MedlabError
from medlab.server._base import MedlabHandler, answer
from medlab.train import runs
from medlab.train.export import TEXTS

_LOOK_EVERY_S = 0.05
_LONGEST_WAIT_S = 10.0


class RunHandler(MedlabHandler):
    """What the handlers of one run share."""

    _track_activity = False
    is_gone = False

    def on_connection_close(self) -> None:
        self.is_gone = True
        super().on_connection_close()

    def folder(self, run: str) -> Path:
        return runs.run_folder(self.workplace.home, run)


class RunsHandler(RunHandler):
    """GET runs: every run, newest first."""

    @answer
    async def get(self) -> None:
        found = await self.workplace.run("quick", runs.list_runs, self.workplace.home)
        self.reply_json({"runs": [asdict(run) for run in found]})


class RunDetailHandler(RunHandler):
    """GET runs/{run}: a run with its recipe and status."""

    @answer
    async def get(self, run: str) -> None:
        detail = await self.workplace.run(
            "quick", runs.read_run, self.workplace.home, run
        )
        self.reply_json(asdict(detail))


class MetricsHandler(RunHandler):
    """GET runs/{run}/metrics?from=BYTE&wait_s=: what was logged from that byte on.

    With `wait_s` the reply is held back until there is a new line, the state changes or a
    command is acted on, or that many seconds have passed.
    """

    @answer
    async def get(self, run: str) -> None:
        start = self.whole_number("from", 0)
        wait_s = _seconds(self.get_query_argument("wait_s", "0"))
        ask = self.workplace.run
        folder = await ask("quick", self.folder, run)
        first = await ask("quick", _read_status, folder)
        until = time.monotonic() + wait_s
        seen = (-1, -1)
        with self.held(wait_s):
            while True:
                now = await ask("quick", _marks, folder)
                if now != seen:
                    seen = now
                    end, lines = await ask("quick", runs.tail_metrics, folder, start)
                    status = await ask("quick", _read_status, folder)
                    is_news = bool(lines) or _gist(status) != _gist(first)
                if is_news or self.is_gone or time.monotonic() >= until:
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
        if not self.is_gone:
            self.reply_json({"next": end, "lines": lines, "status": status})


class LogHandler(RunHandler):
    """GET runs/{run}/log?from=BYTE: the trainer's own output; below 0 from the end."""

    @answer
    async def get(self, run: str) -> None:
        start = self.whole_number("from", 0)
        end, text = await self.workplace.run(
            "quick", lambda: _read_log(self.folder(run), start)
        )
        self.reply_json({"next": end, "text": text})


class ExportHandler(RunHandler):
    """GET runs/{run}/export/{format}: the history of a run as csv or json."""

    @answer
    async def get(self, run: str, format: str) -> None:
        write = TEXTS[format]
        text = await self.workplace.run("quick", lambda: write(self.folder(run)))
        self.reply_bytes(text.encode(), content_type=f"text/{format}; charset=utf-8")


class PreviewHandler(RunHandler):
    """GET runs/{run}/preview/{file}: a preview picture."""

    @answer
    async def get(self, run: str, file: str) -> None:
        picture = await self.workplace.run(
            "quick", lambda: runs.preview_path(self.folder(run), file).read_bytes()
        )
        self.reply_bytes(picture, content_type="image/png")


class ControlHandler(RunHandler):
    """POST runs/{run}/control `{cmd, args}`: asks the trainer for something."""

    @answer
    async def post(self, run: str) -> None:
        body = self.json_body()
        args = body.get("args") or {}
        if not isinstance(args, dict):
            raise MedlabError(
                "args must be an object. Send {} for none.", code="bad-request"
            )
        seq = await self.workplace.run(
            "quick",
            lambda: runs.write_control(self.folder(run), str(body.get("cmd")), args),
        )
        self.reply_json({"seq": seq})


def _seconds(text: str) -> float:
    try:
        return max(0.0, min(_LONGEST_WAIT_S, float(text)))
    except ValueError:
        raise MedlabError(
            f"wait_s must be 0 to {_LONGEST_WAIT_S:g} seconds.", code="bad-request"
        ) from None


def _marks(folder: Path) -> tuple[int, int]:
    """What changes when the trainer writes: cheap to look at, twenty times a second."""
    size = changed = 0
    with contextlib.suppress(OSError):
        size = (folder / "metrics.jsonl").stat().st_size
    with contextlib.suppress(OSError):
        changed = (folder / "status.json").stat().st_mtime_ns
    return size, changed


def _read_status(folder: Path) -> dict[str, Any]:
    return runs.read_folder(folder).status


def _gist(status: dict[str, Any]) -> tuple[Any, Any]:
    return status.get("state"), status.get("ack_seq")


def _read_log(folder: Path, start: int) -> tuple[int, str]:
    if start < 0:
        size = 0
        with contextlib.suppress(OSError):
            size = (folder / "stdout.log").stat().st_size
        start = max(0, size + start)
    return runs.tail_log(folder, start)


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("runs", RunsHandler),
    ("runs/{run}", RunDetailHandler),
    ("runs/{run}/metrics", MetricsHandler),
    ("runs/{run}/log", LogHandler),
    ("runs/{run}/export/{csv|json}", ExportHandler),
    ("runs/{run}/preview/{file}", PreviewHandler),
    ("runs/{run}/control", ControlHandler),
]
