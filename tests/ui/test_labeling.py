"""What is drawn with the mouse in a notebook reaches the kernel and the disk.

One notebook in one browser serves all tests: each begins with an empty layer.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.support.lab import (
    Lab,
    execute,
    open_browser,
    run_python,
    wait_for_kernel,
    wait_for_lab,
)
from tests.support.notebooks import write_notebook

_NOTEBOOK = """\
import json, numpy, medlab
scan = medlab.open_scan("samples/ct-chest-small/CTChest4.nrrd")
labeler = medlab.SliceLabeler(scan, ["left lung", "right lung"], layer="by-mouse")
labeler"""
_EDITOR = "document.querySelector('.medlab-SliceLabeler').editor"
_KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[Page]:
    write_notebook(lab.root / "labeling.ipynb", _NOTEBOOK)
    with open_browser(lab) as page:
        lab.open(page, "labeling.ipynb")
        _show_labeler(page)
        yield page


@pytest.fixture
def labeler(notebook: Page) -> Page:
    """A notebook with a labeler, and nothing drawn."""
    run_python(notebook, "labeler.paint(None, numpy.ones(scan.shape, bool))")
    notebook.wait_for_function(
        f"() => {_EDITOR}.labels.data.every(label => label === 0)"
    )
    return notebook


def _show_labeler(page: Page) -> None:
    wait_for_kernel(page)
    execute(page, "notebook:run-all-cells")
    page.wait_for_selector(".medlab-Status-save[data-state='saved']")
    page.evaluate(f"() => {_EDITOR}.ready")


def _stroke(page: Page, x: float = 0.3) -> None:
    """Draw from `x` to the right in the axial plane, in parts of its width."""
    stage = page.locator(".medlab-Plane-stage").first.bounding_box()
    assert stage is not None
    y = stage["y"] + 0.45 * stage["height"]
    page.mouse.move(stage["x"] + x * stage["width"], y)
    page.mouse.down()
    page.mouse.move(stage["x"] + (x + 0.12) * stage["width"], y, steps=4)
    page.mouse.up()


def _voxel_under_mouse(page: Page) -> list[int]:
    text = page.locator(".medlab-Status-position").inner_text()
    match = re.search(r"\((\d+), (\d+), (\d+)\)", text)
    assert match, f"No voxel in the read-out: {text!r}"
    return [int(number) for number in match.groups()]


def _wait_until_saved(page: Page, timeout_ms: float = 60_000) -> None:
    page.wait_for_function(f"() => {_EDITOR}.saveState === 'saved'", timeout=timeout_ms)
    page.wait_for_selector(
        ".medlab-Status-save[data-state='saved']", timeout=timeout_ms
    )


def _in_page(page: Page) -> list[int]:
    """Places of the labelled voxels in the browser's map, i fastest."""
    return page.evaluate(
        f"""() => {{
          const places = [];
          {_EDITOR}.labels.data.forEach((label, at) => label && places.push(at));
          return places;
        }}"""
    )


def _in_kernel(page: Page) -> list[int]:
    places = "numpy.flatnonzero(labeler.labels.ravel(order='F')).tolist()"
    return json.loads(run_python(page, f"print(json.dumps({places}))"))


def test_a_stroke_reaches_the_kernel_as_the_voxels_under_the_mouse(labeler, pictures):
    _stroke(labeler)
    last = _voxel_under_mouse(labeler)
    _wait_until_saved(labeler)
    labeler.screenshot(path=pictures / "labeler.png")

    shape = json.loads(run_python(labeler, "print(list(scan.shape))"))
    spacing_mm = json.loads(run_python(labeler, "print(list(scan.spacing_mm))"))
    places = _in_kernel(labeler)
    drawn = np.stack(np.unravel_index(places, shape, order="F"), axis=1)
    stage = labeler.locator(".medlab-Plane-stage").first.bounding_box()
    labeler.mouse.move(
        stage["x"] + 0.3 * stage["width"], stage["y"] + 0.45 * stage["height"]
    )
    labeler.wait_for_function(
        "last => !document.querySelector('.medlab-Status-position')"
        ".textContent.includes(last)",
        arg=f"({', '.join(map(str, last))})",
    )
    first = _voxel_under_mouse(labeler)
    assert first[1:] == last[1:]
    assert set(drawn[:, 2]) == {first[2]}
    line = set(range(min(first[0], last[0]), max(first[0], last[0]) + 1))
    on_the_line = drawn[drawn[:, 1] == first[1]]
    assert line <= set(on_the_line[:, 0].tolist()), "the stroke has a gap"
    radius = (drawn[:, 1].max() - drawn[:, 1].min() + 1) / 2 * spacing_mm[1]
    area = len(drawn) * spacing_mm[0] * spacing_mm[1]
    length = abs(last[0] - first[0]) * spacing_mm[0]
    capsule = np.pi * radius**2 + 2 * radius * length
    assert abs(area - capsule) < 0.2 * capsule
    assert _in_page(labeler) == places


def test_undo_and_redo_reach_the_kernel_too(labeler: Page):
    _stroke(labeler)
    _wait_until_saved(labeler)
    voxels = _in_page(labeler)
    assert voxels

    labeler.keyboard.press("Control+z")
    _wait_until_saved(labeler)
    assert _in_page(labeler) == _in_kernel(labeler) == []

    labeler.keyboard.press("Control+Shift+z")
    _wait_until_saved(labeler)
    assert _in_page(labeler) == _in_kernel(labeler) == voxels


def test_labels_drawn_in_the_kernel_appear_in_the_page(labeler: Page):
    run_python(
        labeler,
        "labeler.paint('right lung', numpy.ones((9, 9, 3), bool), at=(40, 50, 15))",
    )

    labeler.wait_for_function(f"() => {_EDITOR}.labels.data.includes(2)")

    assert _in_page(labeler) == _in_kernel(labeler)


def test_strokes_are_saved_while_a_cell_runs(labeler: Page):
    labeler.evaluate(
        f"""() => {{
          void {_KERNEL}.requestExecute({{ code: 'import time; time.sleep(5)' }});
        }}"""
    )

    _stroke(labeler)
    _wait_until_saved(labeler, timeout_ms=4000)

    assert labeler.evaluate(f"() => {_KERNEL}.status") == "busy"


def test_strokes_are_there_again_after_a_reload_and_a_new_kernel(labeler: Page):
    _stroke(labeler)
    _wait_until_saved(labeler)
    voxels = _in_page(labeler)

    labeler.evaluate(f"() => {_KERNEL}.restart()")
    labeler.reload()
    wait_for_lab(labeler)
    _show_labeler(labeler)

    assert voxels
    assert _in_page(labeler) == _in_kernel(labeler) == voxels


def test_a_stroke_drawn_while_the_server_is_dead_is_saved_once_it_is_back(
    labeler: Page, lab: Lab, pictures: Path
):
    _stroke(labeler)
    _wait_until_saved(labeler)
    lab.kill()
    _stroke(labeler, x=0.6)
    labeler.wait_for_selector(".medlab-Status-save[data-state='offline']")
    labeler.screenshot(path=pictures / "labeler-offline.png")
    voxels = _in_page(labeler)

    lab.start()
    _wait_until_saved(labeler)

    scan_id = labeler.evaluate(f"() => {_EDITOR}.volume.info.id")
    layers = lab.get(f"medlab/labels/{scan_id}")["layers"]
    rev = labeler.evaluate(f"() => {_EDITOR}.rev")
    assert [each["rev"] for each in layers if each["name"] == "by-mouse"] == [rev]
    assert _in_page(labeler) == voxels
