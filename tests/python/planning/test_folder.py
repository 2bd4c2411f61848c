"""Scans find their labels by the ways people name them; a real folder becomes a plan."""

import shutil

import pytest

import medlab
from medlab.__main__ import main
from medlab.data import Fingerprint
from medlab.errors import MedlabError
from medlab.planning import cases_in
from medlab.scans import find_home
from medlab.train import Recipe
from tests.support.training import write_case

NAMES = [
    ("a.nii", "a_seg.nii"),
    ("a.nii", "a-labels.nii"),
    ("a.nii", "a.mask.nii"),
    ("imagesTr/a_0000.nii", "labelsTr/a.nii"),
    ("images/a.nii", "labels/a.nii"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made").mkdir()
    write_case(tmp_path / "made", size=24, slices=14)
    return tmp_path


def placed(folder, scan, labels):
    for source, name in (("scan", scan), ("labels", labels)):
        target = folder / "data" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "made" / f"{source}.nii", target)


@pytest.mark.parametrize(("scan", "labels"), NAMES)
def test_labels_are_found_beside_their_scan(folder, scan, labels):
    placed(folder, scan, labels)
    assert cases_in("data", find_home()) == [
        {"scan": f"data/{scan}", "labels": f"data/{labels}"}
    ]


def test_a_folder_without_labels_is_refused_with_advice(folder):
    (folder / "data").mkdir()
    shutil.copy(folder / "made" / "scan.nii", folder / "data" / "a.nii")
    with pytest.raises(
        MedlabError, match=r"no scan with labels in 'data'.*a\.seg\.nrrd"
    ):
        cases_in("data")
    with pytest.raises(MedlabError, match=r"got 'nowhere', which is none"):
        cases_in("nowhere")


def test_a_folder_becomes_a_recipe_that_loads_again(folder, capsys):
    placed(folder, *NAMES[0])

    status = main(["plan", "data", "--out", "recipe.yaml", "--minutes", "5"])

    assert status == 0
    shown = capsys.readouterr().out
    assert "All scans have it." in shown
    assert "medlab train recipe.yaml" in shown
    recipe = Recipe.load("recipe.yaml")
    assert recipe.cases == [{"scan": "data/a.nii", "labels": "data/a_seg.nii"}]
    assert recipe.spacing_mm == [2.0, 2.0, 5.0]
    assert "# patch: " in (folder / "recipe.yaml").read_text()


def test_a_recipe_is_planned_with_its_own_segments(folder):
    recipe = Recipe(
        cases=[{"scan": "made/scan.nii", "labels": "made/labels.nii"}],
    )
    plan = medlab.plan(recipe, device="cpu", budget_s=60)
    assert len(plan.recipe.segments) == 2
    one = medlab.plan(recipe.replace(segments=plan.recipe.segments[:1]), device="cpu")
    assert one.recipe.segments == plan.recipe.segments[:1]


def test_scans_with_other_channels_do_not_go_together(folder, monkeypatch, a_case):
    mixed = Fingerprint(("a",), (a_case(), a_case(channels=2)), (), {})
    monkeypatch.setattr("medlab.planning._plan.fingerprint", lambda *_, **__: mixed)
    with pytest.raises(MedlabError, match=r"some with 1 and some with 2"):
        medlab.plan([{"scan": "a.nii"}, {"scan": "b.nii"}], device="cpu")
