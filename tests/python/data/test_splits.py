"""Splits: no patient on both sides, every segment on every side that can have it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlab.data import Case, folds, split, split_patients
from medlab.errors import MedlabError

PEOPLE = st.lists(st.integers(0, 9), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(PEOPLE, st.floats(0, 0.9), st.integers(0, 3))
def test_no_patient_is_on_both_sides(people, share, seed):
    kept, held = split_patients(people, share, seed)

    assert sorted(kept + held) == list(range(len(people)))
    assert not {people[i] for i in kept} & {people[i] for i in held}
    assert kept, "somebody is left to learn from"


@settings(deadline=None, max_examples=60)
@given(PEOPLE, st.integers(2, 5), st.integers(0, 3), st.data())
def test_each_patient_is_held_back_once_in_all_folds(people, count, seed, data):
    if len(set(people)) < count:
        return
    present = [data.draw(st.sets(st.integers(1, 3))) for _ in people]

    parts = folds(people, count, seed, present=present)

    whose = [{people[i] for i in part} for part in parts]
    assert sorted(i for part in parts for i in part) == list(range(len(people)))
    assert sum(len(w) for w in whose) == len(set(people))
    assert max(map(len, whose)) - min(map(len, whose)) <= 1


def test_a_segment_that_five_of_fifty_have_is_in_each_of_five_folds():
    present = [{"liver", "tumour"} if n % 10 == 3 else {"liver"} for n in range(50)]
    for seed in range(20):
        parts = folds(range(50), 5, seed, present=present)
        assert [sum("tumour" in present[i] for i in p) for p in parts] == [1] * 5


def test_a_segment_that_one_patient_has_is_learnt():
    present = [{"liver"}] * 9 + [{"liver", "rare"}]
    for seed in range(20):
        assert 9 in split_patients(range(10), 0.2, seed, present=present)[0]


def test_both_sides_get_their_share_of_a_segment_that_half_of_all_have():
    present = [{"tumour"} if n % 2 else set() for n in range(20)]
    for seed in range(20):
        kept, held = split_patients(range(20), 0.2, seed, present=present)
        assert [sum(n % 2 for n in side) for side in (kept, held)] == [8, 2]


def test_names_decide_nothing_but_who_is_the_same():
    numbers, words = [0, 1, 1, 2, 3, 0, 4, 5], list("zyyxwzvu")
    for seed in range(5):
        assert split_patients(numbers, 0.3, seed) == split_patients(words, 0.3, seed)
        assert folds(numbers, 3, seed) == folds(words, 3, seed)


def test_another_seed_divides_otherwise():
    found = {tuple(split_patients(range(12), 0.25, seed)[1]) for seed in range(20)}
    assert len(found) > 10
    assert all(len(held) == 3 for held in found)


def test_cases_of_one_patient_are_known_by_what_they_say():
    cases = [Case(f"{n}.nii", patient="a" if n < 4 else None) for n in range(6)]
    for seed in range(10):
        kept, held = split_patients(cases, 0.4, seed)
        assert {0, 1, 2, 3} <= set(kept) or {0, 1, 2, 3} <= set(held)


def test_from_five_patients_on_a_fifth_is_held_back():
    assert split_patients(range(4), "auto", 1)[1] == []
    assert len(split_patients(range(5), "auto", 1)[1]) == 1
    assert len(split_patients(range(20), "auto", 1)[1]) == 4


def test_of_a_single_patient_slices_are_held_back_evenly():
    kept, held = split([list(range(10)), list(range(10, 20))], 0.2, 1, patients="aa")
    assert np.diff(held).tolist() == [5, 5, 5]
    assert sorted(kept + held) == list(range(20))
    assert split([list(range(14))], "auto", 1)[1] == []
    assert len(split([list(range(15))], "auto", 1)[1]) == 3


def test_samples_go_where_their_patient_goes():
    groups = [[(n, i) for i in range(3)] for n in range(6)]
    kept, held = split(groups, 0.3, 4, patients="aabbcc")
    assert len(held) == 6
    assert not {n // 2 for n, _ in kept} & {n // 2 for n, _ in held}


def test_a_fold_is_held_back_in_the_place_of_a_share():
    groups = [[n] for n in range(10)]
    parts = folds(range(10), 5, 3)
    for fold in range(5):
        _, held = split(groups, 0.0, 3, fold=fold)
        assert held == parts[fold]


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: folds("ab", 3, 1), r"at most as many as there are, 2, got 3"),
        (lambda: folds("ab", 1, 1), r"2 parts or more.*got 1"),
        (lambda: split([[1]], 0, 1, fold=5), r"numbered 0 to 4, got 5"),
    ],
)
def test_folds_that_cannot_be_are_refused(ask, says):
    with pytest.raises(MedlabError, match=says):
        ask()
