"""`dicomweb`: series of the servers that the administrator lists.

Search words can be a patient's name, so they travel in bodies. Patients' names and ids are in
a reply only when asked for with `private`. Fetching is a job: it goes on when the page is
closed, and whoever looks sees the same.
"""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traitlets import Dict
from traitlets.config import Configurable

from medlab.dicomweb import (
    Errand,
    SeriesQuery,
    Server,
    check_uid,
    fetched,
    find_server,
    read_table,
    servers,
)
from medlab.errors import MedlabError
from medlab.labels import Grid, save_labels
from medlab.scans import Home, ScanSource, find_scan, series_slices
from medlab.server._base import MedlabHandler, answer
from medlab.server._limits import TooMany
from medlab.server._workplace import Workplace

_FETCHES, _WAITING, _REMEMBERED = 2, 50, 100
_ASKING = 8


class MedlabDicomWeb(Configurable):
    """Settings of an administrator, such as in `jupyter_server_config.py`."""

    servers = Dict(
        help="""DICOMweb servers by name, as in the file that MEDLAB_DICOMWEB names:
        {"pacs": {"url": "https://pacs.example/dicom-web", "user": "medlab",
        "password_env": "PACS_PASSWORD"}}. Entries here win."""
    ).tag(config=True)


@dataclass
class Fetch:
    """One fetch, as `GET dicomweb/jobs/{job}` tells it."""

    id: str
    server: str
    series: str
    state: str = "waiting"
    progress: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("finished", "failed", "cancelled")

    def to_json(self) -> dict[str, Any]:
        empty = {"done": 0, "total": None, "received_bytes": 0}
        told = {"id": self.id, "server": self.server, "series": self.series}
        found = {"scan": self.result.get("scan"), "path": self.result.get("path")}
        return {
            **told,
            "state": self.state,
            **empty,
            **self.progress,
            **found,
            "error": self.error,
        }


class Fetches:
    """Fetches of one Jupyter server: a few at once, the others wait."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.asking = 0
        self._fetches: dict[str, tuple[Fetch, Errand]] = {}
        self._turns = threading.Semaphore(_FETCHES)
        self._guard = threading.Lock()

    def fetch(self, server: Server, study: str, series: str) -> Fetch:
        """Start a fetch, or find the one of that series that is not over.

        Raises:
            TooMany: If too many wait already.
        """
        with self._guard:
            at_work = [one for one, _ in self._fetches.values() if not one.is_over]
            for one in at_work:
                if (one.server, one.series) == (server.name, series):
                    return one
            if len(at_work) >= _WAITING:
                raise TooMany(
                    f"At most {_WAITING} fetches are taken on at once, and there are more. "
                    "Wait until one is done."
                )
            fetch = Fetch(secrets.token_hex(8), server.name, series)
            errand = Errand.fetch(
                *(server, study, series, self.home), fetch.progress.update
            )
            self._fetches[fetch.id] = (fetch, errand)
            over = [key for key, (one, _) in self._fetches.items() if one.is_over]
            for key in over[: max(0, len(self._fetches) - _REMEMBERED)]:
                del self._fetches[key]
        # A daemon: a fetch does not keep the server from ending. It ends with it.
        threading.Thread(
            target=_carry_out, args=(self._turns, fetch, errand), daemon=True
        ).start()
        return fetch

    def fetches(self) -> list[Fetch]:
        """All that are remembered, newest first."""
        with self._guard:
            return [fetch for fetch, _ in reversed(self._fetches.values())]

    def find(self, job: str) -> tuple[Fetch, Errand]:
        """The fetch of that id.

        Raises:
            JobNotFound: If there is none.
        """
        with self._guard:
            if job in self._fetches:
                return self._fetches[job]
        raise JobNotFound("There is no fetch of that id (any more). Look at the list.")

    def close(self) -> None:
        """Break everything off."""
        with self._guard:
            errands = [errand for _, errand in self._fetches.values()]
        for errand in errands:
            errand.cancel()


class JobNotFound(MedlabError, LookupError):
    """No fetch of that id is remembered."""

    code = "no-job"


def _carry_out(turns: threading.Semaphore, fetch: Fetch, errand: Errand) -> None:
    with turns:
        if fetch.state != "cancelled":
            fetch.state = "running"
            _run(fetch, errand)


def _run(fetch: Fetch, errand: Errand) -> None:
    try:
        fetch.result = errand.run()
        fetch.state = "finished"
    except MedlabError as error:
        fetch.error = error.reply()
        fetch.state = "cancelled" if error.code == "cancelled" else "failed"
    except Exception:
        # A fault of ours: the sentence of a process that died fits, and names nothing.
        fetch.error = MedlabError(
            "The fetch must end with an answer, got none. Try again.",
            code="worker-died",
        ).reply()
        fetch.state = "failed"


_desks: dict[int, Fetches] = {}


class DicomWebHandler(MedlabHandler):
    """What the handlers of servers share."""

    @property
    def desk(self) -> Fetches:
        """The fetches of this Jupyter server; they end with it."""
        key = id(self.workplace)
        if key not in _desks:
            _desks[key] = Fetches(self.workplace.home)
            weakref.finalize(self.workplace, _close, key)
        return _desks[key]

    def allowed(self) -> dict[str, Server]:
        """The administrator's table; looked up anew, so that it can be corrected."""
        told = MedlabDicomWeb(config=self.settings.get("config")).servers
        return {**servers(), **read_table(told)}

    async def away(self, work: Callable[[], Any]) -> Any:
        """Wait for something slow in a thread that does not keep the server from ending.

        Raises:
            TooMany: If too many questions are being asked already.
        """
        desk, loop = self.desk, asyncio.get_running_loop()
        if desk.asking >= _ASKING:
            raise TooMany(
                f"At most {_ASKING} questions to servers are taken on at once, and there "
                "are more. Wait a second and ask again."
            )
        answered: asyncio.Future[Any] = loop.create_future()

        def tell(result: Any, error: BaseException | None) -> None:
            if answered.done():
                return
            if error is None:
                answered.set_result(result)
            else:
                answered.set_exception(error)

        def run() -> None:
            told: tuple[Any, BaseException | None]
            try:
                told = work(), None
            except Exception as error:
                told = None, error
            # The loop may have ended meanwhile, and with it whoever asked.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, *told)

        desk.asking += 1
        try:
            threading.Thread(target=run, name="medlab-dicomweb", daemon=True).start()
            return await answered
        finally:
            desk.asking -= 1


class ServersHandler(DicomWebHandler):
    """GET dicomweb/servers: names and titles; neither addresses nor logins."""

    @answer
    async def get(self) -> None:
        listed = [server.to_json() for server in self.allowed().values()]
        self.reply_json({"servers": listed})


class SearchHandler(DicomWebHandler):
    """POST dicomweb/{server}/search `{words, modality, date, study, limit, private}`."""

    @answer
    async def post(self, name: str) -> None:
        server, body = find_server(name, self.allowed()), self.json_body()
        private = body.pop("private", False) is True
        unknown = set(body) - {"words", "modality", "date", "study", "limit"}
        if unknown:
            raise MedlabError(
                "A search may have words, modality, date, study, limit and private, got "
                "another field. Leave it out.",
                code="bad-request",
            )
        query = SeriesQuery(**body)
        query.check()
        found = await self.away(Errand.find(server, query).run)
        there = await self.away(lambda: fetched(self.workplace.home))
        home = self.workplace.home
        for one in found:
            folder = there.get((server.name, one["study"], one["series"]))
            source = ScanSource(home.name(folder), one["series"]) if folder else None
            one["scan"] = source.scan_id if source else None
            one["path"] = source.path if source else None
            if not private:
                one["patient"] = one["patient_id"] = ""
        # As many as were asked for: there may be more.
        self.reply_json({"series": found, "more": len(found) >= query.limit})


class FetchHandler(DicomWebHandler):
    """POST dicomweb/{server}/fetch `{study, series}`: starts a job, or finds it."""

    @answer
    async def post(self, name: str) -> None:
        server, body = find_server(name, self.allowed()), self.json_body()
        study = check_uid("study", body.get("study"))
        series = check_uid("series", body.get("series"))
        fetch = self.desk.fetch(server, study, series)
        self.set_status(202)
        self.reply_json(fetch.to_json())


class JobsHandler(DicomWebHandler):
    """GET dicomweb/jobs: the fetches, newest first."""

    _track_activity = False

    @answer
    async def get(self) -> None:
        jobs = [fetch.to_json() for fetch in self.desk.fetches()]
        self.reply_json({"jobs": jobs})


class JobHandler(DicomWebHandler):
    """GET dicomweb/jobs/{job}: how far it is. DELETE: break it off."""

    _track_activity = False

    @answer
    async def get(self, job: str) -> None:
        self.reply_json(self.desk.find(job)[0].to_json())

    @answer
    async def delete(self, job: str) -> None:
        fetch, errand = self.desk.find(job)
        if fetch.state == "waiting":
            fetch.state = "cancelled"
        errand.cancel()
        self.reply_json(fetch.to_json())


class SendHandler(DicomWebHandler):
    """POST dicomweb/{server}/send `{scan, layer}`: a layer as DICOM SEG, to the server."""

    @answer
    async def post(self, name: str) -> None:
        server, body = find_server(name, self.allowed()), self.json_body()
        scan, layer = body.get("scan"), body.get("layer")
        if not isinstance(scan, str) or not isinstance(layer, str):
            raise MedlabError(
                "scan and layer must be the id of a scan and the name of a layer. "
                "Send both.",
                code="bad-request",
            )
        scan_id = self.scan_id(scan)
        told = await self.away(
            lambda: _send_layer(self.workplace, server, scan_id, layer)
        )
        self.reply_json({"instances": told})


def _send_layer(workplace: Workplace, server: Server, scan_id: str, name: str) -> Any:
    if not server.can_send:
        raise MedlabError(
            f"The server {server.called!r} must be open for sending, got one that is set up "
            "to be read only. Choose another, or ask its administrator.",
            code="not-allowed",
        )
    source, layer = find_scan(scan_id, workplace.home), workplace.layer(scan_id, name)
    if source.series is None:
        raise MedlabError(
            "Only labels of DICOM scans can be sent as DICOM SEG, got a scan of another "
            "format. Save them as .seg.nrrd or .nii.gz instead.",
            code="no-dicom-scan",
        )
    labels = layer.labels()
    folder = Path(tempfile.mkdtemp(prefix=".sending-", dir=workplace.home.folder))
    try:
        file = folder / "labels.dcm"
        slices = tuple(series_slices(source, workplace.home))
        grid = Grid(layer.shape, layer.affine, slices)
        save_labels(file, labels, grid, home=workplace.home)
        return Errand.send(server, file).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _close(key: int) -> None:
    desk = _desks.pop(key, None)
    if desk is not None:
        desk.close()


ROUTES: list[tuple[str, type[MedlabHandler]]] = [
    ("dicomweb/servers", ServersHandler),
    ("dicomweb/jobs", JobsHandler),
    ("dicomweb/jobs/{job}", JobHandler),
    ("dicomweb/{server}/search", SearchHandler),
    ("dicomweb/{server}/fetch", FetchHandler),
    ("dicomweb/{server}/send", SendHandler),
]
