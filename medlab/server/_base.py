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
from medlab.labels import StaleEdit, join_frames
from medlab.scans import ScanNotFound
from medlab.server._workplace import Workplace

OCTETS = "application/octet-stream"
_SCAN_ID = re.compile(r"[0-9a-f]{16}")
_STATUS = {
    "bad-frame": 400,
    "bad-request": 400,
    "exists": 409,
    "file-changed": 409,
    "run-ended": 409,
    "layer-busy": 503,
}

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

    def reply_error(
        self, status: int, code: str, message: str, told: dict[str, Any] | None = None
    ) -> None:
        """What went wrong; `told` is what a program needs to go on."""
        self.set_status(status)
        self.finish(json.dumps({**(told or {}), "message": message, "code": code}))

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
        except StaleEdit as error:
            self.set_status(409)
            self.reply_bytes(join_frames(error.missed))
        except MedlabError as error:
            default = 404 if isinstance(error, LookupError) else 422
            status = _STATUS.get(error.code, default)
            self.reply_error(status, error.code, str(error), error.told)
        except StreamClosedError:
            pass
        except OSError as error:
            self.log.error("medlab: %s failed: %s", self.request.method, error.strerror)
            sentence = (
                f"The server's disk refused ({error.strerror}). Nothing was written."
            )
            self.reply_error(507, "disk", sentence)

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
