"""The notebooks run from top to bottom and keep what they promise."""

import csv
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from medlab.samples import place
from notebooks.demo import main, run_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_output(notebook: Path):
    cells = json.loads(notebook.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert {cell["execution_count"] for cell in code} == {None}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves, made in a workplace of its own."""
    workplace = tmp_path_factory.mktemp("workplace")
    place("ct-chest-small", workplace / "samples" / "ct-chest-small")
    (workplace / "notebooks").mkdir()
    for path in NOTEBOOKS:
        shutil.copy(path, workplace / "notebooks")
    main(workplace / "results", workplace / "notebooks")
    return workplace / "results"


def test_the_whole_loop_finds_both_lungs_on_slices_nobody_labelled(results: Path):
    with (results / "dice.csv").open() as table:
        dice = {row["segment"]: float(row["dice"]) for row in csv.DictReader(table)}
    print(dice)
    assert set(dice) == {"right lung", "left lung"}
    assert min(dice.values()) >= 0.93


def test_the_whole_loop_leaves_labels_model_picture_and_page(results: Path):
    assert {path.name for path in results.iterdir()} == {
        "00-the-whole-loop.html",
        "dice.csv",
        "lungs-drawn.seg.nrrd",
        "lungs-predicted.labels.json",
        "lungs-predicted.nii.gz",
        "lungs.keras",
        "lungs.png",
    }
    predicted = nibabel.load(results / "lungs-predicted.nii.gz")
    assert predicted.shape == (128, 128, 34)
    assert set(np.unique(predicted.dataobj)) == {0, 1, 2}


@dataclass(frozen=True)
class Ran:
    """A notebook that ran in a workplace of its own."""

    printed: str
    shown: list[dict[str, Any]]
    """What cells show, by MIME type: tables, pictures."""
    results: Path
    """The folder with its files."""


def run(stem: str, workplace: Path, *samples: str) -> Ran:
    """Run one notebook, with samples where it looks for scans."""
    for sample in samples:
        place(sample, workplace / "samples" / sample)
    (workplace / "notebooks").mkdir()
    notebook = next(path for path in NOTEBOOKS if path.stem == stem)
    copied = shutil.copy(notebook, workplace / "notebooks")
    results = workplace / "results"
    content = run_notebook(Path(copied), results, workplace / ".medlab")
    outputs = [out for cell in content.cells for out in cell.get("outputs", [])]
    printed = "".join(out.get("text", "") for out in outputs)
    return Ran(printed, [out.get("data", {}) for out in outputs], results)


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    workplace = tmp_path_factory.mktemp("annotating")
    return run("01-annotate-slices", workplace, "ct-chest-small", "spine-mr")


def test_annotating_keeps_locks_fills_slices_and_takes_all_of_it_back(annotated: Ran):
    printed = annotated.printed
    print(printed)
    assert sum("image/png" in shown for shown in annotated.shown) == 3
    assert "right lung as it was: True" in printed
    dice = re.search(r"Dice (\d\.\d+)", printed)
    assert dice
    assert float(dice[1]) >= 0.9
    before, undone, redone = (
        re.search(rf"{word}: (\d+) voxels, (\d+) marks", printed)
        for word in ("before", "undone", "redone")
    )
    assert before
    assert undone
    assert redone
    assert before.groups() == redone.groups()
    assert int(undone[1]) < int(before[1])
    assert (before[2], undone[2]) == ("4", "0")


def test_annotating_leaves_files_that_other_libraries_read(annotated: Ran):
    results = annotated.results
    spine = nibabel.load(results / "spine.nii.gz")
    assert spine.shape == (68, 52, 67)
    assert set(np.unique(spine.dataobj)) == {0, 1}
    with (results / "spine-marks.csv").open() as table:
        kinds = [row["kind"] for row in csv.DictReader(table)]
    assert kinds == ["point", "line", "box", "class"]
    names = [
        each["name"]
        for each in json.loads((results / "spine-marks.json").read_text())["categories"]
    ]
    assert names
    assert (results / "chest.seg.nrrd").read_bytes().startswith(b"NRRD000")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("02-train-a-segmenter", tmp_path_factory.mktemp("training"))


def test_training_is_steered_stopped_and_resumed(trained: Ran):
    printed, results = trained.printed, trained.results
    print(printed)
    assert re.search(r"held at step \d+, goes on; 12 epochs now", printed)
    assert re.search(r"stopped at step \d+", printed)
    assert "finished finished" in printed
    log = json.loads((results / "lungs-run.json").read_text())
    done = [mark["cmd"] for mark in log["marks"]]
    assert done == ["pause", "set", "resume", "stop", "resumed"]
    assert [line["epoch"] for line in log["epochs"]] == list(range(1, 13))


def test_trained_models_are_compared_and_vote(trained: Ran):
    printed, results = trained.printed, trained.results
    dice = {
        name: [float(score) for score in re.findall(r": (\d\.\d+)", row)]
        for name, row in re.findall(
            r"^(planned|Dice alone|both) +(\{.*\})$", printed, re.MULTILINE
        )
    }
    assert list(dice) == ["planned", "Dice alone", "both"]
    alone = [sum(dice[name]) / 2 for name in ("planned", "Dice alone")]
    assert sum(dice["both"]) / 2 >= max(0.6, min(alone))
    with (results / "lungs-run.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [row["epoch"] for row in rows] == [str(i) for i in range(1, 13)]
    assert "set learning_rate 0.004" in " ".join(row["marks"] for row in rows)
    labels = nibabel.load(results / "lungs-together.nii.gz")
    assert labels.shape == (128, 128, 34)
    assert set(np.unique(labels.dataobj)) == {0, 1, 2}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run("04-find-scans", tmp_path_factory.mktemp("finding"))


def test_scans_are_found_with_what_is_doubtful_about_them(found: Ran):
    printed, tables = found.printed, _tables(found)
    pictures = tables.count("data:image/png")
    pictures += sum("image/png" in shown for shown in found.shown)
    print(printed)
    read = re.search(r"(\d+) files read, (\d+) scans, (\d+) unreadable", printed)
    assert read
    assert int(read[2]) >= 25
    assert int(read[3]) == 2
    assert "again: 0 files read" in printed
    assert "161 slices are missing" in printed
    assert "2 volumes, time [0.0, 2000.0] s" in printed
    assert pictures >= 9
    assert "right lung" in tables


def test_finding_scans_shows_no_patient(found: Ran):
    told = found.printed + _tables(found)
    told += (found.results / "nifti" / "manifest.json").read_text()
    for name in ("Archibald", "Peter", "Doe"):
        assert name not in told


def test_found_scans_are_converted_for_other_programs(found: Ran):
    printed, results = found.printed, found.results
    assert "(128, 96, 24, 2), voxels as they were: True" in printed
    made = re.search(r"(\d+) scans converted, 2 failed", printed)
    assert made
    assert f"again: 0 made, {made[1]} there already" in printed
    files = list((results / "nifti").glob("*.nii.gz"))
    assert len(files) == int(made[1])
    assert {nibabel.load(path).ndim for path in files} == {3, 4}


def _tables(ran: Ran) -> str:
    return "".join(shown.get("text/html", "") for shown in ran.shown)
