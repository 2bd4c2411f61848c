"""Proposal: what a tool would draw, before anybody has agreed to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._segment import Segment

KEEP = 65535


@dataclass(frozen=True, eq=False)
class Proposal:
    """New labels for a box of the map; `Layer.accept` draws them.

    Args:
        box: `(i0, i1, j0, j1, k0, k1)`, half-open.
        labels: `(I, J, K)` uint16 over the box; `KEEP` (65535) where nothing changes.
        tool: What the journal calls it.
        segments: Ids of the segments it is about.
        new_segments: Segments that it would add, in their order.
        message: One sentence for the person who decides; may be empty.
    """

    box: tuple[int, int, int, int, int, int]
    labels: NDArray[np.uint16]
    tool: str = "proposal"
    segments: tuple[int, ...] = ()
    new_segments: tuple[Segment, ...] = ()
    message: str = ""

    def __post_init__(self) -> None:
        i0, i1, j0, j1, k0, k1 = self.box
        shape = (i1 - i0, j1 - j0, k1 - k0)
        if self.labels.shape != shape or self.labels.dtype != np.uint16:
            raise MedlabError(
                f"A proposal's labels must be uint16 of its box's shape {shape}, got "
                f"{self.labels.shape} of {self.labels.dtype}. Cut them to the box.",
                code="bad-proposal",
            )

    @property
    def changes(self) -> NDArray[Any]:
        """`(I, J, K)` booleans over the box: where it would draw."""
        return np.asarray(self.labels != KEEP)
