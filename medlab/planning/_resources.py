"""What a plan may use: memory for a step, and time for all of them."""

from dataclasses import dataclass

from medlab.planning._cost import Cost
from medlab.planning._machine import Machine

FEWEST_STEPS = 1_000
"""Steps that must fit into the time, before the network may be any larger."""
MOST_STEPS = 250_000
"""As nnU-Net: 1,000 epochs of 250 steps."""
_USUAL_BUDGET_S = {"cpu": 3_600.0, "gpu": 12 * 3_600.0}
_USUAL_MEMORY_BYTES = {"cpu": 1 << 62, "gpu": 10 << 30}
"""nnU-Net plans for 10 GB of a GPU: larger patches gain little, and cost time."""


@dataclass(frozen=True)
class Resources:
    """Limits of a training.

    Args:
        machine: Where it runs.
        memory_bytes: Of a step at most.
        budget_s: Time for the whole training.
    """

    machine: Machine
    memory_bytes: int
    budget_s: float

    @classmethod
    def of(
        cls, machine: Machine, memory_gb: float | None, budget_s: float | None
    ) -> "Resources":
        """Fill in what a person did not say."""
        memory = min(machine.memory_bytes, _USUAL_MEMORY_BYTES[machine.device])
        if memory_gb is not None:
            memory = int(memory_gb * 1e9)
        return cls(machine, memory, budget_s or _USUAL_BUDGET_S[machine.device])

    def step_s(self, cost: Cost) -> float:
        """Seconds that a step takes, roughly."""
        return cost.operations / self.machine.operations_a_s

    def allow(self, cost: Cost) -> bool:
        """Whether a step fits the memory, and enough of them the time."""
        return (
            cost.memory_bytes <= self.memory_bytes
            and self.step_s(cost) * FEWEST_STEPS <= self.budget_s
        )

    def steps(self, cost: Cost) -> int:
        """How many steps fit the time."""
        return max(1, min(int(self.budget_s / self.step_s(cost)), MOST_STEPS))
