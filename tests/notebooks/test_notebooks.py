"""The notebooks run from top to bottom and keep what they promise."""

import csv
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medlab.samples import place
from notebooks.demo import main

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
