"""A scan with a bright ball in it, labelled on some slices: quick to learn, one shape."""

import pytest

from medlab.scans import find_home
from medlab.train import Recipe
from tests.support.training import write_case


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A root with a case in it, as the working folder."""
    monkeypatch.setenv("MEDLAB_HOME", str(tmp_path / ".medlab"))
    monkeypatch.chdir(tmp_path)
    write_case(tmp_path)
    return find_home()


@pytest.fixture
def recipe():
    return Recipe(
        cases=[{"scan": "scan.nii", "labels": "labels.nii", "slices": [0, 2, 4]}],
        template_args={"widths": [4, 8]},
        patch=[16, 16],
        batch=2,
        steps_per_epoch=3,
        epochs=2,
        seed=7,
    )
