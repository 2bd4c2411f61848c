"""Who learns and who is asked: no patient is ever on both sides.

Two scans of one person look alike, so a model that saw one is kindly judged on the other.
Everything here is a pure function of who is whose scan, which segments are there, and a
seed. The names of patients decide nothing but who is the same person, and appear nowhere.

Source:
    Sechidis et al., 2011, "On the Stratification of Multi-Label Data",
    https://doi.org/10.1007/978-3-642-23808-6_10 (`_deal`, here with parts of exact size)
"""

import math
from collections.abc import Collection, Hashable, Sequence
from typing import Any

import numpy as np

from medlab.data._case import Case
from medlab.data._patients import patient_of
from medlab.errors import MedlabError

Present = Sequence[Collection[Any]]
"""Which segments each case has, by name or number."""

_ENOUGH_CASES, _ENOUGH_SLICES = 5, 15


def split_patients(
    patients: Sequence[Hashable],
    share: float | str,
    seed: int,
    *,
    present: Present | None = None,
) -> tuple[list[int], list[int]]:
    """Hold some patients back for validation.

    Args:
        patients: Whose scan each case is: anything that is equal for the same person,
            such as `patient_keys` gives. A `Case` stands for what it says itself.
        share: Of the patients, from 0 to below 1; `auto` is a fifth from 5 patients on,
            none below that.
        seed: Decides which.
        present: Which segments each case has: both sides then get their part of each.

    Returns:
        Places of the cases to learn from, and of those held back. At least one patient
        is left to learn from.

    Example:
        >>> split_patients(["a", "b", "b", "c", "a"], 0.3, seed=1)
        ([0, 1, 2, 4], [3])
    """
    count = len(set(_named(patients)))
    held = held_back_count(share, count, _ENOUGH_CASES)
    first, second = _deal(patients, present, [count - held, held], seed)
    return first, second


def folds(
    patients: Sequence[Hashable],
    count: int,
    seed: int,
    *,
    present: Present | None = None,
) -> list[list[int]]:
    """Divide the cases into parts of as many patients, for cross-validation.

    Args:
        patients: As for `split_patients`.
        count: How many parts.
        seed: Decides who is in which.
        present: Which segments each case has: each part then gets its share of each.

    Returns:
        For each fold the places of the cases that it holds back.

    Raises:
        MedlabError: If there are fewer patients than parts.

    Example:
        >>> folds(["a", "b", "c", "a"], 3, seed=1)
        [[0, 3], [1], [2]]
    """
    found = len(set(_named(patients)))
    if not 2 <= count <= found:
        raise MedlabError(
            f"Cross-validation divides patients into 2 parts or more and at most as many "
            f"as there are, {found}, got {count}. Ask for fewer folds, or add patients.",
            code="too-many-folds",
        )
    sizes = [found // count + (part < found % count) for part in range(count)]
    return _deal(patients, present, sizes, seed)


def split(
    groups: Sequence[Sequence[Any]],
    share: float | str,
    seed: int,
    *,
    patients: Sequence[Hashable] | None = None,
    present: Present | None = None,
    fold: int | None = None,
    fold_count: int = 5,
) -> tuple[list[Any], list[Any]]:
    """Hold samples back for validation, never one patient's on both sides.

    Only where there is a single patient are some of its own slices held back, and then
    neighbours are near copies: the figure is kinder than one from another patient.

    Args:
        groups: The samples of each case.
        share: Of the patients, or of the one patient's samples; or `auto`, a fifth from 5
            patients or 15 samples on.
        seed: Decides which.
        patients: Whose each case is; None: each of another.
        present: Which segments each case has.
        fold: Hold back this fold, from 0, instead of a share.
        fold_count: How many folds there are.

    Returns:
        Samples to learn from, and samples held back.
    """
    patients = range(len(groups)) if patients is None else patients
    if fold is not None:
        if not 0 <= fold < fold_count:
            raise MedlabError(
                f"The folds are numbered 0 to {fold_count - 1}, got {fold}. Choose one of "
                "them, or ask for more folds.",
                code="no-such-fold",
            )
        held = set(folds(patients, fold_count, seed, present=present)[fold])
        return _by_side(groups, held)
    if len(set(_named(patients))) > 1:
        return _by_side(
            groups, set(split_patients(patients, share, seed, present=present)[1])
        )
    everything = [[sample] for group in groups for sample in group]
    count = len(everything)
    back = held_back_count(share, count, _ENOUGH_SLICES)
    # Evenly spread, so that the slices learnt from still cover the organ.
    chosen = ((np.arange(back) + 0.5) * count / max(back, 1)).astype(int)
    return _by_side(everything, set(chosen.tolist()))


def held_back_count(share: float | str, count: int, enough: int) -> int:
    """How many of `count` are held back, so that one at least is left to learn from."""
    if share == "auto":
        share = 0.2 if count >= enough else 0.0
    return max(min(math.ceil(float(share) * count), count - 1), 0)


def _named(patients: Sequence[Hashable]) -> list[Hashable]:
    return [patient_of(p) if isinstance(p, Case) else p for p in patients]


def _by_side(
    groups: Sequence[Sequence[Any]], held: set[int]
) -> tuple[list[Any], list[Any]]:
    sides: tuple[list[Any], list[Any]] = ([], [])
    for place, group in enumerate(groups):
        sides[place in held].extend(group)
    return sides


def _deal(
    patients: Sequence[Hashable],
    present: Present | None,
    sizes: Sequence[int],
    seed: int,
) -> list[list[int]]:
    """Deal patients to parts of given sizes; the rarest segment's patients first."""
    cases: dict[Hashable, list[int]] = {}
    for place, whose in enumerate(_named(patients)):
        cases.setdefault(whose, []).append(place)
    everybody = list(cases.values())
    has = [
        {s for p in own for s in (present[p] if present else ())} for own in everybody
    ]
    random = np.random.default_rng(seed)
    waiting = [int(i) for i in random.permutation(len(everybody))]
    room, total = list(sizes), max(sum(sizes), 1)
    wanted = {
        segment: [size * sum(segment in h for h in has) / total for size in sizes]
        for segment in sorted({s for h in has for s in h}, key=str)
    }
    parts: list[list[int]] = [[] for _ in sizes]
    while waiting:
        left = {s: [i for i in waiting if s in has[i]] for s in wanted}
        rarest = min(
            (s for s in left if left[s]), key=lambda s: len(left[s]), default=None
        )
        patient = left[rarest][0] if rarest is not None else waiting[0]
        wish = wanted[rarest] if rarest is not None else [0.0] * len(sizes)
        part = max(
            (p for p in range(len(sizes)) if room[p]),
            key=lambda p: (wish[p], room[p], -p),
        )
        waiting.remove(patient)
        room[part] -= 1
        parts[part] += everybody[patient]
        for segment in has[patient]:
            wanted[segment][part] -= 1
    return [sorted(part) for part in parts]
