"""What every handler does alike: who may ask, what an error looks like, what is kept.

A message of an error is for the person who asked. It can hold a file's name, so it goes
into the reply and not into the log. The log names a route, never the words of an address.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from medlab.errors import MedlabError
from medlab.labels import Answer, answer_of
from medlab.scans import ScanNotFound
from medlab.server._limits import JSON_BYTES, UNREAD_BYTES, TooLong, TooMany
from medlab.server._workplace import Workplace

OCTETS = "application/octet-stream"
_SCAN_ID = re.compile(r"[0-9a-f]{16}")
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
_SOON_JOINED = 1 << 20
_OTHERS_AFTER = 1 << 20

Method = Callable[..., Awaitable[None]]


@web.stream_request_body
class MedlabHandler(APIHandler):
    """A handler below `medlab/`.

    Bodies are received only once it is clear who asks, and up to `body_limit` bytes.
    """

    auth_resource = "medlab"
    body_limit = JSON_BYTES

    def initialize(self, workplace: Workplace, template: str = "") -> None:
        self.workplace = workplace
        self.template = template
        self._parts: list[bytes] = []
        self._received = 0
        self._reserved = 0
        self._crowded: TooMany | None = None

    async def prepare(self) -> None:  # type: ignore[override]
        # What is logged about a request is its route: addresses can hold names.
        base = self.settings.get("base_url", "/")
        self.request.uri = self.request.path = f"{base}medlab/{self.template}"
        await super().prepare()
        if self.current_user is None and self.request.method != "OPTIONS":
            # Also where Jupyter is told to leave this to each handler: nobody unknown
            # fills the server's memory with a body.
            raise web.HTTPError(403)
        told = self.request.headers.get("Content-Length", "")
        length = int(told) if re.fullmatch(r"[0-9]{1,18}", told) else 0
        if length > self.body_limit + UNREAD_BYTES:
            self._refuse(_too_long(self.body_limit))
        elif length <= self.body_limit:
            try:
                self._reserve(length)
            except TooMany as error:
                self._refuse(error)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        before, self._received = self._received, self._received + len(chunk)
        if self._received > self.body_limit + UNREAD_BYTES:
            # Tornado takes nothing more then, and closes the connection.
            self._parts.clear()
            self._refuse(_too_long(self.body_limit))
        elif self._received > self.body_limit or self._crowded is not None:
            self._parts.clear()
        else:
            try:
                self._reserve(self._received)
                self._parts.append(chunk)
            except TooMany as error:
                # Known only now: a body without a length. It is told when all is read.
                self._crowded = error
                self._parts.clear()
                self._give_back()
        # A fast sender would otherwise be read for as long as it has something to send.
        is_next = before // _OTHERS_AFTER != self._received // _OTHERS_AFTER
        return asyncio.sleep(0) if is_next else None

    def on_finish(self) -> None:
        self._give_back()
        super().on_finish()

    def on_connection_close(self) -> None:
        self._parts.clear()
        self._give_back()
        super().on_connection_close()

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def compute_etag(self) -> None:
        # Nothing may be kept, and hashing a slab takes longer than sending it.
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Errors that medlab did not foresee; the log has the place, the reply has not."""
        error = MedlabError(
            f"The server answered {status_code} ({_REASONS.get(status_code, 'error')}). "
            f"{_ADVICE.get(status_code, 'Try again.')}",
            code=f"http-{status_code}",
        )
        self.reply(Answer(error.reply(), status=status_code))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Name an error and where it arose; its text can hold what a file says."""
        if isinstance(value, web.HTTPError):
            return
        kind = typ.__name__ if typ is not None else "error"
        self.log.error(
            "medlab: %s %s failed: %s at %s",
            *(self.request.method, self.template, kind, " < ".join(_places(tb))),
        )

    def reply_error(self, status: int, code: str, message: str) -> None:
        self.reply(Answer(MedlabError(message, code=code).reply(), status=status))

    def reply(self, told: Answer) -> None:
        """Send what the labels answer."""
        self.set_status(told.status)
        if told.body is None:
            self.reply_json(told.json)
        else:
            self.reply_bytes(told.body)

    def reply_json(self, content: Any) -> None:
        self.finish(to_json(content))

    def reply_text(self, text: bytes) -> None:
        """Send JSON that `to_json` made, in a thread where it is long."""
        self.finish(text)

    def reply_bytes(self, *parts: bytes, content_type: str = OCTETS) -> None:
        for part in parts:
            self.write(part)
        self.finish(set_content_type=content_type)

    def scan_id(self, text: str) -> str:
        """The id of a scan in an address.

        Raises:
            ScanNotFound: If it has not the form of one.
        """
        if not _SCAN_ID.fullmatch(text):
            raise ScanNotFound(
                "A scan's id is 16 hexadecimal digits. Take it from the list of scans."
            )
        return text

    def whole_number(self, name: str, default: int | None = None) -> int:
        """A parameter of the request."""
        text = self.get_query_argument(name, None)
        if text is None and default is not None:
            return default
        if text is None or not re.fullmatch(r"-?[0-9]{1,15}", text):
            raise MedlabError(
                f"{name} must be a whole number. Ask again with ?{name}=0.",
                code="bad-request",
            )
        return int(text)

    def query_names(self) -> list[str]:
        """Names of the request's parameters."""
        return list(self.request.query_arguments)

    def json_body(self) -> dict[str, Any]:
        """The body of the request, an object."""
        sent, body = self.request.body.strip() or b"{}", None
        try:
            if sent.startswith(b"{"):
                body = json.loads(sent, parse_constant=_refuse_nan)
            if _HALF_PAIR.search(sent):
                # Half a surrogate pair is no text: no disk and no database takes it.
                json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise MedlabError(
                "The body must be a JSON object. Send it again as one.",
                code="bad-request",
            )
        return body

    def held(self, wait_s: float) -> AbstractContextManager[None]:
        """A place among the requests that are held back; none is needed without waiting.

        Raises:
            TooMany: On entering, if all are taken.
        """
        return self.workplace.places.one("held") if wait_s > 0 else nullcontext()

    async def receive(self) -> None:
        """Put the body together.

        Raises:
            TooLong: If it is longer than this route takes.
            TooMany: If there was no room for it beside the bodies of others.
        """
        if self._received > self.body_limit:
            raise _too_long(self.body_limit)
        if self._crowded is not None:
            raise self._crowded
        parts, self._parts = self._parts, []
        if self._received <= _SOON_JOINED:
            self.request.body = b"".join(parts)
        else:
            self.request.body = await self.workplace.run("quick", b"".join, parts)

    def _refuse(self, error: MedlabError) -> None:
        if isinstance(error, TooMany):
            self.set_header("Retry-After", str(error.retry_s))
        status = 429 if isinstance(error, TooMany) else 413
        self.reply(Answer(error.reply(), status=status))

    def _hang_up(self) -> None:
        stream = getattr(self.request.connection, "stream", None)
        if stream is not None:
            stream.close()

    def _reserve(self, length: int) -> None:
        if length > self._reserved:
            self.workplace.places.take("bodies", length - self._reserved)
            self._reserved = length

    def _give_back(self) -> None:
        self.workplace.places.give_back("bodies", self._reserved)
        self._reserved = 0

    def _log(self) -> None:
        # The page that asked can have a file's name in its own address.
        if "Referer" in self.request.headers:
            del self.request.headers["Referer"]
        super()._log()


class NowhereHandler(MedlabHandler):
    """Every other address below `medlab/`."""

    async def _none(self, *_: str) -> None:
        raise web.HTTPError(404)

    get = post = put = patch = delete = web.authenticated(_none)


def answer(method: Method) -> Method:
    """Check who asks, and turn what a user can mend into a reply; see `MedlabError.reply`."""

    @wraps(method)
    async def checked(self: MedlabHandler, *args: str) -> None:
        # Jupyter asks for the XSRF token on writes alone; scans are private to read.
        self.check_xsrf_cookie()
        try:
            await self.receive()
            await method(self, *args)
        except StreamClosedError:
            pass
        except (TooMany, TooLong) as error:
            self._refuse(error)
        except (MedlabError, OSError) as error:
            if isinstance(error, OSError):
                asked, why = self.request.method, error.strerror
                self.log.error("medlab: %s failed: %s", asked, why)
            told = answer_of(error)
            if told is None:
                raise
            if self._headers_written:
                # Half a reply must not look like a whole one.
                self._hang_up()
                return
            if told.status in (429, 503):
                self.set_header("Retry-After", "1")
            self.reply(told)

    # In this order: who are you, may you, and only then anything else.
    return cast(Method, web.authenticated(authorized(checked)))


def to_json(content: Any) -> bytes:
    """JSON text; NaN, which is no JSON and which browsers refuse, becomes null.

    Example:
        >>> to_json({"a": float("nan"), "b": "<b>"})
        b'{"a": null, "b": "<b>"}'
    """
    try:
        return json.dumps(content, allow_nan=False).encode()
    except ValueError:
        return json.dumps(_without_nan(content), allow_nan=False).encode()


_REASONS = {
    400: "the request cannot be understood",
    403: "not allowed",
    404: "there is no such address",
    405: "the address is not asked that way",
    500: "a fault in medlab",
}
_ADVICE = {
    403: "Log in to Jupyter again.",
    404: "Look at the list of routes.",
    500: "Try again; the server's log names the place.",
}


def _too_long(limit: int) -> TooLong:
    return TooLong(f"The body must be at most {limit} bytes. Send it in smaller parts.")


def _refuse_nan(_: str) -> NoReturn:
    raise ValueError("NaN is no JSON")


def _places(trace: TracebackType | None) -> list[str]:
    """Where an error passed, innermost first, as `file.py:line` without folders above."""
    found = []
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        found.append(f"{path.parent.name}/{path.name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found[-1:-7:-1]


def _without_nan(content: Any) -> Any:
    if isinstance(content, float):
        return content if abs(content) < float("inf") else None
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    return content
