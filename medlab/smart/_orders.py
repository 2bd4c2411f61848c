"""Orders: what may be asked of a tool, checked before a worker hears of it.

Nothing here imports a tool: their names and parameters stand in a table.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from medlab.errors import MedlabError

Check = Callable[[Any], Any]


@dataclass(frozen=True)
class Param:
    """One parameter of a tool.

    Args:
        check: Returns the value as the tool takes it, or None if it is none.
        says: What it must be, for the message.
        default: Taken where it is not given; `...` if it must be.
    """

    check: Check
    says: str
    default: Any = ...


def _number(low: float = -math.inf, high: float = math.inf) -> Check:
    def check(value: Any) -> float | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and low <= value <= high else None

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: Any) -> int | None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return value if is_whole and low <= value <= high else None

    return check


def _several(count: int | None, each: Check) -> Check:
    def check(value: Any) -> list[Any] | None:
        if not isinstance(value, list) or count not in (None, len(value)):
            return None
        checked = [each(item) for item in value]
        return None if None in checked else checked

    return check


def _one_of(*choices: str) -> Param:
    return Param(
        lambda value: value if value in choices else None,
        f"one of {', '.join(choices)}",
    )


def _optional(param: Param, default: Any = None) -> Param:
    return Param(param.check, f"{param.says}, or null", default)


def _segments_by_name(value: Any) -> dict[str, int] | None:
    is_map = isinstance(value, dict) and all(
        isinstance(name, str) and _whole(1, 65534)(number) is not None
        for name, number in value.items()
    )
    return value if is_map else None


_FINITE = 1e12
_ID = Param(_whole(1, 65534), "the id of a segment, 1 to 65534")
_IDS = _optional(Param(_several(None, _whole(1, 65534)), "a list of segment ids"))
_VOXEL = Param(_several(3, _whole(0, 1 << 20)), "a voxel [i, j, k]")
_AXIS = Param(_whole(0, 2), "an axis 0, 1 or 2")
_INDEX = Param(_whole(0, 1 << 20), "the number of a slice")
_LEVEL = Param(_number(-_FINITE, _FINITE), "an intensity")
_TOLERANCE = Param(_number(0, _FINITE), "a difference of intensity, 0 or more")
_THICK = Param(_number(0.001, 500), "a length of more than 0 and at most 500")
_NAME = Param(
    lambda value: value if isinstance(value, str) and value else None, "a name"
)

_OF_ALL = {
    "overwrites": Param(
        lambda value: (
            value if value in ("visible", "background", "everything") else None
        ),
        "one of visible, background, everything",
        "visible",
    ),
    "region": _optional(
        Param(_several(6, _whole(0, 1 << 20)), "a box [i0, i1, j0, j1, k0, k1]")
    ),
}

TOOLS: Mapping[str, Mapping[str, Param]] = {
    "grow": {
        **{"segment": _ID, "seed": _VOXEL, "tolerance": _optional(_TOLERANCE)},
        "axis": _optional(_AXIS),
        "expand": Param(_whole(-20, 20), "a whole number, -20 to 20", 0),
        "max_mm": _optional(_THICK),
    },
    "fill": {"segment": _ID, "seed": _VOXEL, "tolerance": _optional(_TOLERANCE)},
    "seeds": {
        "segments": _IDS,
        "margin_mm": Param(_number(0, 500), "a length of 0 to 500", 20.0),
        "smoothness": Param(_number(0, 1), "0 to 1", 0.5),
    },
    "between": {"segment": _ID, "axis": _AXIS},
    "islands": {
        "segment": _ID,
        "op": _one_of(
            *("keep-largest", "remove-small", "split"),
            *("keep-clicked", "remove-clicked", "add-clicked"),
        ),
        "min_mm3": Param(_number(0, _FINITE), "a volume of 0 or more", 0.0),
        "seed": _optional(_VOXEL),
    },
    "margin": {
        "segment": _ID,
        "mm": Param(_number(-500, 500), "a length of -500 to 500"),
    },
    "smooth": {
        "segments": _IDS,
        "method": _one_of("median", "open", "close", "gaussian", "joint"),
        "mm": _THICK,
    },
    "hollow": {
        **{"segment": _ID, "mm": _THICK},
        "side": _one_of("inside", "outside", "middle"),
    },
    "logic": {
        **{"segment": _ID, "other": _optional(_ID), "other_layer": _optional(_NAME)},
        "op": _one_of(
            *("copy", "union", "intersect", "subtract"),
            *("invert", "clear", "fill-holes"),
        ),
    },
    "threshold": {
        **{"segment": _ID, "low": _optional(_LEVEL), "high": _optional(_LEVEL)},
        **{"axis": _optional(_AXIS), "index": _optional(_INDEX)},
        "within": _optional(Param(_whole(0, 65534), "the id of a segment, 0 for none")),
    },
    "model": {
        **{"run": _NAME, "extent": _one_of("slice", "slab", "volume")},
        **{"axis": _optional(_AXIS), "index": _optional(_INDEX)},
        "half_width": Param(_whole(0, 1000), "how many slices to each side", 0),
        "segments": _optional(
            Param(_segments_by_name, "the model's names with segment ids")
        ),
    },
    "statistics": {"segments": _IDS},
}


def order_of(tool: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Check a request `{scan, layer, rev, params}` for a tool.

    Returns:
        `{tool, layer, rev, params}`; every parameter is there and of its kind.

    Raises:
        MedlabError: If something is missing, unknown, or not what it must be.
    """
    if tool not in TOOLS:
        raise NoSuchTool(f"A tool is one of {', '.join(TOOLS)}, got {tool!r}.")
    given = body.get("params") or {}
    if not isinstance(given, dict):
        raise _bad("params must be an object. Send {} for none.")
    known = {**TOOLS[tool], **_OF_ALL}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise _bad(
            f"{tool} takes {', '.join(known)}, got {', '.join(unknown)}. Leave it out."
        )
    params = {name: _checked(tool, name, known[name], given) for name in known}
    layer, rev = body.get("layer", "labels"), body.get("rev", 0)
    if not isinstance(layer, str) or _whole(0, 1 << 60)(rev) is None:
        raise _bad(
            "layer must be a name and rev a whole number. Take both from the layer."
        )
    return {"tool": tool, "layer": layer, "rev": rev, "params": params}


class NoSuchTool(MedlabError, LookupError):
    """A name that is no tool's."""

    code = "no-tool"


def _checked(tool: str, name: str, param: Param, given: Mapping[str, Any]) -> Any:
    value = given.get(name)
    if value is None:
        if param.default is ...:
            raise _bad(f"{tool} must be told {name}: {param.says}. Send it.")
        return param.default
    checked = param.check(value)
    if checked is None:
        raise _bad(f"{name} must be {param.says}, got {_short(value)}. Send another.")
    return checked


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _bad(sentence: str) -> MedlabError:
    return MedlabError(sentence, code="bad-request")
