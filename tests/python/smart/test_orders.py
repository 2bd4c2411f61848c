"""Requests are checked before a worker hears of them, and told what is wrong."""

import pytest

from medlab.errors import MedlabError
from medlab.labels.tools import TOOLS as BUILT
from medlab.smart import TOOLS, order_of


def test_every_tool_can_be_ordered():
    assert set(TOOLS) == {*BUILT, "model", "statistics"}


def test_what_is_not_told_has_its_default():
    order = order_of("seeds", {"layer": "labels-2", "rev": 7, "params": {}})
    assert (order["layer"], order["rev"]) == ("labels-2", 7)
    assert order["params"] == {
        **{"segments": None, "margin_mm": 20.0, "smoothness": 0.5},
        **{"overwrites": "visible", "region": None},
    }


@pytest.mark.parametrize(
    ("tool", "params", "sentence"),
    [
        (
            "margin",
            {"segment": 1},
            "margin must be told mm: a length of -500 to 500. Send it.",
        ),
        (
            "margin",
            {"segment": 1, "mm": "5"},
            "mm must be a length of -500 to 500, got '5'. Send another.",
        ),
        (
            "between",
            {"segment": 1, "axis": 3},
            "axis must be an axis 0, 1 or 2, got 3. Send another.",
        ),
        (
            "between",
            {"segment": 1, "axis": 2, "speed": 9},
            "between takes segment, axis, overwrites, region, got speed. Leave it out.",
        ),
        (
            "smooth",
            {"method": "magic", "mm": 1},
            "method must be one of median, open, close, gaussian, joint, got 'magic'. "
            "Send another.",
        ),
    ],
)
def test_wrong_parameters_are_told_apart(tool, params, sentence):
    with pytest.raises(MedlabError) as refusal:
        order_of(tool, {"params": params})
    assert (str(refusal.value), refusal.value.code) == (sentence, "bad-request")
