"""Jobs of a server: one desk a workplace, and waiting for a job without holding a thread."""

import asyncio
import weakref

from medlab.server._workplace import Workplace
from medlab.smart import Desk, Job

_PAGE_LOADS_S = 1.0

_desks: dict[int, Desk] = {}


def desk_of(workplace: Workplace) -> Desk:
    """The desk of a workplace, made when it is first asked for, and gone with it."""
    key = id(workplace)
    if key not in _desks:
        _desks[key] = Desk(workplace.home)
        weakref.finalize(workplace, close_desk, key)
    return _desks[key]


def close_desk(key: int) -> None:
    """End the workers of the workplace with that `id()`."""
    desk = _desks.pop(key, None)
    if desk is not None:
        desk.pool.close()


def warm_soon(workplace: Workplace) -> None:
    """Have the workers start when the page that began to draw has been loaded."""
    warm = desk_of(workplace).pool.warm
    asyncio.get_running_loop().call_later(_PAGE_LOADS_S, warm)


async def wait_for(job: Job, seconds: float) -> None:
    """Wait until a job is over, at most so long."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(over.set)

    job.when_over(tell)
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return
