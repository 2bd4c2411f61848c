"""Workers of a Dask cluster, reached through its scheduler."""

import contextlib
import queue
import re
import time
import uuid
from importlib import import_module
from typing import Any

from medlab.cluster._crew import Answered, Died
from medlab.cluster._order import carry_out
from medlab.cluster._tls import Tls
from medlab.errors import MedlabError

_ANSWERS_WITHIN_S = 10.0
_WORKERS_WITHIN_S = 60.0
_LOOK_EVERY_S = 2.0
_FETCH_S = 60.0
_AHEAD = 2


class DaskCrew:
    """The workers that a Dask scheduler knows.

    Which of our orders a worker held when it died is told by the scheduler's events, so
    the count of deaths does not hang on how that scheduler is set up.

    Args:
        scheduler: `host:port`, with `tcp://` or `tls://` before it if you like.
        tls: Certificates.

    Raises:
        MedlabError: If Dask is missing, nothing answers, or there are no workers.
    """

    def __init__(self, scheduler: str, tls: Tls | None = None) -> None:
        distributed = _distributed()
        self._killed = distributed.scheduler.KilledWorker
        self._prefix = f"medlab-{uuid.uuid4().hex[:12]}-"
        self._futures: dict[int, Any] = {}
        self._happened: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads, self._looked, self._seen = 0, 0.0, time.monotonic()
        self._client = _connect(distributed, scheduler, tls)
        self._client.subscribe_topic("all", self._happened.put)
        try:
            self._client.wait_for_workers(1, timeout=_ANSWERS_WITHIN_S)
        except TimeoutError:
            self.close()
            raise _no_workers(_ANSWERS_WITHIN_S) from None

    @property
    def width(self) -> int:
        """Two orders a thread: one is done while the other waits beside it."""
        now = time.monotonic()
        if now - self._looked > _LOOK_EVERY_S:
            self._check()
            self._threads = sum(self._client.nthreads().values())
            self._looked = now
            if self._threads:
                self._seen = now
            elif now - self._seen > _WORKERS_WITHIN_S:
                raise _no_workers(_WORKERS_WITHIN_S)
        return _AHEAD * max(1, self._threads)

    def start(self, ticket: int, order: str) -> None:
        """Hand an order to the scheduler."""
        key = f"{self._prefix}{ticket}"
        future = self._client.submit(carry_out, order, key=key, pure=False, retries=0)
        self._futures[ticket] = future
        future.add_done_callback(lambda _: self._happened.put(ticket))

    def drop(self, ticket: int) -> None:
        """Take an order back; a worker that is at it already goes on for nothing."""
        future = self._futures.pop(ticket, None)
        if future is not None:
            with contextlib.suppress(Exception):
                future.cancel()

    def next(self, timeout_s: float) -> Answered | Died | None:
        """What happened next."""
        try:
            happened = self._happened.get(timeout=timeout_s)
        except queue.Empty:
            self._check()
            return None
        if not isinstance(happened, int):
            return self._death(happened[1])
        future = self._futures.pop(happened, None)
        if future is None:
            return None
        try:
            answer = future.result(timeout=_FETCH_S)
        except (self._killed, TimeoutError):
            # Another client's settings give up sooner; or its result was lost on the way.
            return Died((happened,))
        except ImportError as error:
            raise MedlabError(
                "The workers of the cluster must have medlab installed, got "
                f"{type(error).__name__}. Install the same version on all of them.",
                code="cluster-without-medlab",
            ) from None
        except Exception as error:
            self._check()
            raise _gone() from error
        return Answered(happened, answer)

    def close(self) -> None:
        """Take all orders back, and leave."""
        for ticket in list(self._futures):
            self.drop(ticket)
        with contextlib.suppress(Exception):
            # First: the scheduler tells who listens that a client has left.
            self._client.unsubscribe_topic("all")
            self._client.close(timeout=5)

    def _death(self, event: Any) -> Died | None:
        if not isinstance(event, dict) or event.get("action") != "remove-worker":
            return None
        if event.get("expected"):
            return None  # It was sent away and had time to hand over its work.
        keys = [str(key) for key in event.get("processing-tasks", ())]
        ours = [key for key in keys if key.startswith(self._prefix)]
        tickets = tuple(int(key.removeprefix(self._prefix)) for key in ours)
        return Died(tickets) if tickets else None

    def _check(self) -> None:
        if self._client.status != "running":
            raise _gone()


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        raise MedlabError(
            "Work over a cluster needs the package distributed, got a Python without it. "
            'Install it: pip install "medlab[dask]".',
            code="no-dask",
        ) from None


def _connect(distributed: Any, scheduler: str, tls: Tls | None) -> Any:
    address = scheduler.strip()
    if not re.fullmatch(r"((tcp|tls)://)?[^\s/@]+:\d{1,5}", address):
        raise MedlabError(
            f"A Dask scheduler is named host:port, got {scheduler[:100]!r}. "
            "It tells its address when it starts, such as 10.0.0.5:8786.",
            code="bad-scheduler",
        )
    security = None
    if tls is not None:
        given = {
            "tls_ca_file": tls.ca,
            "tls_client_cert": tls.certificate,
            "tls_client_key": tls.key,
        }
        named = {name: str(file) for name, file in given.items() if file is not None}
        security = distributed.Security(require_encryption=True, **named)
        address = address if "://" in address else f"tls://{address}"
    try:
        return distributed.Client(
            address,
            timeout=_ANSWERS_WITHIN_S,
            security=security,
            set_as_default=False,
        )
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise MedlabError(
            f"A Dask scheduler must answer at {scheduler} within "
            f"{_ANSWERS_WITHIN_S:g} s, got {type(error).__name__}. Start one with "
            "`dask scheduler`, and check address, firewall and certificates.",
            code="no-scheduler",
        ) from None


def _no_workers(waited_s: float) -> MedlabError:
    return MedlabError(
        f"A cluster must have at least one worker, got none for {waited_s:g} s. "
        "Start some with `dask worker HOST:PORT`; what was done until now is kept.",
        code="no-workers",
    )


def _gone() -> MedlabError:
    return MedlabError(
        "The Dask scheduler must stay until the work is done, got no answer any more. "
        "Start it and the same command again: what was done until now is kept.",
        code="cluster-lost",
    )
