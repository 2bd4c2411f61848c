"""A mouse stroke in the notebook's labeler, on its way to the kernel and to the disk."""

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page

from tests.support.lab import Lab, open_browser, run_python, wait_for_kernel

_SCAN = "samples/ct-chest-small/CTChest4.nrrd"
_CODE = f"""import medlab
scan = medlab.open_scan({_SCAN!r})
labeler = medlab.SliceLabeler(scan, ["left lung", "right lung"], layer="drawn")
labeler"""
_EDITOR = "document.querySelector('.medlab-SliceLabeler').editor"


@pytest.fixture
def labeler(lab: Lab) -> Iterator[Page]:
    """A notebook with a labeler, and nothing drawn."""
    book = new_notebook(
        cells=[new_code_cell(_CODE)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(book, lab.root / "label.ipynb")
    with open_browser(lab) as page:
        lab.open(page, "label.ipynb")
        wait_for_kernel(page)
        page.evaluate(
            "() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )
        page.wait_for_selector(".medlab-Plane")
        page.evaluate(f"() => {_EDITOR}.ready")
        run_python(
            page, "import numpy; labeler.paint(None, numpy.ones(scan.shape, bool))"
        )
        page.wait_for_function(
            f"() => {_EDITOR}.labels.data.every(label => label === 0)"
        )
        yield page


def stroke(page: Page, dx: int = -60) -> None:
    """Draw with the mouse in the axial plane, `dx` screen pixels beside its middle."""
    box = page.locator(".medlab-Plane.medlab-mod-axial").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2 + dx, box["y"] + box["height"] / 2
    page.mouse.move(x, y - 40)
    page.mouse.down()
    page.mouse.move(x, y + 40, steps=4)
    page.mouse.up()


def drawn(page: Page) -> list[int]:
    """Places of the labelled voxels in the browser's map, i fastest."""
    return page.evaluate(
        f"""() => {{
          const places = [];
          {_EDITOR}.labels.data.forEach((label, at) => label && places.push(at));
          return places;
        }}"""
    )


def wait_until_saved(page: Page) -> None:
    page.wait_for_selector(".medlab-Status-save[data-state='saved']")
    page.wait_for_function(f"() => {_EDITOR}.saveState === 'saved'")


def in_kernel(page: Page) -> list[int]:
    code = (
        "import json, numpy; "
        "print(json.dumps(numpy.flatnonzero(labeler.labels.ravel(order='F')).tolist()))"
    )
    return json.loads(run_python(page, code))


def test_labels_drawn_in_the_kernel_appear_in_the_page(labeler: Page):
    run_python(
        labeler,
        "import numpy; labeler.paint('right lung', numpy.ones((9, 9, 3), bool), "
        "at=(40, 50, 15))",
    )

    labeler.wait_for_function(f"() => {_EDITOR}.labels.data.includes(2)")

    assert drawn(labeler) == in_kernel(labeler)


def test_undo_and_redo_reach_the_kernel_too(labeler: Page, pictures: Path):
    stroke(labeler)
    wait_until_saved(labeler)
    voxels = drawn(labeler)
    assert in_kernel(labeler) == voxels
    labeler.screenshot(path=pictures / "labeler.png")

    labeler.keyboard.press("Control+z")
    wait_until_saved(labeler)
    assert drawn(labeler) == in_kernel(labeler) == []

    labeler.keyboard.press("Control+Shift+z")
    wait_until_saved(labeler)
    assert drawn(labeler) == in_kernel(labeler) == voxels


def test_strokes_are_saved_while_a_cell_runs(labeler: Page, lab: Lab):
    labeler.evaluate(
        """() => {
          const { session } = window.jupyterapp.shell.currentWidget.sessionContext;
          void session.kernel.requestExecute({ code: 'import time; time.sleep(8)' });
        }"""
    )

    stroke(labeler)
    labeler.wait_for_selector(".medlab-Status-save[data-state='saved']", timeout=4000)
    labeler.wait_for_function(f"() => {_EDITOR}.saveState === 'saved'", timeout=4000)

    busy = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
    assert labeler.evaluate(busy) == "busy"


def test_a_stroke_drawn_while_the_server_is_dead_is_saved_once_it_is_back(
    labeler: Page, lab: Lab, pictures: Path
):
    stroke(labeler)
    wait_until_saved(labeler)
    lab.kill()
    stroke(labeler, dx=70)
    labeler.wait_for_selector(".medlab-Status-save[data-state='offline']")
    labeler.screenshot(path=pictures / "labeler-offline.png")
    voxels = drawn(labeler)

    lab.start()
    wait_until_saved(labeler)

    scan_id = labeler.evaluate(f"() => {_EDITOR}.volume.info.id")
    layers = lab.get(f"medlab/labels/{scan_id}")["layers"]
    rev = labeler.evaluate(f"() => {_EDITOR}._session._journal.rev")
    assert next(each["rev"] for each in layers if each["name"] == "drawn") == rev
    assert drawn(labeler) == voxels
