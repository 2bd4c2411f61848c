"""Augmentation reads presets and limits, and refuses what it cannot do with advice."""

import dataclasses

import pytest

from medlab.augment import PRESETS, Augmentation
from medlab.errors import MedlabError

TRANSFORMS = {
    field.name.removesuffix("_p")
    for field in dataclasses.fields(Augmentation)
    if field.name.endswith("_p")
}


def test_none_switches_everything_off():
    none = Augmentation.of("none")
    assert not any(map(none.is_on, TRANSFORMS))
    assert Augmentation.of(None) == none


def test_strong_uses_everything_but_mirrors_and_quarter_turns():
    strong = Augmentation.of("strong")
    on = {name for name in TRANSFORMS if strong.is_on(name)}
    assert on == TRANSFORMS - {"flip", "quarter_turn"}


def test_left_stays_left_unless_somebody_asks():
    for preset in PRESETS.values():
        assert not preset.is_on("flip")
        assert not preset.is_on("quarter_turn")
    assert Augmentation.of({"flip_p": 0.5}).is_on("flip")


def test_a_mapping_differs_from_the_default_or_from_the_preset_it_names():
    assert Augmentation.of({"noise": 0.2}) == Augmentation(noise=0.2)
    only_noise = Augmentation.of({"preset": "none", "noise": 0.2})
    assert {name for name in TRANSFORMS if only_noise.is_on(name)} == {"noise"}


def test_a_list_from_a_recipe_file_becomes_one_number_an_axis():
    limits = Augmentation.of({"turn_deg": [30, 5, 5], "flip_p": [0, 0, 1]})
    assert limits.turn_deg == (30.0, 5.0, 5.0)
    assert limits == Augmentation(turn_deg=(30.0, 5.0, 5.0), flip_p=(0.0, 0.0, 1.0))
    assert hash(limits) == hash(dataclasses.replace(limits))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(
        MedlabError,
        match=r"augmentation is 'default', 'none', 'strong' or limits for some of "
        r"turn_deg, scale, .*cutout_p, got \{'spin': 1\}\.",
    ):
        Augmentation.of({"spin": 1})
    with pytest.raises(MedlabError, match="got 'weak'"):
        Augmentation.of("weak")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise": -0.1}, "noise is a number of 0 or more, got -0.1. Change it, or"),
        ({"noise": float("nan")}, "noise is a number of 0 or more, got nan."),
        ({"blur_p": 1.5}, "blur_p is a number between 0 and 1, got 1.5."),
        ({"bend": 0.2}, "bend is a number between 0 and 0.04, got 0.2."),
        ({"scale": "much"}, "scale is a number between 0 and 0.9, got 'much'."),
        ({"scale": [0.1, 0.2]}, r"scale is a number between 0 and 0.9, got \[0.1"),
        (
            {"turn_deg": [10, 10]},
            r"turn_deg is a number or one for each axis, between 0 and 180, got \[10",
        ),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_the_range(changes, message):
    with pytest.raises(MedlabError, match=message):
        Augmentation.of(changes)
