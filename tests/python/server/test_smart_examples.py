"""Requests of the page for previews, one example an effect, are orders the server takes."""

import json
from pathlib import Path

import pytest

from medlab.smart import order_of

_EXAMPLES = json.loads(
    (Path(__file__).parents[2] / "contract" / "smart.json").read_text("utf-8")
)


@pytest.mark.parametrize("example", _EXAMPLES, ids=lambda example: example["effect"])
def test_a_request_of_the_page_is_an_order(example):
    params = {**example["params"], "overwrites": "background"}

    order = order_of(example["tool"], {"layer": "labels", "rev": 3, "params": params})

    assert order["params"] == {"region": None, **order["params"], **params}
