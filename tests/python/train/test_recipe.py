"""A recipe is a file a person can edit, and what is wrong in it is said."""

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.train import Recipe


@pytest.mark.parametrize("name", ["recipe.yaml", "recipe.json"])
def test_comes_back_as_it_was_saved(tmp_path, name):
    recipe = Recipe(
        cases=[{"scan": "a.nii", "slices": np.arange(3)}],
        segments=("right lung", "left lung"),
        learning_rate=np.float64(0.01),
        validation=0.25,
    )
    assert Recipe.load(recipe.save(tmp_path / name)) == recipe


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("epochs: 0", "epochs is a whole number of at least 1, got 0"),
        ("learning_rate: 1e-3", "1e-3 is text there"),
        ("loss: focal", "loss is one of dice\\+cross-entropy.*got 'focal'"),
        ("plane: oblique", "plane is one of axial, coronal, sagittal, None"),
        ("learning_rat: 3", "got learning_rat too"),
        ("validation: 1.5", "share from 0 to below 1, got 1.5"),
        ("cases: [{image: a.nii}]", "A case names its scan.*got the fields image"),
        ("- a", "A recipe file holds fields.*got list"),
        ("a: [", "recipe.yaml cannot be read as one"),
    ],
)
def test_says_what_is_wrong_in_a_file(tmp_path, text, says):
    (tmp_path / "recipe.yaml").write_text(text)
    with pytest.raises(MedlabError, match=says):
        Recipe.load(tmp_path / "recipe.yaml")


def test_a_recipe_that_is_not_there_is_said_to_be_missing(tmp_path):
    with pytest.raises(MedlabError, match=r"no recipe absent\.yaml"):
        Recipe.load(tmp_path / "absent.yaml")


def test_replacing_an_unknown_field_is_refused():
    with pytest.raises(MedlabError, match=r"got epoch too"):
        Recipe().replace(epoch=3)
