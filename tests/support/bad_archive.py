"""A DICOMweb server that does whatever a test wants it to do wrong."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[[socket.socket, str], None]
"""Writes an answer to the socket; told the request's address."""


@dataclass
class BadArchive:
    """Answers every request as told; remembers what it was asked."""

    answer: Answer
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"


@contextmanager
def bad_archive(answer: Answer) -> Iterator[BadArchive]:
    """Listen on loopback while the block runs."""
    archive = BadArchive(answer)
    listening = socket.create_server(("127.0.0.1", 0))
    archive.port = listening.getsockname()[1]
    open_ones: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            text = head.decode("latin-1")
            archive.heads.append(text)
            archive.asked.append(text.split(" ")[1])
            archive.answer(connection, archive.asked[-1])

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                open_ones.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for one in open_ones:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def reply(
    body: bytes = b"[]",
    *,
    status: str = "200 OK",
    kind: str = "application/dicom+json",
    **headers: str,
) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def always(answer: bytes) -> Answer:
    """Answer every request with the same bytes."""
    return lambda connection, _: connection.sendall(answer)
