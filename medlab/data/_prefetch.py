"""Batches computed ahead, so that the step never waits for data.

Threads, not processes: cutting patches is copying, during which numpy lets other threads
run, and a batch need not be sent anywhere. Batches come in their order, and each is a pure
function of its step, so their number changes nothing but the speed.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Protocol


class Batches(Protocol):
    """What batches are computed by: `TrainingBatches`, or something like it."""

    steps: int

    def raw(self, epoch: int, step: int) -> Any: ...


class Prefetched(Iterator[Any]):
    """Endless batches from a step on; made by `prefetched`.

    Close it, use it in a `with`, or drop it: its threads end with the batch they are at.

    Attributes:
        waited_s: How long `next` has waited for batches so far, in seconds.
        step: Of the batch that comes next, over all epochs.
    """

    def __init__(
        self, make: Callable[[int], Any], start_step: int, workers: int, depth: int
    ) -> None:
        self._make, self._depth = make, max(depth, workers, 1)
        self.step, self.waited_s = start_step, 0.0
        self._ahead: deque[Future[Any]] = deque()
        self._pool = (
            ThreadPoolExecutor(workers, thread_name_prefix="medlab-batches")
            if workers > 0
            else None
        )
        self._is_closed = False

    def __next__(self) -> Any:
        if self._is_closed:
            raise StopIteration
        began = time.perf_counter()
        try:
            if self._pool is None:
                batch = self._make(self.step)
            else:
                self._fill(self._pool)
                batch = self._ahead.popleft().result()
                self._fill(self._pool, taken=1)
        except BaseException:
            self.close()
            raise
        finally:
            self.waited_s += time.perf_counter() - began
        self.step += 1
        return batch

    def close(self) -> None:
        """End the threads; there are no more batches."""
        self._is_closed = True
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._ahead.clear()

    def __enter__(self) -> "Prefetched":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _fill(self, pool: ThreadPoolExecutor, taken: int = 0) -> None:
        while len(self._ahead) < self._depth:
            step = self.step + taken + len(self._ahead)
            self._ahead.append(pool.submit(self._make, step))


def prefetched(
    batches: Batches,
    start_step: int = 0,
    workers: int = 2,
    depth: int = 4,
    *,
    take: Callable[[int, int], Any] | None = None,
) -> Prefetched:
    """Compute batches ahead in the background.

    Args:
        batches: What computes them.
        start_step: The first step, counted over all epochs.
        workers: Threads; 0 computes each batch when it is asked for.
        depth: How many batches are kept ready.
        take: What is computed for `(epoch, step)`; by default `batches.raw`.

    Returns:
        An endless iterator over batches in their order. What a batch raises is raised
        when its turn comes.

    Example:
        >>> class Numbers:
        ...     steps = 3
        ...     def raw(self, epoch, step):
        ...         return epoch, step
        >>> with prefetched(Numbers(), start_step=2, workers=2) as ahead:
        ...     next(ahead), next(ahead)
        ((0, 2), (1, 0))
    """
    compute = take or batches.raw
    steps = batches.steps
    return Prefetched(lambda n: compute(*divmod(n, steps)), start_step, workers, depth)
