"""How much one server takes on at once, so that no client can fill its memory or its queues.

A body above its limit is answered with 413, a request too many with 429 and `Retry-After`.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from medlab.errors import MedlabError

JSON_BYTES = 256 << 10
"""The longest JSON body; a longer one would hold up the event loop while it is read."""

TOOL_BYTES = 1 << 20
"""The longest order for a tool, which can hold a drawn line."""

FRAMES_BYTES = 256 << 20
"""The longest body of label edits."""

ALL_BODIES_BYTES = 512 << 20
"""All bodies together that are being received or worked on."""

UNREAD_BYTES = 16 << 20
"""So far beyond its limit a body is read on, so that its sender hears why it is refused."""

HELD = 128
"""Requests that are held back until there is news."""

SLABS = 32
"""Slabs that are being sent."""

# Those at work and those that wait for one of the threads of their kind.
_AT_ONCE = {"quick": 256, "listing": 32, "volumes": 32, "thumbnails": 2, "files": 16}


class TooMany(MedlabError):
    """The server has enough to do; the same request can be sent again a little later."""

    code = "too-many"
    retry_s = 1


class TooLong(MedlabError):
    """The body of a request is longer than the server takes."""

    code = "body-too-large"


class Places:
    """How many requests of each kind are being worked on.

    Used on the event loop alone, so it needs no lock.

    Args:
        most: How many of each kind there may be.

    Example:
        >>> places = Places({"files": 1})
        >>> with places.one("files"), places.one("files"):
        ...     pass
        Traceback (most recent call last):
        ...
        medlab.server._limits.TooMany: At most 1 request of this kind (files) is ...
    """

    def __init__(self, most: dict[str, int] | None = None) -> None:
        self._most = most or {
            **_AT_ONCE,
            **{"held": HELD, "slabs": SLABS, "bodies": ALL_BODIES_BYTES},
        }
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, kind: str) -> Iterator[None]:
        """Hold one place while something is done.

        Raises:
            TooMany: If all are taken.
        """
        self.take(kind)
        try:
            yield
        finally:
            self.give_back(kind)

    def take(self, kind: str, count: int = 1) -> None:
        """Take places; `give_back` must follow.

        Raises:
            TooMany: If there are not so many.
        """
        most = self._most[kind]
        if self._taken[kind] + count > most:
            raise TooMany(
                f"At most {most} {_unit(kind, most)} is taken on at once, and there are "
                "more. Wait a second and ask again."
            )
        self._taken[kind] += count

    def give_back(self, kind: str, count: int = 1) -> None:
        """Let others have the places."""
        self._taken[kind] -= count


def _unit(kind: str, most: int) -> str:
    if kind == "bodies":
        return "bytes of bodies"
    return f"request{'s' if most != 1 else ''} of this kind ({kind})"
