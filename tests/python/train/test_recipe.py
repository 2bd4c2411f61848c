"""A recipe is a file a person can edit, and what is wrong in it is said."""

import numpy as np
import pytest

from medlab.errors import MedlabError
from medlab.train import Recipe
from medlab.train.losses import LOSSES


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
        ("loss: focus", "loss is one of dice\\+cross-entropy.*got 'focus'"),
        ("loss: {gamma: 2}", "loss is one of.*got None"),
        ("clip_norm: 0", "clip_norm is a number above 0, got 0"),
        ("weight_decay: -1", "weight_decay is a number of 0 or more, got -1"),
        ("fold: 5", "fold is one of 0 to 4, as there are 5 folds, got 5"),
        ("workers: -1", "workers is a whole number of at least 1, got -1"),
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


def test_every_loss_there_is_can_be_named():
    for name in LOSSES:
        assert Recipe(loss={"name": name}).loss == {"name": name}
    with pytest.raises(MedlabError) as error:
        Recipe(loss="none")
    assert str(error.value).startswith(f"loss is one of {', '.join(LOSSES)}, got")
