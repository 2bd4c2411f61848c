"""fetch_series: a series from a server to the disk (WADO-RS), going on where it broke off.

The list of instances comes first; each is asked for by itself, several at once, in the transfer
syntax it is stored in. What is on disk already and is what it should be is not asked for again.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from filelock import FileLock, Timeout

from medlab.dicomweb._connection import Connection, ServerFault
from medlab.dicomweb._json import text_of
from medlab.dicomweb._limits import LIMITS, Limits
from medlab.dicomweb._multipart import write_part
from medlab.dicomweb._servers import Server, find_server
from medlab.dicomweb._shelf import (
    Fetched,
    file_of,
    folder_of,
    make_folder,
    part_of,
    write_record,
)
from medlab.dicomweb._uids import check_uid, is_uid
from medlab.errors import MedlabError
from medlab.scans import Home, ScanSource, find_home, read_dicom, replacing

_AT_ONCE = 4
_PAGE = 1000
_PAUSE_S = 0.3
_SPARE_BYTES = 256 << 20
_DICOM = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_INSTANCE = "00080018"


@dataclass(frozen=True)
class Progress:
    """How far a series has come.

    Attributes:
        done: Files on disk, those that were there before included.
        total: Files that the server has.
        received_bytes: Bytes of the files that were fetched now.
    """

    done: int
    total: int
    received_bytes: int


@dataclass(frozen=True)
class FetchedSeries:
    """A series that is whole on disk.

    Attributes:
        source: What `open_scan`, the index and the label layers call it.
        instances: Its files.
        kept: How many of them were there before.
        received_bytes: Bytes that came now.
        elapsed_s: How long that took.
    """

    source: ScanSource
    instances: int
    kept: int
    received_bytes: int
    elapsed_s: float


def fetch_series(
    server: Server | str,
    study: str,
    series: str,
    home: Home | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    cancelled: Callable[[], bool] | None = None,
    limits: Limits = LIMITS,
) -> FetchedSeries:
    """Fetch a series; files that are there already are kept.

    Args:
        server: A name of the administrator's table.
        study, series: UIDs, as `find_series` gives them.
        home: Where the workplace lies; found by itself when not given.
        on_progress: Called in this thread after each file.
        cancelled: Asked often; when true, it ends with an error "cancelled". What came so
            far stays, and the next call goes on from there.
        limits: How much is believed and stored.

    Returns:
        Where it lies. `medlab.open_scan` opens it, and the panel lists it.

    Raises:
        MedlabError: If no such server is allowed, it does not answer as it must, or sends
            another instance than asked for.
    """
    if isinstance(server, str):
        server = find_server(server)
    study, series = check_uid("study", study), check_uid("series", series)
    home, began = home or find_home(), time.monotonic()
    folder = folder_of(home, server.name, study, series)
    make_folder(folder.parent)
    work = _Work(server, study, series, cancelled or (lambda: False), limits)
    with _alone(folder):
        instances = work.instances()
        target = folder if folder.is_dir() else part_of(folder)
        make_folder(target)
        missing = [uid for uid in instances if not work.has(target, uid)]
        received = work.fetch(target, missing, len(instances), on_progress)
        record = Fetched(server.name, study, series, len(instances))
        write_record(target, record)
        if target != folder:
            target.rename(folder)
    return FetchedSeries(
        source=ScanSource(home.name(folder), series),
        instances=len(instances),
        kept=len(instances) - len(missing),
        received_bytes=received,
        elapsed_s=time.monotonic() - began,
    )


class _Work:
    """What the steps of one fetch share."""

    def __init__(
        self,
        server: Server,
        study: str,
        series: str,
        cancelled: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self.server, self.study, self.series = server, study, series
        self.limits = limits
        self._is_over = threading.Event()
        self._cancelled = cancelled

    def stop(self) -> bool:
        """Whether to break off: somebody cancelled, or another file failed for good."""
        return self._is_over.is_set() or self._cancelled()

    def connect(self) -> Connection:
        return Connection(self.server, cancelled=self.stop, limits=self.limits)

    def instances(self) -> list[str]:
        """SOPInstanceUIDs of the series, page by page."""
        found: dict[str, None] = {}
        with self.connect() as connection:
            client = connection.client()
            while True:
                before = len(found)
                with connection.asking():
                    answer = client.search_for_instances(
                        self.study, self.series, limit=_PAGE, offset=before
                    )
                    found |= dict.fromkeys(self._uids(answer))
                if len(found) > self.limits.instances:
                    raise self._fault(
                        f"must have at most {self.limits.instances} instances a series, "
                        "got more. Ask its administrator for the series in parts.",
                        "too-large",
                    )
                # Some servers know no offset and send everything, again and again.
                if len(answer) < _PAGE or len(found) == before:
                    break
        if not found:
            raise self._fault(
                "has no instance of that series (any more). Search again.", "not-found"
            )
        return list(found)

    def has(self, folder: Path, instance: str) -> bool:
        """Whether the instance is on disk and is what it should be."""
        path = file_of(folder, instance)
        try:
            return path.is_file() and self._is_right(path, instance)
        except MedlabError:
            return False

    def fetch(
        self,
        folder: Path,
        missing: list[str],
        total: int,
        on_progress: Callable[[Progress], None] | None,
    ) -> int:
        """Fetch instances, several at once.

        Returns:
            Bytes received.
        """
        done, received = total - len(missing), 0
        tell = on_progress or (lambda _: None)
        tell(Progress(done, total, received))
        lines: SimpleQueue[Connection] = SimpleQueue()
        count = min(_AT_ONCE, len(missing)) or 1
        with ExitStack() as stack, ThreadPoolExecutor(count, "medlab-dicomweb") as pool:
            for _ in range(count):
                lines.put(stack.enter_context(self.connect()))
            coming = [pool.submit(self._next, lines, folder, uid) for uid in missing]
            try:
                for one in as_completed(coming):
                    done, received = done + 1, received + one.result()
                    tell(Progress(done, total, received))
                    if received > self.limits.series_bytes:
                        raise self._fault(
                            "sent more than a series may hold. Ask its administrator for "
                            "the series in parts.",
                            "too-large",
                        )
            except MedlabError as error:
                error.told.update(done=done, total=total)
                raise
            finally:
                self._is_over.set()
                pool.shutdown(cancel_futures=True)
        return received

    def _next(
        self, lines: "SimpleQueue[Connection]", folder: Path, instance: str
    ) -> int:
        """Fetch one instance over a free connection; asked again where that may help."""
        connection = lines.get()
        try:
            for attempt in range(1, self.limits.attempts):
                try:
                    return self._one(connection, folder, instance)
                except ServerFault as fault:
                    if not fault.again or self._is_over.wait(_PAUSE_S * attempt):
                        raise
            return self._one(connection, folder, instance)
        finally:
            lines.put(connection)

    def _one(self, connection: Connection, folder: Path, instance: str) -> int:
        if shutil.disk_usage(folder).free < _SPARE_BYTES:
            raise MedlabError(
                f"The disk must have {_SPARE_BYTES >> 20} MiB to spare, got less. "
                "Make room, and fetch again to go on.",
                code="disk-full",
            )
        address = f"studies/{self.study}/series/{self.series}/instances/{instance}"
        with replacing(file_of(folder, instance), mode=0o600) as temporary:
            with connection.asking(), temporary.open("wb") as out:
                size = write_part(*connection.get(address, _DICOM), out)
            if not self._is_right(temporary, instance):
                raise self._fault(
                    "must send the instance that it was asked for, got another. "
                    "Ask its administrator.",
                    "another-instance",
                )
        return size

    def _is_right(self, path: Path, instance: str) -> bool:
        header = read_dicom(path, "The fetched file").header
        told = (
            header.get(f"{level}InstanceUID") for level in ("Study", "Series", "SOP")
        )
        return [str(uid) for uid in told] == [self.study, self.series, instance]

    def _uids(self, answer: object) -> list[str]:
        if not isinstance(answer, list):
            raise ValueError("no list")
        uids = [text_of(item, _INSTANCE) for item in answer]
        if not all(map(is_uid, uids)):
            raise ValueError("no UID")
        return uids

    def _fault(self, sentence: str, code: str) -> ServerFault:
        return ServerFault(f"The server {self.server.called!r} {sentence}", code)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One fetch of a series at a time, in whatever process."""
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise MedlabError(
            "A series must be fetched once at a time, got a second fetch of it. "
            "Wait until the first is done.",
            code="busy",
        ) from None
    try:
        yield
    finally:
        lock.release()
