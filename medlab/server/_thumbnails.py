"""Thumbnails: drawn in the background, what was asked for last first.

Somebody who scrolls through a thousand rows asks for a thousand pictures and looks at twenty.
So the newest request is served first, one that nobody waits for is dropped, and the queue has
an end.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from medlab.scans import (
    Home,
    NotAScan,
    find_scan,
    find_summary,
    kept_thumbnail,
    thumbnail_png,
)
from medlab.server._limits import TooMany

Run = Callable[..., Awaitable[bytes | None]]

_AT_WORK = 2
_WAITING = 200


@dataclass(eq=False)
class _Picture:
    scan_id: str
    waiting: set[asyncio.Future[bytes]] = field(default_factory=set)


class Thumbnails:
    """The queue of one workplace. Used on the event loop alone.

    Args:
        home: Where its scans lie.
        run: `run(kind, work, *args)` does slow work in a thread.
        waiting: How many pictures may wait; the oldest gives way.
    """

    def __init__(self, home: Home, run: Run, waiting: int = _WAITING) -> None:
        self._home = home
        self._run = run
        self._most = waiting
        self._queue: OrderedDict[str, _Picture] = OrderedDict()
        self._drawn: dict[str, _Picture] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    async def picture(self, scan_id: str) -> bytes:
        """The PNG of a scan. Cancel the task when nobody waits for it any more.

        Raises:
            ScanNotFound: If there is no such scan.
            MedlabError: If it cannot be drawn.
            TooMany: If too many others were asked for after it.
        """
        kept = await self._run("quick", _kept, scan_id, self._home)
        return kept if kept is not None else await self._ask(scan_id)

    def _ask(self, scan_id: str) -> asyncio.Future[bytes]:
        told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        picture = self._drawn.get(scan_id) or self._queue.pop(scan_id, None)
        picture = picture or _Picture(scan_id)
        picture.waiting.add(told)
        told.add_done_callback(lambda done: self._left(picture, done))
        if scan_id not in self._drawn:
            self._queue[scan_id] = picture
            while len(self._queue) > self._most:
                _, oldest = self._queue.popitem(last=False)
                _tell(
                    oldest,
                    TooMany(
                        f"At most {self._most} pictures wait to be drawn, and more were "
                        "asked for. Ask again when this one is looked at."
                    ),
                )
            self._go_on()
        return told

    def _go_on(self) -> None:
        while self._queue and len(self._drawn) < _AT_WORK:
            scan_id, picture = self._queue.popitem()
            self._drawn[scan_id] = picture
            task = asyncio.ensure_future(self._draw(picture))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _draw(self, picture: _Picture) -> None:
        drawn: bytes | Exception
        try:
            drawn = (
                await self._run("thumbnails", _png, picture.scan_id, self._home) or b""
            )
        except Exception as error:
            drawn = error
        del self._drawn[picture.scan_id]
        _tell(picture, drawn)
        self._go_on()

    def _left(self, picture: _Picture, done: asyncio.Future[bytes]) -> None:
        picture.waiting.discard(done)
        if not picture.waiting and self._queue.get(picture.scan_id) is picture:
            del self._queue[picture.scan_id]


def _tell(picture: _Picture, drawn: bytes | Exception) -> None:
    for waiting in list(picture.waiting):
        if waiting.done():
            continue
        if isinstance(drawn, Exception):
            waiting.set_exception(drawn)
        else:
            waiting.set_result(drawn)


def _kept(scan_id: str, home: Home) -> bytes | None:
    scan = find_summary(scan_id, home)
    if scan.error is not None:
        # It could not be read when it was indexed: no need to try at each look.
        raise NotAScan(scan.error)
    return kept_thumbnail(find_scan(scan_id, home), home)


def _png(scan_id: str, home: Home) -> bytes:
    return thumbnail_png(find_scan(scan_id, home), home)
