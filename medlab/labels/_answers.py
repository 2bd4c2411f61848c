"""What the label routes answer, whoever carries the message.

The server's handlers and a widget's own messages both ask here, so they cannot differ.
Below `labels/<scan>`:

| route | GET | POST |
|---|---|---|
| | the layers of the scan | |
| `/<layer>` | the layer | makes it where there is none `{segments}` |
| `/<layer>/snapshot` | the whole map, one frame | |
| `/<layer>/ops` | `?from=REV`: later edits | edits; answers acknowledgements |
| `/<layer>/history` | `?by=WHO&steps=N`: edits to undo and redo | |
| `/<layer>/recover` | | the layer, at its last good state |

Several edits in one body are written one after the other. Where one is refused, those before
it are on disk and acknowledged; the sender sends the rest again and is told what was wrong.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from medlab.errors import MedlabError
from medlab.labels._ack import StaleEdit
from medlab.labels._delta import from_frame
from medlab.labels._folder import LayerNotFound
from medlab.labels._frame import decode_frame, join_frames, split_frames
from medlab.labels._layer import Layer
from medlab.labels._segment import segments_to_json

_STATUS = {
    "bad-frame": 400,
    "bad-request": 400,
    "busy": 503,
    "exists": 409,
    "file-changed": 409,
    "layer-busy": 503,
    "not-allowed": 405,
    "run-ended": 409,
    # Of a server that a question was passed on to. Its login is no login here.
    "not-found": 404,
    "server-certificate": 502,
    "server-login": 502,
    "server-refused": 502,
    "server-reply": 502,
    "server-settings": 500,
    "server-slow": 504,
    "server-unreachable": 502,
    "too-many": 429,
}
_WHO = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True)
class Answer:
    """A status, and either JSON or bytes."""

    json: Any = None
    body: bytes | None = None
    status: int = 200


class Layers(Protocol):
    """The layers of one scan, as whoever carries the message keeps them."""

    def names(self) -> Sequence[str]:
        """Names of the layers there are."""

    def open(self, name: str, segments: list[Any] | None = None) -> Layer:
        """The layer; made when `segments` are given and there is none."""

    def recover(self, name: str) -> Layer:
        """The layer at its last good state."""


def answer_labels(
    layers: Layers,
    method: str,
    route: Sequence[str],
    query: Mapping[str, str],
    body: bytes = b"",
) -> Answer:
    """Answer a request about the labels of a scan.

    Args:
        layers: Of that scan.
        method: `"GET"` or `"POST"`.
        route: What follows `labels/<scan>/`, cut at the slashes.
        query: Parameters of the address.
        body: Of the request.

    Raises:
        MedlabError: If it cannot be done; `answer_of` makes an answer of it.
    """
    match method, list(route):
        case "GET", []:
            return Answer({"layers": _listed(layers)})
        case "GET", [name]:
            return Answer(layers.open(name).describe())
        case "POST", [name]:
            return Answer(layers.open(name, _segments(body)).describe())
        case "GET", [name, "snapshot"]:
            return Answer(body=layers.open(name).snapshot())
        case "GET", [name, "ops"]:
            rev = whole_number(query, "from", 0)
            return Answer(body=join_frames(layers.open(name).since(rev)))
        case "POST", [name, "ops"]:
            return Answer(body=join_frames(_write_edits(layers.open(name), body)))
        case "GET", [name, "history"]:
            who, steps = _author(query), whole_number(query, "steps", 200)
            return Answer(body=join_frames(layers.open(name).history(who, steps)))
        case "POST", [name, "recover"]:
            return Answer(layers.recover(name).describe())
    raise MedlabError(
        f"labels/{'/'.join(route)} cannot be asked with {method}.", code="not-allowed"
    )


def answer_of(error: Exception) -> Answer | None:
    """The answer to a request that was refused; None for a mistake of the program."""
    if isinstance(error, StaleEdit):
        return Answer(body=join_frames(error.missed), status=409)
    if isinstance(error, MedlabError):
        return Answer(error.reply(), status=_STATUS.get(error.code, _default(error)))
    if isinstance(error, OSError):
        sentence = f"The server's disk refused ({error.strerror}). Nothing was written."
        return Answer({"message": sentence, "code": "disk"}, status=507)
    return None


def whole_number(query: Mapping[str, str], name: str, default: int) -> int:
    """A parameter of the address.

    Raises:
        MedlabError: If it is no whole number.
    """
    text = query.get(name, str(default))
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise MedlabError(
            f"{name} must be a whole number. Ask again with ?{name}={default}.",
            code="bad-request",
        )
    return int(text)


def _default(error: MedlabError) -> int:
    return 404 if isinstance(error, LookupError) else 422


def _listed(layers: Layers) -> list[dict[str, Any]]:
    listed = []
    for name in layers.names():
        try:
            layer = layers.open(name)
        except LayerNotFound:
            continue  # Removed meanwhile.
        except MedlabError as error:
            # One that is damaged must not hide the others.
            damaged = {"name": name, "rev": 0, "segments": [], "damage": error.reply()}
            listed.append(damaged)
            continue
        segments = segments_to_json(layer.segments)
        listed.append({"name": name, "rev": layer.rev, "segments": segments})
    return listed


def _segments(body: bytes) -> list[Any]:
    try:
        told = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise MedlabError(
            "The body must be a JSON object. Send it again as one.", code="bad-request"
        )
    segments = told.get("segments") or []
    if not isinstance(segments, list):
        raise MedlabError(
            "segments must be a list. Send [] for none.", code="bad-request"
        )
    return segments


def _author(query: Mapping[str, str]) -> str:
    who = query.get("by", "")
    if not _WHO.fullmatch(who):
        raise MedlabError(
            f"by must be 8 hex digits that name who draws, got {who!r}.",
            code="bad-request",
        )
    return who


def _write_edits(layer: Layer, body: bytes) -> list[bytes]:
    # All are read before the first is written: a body cut short writes nothing.
    edits = [from_frame(decode_frame(data)) for data in split_frames(body)]
    acks: list[bytes] = []
    for edit in edits:
        try:
            acks.append(layer.apply(edit).encode())
        except (MedlabError, OSError):
            if not acks:
                raise
            break
    return acks
