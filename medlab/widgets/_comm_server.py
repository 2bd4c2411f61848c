"""CommServer: the medlab server's answers over a widget's own messages.

For pages without the server extension (VS Code, Colab). The browser asks by message, this
answers from the same `medlab.scans` and `medlab.labels` that the server uses, and only for
the one scan the widget shows. Messages stay at 1 MiB or below: larger ones than 10 MiB
would be lost.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from medlab.labels import (
    Answer,
    Frame,
    Layer,
    answer_labels,
    answer_of,
    encode_frame,
    list_layers,
    whole_number,
)
from medlab.scans import Home, ScanSource, volume_cache
from medlab.smart import desk_at

_CHUNK = 1 << 20


@dataclass
class Reply:
    status: int
    body: bytes


class CommServer:
    """Answers the requests of one widget.

    Args:
        home: Where the workplace lies.
        source: The scan that may be asked for.
        send: Sends one message: its content and its buffers.
    """

    def __init__(
        self,
        home: Home,
        source: ScanSource,
        send: Callable[[dict[str, Any], list[bytes]], None],
    ) -> None:
        self._home, self._source, self._send = home, source, send
        self._parts: dict[int, list[bytes]] = {}
        self._layers: dict[str, Layer] = {}

    def receive(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take one message; answer once all parts of its request are here."""
        if not isinstance(content, dict) or content.get("kind") != "request":
            return
        parts = self._parts.setdefault(content["id"], [])
        parts.append(bytes(buffers[0]) if buffers else b"")
        if len(parts) < content["parts"]:
            return
        body = b"".join(self._parts.pop(content["id"]))
        reply = self.answer(content["method"], content["path"], body)
        count = max(1, -(-len(reply.body) // _CHUNK))
        head = {"kind": "reply", "id": content["id"], "status": reply.status}
        for part in range(count):
            chunk = reply.body[part * _CHUNK : (part + 1) * _CHUNK]
            self._send({**head, "part": part, "parts": count}, [chunk])

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer one request as the server would."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        ask: Callable[[], Answer]
        match parts.path.split("/"):
            case ["smart", *rest]:
                desk = desk_at(self._home)
                ask = partial(desk.answer, method, rest, body, self._source)
            case [room, scan, *rest] if scan == self._source.scan_id:
                ask = partial(self._route, method, room, rest, query, body)
            case _:
                ask = _refuse
        try:
            return _encoded(ask())
        except Exception as error:
            told = answer_of(error)
            if told is None:
                raise
            return _encoded(told)

    def _route(
        self,
        method: str,
        room: str,
        rest: list[str],
        query: dict[str, str],
        body: bytes,
    ) -> Answer:
        match method, room, rest:
            case "GET", "volumes", []:
                return Answer(volume_cache(self._source, self._home).info)
            case "GET", "volumes", ["slab"]:
                k0, k1 = whole_number(query, "k0", 0), whole_number(query, "k1", 1)
                return Answer(body=self._slab(k0, k1))
            case _, "labels", [] | [_] | [
                _,
                "snapshot" | "ops" | "history" | "recover",
            ]:
                return answer_labels(self, method, rest, query, body)
        sentence = "Without a medlab server a widget has volumes and labels only."
        return Answer({"message": sentence, "code": "not-found"}, status=404)

    # The layers of the scan, as `answer_labels` asks for them.

    def names(self) -> list[str]:
        return list_layers(self._home, self._source.scan_id)

    def open(self, name: str, segments: list[Any] | None = None) -> Layer:
        if name not in self._layers:
            self._layers[name] = Layer.open(
                self._home,
                self._source,
                name,
                segments=segments,
                create=segments is not None,
            )
        return self._layers[name]

    def recover(self, name: str) -> Layer:
        known = self._layers.get(name)
        layer = Layer.recover(self._home, self._source, name, known=known)
        self._layers[name] = layer
        return layer

    def _slab(self, k0: int, k1: int) -> bytes:
        cached = volume_cache(self._source, self._home)
        i, j, k = cached.info["shape"]
        k0, k1 = max(0, k0), min(k, k1)
        part = cached.voxels[..., k0:k1]
        header = {
            **{"op": "slab", "scan": self._source.scan_id},
            **{"box": [0, i, 0, j, k0, k1], "dtype": cached.info["dtype"]},
            **{"channels": cached.info["channels"], "enc": "raw", "crc": None},
        }
        return encode_frame(Frame(header, part.tobytes(order="F")))


def _refuse() -> Answer:
    sentence = "This widget answers for its own scan only. Open another widget."
    return Answer({"message": sentence, "code": "not-found"}, status=404)


def _encoded(told: Answer) -> Reply:
    body = json.dumps(told.json).encode() if told.body is None else told.body
    return Reply(told.status, body)
