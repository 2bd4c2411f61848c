"""What every handler does alike: who may ask, what an error looks like, what is kept.

A message of an error is for the person who asked. It can hold a file's name, so it goes
into the reply and not into the log.
"""

import json
import re
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from medlab.errors import MedlabError
from medlab.labels import Answer, answer_of
from medlab.scans import ScanNotFound
from medlab.server._workplace import Workplace

OCTETS = "application/octet-stream"
_SCAN_ID = re.compile(r"[0-9a-f]{16}")

Method = Callable[..., Awaitable[None]]


class MedlabHandler(APIHandler):
    """A handler below `medlab/`."""

    auth_resource = "medlab"

    def initialize(self, workplace: Workplace) -> None:
        self.workplace = workplace

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        # Nothing may be kept, and hashing a slab takes longer than sending it.
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Errors that medlab did not foresee; the log has the trace, the reply has not."""
        reason = self._reason
        self.reply_error(status_code, f"http-{status_code}", f"{reason}.")

    def reply_error(self, status: int, code: str, message: str) -> None:
        self.reply(Answer({"message": message, "code": code}, status=status))

    def reply(self, told: Answer) -> None:
        """Send what the labels answer."""
        self.set_status(told.status)
        if told.body is None:
            self.reply_json(told.json)
        else:
            self.reply_bytes(told.body)

    def reply_json(self, content: Any) -> None:
        # NaN is no JSON: browsers refuse it.
        self.finish(json.dumps(_without_nan(content), allow_nan=False))

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
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise MedlabError(
                "The body must be a JSON object. Send it again as one.",
                code="bad-request",
            )
        return body


def answer(method: Method) -> Method:
    """Check who asks, and turn what a user can mend into a reply `{message, code}`."""

    @wraps(method)
    async def checked(self: MedlabHandler, *args: str) -> None:
        # Jupyter asks for the XSRF token on writes alone; scans are private to read.
        self.check_xsrf_cookie()
        try:
            await method(self, *args)
        except StreamClosedError:
            pass
        except (MedlabError, OSError) as error:
            if isinstance(error, OSError):
                asked, why = self.request.method, error.strerror
                self.log.error("medlab: %s failed: %s", asked, why)
            told = answer_of(error)
            if told is None:
                raise
            self.reply(told)

    # In this order: who are you, may you, and only then anything else.
    return cast(Method, web.authenticated(authorized(checked)))


def _without_nan(content: Any) -> Any:
    if isinstance(content, float):
        return content if abs(content) < float("inf") else None
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    return content
