"""While a cell trains, the sidebar shows every point and its Stop acts at once."""

import time
from itertools import pairwise

import pytest
from playwright.sync_api import Page, Response

from tests.support.lab import (
    Lab,
    execute,
    wait_for_kernel,
    wait_for_lab,
)
from tests.support.notebooks import install_kernel, write_notebook

_TRAINING = """\
import medlab
scan = medlab.open_scan("samples/ct-chest-small/CTChest4.nrrd")
labels = "samples/ct-chest-small/Segmentation.seg.nrrd"
recipe = medlab.Recipe(
    name="busy", segments=["right lung"], epochs=100, steps_per_epoch=20, patch=[64, 64],
    template_args={"widths": [8, 16]},
    cases=[{"scan": "samples/ct-chest-small/CTChest4.nrrd", "labels": labels}],
)
run = medlab.train.train(recipe)"""
_INSTALLED = "python3"
_STOPPED = "#medlab-training-sidebar .medlab-StateBadge.medlab-mod-stopped"


@pytest.fixture(scope="module", params=["6.31.0", "7.3.0", "7.4.0"])
def kernel(request: pytest.FixtureRequest, lab: Lab) -> str:
    return install_kernel(lab.share, request.param)


def _train(lab: Lab, page: Page, kernel: str) -> str:
    """Start a training in a notebook's cell; return its id once it takes steps."""
    known = {run["id"] for run in lab.get("medlab/runs")["runs"]}
    write_notebook(lab.root / f"busy-{kernel}.ipynb", _TRAINING, kernel=kernel)
    lab.open(page, f"busy-{kernel}.ipynb")
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")
    execute(page, "medlab:open-training")
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for run in lab.get("medlab/runs")["runs"]:
            if run["id"] not in known and run["step"] > 25:
                return str(run["id"])
        time.sleep(0.3)
    pytest.fail("The training did not start.")


def _lines(lab: Lab, run: str) -> list[dict]:
    lines, start = [], 0
    while True:
        reply = lab.get(f"medlab/runs/{run}/metrics?from={start}")
        if not reply["lines"]:
            return lines
        lines, start = lines + reply["lines"], reply["next"]


def test_a_click_on_stop_acts_on_a_busy_kernel(lab, page, kernel):
    run = _train(lab, page, kernel)
    stop = page.locator("#medlab-training-sidebar [data-command=stop]:enabled")
    stop.wait_for()
    page.evaluate(
        """() => document.querySelector('#medlab-training-sidebar [data-command=stop]')
          .addEventListener('click', () => { window.clickedAt = Date.now() / 1000; })"""
    )

    stop.click()

    page.locator(_STOPPED).wait_for()
    clicked = page.evaluate("() => window.clickedAt")
    lines = _lines(lab, run)
    acted = next(
        line["t"]
        for line in lines
        if line["kind"] == "control" and line["cmd"] == "stop"
    )
    batches = [line for line in lines if line["kind"] == "batch"]
    pace = [
        (b["t"] - a["t"]) / max(b["step"] - a["step"], 1)
        for a, b in pairwise(batches[3:])
    ]
    batch_s = max(pace)
    print(f"{kernel}: {acted - clicked:.3f} s, slowest batch {batch_s:.3f} s")
    # The mark is one batch + 0.3 s, printed above; a machine that also runs other
    # tests gets a second more.
    assert acted - clicked <= batch_s + 1.3


def test_a_reload_in_the_middle_loses_no_point(lab, page, pictures):
    run = _train(lab, page, _INSTALLED)
    before = _lines(lab, run)
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))

    page.reload()
    wait_for_lab(page)
    shown_from = time.monotonic()
    execute(page, "medlab:open-training")
    sidebar = page.locator("#medlab-training-sidebar")
    sidebar.locator(".medlab-Curve-chart canvas").first.wait_for()
    shown_s = time.monotonic() - shown_from

    print(f"sidebar complete again after {shown_s:.2f} s")
    page.screenshot(path=pictures / "sidebar-after-reload.png")
    told = [r.json() for r in list(replies) if f"{run}/metrics" in r.url and r.ok]
    lines = [line for reply in told for line in reply["lines"]]
    assert lines[: len(before)] == before
    assert int(sidebar.inner_text().split("step ")[1].split(" ")[0]) >= 25
    # The mark is 2 s; a machine that also runs other tests gets twice that.
    assert shown_s <= 4
    sidebar.locator("[data-command=stop]").click()
    page.locator(_STOPPED).wait_for()
