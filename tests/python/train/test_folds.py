"""Folds by patient: each case judged once, by the run that never saw it; goes on again."""

import numpy as np
import pytest

import medlab
from medlab.errors import MedlabError
from medlab.ops import with_path
from medlab.scans import find_home
from medlab.train import (
    CrossValidation,
    Recipe,
    best_configuration,
    cross_validate,
    list_runs,
)
from medlab.train._cross_validation import helped_by_largest
from medlab.train._samples import make_plan
from tests.support.training import write_case


def four_scans(folder):
    """Write four scans of three patients; the recipe that learns from them."""
    cases = []
    for number, patient in enumerate("abca"):
        (folder / str(number)).mkdir()
        write_case(folder / str(number))
        entry = {"scan": f"{number}/scan.nii", "labels": f"{number}/labels.nii"}
        cases.append({**entry, "patient": patient})
    return Recipe(
        cases=cases,
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=2,
        steps_per_epoch=4,
        epochs=3,
        augmentation="none",
        learning_rate=0.02,
    )


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """Those scans in two folds; the first fold alone, then both."""
    folder = tmp_path_factory.mktemp("folds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDLAB_HOME", str(folder / ".medlab"))
        patch.chdir(folder)
        recipe, home = four_scans(folder), find_home()
        with with_path("stock"):  # its programs are kept from one test run to the next
            first = cross_validate(recipe, 2, home=home, where="inline", which=[0])
            both = cross_validate(recipe, 2, home=home, where="inline")
            yield home, recipe, first, both


def test_each_case_is_judged_once_and_a_patients_scans_by_the_same_fold(divided):
    _, _, _, found = divided
    judged = {row["case"]: row["fold"] for row in found.rows}
    assert sorted(judged) == [0, 1, 2, 3]
    assert len(found.rows) == 4 * 2
    assert judged[0] == judged[3]


def test_no_run_learns_from_a_case_that_judges_it(divided):
    home, _, _, found = divided
    for fold, run in found.runs.items():
        made = make_plan(run.recipe, home)
        judged = {row["case"] for row in found.rows if row["fold"] == fold}
        assert {sample.case for sample in made.held_back} == judged
        assert not {sample.case for sample in made.samples} & judged


def test_a_fold_that_is_done_is_not_trained_again(divided):
    home, recipe, first, both = divided
    assert first.missing == (1,)
    assert both.missing == ()
    assert both.runs[0].id == first.runs[0].id

    again = cross_validate(recipe, 2, home=home, where="inline")

    assert again.rows == both.rows
    assert len(list_runs(home)) == 2


def test_a_fold_in_a_process_of_its_own_comes_to_the_same(
    divided, tmp_path, monkeypatch
):
    _, _, inline, _ = divided
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.setenv("MEDLAB_CONVOLUTIONS", "stock")
    monkeypatch.chdir(tmp_path)

    found = cross_validate(four_scans(tmp_path), 2, where="process", which=[0])

    assert found.missing == (1,)
    assert found.rows == inline.rows


def test_the_dice_is_that_of_a_prediction_on_the_cases_own_grid(divided):
    home, recipe, _, found = divided
    row = found.rows[0]
    case = recipe.cases[row["case"]]
    predicted = medlab.predict(found.runs[row["fold"]], home.root / case["scan"])
    truth = medlab.open_labels(home.root / case["labels"])
    number = [s.name for s in truth.segments].index(row["segment"]) + 1
    ours, theirs = (np.asarray(x.voxels) == number for x in (predicted, truth))
    expected = 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum())
    assert row["dice"] == pytest.approx(expected, abs=1e-9)
    assert expected > 0.5, "learnt nothing, so the comparison means little"


def test_the_ensemble_is_a_run_for_each_fold(divided):
    _, _, _, found = divided
    assert [run.recipe.fold for run in found.ensemble] == [0, 1]
    assert found.recipe.fold is None


def test_more_folds_than_patients_are_refused(divided):
    home, recipe, _, _ = divided
    with pytest.raises(MedlabError, match=r"as many\s+as there are, 3, got 4"):
        cross_validate(recipe, 4, home=home, where="inline")


def test_a_fold_that_does_not_exist_is_refused(divided):
    home, recipe, _, _ = divided
    with pytest.raises(MedlabError, match=r"numbered 0 to 1, got 2"):
        cross_validate(recipe, 2, home=home, which=[2])


def rows(plain, largest, segment="liver"):
    return [
        {"fold": 0, "case": i, "segment": segment, "dice": p, "dice_largest": q}
        for i, (p, q) in enumerate(zip(plain, largest, strict=True))
    ]


def validated(*given, **more):
    return CrossValidation(Recipe(**more), {}, list(given))


def test_the_largest_part_is_kept_only_where_the_mean_gains():
    better = rows([0.8, None, 0.9], [0.9, None, 0.85])
    worse = rows([0.8, 0.8], [0.9, 0.6], segment="kidneys")
    assert helped_by_largest([*better, *worse]) == ["liver"]


def test_the_figures_are_those_after_the_largest_part_was_kept():
    found = validated(
        *rows([0.5, 0.7], [0.8, 0.9]),
        *rows([0.4, None], [0.1, None], segment="cyst"),
        largest_only=["liver"],
    )
    assert found.by_segment == pytest.approx({"liver": 0.85, "cyst": 0.4})
    assert found.mean == pytest.approx(0.625)
    assert found.table()[0]["spread"] == pytest.approx(0.05)
    assert found.table()[1]["cases"] == 1
    assert "liver" in found._repr_html_()
    assert "0.850 ± 0.050" in repr(found)


def test_the_configuration_with_the_highest_mean_is_best():
    two, three = validated(*rows([0.8], [0.8])), validated(*rows([0.9], [0.9]))
    assert best_configuration({"2d": two, "3d": three}) == "3d"
    assert best_configuration([three, two]) == 0
    assert best_configuration({"2d": two, "again": two}) == "2d"


def test_configurations_judged_on_other_cases_cannot_be_compared():
    two = validated(*rows([0.8], [0.8]))
    more = validated(*rows([0.8, 0.8], [0.8, 0.8]))
    with pytest.raises(MedlabError, match=r"same cases.*got 2 that judged different"):
        best_configuration({"2d": two, "3d": more})
    with pytest.raises(MedlabError, match=r"got 1 that judged none"):
        best_configuration([validated()])
