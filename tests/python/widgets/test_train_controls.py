"""The form edits the recipe; the controls answer for their own run and for no other."""

import json
import time
from pathlib import Path

import pytest

from medlab.errors import MedlabError
from medlab.scans import Home
from medlab.train import Recipe, Run, runs
from medlab.widgets import TrainControls
from medlab.widgets import _train_controls as module
from medlab.widgets._train_controls import LOSSES, TEMPLATES, RunControls

CASES = [
    {"scan": "a.nrrd", "slices": [3, 5]},
    {"scan": "b.nrrd", "labels": "b.seg.nrrd"},
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path, folder=tmp_path / ".medlab")


@pytest.fixture
def controls(home: Home) -> TrainControls:
    return TrainControls(Recipe(cases=CASES, epochs=7), home=home)


def make_run(home: Home, run_id: str = "20261121T013000Z-0a1b2c") -> Run:
    folder = home.runs / run_id
    folder.mkdir(parents=True)
    line = {"kind": "batch", "t": 1.0, "epoch": 1, "step": 1, "loss": 0.5}
    (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")
    status = {"state": "running", "heartbeat": time.time(), "ack_seq": 0}
    (folder / "status.json").write_text(json.dumps(status))
    (folder / "run.json").write_text(json.dumps({"name": "lungs", "created": 1.0}))
    return Run(folder)


def test_an_untouched_form_gives_the_recipe_back(controls: TrainControls) -> None:
    assert controls.recipe == Recipe(cases=CASES, epochs=7)


def test_what_is_typed_becomes_the_recipe(controls: TrainControls) -> None:
    fields = controls._fields
    fields["epochs"].value = 3
    fields["learning_rate"].value = 0.01
    fields["batch"].value = 2
    fields["augmentation"].value = "none"
    fields["seed"].value = 9
    fields["plane"].value = None
    fields["loss"].value = "tversky"
    fields["optimizer"].value = "sgd"
    fields["schedule"].value = "poly"
    fields["precision"].value = "mixed_bfloat16"
    fields["cases"].value = (1,)

    recipe = controls.recipe

    assert (recipe.epochs, recipe.learning_rate, recipe.batch) == (3, 0.01, 2)
    assert (recipe.augmentation, recipe.seed, recipe.plane) == ("none", 9, None)
    assert (recipe.loss, recipe.optimizer) == ("tversky", "sgd")
    assert (recipe.schedule, recipe.precision) == ("poly", "mixed_bfloat16")
    assert recipe.cases == [CASES[1]]


def test_a_new_recipe_fills_the_form_anew(controls: TrainControls) -> None:
    controls.recipe = Recipe(cases=CASES[:1], augmentation={"flip": 0.5}, seed=4)

    assert controls.recipe.augmentation == {"flip": 0.5}
    assert controls.recipe.seed == 4
    assert controls.recipe.cases == CASES[:1]


def test_settings_that_the_form_has_no_word_for_stay_as_they_are(home: Home) -> None:
    focal = {"name": "dice+focal", "gamma": 3.0}
    recipe = Recipe(cases=CASES, loss=focal, augmentation={"flip": 0.25})

    form = TrainControls(recipe, home=home)

    assert form.recipe == recipe
    assert form._fields["loss"].label == "as in the recipe"
    form._fields["loss"].value = "dice"
    assert form.recipe == recipe.replace(loss="dice")


def test_a_planned_recipe_keeps_what_the_form_does_not_show(home: Home) -> None:
    planned = Recipe(
        cases=CASES,
        spacing_mm=[1.0, 1.0, 2.5],
        clip_norm=12.0,
        normalise={"kind": "z-score"},
        optimizer="adamw",
        largest_only=["a"],
    )
    assert TrainControls(planned, home=home).recipe == planned


def test_the_form_offers_the_templates_and_losses_there_are() -> None:
    from medlab import models
    from medlab.train import losses

    assert set(TEMPLATES) == set(models.TEMPLATES)
    assert set(LOSSES) == set(losses.LOSSES)


def test_start_launches_a_process_and_shows_its_run(
    controls: TrainControls, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[Recipe] = []

    def launch(recipe: Recipe, _home: Home) -> Run:
        launched.append(recipe)
        return make_run(home)

    monkeypatch.setattr(module, "launch", launch)
    controls._start.click()

    assert launched == [controls.recipe]
    assert controls.run is not None
    assert controls._controls.run_id == controls.run.id
    assert not controls._start.disabled


def test_a_second_start_waits_for_the_first(
    controls: TrainControls, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "launch", lambda _recipe, _home: make_run(home))
    controls.start()

    with pytest.raises(MedlabError, match="still running"):
        controls.start()


def test_what_is_wrong_is_said_beside_the_button(home: Home) -> None:
    controls = TrainControls(Recipe(), home=home)
    controls._start.click()

    assert "at least one case" in controls._message.value
    assert controls.run is None


def test_where_is_process_or_inline(home: Home) -> None:
    with pytest.raises(MedlabError, match="'process' or 'inline', got 'cloud'"):
        TrainControls(Recipe(cases=CASES), where="cloud", home=home)


def test_without_a_server_the_kernel_answers_for_its_run(home: Home) -> None:
    run = make_run(home)
    controls = RunControls(run, home=home)

    status, tail = controls.answer("GET", f"runs/{run.id}/metrics?from=0&wait_s=0", b"")
    assert status == 200
    assert [line["loss"] for line in tail["lines"]] == [0.5]
    assert tail["status"]["state"] == "running"

    body = json.dumps({"cmd": "pause", "args": {}}).encode()
    status, reply = controls.answer("POST", f"runs/{run.id}/control", body)
    assert (status, reply) == (200, {"seq": 1})
    assert runs.read_commands(run.folder, 0)[0]["cmd"] == "pause"


def test_the_kernel_passes_on_changed_settings(home: Home) -> None:
    run = make_run(home)
    body = json.dumps({"cmd": "set", "args": {"learning_rate": 0.001}}).encode()

    status, _ = RunControls(run, home=home).answer(
        "POST", f"runs/{run.id}/control", body
    )

    assert status == 200
    [asked] = runs.read_commands(run.folder, 0)
    assert (asked["cmd"], asked["args"]) == ("set", {"learning_rate": 0.001})


def test_the_kernel_answers_for_no_other_run(home: Home) -> None:
    controls = RunControls(make_run(home), home=home)
    other = make_run(home, "20261121T013000Z-ffffff")

    status, reply = controls.answer("GET", f"runs/{other.id}/metrics?from=0", b"")

    assert status == 404
    assert reply["code"] == "not-found"


def test_an_unknown_command_is_refused_with_words(home: Home) -> None:
    run = make_run(home)
    body = json.dumps({"cmd": "explode"}).encode()

    status, reply = RunControls(run, home=home).answer(
        "POST", f"runs/{run.id}/control", body
    )

    assert status == 422
    assert "A command is one of" in reply["message"]
