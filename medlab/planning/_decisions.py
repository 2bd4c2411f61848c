"""Decisions with their reasons, in the order in which they are taken."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Reason(NamedTuple):
    """One decision of a plan.

    Args:
        field: Of the recipe, or `memory` and `time`, which follow from it.
        value: What was decided.
        reason: Why, in a sentence.
    """

    field: str
    value: Any
    reason: str


@dataclass
class Decisions:
    """What was decided so far; what a person fixed wins over every rule.

    Args:
        fixed: Fields of the recipe that were given, with their values.
    """

    fixed: dict[str, Any]
    taken: list[Reason] = field(default_factory=list)

    def take(self, name: str, value: Any, reason: str) -> Any:
        """Decide a field of the recipe, and return what it is now."""
        if name in self.fixed:
            value, reason = self.fixed[name], "As you said."
        self.taken.append(Reason(name, value, reason))
        return value

    @property
    def fields(self) -> dict[str, Any]:
        """The recipe so far, what was fixed and never asked for included."""
        return {**self.fixed, **{name: value for name, value, _ in self.taken}}
