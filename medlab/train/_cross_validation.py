"""CrossValidation: what came of the folds, case by case, and what to make of it."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medlab.errors import MedlabError
from medlab.train._recipe import Recipe
from medlab.train._run import Run

Row = dict[str, Any]
"""`fold` and `case` (place in the recipe), `segment`, `dice`, and `dice_largest`: the same
when only the largest part is kept. Dice is None where nothing was there nor found."""


@dataclass(frozen=True)
class CrossValidation:
    """The folds of a recipe that are done, each judged on the cases it never saw.

    Args:
        recipe: That was divided; `largest_only` names the segments of which the largest
            part alone agreed better with the held-back labels.
        runs: The finished run of each fold.
        rows: One a held-back case and segment, see `Row`.
        missing: Folds that are not done yet.
    """

    recipe: Recipe
    runs: dict[int, Run]
    rows: list[Row] = field(default_factory=list)
    missing: tuple[int, ...] = ()

    @property
    def ensemble(self) -> list[Run]:
        """The runs of all folds: `medlab.predict(found.ensemble, scan, recipe=found.recipe)`
        takes the mean of what they say."""
        return [self.runs[fold] for fold in sorted(self.runs)]

    @property
    def by_segment(self) -> dict[str, float]:
        """Mean Dice of each segment over the held-back cases; NaN if never there.

        After `largest_only`, where that helps.
        """
        kept = self.recipe.largest_only
        return {
            name: _mean(self._values(name, "dice_largest" if name in kept else "dice"))
            for name in self._segments()
        }

    @property
    def mean(self) -> float:
        """Mean of `by_segment`: one figure to compare configurations by."""
        return _mean(list(self.by_segment.values()))

    def table(self) -> list[Row]:
        """One row a segment: mean, standard deviation and number of cases."""
        found = []
        for name, mean in self.by_segment.items():
            kept = name in self.recipe.largest_only
            values = _known(self._values(name, "dice_largest" if kept else "dice"))
            found.append(
                {
                    "segment": name,
                    "dice": mean,
                    "spread": _spread(values),
                    "cases": len(values),
                    "largest_only": kept,
                }
            )
        return found

    def _segments(self) -> list[str]:
        return list(dict.fromkeys(row["segment"] for row in self.rows))

    def _values(self, segment: str, figure: str) -> list[float | None]:
        return [row[figure] for row in self.rows if row["segment"] == segment]

    def __repr__(self) -> str:
        lines = [f"CrossValidation: {self._headline()}"]
        for row in self.table():
            kept = ", largest part only" if row["largest_only"] else ""
            lines.append(
                f"  {row['segment']}: Dice {row['dice']:.3f} ± {row['spread']:.3f} "
                f"({row['cases']} cases{kept})"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col" style="text-align:left">{title}</th>'
            for title in ("segment", "Dice", "±", "cases", "largest part only")
        )
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(row["segment"])}'
            f"</th><td>{row['dice']:.3f}</td><td>{row['spread']:.3f}</td>"
            f"<td>{row['cases']}</td><td>{'yes' if row['largest_only'] else 'no'}</td>"
            "</tr>"
            for row in self.table()
        )
        return (
            f'<table><caption style="text-align:left">{html.escape(self._headline())}'
            f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _headline(self) -> str:
        done, count = len(self.runs), len(self.runs) + len(self.missing)
        return f"{done} of {count} folds, mean Dice {self.mean:.3f}"


def helped_by_largest(rows: Sequence[Row]) -> list[str]:
    """Name the segments whose held-back Dice is higher with the largest part alone.

    Source:
        Isensee et al., 2021, https://doi.org/10.1038/s41592-020-01008-z, "Empirical
        parameters": postprocessing is kept only if cross-validation gains by it.

    Example:
        >>> rows = [{"segment": "liver", "dice": 0.9, "dice_largest": 0.95}]
        >>> helped_by_largest(rows)
        ['liver']
    """
    found = []
    for name in dict.fromkeys(row["segment"] for row in rows):
        own = [row for row in rows if row["segment"] == name]
        plain = _mean([row["dice"] for row in own])
        if _mean([row["dice_largest"] for row in own]) > plain:
            found.append(name)
    return found


def best_configuration(
    found: "Mapping[str, CrossValidation] | Sequence[CrossValidation]",
) -> Any:
    """Choose the configuration with the highest mean Dice on held-back cases.

    Args:
        found: Cross-validations of the same cases, by name or in order; of equals the
            first is chosen, so put the simplest first.

    Returns:
        Its name, or its place.

    Raises:
        MedlabError: If there is none, or not all have judged the same cases.

    Example:
        >>> best_configuration({"2d": two, "3d": three})  # doctest: +SKIP
        '3d'
    """
    named = dict(found) if isinstance(found, Mapping) else dict(enumerate(found))
    judged = {
        frozenset((row["case"], row["segment"]) for row in one.rows)
        for one in named.values()
    }
    if len(judged) != 1 or judged == {frozenset()}:
        raise MedlabError(
            "The best configuration is chosen among cross-validations that judged the "
            f"same cases and segments, got {len(named)} that "
            + (
                "judged none. "
                if judged <= {frozenset()}
                else "judged different ones. "
            )
            + "Finish the missing folds of each with cross_validate first.",
            code="not-comparable",
        )
    # NaN is never the largest.
    return max(named, key=lambda n: -math.inf if math.isnan(m := named[n].mean) else m)


def _known(values: Sequence[float | None]) -> list[float]:
    return [v for v in values if v is not None and not math.isnan(v)]


def _mean(values: Sequence[float | None]) -> float:
    known = _known(values)
    return sum(known) / len(known) if known else math.nan


def _spread(values: Sequence[float]) -> float:
    if not values:
        return math.nan
    middle = _mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / len(values))
