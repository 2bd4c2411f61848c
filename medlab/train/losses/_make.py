"""make_loss: from a name in a recipe to a function of labels and logits."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medlab.errors import MedlabError
from medlab.train.losses._boundary import boundary
from medlab.train.losses._cldice import cldice
from medlab.train.losses._comparison import Regions, compare
from medlab.train.losses._cross_entropy import cross_entropy, focal
from medlab.train.losses._dice import dice, generalised_dice, tversky
from medlab.train.losses._heads import over_heads
from medlab.train.losses._regions import check_regions

_PARTS: dict[str, Callable[..., Any]] = {
    "boundary": boundary,
    "cldice": cldice,
    "cross-entropy": cross_entropy,
    "dice": dice,
    "focal": focal,
    "generalised-dice": generalised_dice,
    "tversky": tversky,
}

LOSSES: dict[str, tuple[float, ...]] = {
    "dice+cross-entropy": (1.0, 1.0),
    "cross-entropy": (1.0,),
    "dice": (1.0,),
    "focal": (1.0,),
    "dice+focal": (1.0, 1.0),
    "generalised-dice": (1.0,),
    "generalised-dice+cross-entropy": (1.0, 1.0),
    "tversky": (1.0,),
    "tversky+cross-entropy": (1.0, 1.0),
    "cldice": (1.0,),
    "cldice+dice": (0.5, 0.5),
    "cldice+cross-entropy": (1.0, 1.0),
    "boundary": (1.0,),
    "boundary+dice": (0.01, 1.0),
    "boundary+cross-entropy": (0.01, 1.0),
}
"""Every loss by its name in a recipe, and how much each of its parts counts."""


def make_loss(
    choice: str | Mapping[str, Any],
    *,
    classes: int,
    class_weights: Sequence[float] | None = None,
    regions: Regions | None = None,
) -> Callable[[Any, Any], Any]:
    """Make the loss that a recipe names.

    Args:
        choice: A name in `LOSSES`, or a mapping with `name` and settings of its parts:
            `weights` (one a part, in the order of the name), `smooth`, `gamma` (focal),
            `false_positives` and `false_negatives` (tversky), `iterations` (cldice),
            `spacing` (boundary).
        classes: Number of labels, background included.
        class_weights: How much each class counts, background first (it has no say in
            overlaps); with regions, how much each region does.
        regions: Names of overlapping regions, each with its labels, in the order of the
            model's channels; see `number_regions`.

    Returns:
        A function of labels `(B, H, W[, D])`, whole numbers with `IGNORE` where nobody
        labelled, and logits `(B, H, W[, D], C)` of any floating type, or a list of
        logits of several heads, finest first. It gives one float32 and is for use
        inside `jax.jit` and `jax.grad`.

    Raises:
        MedlabError: If there is no such loss or setting, or weights or regions do not
            fit the classes.

    Example:
        >>> loss = make_loss({"name": "dice+focal", "gamma": 3}, classes=3)
        >>> loss.__name__
        'dice+focal'
    """
    told = {"name": choice} if isinstance(choice, str) else dict(choice)
    name = told.pop("name", None)
    if name not in LOSSES:
        raise MedlabError(
            f"loss is one of {', '.join(LOSSES)}, got {name!r}. In a recipe write its "
            "name, or a mapping with 'name' and settings.",
            code="unknown-loss",
        )
    if regions is not None:
        check_regions(regions, classes)
    channels = classes if regions is None else len(regions)
    _check_class_weights(class_weights, channels, by_regions=regions is not None)
    parts = [_PARTS[part] for part in name.split("+")]
    weights = _part_weights(name, told.pop("weights", LOSSES[name]))
    settings = _shared_out(name, parts, told)

    def loss(labels: Any, logits: Any) -> Any:
        seen = compare(labels, logits, regions=regions, class_weights=class_weights)
        return sum(
            weight * part(seen, **chosen)
            for weight, part, chosen in zip(weights, parts, settings, strict=True)
        )

    made = over_heads(loss)
    made.__name__ = name
    return made


def _part_weights(name: str, weights: Any) -> tuple[float, ...]:
    count = len(LOSSES[name])
    if not _are_weights(weights, count) or not any(weights):
        raise MedlabError(
            f"The loss {name} has {count} part(s) and takes as many weights of 0 or "
            f"more, got {weights!r}.",
            code="bad-loss",
        )
    return tuple(float(weight) for weight in weights)


def _shared_out(
    name: str, parts: Sequence[Callable[..., Any]], told: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Give each part those of the settings it takes."""
    taken = [list(inspect.signature(part).parameters)[1:] for part in parts]
    known = ["weights", *dict.fromkeys(setting for one in taken for setting in one)]
    strange = sorted(set(told) - set(known))
    if strange:
        raise MedlabError(
            f"The loss {name} has the settings {', '.join(known)}, got "
            f"{', '.join(strange)}. Correct or remove them.",
            code="bad-loss",
        )
    return [{s: told[s] for s in one if s in told} for one in taken]


def _check_class_weights(weights: Any, channels: int, *, by_regions: bool) -> None:
    if weights is None:
        return
    scored = slice(0 if by_regions else 1, None)
    if not _are_weights(weights, channels) or not any(list(weights)[scored]):
        what = "regions" if by_regions else "classes, background included"
        raise MedlabError(
            f"class_weights has one number of 0 or more for each of the {channels} "
            f"{what}, not all of them 0, got {weights!r}.",
            code="bad-class-weights",
        )


def _are_weights(weights: Any, count: int) -> bool:
    return (
        isinstance(weights, (list, tuple))
        and len(weights) == count
        and all(isinstance(w, (int, float)) and 0 <= w < math.inf for w in weights)
    )
