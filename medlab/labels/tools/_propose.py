"""propose: any tool by its name, on the part of the map it may look at, under protection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from medlab.errors import MedlabError
from medlab.labels._proposal import Proposal
from medlab.labels._segment import Segment
from medlab.labels.tools._between import between
from medlab.labels.tools._fill import fill
from medlab.labels.tools._grow import grow
from medlab.labels.tools._hollow import hollow
from medlab.labels.tools._islands import islands
from medlab.labels.tools._logic import logic
from medlab.labels.tools._margin import margin
from medlab.labels.tools._protect import fixed_segments, protect
from medlab.labels.tools._region import (
    Box,
    Labels,
    Report,
    Spacing,
    check_grid,
    silent,
    slices,
)
from medlab.labels.tools._seeds import seeds
from medlab.labels.tools._smooth import smooth
from medlab.labels.tools._threshold import threshold

TOOLS: Mapping[str, Callable[..., Proposal]] = {
    tool.__name__: tool
    for tool in (
        *(grow, fill, seeds, between, islands),
        *(margin, smooth, hollow, logic, threshold),
    )
}
_SEE_INTENSITIES = ("grow", "fill", "seeds", "threshold")
_REPORT = ("grow", "seeds", "between", "smooth")


def propose(
    tool: str,
    voxels: NDArray[Any] | None,
    labels: Labels,
    *,
    known: Sequence[Segment],
    spacing_mm: Spacing,
    overwrites: str = "visible",
    region: Box | None = None,
    report: Report = silent,
    **params: Any,
) -> Proposal:
    """Ask a tool what it would draw; what is locked or hidden stays as it is.

    Args:
        tool: One of `TOOLS`.
        voxels: Intensities `(I, J, K)`; None for tools that go by labels alone.
        labels: The map `(I, J, K)`.
        known: All segments of the layer: what the integers mean now.
        spacing_mm: Size of a voxel along each axis.
        overwrites: `"visible"`, `"background"` or `"everything"`; see `protect`.
        region: A box outside of which the tool neither looks nor draws.
        report: Told about progress.
        params: What the tool itself takes.

    Raises:
        MedlabError: If there is no such tool, what it would draw into is locked or hidden,
            or the tool refuses.
    """
    if tool not in TOOLS:
        raise MedlabError(
            f"A tool is one of {', '.join(TOOLS)}, got {tool!r}.", code="no-tool"
        )
    check_grid(labels, spacing_mm, voxels)
    if voxels is None and tool in _SEE_INTENSITIES:
        raise MedlabError(
            f"{tool} goes by intensities, got none. Pass the scan's voxels.",
            code="bad-request",
        )
    fixed = fixed_segments(known, overwrites)
    _check_target(known, fixed, params.get("segment"))
    box = _inside(region, labels.shape)
    if voxels is not None:
        voxels = voxels[slices(box)]
    block = labels[slices(box)]
    told = _moved_into(params, box)
    if params.get("others") is not None:
        told["others"] = params["others"][slices(box)]
    told |= {"fixed": fixed, "spacing_mm": tuple(float(s) for s in spacing_mm)}
    if tool == "islands":
        told["segments"] = known
    if tool in _REPORT:
        told["report"] = report
    seen = [voxels, block] if tool in _SEE_INTENSITIES else [block]
    found = _in_order_of_memory(TOOLS[tool], seen, told)
    return _moved_out(protect(block, known, found, overwrites), box)


def _in_order_of_memory(
    tool: Callable[..., Proposal], arrays: Sequence[Any], told: dict[str, Any]
) -> Proposal:
    """Call a tool with axes turned round where i lies fastest: several times faster."""
    if (
        not arrays[-1].flags.f_contiguous
        and arrays[-1].strides[0] >= arrays[-1].strides[2]
    ):
        return tool(*arrays, **told)
    turned = dict(told)
    turned["spacing_mm"] = told["spacing_mm"][::-1]
    if told.get("axis") is not None:
        turned["axis"] = 2 - told["axis"]
    if told.get("seed") is not None:
        turned["seed"] = tuple(told["seed"])[::-1]
    if told.get("others") is not None:
        turned["others"] = told["others"].T
    found = tool(*(array.T for array in arrays), **turned)
    i0, i1, j0, j1, k0, k1 = found.box
    return replace(found, box=(k0, k1, j0, j1, i0, i1), labels=found.labels.T)


def _check_target(
    segments: Sequence[Segment], fixed: frozenset[int], target: int | None
) -> None:
    for segment in segments:
        if segment.id != target or segment.id not in fixed:
            continue
        if segment.locked:
            raise MedlabError(
                f"The segment {segment.name!r} is locked. Unlock it to draw.",
                code="locked",
            )
        raise MedlabError(
            f"The segment {segment.name!r} is hidden. Show it to draw, or overwrite "
            "everything.",
            code="hidden",
        )


def _inside(region: Box | None, shape: Sequence[int]) -> Box:
    if region is None:
        return 0, shape[0], 0, shape[1], 0, shape[2]
    ends = [int(n) for n in region]
    for axis, size in enumerate(shape):
        ends[2 * axis] = max(0, ends[2 * axis])
        ends[2 * axis + 1] = min(size, ends[2 * axis + 1])
        if ends[2 * axis] >= ends[2 * axis + 1]:
            raise MedlabError(
                f"A region must overlap the scan's {tuple(shape)} voxels, got "
                f"{tuple(region)}. Choose one inside.",
                code="outside",
            )
    return ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]


def _moved_into(params: Mapping[str, Any], box: Box) -> dict[str, Any]:
    told = dict(params)
    if told.get("seed") is not None:
        told["seed"] = [
            n - start for n, start in zip(told["seed"], box[::2], strict=True)
        ]
    if told.get("index") is not None and told.get("axis") is not None:
        told["index"] -= box[2 * told["axis"]]
    return told


def _moved_out(proposal: Proposal, box: Box) -> Proposal:
    if not proposal.labels.size:
        return proposal
    ends = tuple(end + box[side // 2 * 2] for side, end in enumerate(proposal.box))
    return replace(proposal, box=ends)  # type: ignore[arg-type]
