"""What the browser loads before anybody opens a 3D view stays small.

Counted on the minified build that `make test` makes; `jlpm build` makes larger files.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

from tests.support.lab import Lab

ROOT = Path(__file__).parents[2]
_LIMIT_BYTES = 250 * 1024


@pytest.fixture(scope="module", autouse=True)
def minified() -> None:
    if list((ROOT / "medlab/static/lab/static").glob("remoteEntry.*.js.map")):
        pytest.skip("A development build is in place: run `jlpm build:prod` first.")


def test_the_extension_loads_at_most_250_kb_at_first(lab: Lab, page: Page):
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))

    lab.open(page)
    page.wait_for_timeout(2000)

    ours = {r.url: len(r.body()) for r in replies if "extensions/medlab/" in r.url}
    print({url.rsplit("/", 1)[1].split("?")[0]: size for url, size in ours.items()})
    assert ours
    assert sum(ours.values()) <= _LIMIT_BYTES
    assert not [url for url in ours if "/assets/" in url]


@pytest.mark.parametrize("widget", ["slice_labeler", "volume_viewer", "run_controls"])
def test_a_widget_module_has_at_most_250_kb(widget: str):
    module = ROOT / "medlab" / "static" / "widgets" / f"{widget}.js"
    print(f"{widget}: {module.stat().st_size} bytes")
    assert module.stat().st_size <= _LIMIT_BYTES
