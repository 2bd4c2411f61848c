"""What workers of any kind can do: take an order under a ticket, and answer or die."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answered:
    """The answer to an order."""

    ticket: int
    answer: str


@dataclass(frozen=True)
class Died:
    """A worker is gone that held these orders."""

    tickets: tuple[int, ...]


class Crew(Protocol):
    """Workers. Whoever opens a crew closes it."""

    @property
    def width(self) -> int:
        """So many orders at a time keep them busy."""
        ...

    def start(self, ticket: int, order: str) -> None:
        """Hand an order to a worker. Does not wait."""
        ...

    def drop(self, ticket: int) -> None:
        """Forget an order: its answer is no longer wanted."""
        ...

    def next(self, timeout_s: float) -> Answered | Died | None:
        """What happened next, None if nothing did for that long.

        Raises:
            MedlabError: If there are no workers any more.
        """
        ...

    def close(self) -> None:
        """End what still runs."""
        ...
