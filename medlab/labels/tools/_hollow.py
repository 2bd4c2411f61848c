"""Hollow: a segment turned into a shell of a given thickness."""

from collections.abc import Collection

from medlab.errors import MedlabError
from medlab.labels._proposal import Proposal
from medlab.labels.tools._distance import grown_by, shrunk_by
from medlab.labels.tools._region import (
    Labels,
    Spacing,
    as_proposal,
    box_of,
    check_grid,
    grown,
    needs_voxels,
    redrawn,
    slices,
    voxels_in,
    writable,
)

SIDES = ("inside", "outside", "middle")


def hollow(
    labels: Labels,
    *,
    segment: int,
    mm: float,
    side: str = "inside",
    spacing_mm: Spacing,
    fixed: Collection[int] = (),
) -> Proposal:
    """Keep of a segment only a shell.

    Args:
        labels: The map `(I, J, K)`.
        segment: Id of the segment.
        mm: Thickness of the shell.
        side: `"inside"`: the present surface is the shell's outer one; `"outside"`: its
            inner one; `"middle"`: half of the shell lies on each side.
        spacing_mm: Size of a voxel along each axis.
        fixed: Ids of segments that give nothing up.

    Raises:
        MedlabError: If the segment has no voxel, or the shell no thickness.
    """
    check_grid(labels, spacing_mm)
    if side not in SIDES:
        raise MedlabError(
            f"side must be one of {', '.join(SIDES)}, got {side!r}.", code="bad-request"
        )
    if not mm > 0:
        raise MedlabError(
            f"A shell must be thicker than 0, got {mm}. Give its thickness.",
            code="bad-request",
        )
    outwards = {"inside": 0.0, "outside": mm, "middle": mm / 2}[side]
    inwards = mm - outwards
    tight = needs_voxels(box_of(labels == segment), segment)
    reach = [n + 1 for n in voxels_in(outwards, spacing_mm)]
    box = grown(tight, reach, labels.shape)
    block = labels[slices(box)]
    mask = block == segment
    outer = grown_by(mask, outwards, spacing_mm) if outwards else mask
    inner = shrunk_by(mask, inwards, spacing_mm) if inwards else mask
    shell = outer & ~inner & (writable(block, fixed) | mask)
    wanted = redrawn(labels, box, segment, shell)
    message = ""
    if not inner.any():
        message = "The segment is thinner than the shell, so none of it is hollowed."
    return as_proposal(
        "hollow", labels, box, wanted, segments=[segment], message=message
    )
