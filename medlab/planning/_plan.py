"""plan: look at scans and labels, and propose how to learn them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from medlab.data import Case, Fingerprint, fingerprint
from medlab.errors import MedlabError
from medlab.planning._configurations import (
    Configuration,
    configurations,
    is_few_slices,
)
from medlab.planning._decisions import Reason
from medlab.planning._machine import Machine
from medlab.planning._resources import Resources
from medlab.planning._show import as_html, as_text
from medlab.scans import find_home
from medlab.train import Recipe, Run, open_run
from medlab.train._samples import case_of

_THIN = 12
"""Fewer slices than this are no volume to learn in 3D."""
_LITTLE_SEEN = 0.05
_NARROW = 16
"""A 3D network with fewer channels at the finest resolution is not worth its time."""


@dataclass(frozen=True)
class Plan:
    """How to learn a data set, with reasons; edit it with `replace`.

    Attributes:
        fingerprint: The data set in figures.
        cases: As a recipe names them.
        resources: What the training may use.
        fixed: What a person decided: fields of the recipe.
        wanted: The configuration a person chose; None: the plan chooses.
        configurations: Each way to learn the data set that makes sense, by name.
    """

    fingerprint: Fingerprint
    cases: list[dict[str, Any]]
    resources: Resources
    fixed: dict[str, Any] = field(default_factory=dict)
    wanted: str | None = None
    configurations: dict[str, Configuration] = field(init=False)

    def __post_init__(self) -> None:
        found = configurations(self.fingerprint, self.cases, self.resources, self.fixed)
        object.__setattr__(self, "configurations", found)
        if self.wanted not in (*found, None):
            raise MedlabError(
                f"The configurations of this plan are {', '.join(found)}, got "
                f"{self.wanted!r}. Choose one of them.",
                code="no-such-configuration",
            )

    @property
    def name(self) -> str:
        """The configuration chosen: `2d`, `3d` or `3d_low`."""
        return self.wanted or self._choice()[0]

    @property
    def recipe(self) -> Recipe:
        """What to train: of the configuration chosen."""
        return self.configurations[self.name].recipe

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The recipe of each configuration, by name."""
        return {n: c.recipe for n, c in self.configurations.items()}

    @property
    def reasons(self) -> list[Reason]:
        """Every decision of the configuration chosen: field, value, reason."""
        why = "As you said." if self.wanted else self._choice()[1]
        chosen = Reason("configuration", self.name, why)
        return [chosen, *self.configurations[self.name].reasons]

    def cascade(self, first_stage: "str | Path | Run", home: Any = None) -> Recipe:
        """Take the full resolution, with a run at the low one as its first stage.

        Args:
            first_stage: A run of `recipes["3d_low"]`, or its id.
            home: Where runs are looked for.

        Raises:
            MedlabError: If this data set needs no cascade.
        """
        if "3d_low" not in self.configurations:
            raise MedlabError(
                "A cascade needs a low resolution first, and this plan has only "
                f"{', '.join(self.configurations)}: a patch shows enough as it is.",
                code="no-cascade",
            )
        run = open_run(first_stage, home)
        return self.configurations["3d"].recipe.replace(first_stage=run.id)

    def replace(self, **changes: Any) -> "Plan":
        """Decide some things yourself; what follows from them is planned anew.

        Args:
            changes: Fields of the recipe, `configuration`, `memory_gb` or `budget_s`.
                None gives a field back to the plan (`plane=None` means 3D).

        Raises:
            MedlabError: If there is no such field, or the recipe cannot be so.

        Example:
            >>> plan.replace(patch=[64, 64, 32], budget_s=1800)  # doctest: +SKIP
        """
        resources, wanted, fixed = self.resources, self.wanted, dict(self.fixed)
        for name, value in changes.items():
            if name == "configuration":
                wanted = value
            elif name == "memory_gb":
                resources = replace(resources, memory_bytes=_bytes(value))
            elif name == "budget_s":
                resources = replace(resources, budget_s=_positive(name, value))
            elif value is None and name != "plane":
                fixed.pop(name, None)
            else:
                fixed[name] = value
        _check_fields(fixed)
        return Plan(self.fingerprint, self.cases, resources, fixed, wanted)

    def save(self, path: str | Path) -> Path:
        """Write the chosen recipe, with its reasons as comments if it is YAML."""
        path = self.recipe.save(path)
        if path.suffix != ".json":
            told = "".join(f"# {r.field}: {r.reason}\n" for r in self.reasons)
            path.write_text(told + path.read_text("utf-8"), "utf-8")
        return path

    def _choice(self) -> tuple[str, str]:
        found = self.configurations
        if "3d" not in found:
            if is_few_slices(self.fingerprint):
                return "2d", "Only some slices are labelled."
            return "2d", "What you said asks for slices."
        full = found["3d"]
        if min(full.shape) < _THIN and "2d" in found:
            return "2d", f"The scans are only {min(full.shape)} slices thick."
        base = (full.recipe.template_args.get("widths") or [_NARROW])[0]
        if base < _NARROW and "2d" in found and "template_args" not in self.fixed:
            return "2d", (
                f"There is time for {base} channels only in 3D; slices at full "
                "resolution get a wider network."
            )
        if full.seen < _LITTLE_SEEN and "3d_low" in found:
            return "3d_low", (
                f"At full resolution a patch would show {full.seen:.1%} of a scan only; "
                "what is around an organ tells which it is."
            )
        return "3d", (
            f"A patch shows {full.seen:.0%} of a scan, and neighbouring slices help."
        )

    def __repr__(self) -> str:
        return as_text(self.headline, self.reasons)

    def _repr_html_(self) -> str:
        return as_html(self.headline, self.reasons)

    @property
    def headline(self) -> str:
        """One line: what was looked at, and which configuration was chosen."""
        figures = self.fingerprint
        others = [name for name in self.configurations if name != self.name]
        also = f" (also planned: {', '.join(others)})" if others else ""
        return (
            f"{self.name}{also} for {_count(len(figures.cases), 'case')} with "
            f"{_count(len(figures.segments), 'segment')}, on "
            f"{self.resources.machine.name}"
        )


def plan(
    cases: "Recipe | str | Path | Sequence[dict[str, Any]] | Sequence[Case]",
    *,
    home: Any = None,
    memory_gb: float | None = None,
    device: str | None = None,
    budget_s: float | None = None,
    configuration: str | None = None,
    **fixed: Any,
) -> Plan:
    """Look at scans and labels, and propose how to learn them.

    Every scan is read once. The rules are nnU-Net's, with two of our own: a few labelled
    slices are learnt slice by slice, and a slow machine gets a network that it can train.

    Args:
        cases: As in a `Recipe`; or a recipe, whose cases and segments count; or a folder
            with scans and labels (see `cases_in`).
        home: Whose scans and layers; found from the working folder by default.
        memory_gb: What a training step may use; by default 60 % of the free memory, or
            up to 10 GB of a GPU.
        device: `cpu` or `gpu`; by default the GPU where there is one.
        budget_s: Time for the training; by default an hour, or 12 on a GPU.
        configuration: `2d`, `3d` or `3d_low`; by default the plan chooses.
        fixed: Fields of the recipe that are not to be planned, such as `patch`.

    Returns:
        A plan: `plan.recipe` trains, `plan.reasons` tells why, `plan.replace` edits.

    Raises:
        MedlabError: If scans and labels cannot be read, or do not fit each other.

    Source:
        Isensee et al., 2021, nnU-Net, https://doi.org/10.1038/s41592-020-01008-z

    Example:
        >>> plan([{"scan": "chest.nrrd"}]).recipe  # doctest: +SKIP
    """
    _check_fields(fixed)
    if isinstance(cases, (str, Path)):
        from medlab.planning._folder import cases_in

        cases = cases_in(cases, home)
    if isinstance(cases, Recipe):
        if cases.segments and "segments" not in fixed:
            fixed["segments"] = cases.segments
        cases = cases.cases
    named = [_named(case) for case in cases]
    Recipe(cases=named)  # says what is wrong with a case
    home = home or find_home()
    figures = fingerprint(
        [case_of(entry, home) for entry in named],
        home,
        segments=fixed.get("segments"),
        plane=fixed.get("plane") or "axial",
    )
    channels = sorted({case.channels for case in figures.cases})
    if len(channels) > 1:
        raise MedlabError(
            "All cases must have as many channels, got some with "
            f"{' and some with '.join(map(str, channels))}. Leave out those that differ.",
            code="channels-differ",
        )
    if "segments" not in fixed:
        # A table may name more than anybody drew, such as an atlas on part of the body.
        drawn = tuple(n for n in figures.segments if n in figures.by_segment)
        figures = replace(figures, segments=drawn)
    machine = Machine.here(device, elsewhere=memory_gb is not None)
    if budget_s is not None:
        _positive("budget_s", budget_s)
    if memory_gb is not None:
        _bytes(memory_gb)
    resources = Resources.of(machine, memory_gb, budget_s)
    return Plan(figures, named, resources, fixed, configuration)


def _named(case: Any) -> dict[str, Any]:
    if not isinstance(case, Case):
        return dict(case)
    told = {f.name: getattr(case, f.name) for f in fields(case)}
    return {name: value for name, value in told.items() if value is not None}


def _check_fields(fixed: dict[str, Any]) -> None:
    known = {f.name for f in fields(Recipe)} - {"cases"}
    unknown = sorted(set(fixed) - known)
    if unknown:
        raise MedlabError(
            "A plan can be told configuration, memory_gb, budget_s and the fields of a "
            f"recipe, got {', '.join(unknown)}. Recipe's documentation lists them.",
            code="bad-plan",
        )
    Recipe(**fixed)


def _positive(name: str, value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        raise MedlabError(
            f"{name} is a number above 0, got {value!r}.", code="bad-plan"
        )
    return float(value)


def _bytes(memory_gb: Any) -> int:
    return int(_positive("memory_gb", memory_gb) * 1e9)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
