"""A connection that a server can neither lead elsewhere, nor fill, nor hold for ever.

dicomweb-client asks through a `requests` session; this is the session it is given. Requests go
to the server of the table alone: no redirect is followed, no proxy and no login is taken from
the environment, certificates are checked. An answer is read up to a limit of bytes, and a
watchdog closes the sockets when it takes too long or when somebody cancels, wherever the
reading stands.
"""

import contextlib
import errno
import io
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from socket import SHUT_RDWR, socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from medlab.dicomweb._limits import LIMITS, Limits
from medlab.dicomweb._servers import Server
from medlab.errors import MedlabError

JSON_TYPES = ("application/dicom+json", "application/json")
_CHUNK_BYTES = 256 << 10
_LOOKS_S = 0.1
_OUR_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)
_BUSY = (408, 429, 502, 503, 504)


class ServerFault(MedlabError):
    """What a DICOMweb server did or did not do; `again` says whether to ask once more."""

    code = "server-reply"

    def __init__(self, message: str, code: str, *, again: bool = False) -> None:
        super().__init__(message, code=code)
        self.again = again


class Connection:
    """Asks one server; for one thread at a time.

    Args:
        server: An entry of the administrator's table.
        cancelled: Asked ten times a second; when true, whatever goes on is broken off.
        limits: How much is believed.

    Example:
        with Connection(server) as connection:
            found = connection.client().search_for_series(limit=10)
    """

    def __init__(
        self,
        server: Server,
        *,
        cancelled: Callable[[], bool] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self.server = server
        self.limits = limits
        self._cancelled = cancelled or (lambda: False)
        self._sockets: weakref.WeakSet[socket] = weakref.WeakSet()
        self._until: float | None = None
        self._stopped: ServerFault | None = None
        self._closed = threading.Event()
        self._session = _Session(self)
        self._watchdog = threading.Thread(
            target=self._watch, name="medlab-dicomweb", daemon=True
        )

    def __enter__(self) -> "Connection":
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._session.close()
        self._watchdog.join()

    def client(self) -> Any:
        """A `dicomweb_client.DICOMwebClient` that asks through this connection.

        Raises:
            MedlabError: If dicomweb-client is not installed.
        """
        try:
            from dicomweb_client import DICOMwebClient
        except ImportError:
            raise MedlabError(
                "DICOMweb needs the package dicomweb-client, got an environment without "
                'it. Install it: pip install "medlab[dicomweb]".',
                code="no-dicomweb",
            ) from None
        limits = self.limits
        client = DICOMwebClient(
            self.server.url.rstrip("/"),
            session=self._session,
            timeout=(limits.connect_s, limits.silence_s),
        )
        client.set_http_retry_params(retry=False)
        return client

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Turn whatever goes wrong while asking into a sentence without patient text."""
        told = _QUIET.set(True)
        try:
            self._check()
            yield
        except MedlabError as error:
            # What was read when the watchdog bit is the end of nothing.
            raise (self._stopped or error) from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _OUR_DISK:
                raise
            raise (self._stopped or explained(self.server, error)) from None
        finally:
            self._until = None
            _QUIET.reset(told)

    def get(self, path: str, accept: str) -> tuple[str, Iterator[bytes]]:
        """Ask for something large; within `asking`.

        Args:
            path: Below the server's url.
            accept: Media type.

        Returns:
            The content type of the answer, and its bytes as they come.
        """
        limits = self.limits
        self._session.whole = False
        try:
            response = self._session.get(
                f"{self.server.url.rstrip('/')}/{path}",
                headers={"Accept": accept},
                timeout=(limits.connect_s, limits.silence_s),
            )
        finally:
            self._session.whole = True
        response.raise_for_status()
        kind = response.headers.get("Content-Type", "")
        return kind, self.chunks(response, limits.instance_bytes)

    def chunks(self, response: requests.Response, limit: int) -> Iterator[bytes]:
        """The bytes of an answer, counted and timed.

        Raises:
            ServerFault: If there are more than `limit`.
        """
        received = 0
        try:
            while chunk := response.raw.read(_CHUNK_BYTES, decode_content=False):
                received += len(chunk)
                if received > limit:
                    raise self._too_large(limit)
                if self._until is not None:
                    spared = len(chunk) / self.limits.slowest_bytes_s
                    self._until += spared
                yield chunk
            self._check()
        finally:
            response.close()

    def _check(self) -> None:
        if self._stopped is None and self._cancelled():
            self._stopped = _cancelled()
        if self._stopped is not None:
            raise self._stopped

    def begin(self) -> None:
        """A request begins: from now on its time counts."""
        self._check()
        self._until = time.monotonic() + self.limits.reply_s

    def _too_large(self, limit: int) -> ServerFault:
        return ServerFault(
            f"The server {self.server.called!r} must answer with at most {limit} bytes, got "
            "more. Ask its administrator what it sends there.",
            "too-large",
        )

    def _watch(self) -> None:
        while not self._closed.wait(_LOOKS_S):
            until = self._until
            if until is None or self._stopped is not None:
                continue
            if self._cancelled():
                self._stopped = _cancelled()
            elif time.monotonic() > until:
                self._stopped = ServerFault(
                    f"The server {self.server.called!r} must answer within "
                    f"{self.limits.reply_s:g} s, got too little in that time. Try again "
                    "later, or ask its administrator.",
                    "server-slow",
                )
            else:
                continue
            for one in list(self._sockets):
                with contextlib.suppress(OSError):
                    # As a plain socket: TLS must not wait for the other side's goodbye.
                    socket.shutdown(one, SHUT_RDWR)


class _Session(requests.Session):
    """A session for one server of the table."""

    whole = True
    """Read answers at once, as JSON; otherwise leave them to whoever asked."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        server = connection.server
        # A weak link: the connection owns the session.
        self._connection = weakref.proxy(connection)
        self.trust_env = False
        self.verify = server.ca_file or True
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update({"Accept": JSON_TYPES[0], "Accept-Encoding": "identity"})
        self.headers["User-Agent"] = "medlab"
        self.adapters.clear()
        self.mount(f"{server.origin[0]}://", _Adapter(connection._sockets))
        self.auth = _Login(server)

    def send(self, request: Any, **kwargs: Any) -> requests.Response:
        connection: Any = self._connection
        server = connection.server
        if not _is_at(request.url, server):
            raise ServerFault(
                f"A request to {server.called!r} must stay at its own address. "
                "Ask its administrator to correct the url.",
                "server-refused",
            )
        # dicomweb-client's has no port.
        request.headers.pop("Host", None)
        # It also writes the wildcard as %2A, which Orthanc takes for a letter.
        request.url = request.url.replace("%2A", "*")
        connection.begin()
        response = super().send(
            request, **{**kwargs, "stream": True, "allow_redirects": False}
        )
        try:
            _check_answer(response, server, as_json=self.whole)
            if self.whole:
                limit = connection.limits.json_bytes
                body = b"".join(connection.chunks(response, limit))
                response.raw = io.BytesIO(body)
        except BaseException:
            response.close()
            raise
        return response

    def get_redirect_target(self, resp: Any) -> None:
        """Nowhere: requests would otherwise read a redirect's body, however long."""


class _Login(AuthBase):
    """Adds the login, read anew for each connection."""

    def __init__(self, server: Server) -> None:
        self._token = server.token()
        self._user = (server.user, server.password()) if server.user else None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        elif self._user:
            user, password = (part.encode() for part in self._user)
            return requests.auth.HTTPBasicAuth(user, password)(request)
        return request


class _Adapter(HTTPAdapter):
    """Connections whose sockets the watchdog can close."""

    def __init__(self, sockets: "weakref.WeakSet[socket]") -> None:
        self._watched = sockets
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        watched = self._watched

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                watched.add(self.sock)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                watched.add(self.sock)

        plain = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        secure = type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": secure}


def explained(server: Server, error: Exception) -> ServerFault:
    """What a failed request means, in a sentence that holds nothing of the answer."""
    name = repr(server.called)
    if isinstance(error, requests.exceptions.SSLError):
        return ServerFault(
            f"The server {name} must show a certificate that is trusted here, got another. "
            "Ask its administrator; a hospital's own is named by ca_file.",
            "server-certificate",
        )
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return _status_fault(name, error.response.status_code)
    if isinstance(error, requests.exceptions.Timeout):
        return ServerFault(
            f"The server {name} must answer, got silence. Try again later, or ask its "
            "administrator.",
            "server-slow",
            again=True,
        )
    if isinstance(error, (requests.exceptions.ConnectionError, HTTPError)):
        return ServerFault(
            f"The server {name} must be reachable from here, got no connection or one "
            "that broke off. Look whether the network is up, and try again.",
            "server-unreachable",
            again=True,
        )
    return ServerFault(
        f"The server {name} must answer as DICOMweb says, got something else. "
        "Ask its administrator whether the url is that of its DICOMweb.",
        "server-reply",
    )


def _status_fault(name: str, status: int) -> ServerFault:
    if status in (401, 403):
        return ServerFault(
            f"The server {name} refuses the login that is set up for it (status {status}). "
            "Ask who administers this place.",
            "server-login",
        )
    if status == 404:
        return ServerFault(
            f"The server {name} does not have that (any more). Search again.",
            "not-found",
        )
    return ServerFault(
        f"The server {name} must answer with success, got status {status}. "
        "Try again later, or ask its administrator.",
        "server-refused",
        again=status in _BUSY,
    )


def _check_answer(
    response: requests.Response, server: Server, *, as_json: bool
) -> None:
    if 300 <= response.status_code < 400:
        raise ServerFault(
            f"The server {server.called!r} must answer itself, got a redirect, which is not "
            "followed. Ask its administrator to correct the url.",
            "server-refused",
        )
    packed = response.headers.get("Content-Encoding", "identity").lower()
    if packed not in ("", "identity"):
        raise ServerFault(
            f"The server {server.called!r} must answer without compression, as asked, got a "
            "compressed answer. Ask its administrator.",
            "server-reply",
        )
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    # An empty list may come without a type (status 204).
    is_empty = (
        response.status_code == 204 or response.headers.get("Content-Length") == "0"
    )
    if as_json and response.ok and not is_empty and kind not in JSON_TYPES:
        raise explained(server, ValueError())


def _cancelled() -> ServerFault:
    return ServerFault("Cancelled, as asked. Start again to go on.", "cancelled")


def _is_at(url: str, server: Server) -> bool:
    parts, own = urlsplit(url), urlsplit(server.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    here = (parts.scheme, (parts.hostname or "").lower(), port)
    return here == server.origin and parts.path.startswith(own.path.rstrip("/") + "/")


_QUIET: ContextVar[bool] = ContextVar("medlab_dicomweb_quiet", default=False)


def _is_not_ours(_: logging.LogRecord) -> bool:
    return not _QUIET.get()


# Search words can be a patient's name, and these log whole addresses and errors.
_TALKATIVE = ("dicomweb_client.web", "retrying", "urllib3.connectionpool")
for _logger in _TALKATIVE:
    logging.getLogger(_logger).addFilter(_is_not_ours)
